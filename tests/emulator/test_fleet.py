from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from emulator.dice import Dice
from emulator.faults import Faults
from emulator.fleet import Fleet
from emulator.journal import Event
from emulator.settings import FleetSettings, ReturnMode, TerminalSettings
from gateway.domain.codes import ResourceCode
from gateway.errors import InvalidValueError
from gateway.protocols.feedback_bodies import TaskSwitch
from gateway.protocols.ip_bodies import ParameterSetting
from gateway.protocols.parameters import Parameter, ReturnAddress
from tests.emulator.conftest import FleetMaker
from tests.emulator.reference import RESULT, TASK, Commands, Server, ebm, rows, until


def happened(fleet: Fleet, event: Event, code: str | None = None) -> int:
    return sum(1 for _, e in fleet.journal.entries() if e.event is event and (code is None or e.terminal == code))


def commands() -> Commands:
    return Commands(now=time.time())


def plain(data: bytes) -> list[bytes]:
    return [data]


def byte_by_byte(data: bytes) -> list[bytes]:
    return [bytes((byte,)) for byte in data]


class Lossy:
    """Loses one frame in five, always the same ones."""

    def __init__(self) -> None:
        self._dice = Dice(7)

    def __call__(self, data: bytes) -> list[bytes]:
        return [] if self._dice.hits(0.2) else [data]


TRANSPORTS: dict[str, tuple[Any, Faults]] = {
    "plain": (plain, Faults()),
    "one byte at a time": (byte_by_byte, Faults(split=1.0)),
    "20 % loss": (Lossy(), Faults(loss=0.2)),
    "delayed": (plain, Faults(delay=0.03, jitter=0.02)),
    "garbage, wrong checksums, merged": (plain, Faults(garbage=0.5, corrupt=0.2, merge=0.01)),
}


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_one_broadcast_over_four_transports_and_a_dirty_one(
    name: str, server: Server, make_fleet: FleetMaker
) -> None:
    """A platform that sends again until it is answered gets every terminal to play once, whatever the line."""
    server._wrap, faults = TRANSPORTS[name]
    settings = TerminalSettings(heartbeat=0.1, registration_retry=0.05, scale=100, missed_limit=50)
    fleet = await make_fleet(20, faults=faults, seed=3, terminal=settings)
    sender = commands()
    start, stop = sender.start(1, length=3000), sender.stop(1)
    for frame, session in ((start, 101), (stop, 102)):
        for _ in range(40):
            answered = {str(packet.source.code) for packet in server.answers if packet.session == session}
            missing = [row.code for row in rows(20) if row.code not in answered]
            if not missing:
                break
            server.send(frame, [code for code in missing if code in server.lines])
            await asyncio.sleep(0.1)
        assert not missing
    await until(lambda: len({str(report.source.code) for report in server.of(RESULT)}) == 20)
    for row in rows(20):
        assert happened(fleet, Event.PLAYING, row.code) == 1
        assert happened(fleet, Event.STOPPED, row.code) == 1
    assert fleet.ears.verified == 2


async def test_three_hundred_terminals_register_answer_play_and_report(server: Server, make_fleet: FleetMaker) -> None:
    fleet = await make_fleet(300, terminal=TerminalSettings(heartbeat=5, scale=400))
    assert sum(beat.first == 1 for beat in server.heartbeats) == 300
    server.send(commands().start(1, length=61))
    await until(lambda: len(server.of(RESULT)) == 300)
    await until(lambda: happened(fleet, Event.REPORT_CONFIRMED) == 900)
    counted = Counter(entry.event for _, entry in fleet.journal.entries())
    expected = dict.fromkeys(
        (Event.CONNECTED, Event.REGISTERED, Event.START_RECEIVED, Event.ANSWERED, Event.PLAYING, Event.ENDED), 300
    )
    assert counted == {**expected, Event.REPORTED: 900, Event.REPORT_CONFIRMED: 900}
    assert len(server.answers) == 300
    assert len(server.of(TASK)) == 600
    assert fleet.ears.verified == 1


@pytest.mark.parametrize("mode", list(ReturnMode))
async def test_reports_of_one_terminal_stay_in_order(mode: ReturnMode, server: Server, make_fleet: FleetMaker) -> None:
    await make_fleet(5, returns=mode, terminal=TerminalSettings(heartbeat=1, scale=1000))
    server.send(commands().start(1, length=61))
    await until(lambda: len(server.of(RESULT)) == 5)
    for row in rows(5):
        mine = [report for report in server.reports if report.source.code == row.code]
        assert [report.service_type for report in mine] == [TASK, TASK, RESULT]
        sessions = [report.session for report in mine]
        assert sessions == sorted(set(sessions))


async def test_platform_dies_and_comes_back(server: Server, make_fleet: FleetMaker) -> None:
    """Nothing is lost: what plays goes on, reports wait for the return port, terminals return as known ones."""
    fleet = await make_fleet(10, terminal=TerminalSettings(heartbeat=0.1, scale=100))
    ports = server.gateway[1], server.feedback[1]
    server.send(commands().start(1, length=31))
    await until(lambda: len(server.answers) == 10)
    await server.close()
    await until(lambda: happened(fleet, Event.ENDED) == 10)
    assert not any(line.terminal.connected for line in fleet.lines)
    server.heartbeats.clear()
    await server.start(*ports)
    await until(lambda: len({str(report.source.code) for report in server.of(RESULT)}) == 10)
    await until(lambda: all(line.terminal.registered for line in fleet.lines))
    assert {beat.first for beat in server.heartbeats} == {2}
    assert happened(fleet, Event.PLAYING) == 10


async def test_reports_that_nobody_takes_are_given_up(server: Server, make_fleet: FleetMaker) -> None:
    fleet = await make_fleet(1, feedback=("127.0.0.1", 1), return_tries=3, backoff_cap=0.02)
    server.send(commands().start(1))
    await until(lambda: happened(fleet, Event.REPORT_LOST) >= 1)
    assert happened(fleet, Event.REPORT_CONFIRMED) == 0


async def test_reset_is_no_confirmation(server: Server, make_fleet: FleetMaker) -> None:
    """A gateway that dies with the report unsaved resets the connection; the report comes again."""

    server.resets = True
    fleet = await make_fleet(1, terminal=TerminalSettings(heartbeat=5))
    server.send(commands().start(1))
    await until(lambda: happened(fleet, Event.REPORTED) >= 2)
    assert happened(fleet, Event.REPORT_CONFIRMED) == 0
    server.resets = False
    await until(lambda: happened(fleet, Event.REPORT_CONFIRMED) == 1)
    assert len({report.session for report in server.of(TASK)}) == 1


async def test_reports_go_where_the_platform_says(server: Server, make_fleet: FleetMaker) -> None:
    fleet = await make_fleet(1, feedback=("127.0.0.1", 1))
    sender = commands()
    server.send(sender.request(ParameterSetting((Parameter(3, ReturnAddress(1, *server.feedback)),))))
    await until(lambda: len(server.answers) == 1)
    server.send(sender.start(1))
    await until(lambda: happened(fleet, Event.REPORT_CONFIRMED) >= 1)
    body = server.of(TASK)[0].body
    assert isinstance(body, TaskSwitch)
    assert body.ebm_id.ebm_id == ebm(1)


async def test_drop_and_reboot_faults_cut_the_line_and_it_returns(server: Server, make_fleet: FleetMaker) -> None:
    fleet = await make_fleet(2, terminal=TerminalSettings(heartbeat=0.5))
    dropper, rebooter = list(fleet.lines)
    dropper.set_faults(Faults(drop=1.0))
    rebooter.set_faults(Faults(reboot=1.0))
    server.send(commands().start(1))
    await until(lambda: happened(fleet, Event.REGISTERED) == 4)
    assert happened(fleet, Event.DISCONNECTED, dropper.code) == 1
    assert happened(fleet, Event.REBOOT, rebooter.code) == 1
    assert sorted(beat.first for beat in server.heartbeats[:4]) == [1, 1, 1, 2]
    assert happened(fleet, Event.PLAYING) == 0


async def test_power_goes_and_comes(server: Server, make_fleet: FleetMaker) -> None:
    fleet = await make_fleet(2)
    first = next(iter(fleet.lines))
    fleet.set_faults([first], lambda faults: faults.changed({"off": True}))
    await until(lambda: first.code not in server.lines)
    assert not first.terminal.reachable
    fleet.set_faults([first], lambda faults: faults.changed({"off": False}))
    await until(lambda: first.terminal.registered)
    assert happened(fleet, Event.REBOOT, first.code) == 1


async def test_terminals_without_power_are_not_waited_for(server: Server, make_fleet: FleetMaker) -> None:
    fleet = await make_fleet(20, faults=Faults(off=True), share=0.5, seed=5)
    connected = {line.code for line in fleet.lines if line.terminal.connected}
    assert 0 < len(connected) < 20
    assert connected == {line.code for line in fleet.lines if not line.terminal.faults.off}


def test_back_off_doubles_to_its_cap_and_differs_by_chance() -> None:
    fleet = Fleet([], FleetSettings(gateway=("127.0.0.1", 1), feedback=("127.0.0.1", 1), keys={}, seed=2))
    dice = Dice(3)
    waits = [fleet.backoff(attempt, dice) for attempt in range(12)]
    for attempt, wait in enumerate(waits):
        top = min(3.0, 0.2 * 2**attempt)
        assert top / 2 <= wait <= top
    assert len(set(waits)) == len(waits)


async def test_select_by_name_by_share_or_all(server: Server, make_fleet: FleetMaker) -> None:
    fleet = await make_fleet(40, wait=False)
    assert len(fleet.select(None, None)) == 40
    assert fleet.select(None, 0.3) == fleet.select(None, 0.3)
    assert set(fleet.select(None, 0.3)) < set(fleet.select(None, 0.6))
    assert [line.code for line in fleet.select([rows(1)[0].code], None)] == [rows(1)[0].code]
    for wrong in ((["1" * 23], None), (None, 1.5)):
        with pytest.raises(InvalidValueError):
            fleet.select(*wrong)
    assert isinstance(rows(1)[0].code, ResourceCode)
