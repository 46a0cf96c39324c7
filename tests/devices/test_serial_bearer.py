"""The serial bearer at an emulated bus on a real pty: who hears, who answers, and what is said of those who do not."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from emulator.bus import BusSettings
from emulator.bus_faults import BusFaults
from emulator.bus_port import PtyPort, Rfc2217Port, TcpPort
from emulator.faults import HEALTHY
from gateway.devices.bearer import Errand, ErrandUnsupported, LinkState
from gateway.devices.events import Known
from gateway.domain.ladder import Authenticity
from gateway.domain.message import Command
from gateway.domain.receiver import Route, RouteKind
from gateway.protocols import fastpath, ip
from gateway.protocols import parameters as tags
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import GeneralAnswer, ServiceType, UnknownBody
from gateway.protocols.parameters import Parameter
from gateway.protocols.results import ResultCode
from tests.devices.serialkit import BAUD, Notebook, Rig, bearer_for, bus, knowns, link_for, message, rig
from tests.emulator.reference import PLATFORM
from tests.gatewaykit import until


def served(there: Rig, count: int) -> None:
    """Every terminal plays once, is counted as handed, and has said so itself."""
    assert sorted(there.heard("playing")) == sorted(known.source for known in there.notes.terminals)
    assert there.notes.handed[0][1] == tuple(range(1, count + 1))
    assert {answer[0] for answer in there.notes.answers if answer[3] == 0} == set(range(1, count + 1))


async def test_all_hear_it_at_once_and_then_answer_one_by_one(tmp_path: Path) -> None:
    async with rig(8, tmp_path) as there:
        carried = await there.start()
        assert (carried.error, carried.silent, carried.refused) == ("", frozenset(), {})
        served(there, 8)
        # Nobody answered the frame for many: each answer is in the session of a frame for one.
        assert [answer[1] for answer in there.notes.answers] == [single.order for single in there.notes.unicasts]
        origin = there.notes.answers[0][4]
        assert (origin.bound, origin.authenticity, origin.peer) == (True, Authenticity.ADDRESS, "serial:bus")


async def test_a_frame_for_one_is_its_own_poll(tmp_path: Path) -> None:
    async with rig(3, tmp_path) as there:
        one = there.notes.terminals[1]
        errand = there.notes.errand(Command.START, [one], message(), targets=(one.terminal.code,))
        assert (await there.carry(errand)).silent == frozenset()
        assert [answer[:2] for answer in there.notes.answers] == [(2, errand.order)]
        assert not there.notes.unicasts


@pytest.mark.parametrize("grain", [1, 16], ids=["byte by byte", "in pieces"])
@pytest.mark.parametrize(
    ("kind", "scheme"), [(None, "pty"), (TcpPort, "socket"), (Rfc2217Port, "rfc2217")], ids=["pty", "socket", "rfc2217"]
)
async def test_every_kind_of_port(tmp_path: Path, kind: Any, scheme: str, grain: int) -> None:
    port = None if kind is None else lambda receive: kind(0, receive)
    async with rig(4, tmp_path, port=port, settings=BusSettings(baud=BAUD, grain=grain)) as there:
        assert scheme == "pty" or there.bearer.line._link.url.startswith(scheme)
        assert (await there.start()).silent == frozenset()
        served(there, 4)


async def test_rfc2217_sets_the_far_port(tmp_path: Path) -> None:
    async with rig(1, tmp_path, port=lambda receive: Rfc2217Port(0, receive), link={"parity": "E"}) as there:
        assert isinstance(there.bus.port, Rfc2217Port)
        far = there.bus.port.settings
        assert (far.baudrate, far.parity, far.stopbits) == (BAUD, "E", 1)


async def test_a_fifth_of_everything_lost(tmp_path: Path) -> None:
    async with rig(12, tmp_path, link={"tries": 6}, faults=replace(HEALTHY, loss=0.2), seed=7) as there:
        carried = await there.start()
        assert carried.silent == frozenset()
        assert "lost" in {entry.event for _, entry in there.bus.journal.entries()}
        served(there, 12)


async def test_noise_before_answers(tmp_path: Path) -> None:
    async with rig(6, tmp_path) as there:
        there.bus.bus_faults = BusFaults(noise=1.0)
        with structlog.testing.capture_logs() as logs:
            assert (await there.start()).silent == frozenset()
        codes = [entry["code"] for entry in logs if entry["event"] == "frame refused"]
        assert sorted(codes) == sorted(set(codes))
        served(there, 6)
        assert there.bearer.hearing.counters.bytes_skipped


async def test_two_who_answer_at_once_are_seen_and_asked_again(tmp_path: Path) -> None:
    async with rig(6, tmp_path, link={"tries": 8}, seed=3) as there:
        there.bus.bus_faults = BusFaults(collide=0.4)
        assert (await there.start()).silent == frozenset()
        served(there, 6)
        assert there.bearer.line.counters.collisions
        # The same bytes again: a terminal knows them and does nothing twice.
        assert len(there.notes.unicasts) == 6


async def test_half_answers_end_by_silence(tmp_path: Path) -> None:
    async with rig(2, tmp_path) as there:
        there.bus.bus_faults = BusFaults(half=1.0)
        assert (await there.start()).silent == {1, 2}
        there.bus.bus_faults = BusFaults()
        assert (await there.start(2)).silent == frozenset()


async def test_the_silent_and_those_who_refuse(tmp_path: Path) -> None:
    async with rig(4, tmp_path) as there:
        lines = list(there.bus.lines)
        there.bus.set_faults(lines[:1], lambda faults: replace(faults, silent=True))
        there.bus.set_faults(lines[1:2], lambda faults: replace(faults, refuse=73))
        carried = await there.start()
        assert carried.silent == {1}
        assert carried.refused == {2: 73}


async def test_our_own_bytes_come_back(tmp_path: Path) -> None:
    async with rig(4, tmp_path, link={"echo": True}) as there:
        there.bus.bus_faults = BusFaults(echo=True)
        assert (await there.start()).silent == frozenset()
        served(there, 4)
        assert there.bearer.line.counters.echoes == there.bearer.line.counters.written == 5


async def test_an_echo_that_does_not_come_has_the_frame_written_again(tmp_path: Path) -> None:
    async with rig(2, tmp_path, link={"echo": True, "tries": 3}) as there:
        assert (await there.start()).silent == frozenset()
        assert [handed[1] for handed in there.notes.handed[:3]] == [(1, 2)] * 3
        assert sorted(there.heard("playing")) == sorted(known.source for known in there.notes.terminals)


async def test_settings_reach_all_and_each_confirms(tmp_path: Path) -> None:
    async with rig(3, tmp_path) as there:
        wanted = (Parameter(tags.VOLUME, 33),)
        errand = there.notes.errand(Command.SET, there.notes.terminals, parameters=wanted)
        assert (await there.carry(errand)).silent == frozenset()
        assert {line.terminal.device.volume for line in there.bus.lines} == {33}
        assert {answer[3] for answer in there.notes.answers} == {0}


async def test_a_query_waits_for_the_values_behind_each_answer(tmp_path: Path) -> None:
    async with rig(3, tmp_path) as there:
        errand = there.notes.errand(Command.QUERY, there.notes.terminals, tags=(tags.VOLUME,))
        assert (await there.carry(errand)).silent == frozenset()
        assert [report[0] for report in there.notes.reports] == [1, 2, 3]
        bodies = [report[1].body for report in there.notes.reports]
        assert all(isinstance(body, QueryAnswer) and body.params[0].value == 50 for body in bodies)
        assert there.bearer.line.counters.collisions == 0


async def test_a_start_still_queued_is_never_written_once_its_stop_is_there(tmp_path: Path) -> None:
    async with rig(2, tmp_path) as there:
        notes = there.notes
        first = asyncio.create_task(there.start(1))
        await asyncio.sleep(0)
        second = asyncio.create_task(there.start(2))
        await asyncio.sleep(0)
        stop = await there.carry(notes.errand(Command.STOP, notes.terminals, message(2)))
        assert stop.error == ""
        assert (await first).error == ""
        assert "stopped" in (await second).error
        assert all(
            entry.ebm_id != message(2).ebm_id
            for _, entry in there.bus.journal.entries()
            if entry.event == "start_received"
        )


async def test_what_came_too_late_is_not_written(tmp_path: Path) -> None:
    async with rig(1, tmp_path) as there:
        carried = await there.start(until=time.time() - 1)
        assert "its time passed" in carried.error
        assert not there.bearer.line.counters.written


async def test_what_is_void_when_its_turn_comes_is_not_written(tmp_path: Path) -> None:
    async with rig(1, tmp_path) as there:
        carried = await there.start(void=lambda: True)
        assert carried.error
        assert not there.bearer.line.counters.written


async def test_a_red_message_goes_before_the_polls_of_another(tmp_path: Path) -> None:
    async with rig(8, tmp_path) as there:
        yellow = asyncio.create_task(there.start(1, priority=(0, 3, 3, 0)))
        await until(lambda: there.notes.answers)
        red = there.notes.errand(Command.START, there.notes.terminals, message(2), priority=(0, 3, 1, 0))
        done = asyncio.create_task(there.carry(red))
        await until(lambda: any(handed[0] == red.order for handed in there.notes.handed))
        assert len(there.notes.answers) <= 3
        assert (await yellow).silent == (await done).silent == frozenset()


async def test_an_unplugged_port_comes_back(tmp_path: Path) -> None:
    async with rig(2, tmp_path) as there:
        there.bus.unplug()
        await until(lambda: there.bearer.health.state is LinkState.DOWN)
        assert "not open" in there.bearer.health.detail
        assert "down" in (await there.start(1)).error
        await there.bus.port.plug()
        await until(lambda: there.bearer.health.state is LinkState.UP)
        assert (await there.start(2)).silent == frozenset()
        assert [health.state for health in there.notes.links] == [LinkState.UP, LinkState.DOWN, LinkState.UP]


async def test_a_line_that_dies_in_mid_frame_hands_nothing_over(tmp_path: Path) -> None:
    slow: dict[str, Any] = {"settings": BusSettings(baud=9600), "link": {"baud": 9600}}
    async with rig(2, tmp_path, **slow) as there:
        carrying = asyncio.create_task(there.start())
        await until(lambda: there.bearer.line.counters.written)
        there.bus.unplug()
        assert "down" in (await carrying).error
        assert not there.notes.handed


async def test_a_line_that_dies_between_answers_leaves_the_others_silent(tmp_path: Path) -> None:
    async with rig(8, tmp_path) as there:
        carrying = asyncio.create_task(there.start())
        await until(lambda: len(there.notes.answers) == 3)
        there.bus.unplug()
        carried = await carrying
        assert carried.error == ""
        assert carried.silent == set(range(1, 9)) - {answer[0] for answer in there.notes.answers}


async def test_buses_side_by_side(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    async with rig(4, tmp_path / "a") as one, rig(4, tmp_path / "b") as other:
        other.bus.unplug()
        both = await asyncio.gather(one.start(), other.start())
        assert both[0].silent == frozenset()
        assert both[1].error


async def test_a_port_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    notes = Notebook(knowns(1))
    bearer = bearer_for(link_for(str(tmp_path / "none")), notes)
    await bearer.open()
    errand = notes.errand(Command.START, notes.terminals, message())
    assert "down" in (await bearer.carry(await bearer.make(errand))).error
    assert "No such file" in (await bearer.probe()).detail
    with pytest.raises(ErrandUnsupported):
        await bearer.make(Errand(1, Command.START, (), ()))
    await bearer.close()


async def test_kernel_direction_needs_a_driver_that_has_it(tmp_path: Path) -> None:
    async with rig(1, tmp_path, link={"direction": "kernel"}, open_wait=False) as there:
        await until(lambda: there.bearer.health.state is LinkState.DOWN)
        assert "RS-485" in there.bearer.health.detail


async def test_a_terminal_of_another_route_only_claims(tmp_path: Path) -> None:
    async with rig(1, tmp_path) as there:
        elsewhere = knowns(1, Route(RouteKind.SERIAL, "other"))
        there.notes._by_code = {elsewhere[0].source: elsewhere[0]}
        await there.start()
        assert not there.notes.answers[0][4].bound


async def test_an_rs232_terminal_registers_plays_and_reports(tmp_path: Path) -> None:
    async with rig(1, tmp_path, settings=BusSettings(baud=BAUD, alone=True), link={"mode": "rs232"}) as there:
        (line,) = there.bus.lines
        await until(lambda: line.terminal.registered)
        line.apply(line.terminal.connection_made(there.bus.now()))  # says that it is up already
        await until(lambda: (1, False) in there.notes.registrations)
        there.notes.registrations.clear()
        # Its power-up concerns a broadcast: the answer waits until the receipt is kept.
        there.notes.receipt = 5
        there.bus.set_faults([line], lambda faults: replace(faults, off=True))
        there.bus.set_faults([line], lambda faults: replace(faults, off=False))
        await until(lambda: (1, True) in there.notes.registrations)
        assert not line.terminal.registered
        there.notes.durable = 5
        await until(lambda: line.terminal.registered)
        assert (await there.start()).silent == frozenset()
        await until(lambda: there.notes.reports)


@pytest.mark.parametrize(("change", "code"), [("unknown", 59), ("other", 71), ("physical", 71)])
async def test_a_heartbeat_of_somebody_else_is_refused(tmp_path: Path, change: str, code: int) -> None:
    async with bus(1, tmp_path, settings=BusSettings(baud=BAUD, alone=True)) as there:
        (known,) = knowns(1, Route(RouteKind.SERIAL, "other" if change == "other" else "bus"))
        if change == "physical":
            (line,) = there.lines
            line.terminal.device.physical = b"\x09" * 6
        notes = Notebook([] if change == "unknown" else [known])
        link = link_for(there.port.url, mode="rs232")
        bearer = bearer_for(link, notes)
        await bearer.open()
        (line,) = there.lines
        await until(lambda: bearer.health.state is LinkState.UP)
        line.apply(line.terminal.connection_made(there.now()))
        await until(lambda: any(entry.reason == f"registration: {code}" for _, entry in there.journal.entries()))
        assert notes.strangers
        await bearer.close()


@pytest.mark.parametrize("result", [ResultCode.CRC_ERROR, ResultCode.PARSE_ERROR])
async def test_a_frame_hurt_on_its_way_is_asked_again(tmp_path: Path, result: int) -> None:
    async with rig(1, tmp_path) as there:
        (line,) = there.bus.lines
        there.bus.set_faults([line], lambda faults: replace(faults, refuse=int(result)))
        carried = await there.start()
        assert carried.refused == {1: result} and not carried.silent
        assert there.bearer.line.counters.written == 3


async def heard_by(*pieces: bytes) -> Notebook:
    """What a bearer tells of bytes as they come from its port, whatever port that is."""
    notes = Notebook(knowns(2))
    bearer = bearer_for(link_for("/dev/none"), notes)
    for piece in pieces:
        bearer.line.received(piece)
    await bearer.close()
    return notes


def answer_of(known: Known, session: int = 7) -> bytes:
    source, target = WireCode.of(known.source).raw, WireCode.of(PLATFORM).raw
    return fastpath.build_answer(session, ServiceType.START, source, target, 0)


async def test_an_answer_behind_one_cut_at_any_offset_is_heard() -> None:
    one, other = (answer_of(known) for known in knowns(2))
    for offset in range(len(one)):
        notes = await heard_by(one[:offset], other)
        assert [answer[0] for answer in notes.answers] == [2], offset
    for offset in range(len(one)):
        notes = await heard_by(one[:offset], one[offset:])
        assert [answer[0] for answer in notes.answers] == [1], offset


async def test_an_answer_with_any_byte_wrong_changes_nothing() -> None:
    frame = answer_of(knowns(1)[0])
    for offset in range(len(frame)):
        hurt = frame[:offset] + bytes((frame[offset] ^ 0x55,)) + frame[offset + 1 :]
        assert not (await heard_by(hurt)).answers, offset


async def test_an_answer_of_a_terminal_that_nobody_knows_is_a_stranger() -> None:
    stranger = knowns(3)[2]
    notes = await heard_by(answer_of(stranger))
    assert not notes.answers
    assert notes.strangers == [(stranger.source, "", "unknown_code")]


async def test_a_request_that_we_do_not_know_is_answered_55_and_its_repeat_the_same(tmp_path: Path) -> None:
    (known,) = knowns(1)
    source, target = WireCode.of(known.source), WireCode.of(PLATFORM)
    request = ip.build(ip.IpPacket(9, source, (target,), 0x77, UnknownBody(b"x")))
    far: list[bytes] = []
    port = PtyPort(tmp_path / "bus", far.append)
    await port.plug()
    notes = Notebook([known])
    link = link_for(port.url, mode="rs232")
    bearer = bearer_for(link, notes)
    await bearer.open()
    await until(lambda: bearer.health.state is LinkState.UP)
    for count in (1, 2):
        port.write(request)
        await until(lambda count=count: len(b"".join(far)) == 50 * count)  # type: ignore[misc]
    said = b"".join(far)
    assert said[:50] == said[50:]
    answer = ip.parse(said[:50])
    assert (answer.session, answer.service_type, answer.targets) == (9, 0x77, (source,))
    assert isinstance(answer.body, GeneralAnswer) and answer.body.result == ResultCode.NOT_SUPPORTED
    await bearer.close()
    port.unplug()
