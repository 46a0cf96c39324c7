"""Sound with a broadcast: on the air before its start, off after its stop, each message at an address of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.message import EbmClass, Manner, MessageState
from gateway.domain.warning import Severity
from gateway.programmes.signals import Signal, packaged
from gateway.protocols.mpeg_audio import split
from tests.dispatch.ears import Ear, address
from tests.gatewaykit import (
    BareTerminal,
    Gateway,
    alarms_of,
    facts,
    hang_up,
    keep_reference,
    settings_for,
    submission,
    terminal,
    until,
    warning,
)
from tests.ports import consecutive_ports

A, B = terminal("350524100001"), terminal("350524100002")
TOWN = "350524100000"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


def section(**keys: Any) -> dict[str, Any]:
    """Sound as RTP to this host; with the words of nobody unless a test asks for a program."""
    return {
        "enabled": True,
        "host": "127.0.0.1",
        "programmes": 2,
        "tail_seconds": 0.1,
        "espeak": "/nonexistent/espeak-ng",
        **keys,
    }


@asynccontextmanager
async def sounding(folder: Path, ears: int = 2, **keys: Any) -> AsyncIterator[tuple[Gateway, BareTerminal, list[Ear]]]:
    first = keys.setdefault("first_port", consecutive_ports(2))
    heard = [Ear("127.0.0.1", first + 2 * number) for number in range(ears)]
    try:
        async with Gateway(settings_for(folder, sound=section(**keys))) as gate:
            await gate.terminals.put((A, B), "test")
            line = await BareTerminal.connect(gate.ports.terminals, A)
            yield gate, line, heard
    finally:
        await hang_up()
        for ear in heard:
            ear.close()


async def test_it_sounds_before_the_start_frame_and_until_after_the_stop_frame(tmp_path: Path) -> None:
    async with sounding(tmp_path, all_clear=False) as (gate, line, (ear, _)):
        at_start: list[int] = []
        answer = line.answer

        def answered(packet: Any, result: int) -> None:
            # Called as the frame is read, before anything else can be sent.
            at_start.append(ear.listen())
            answer(packet, result)

        line.answer = answered  # type: ignore[method-assign]
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: len(at_start) == 1)
        assert at_start[0] >= 1, "the terminal found silence at its address"
        assert address(line) == f"rtp://127.0.0.1:{ear.socket.getsockname()[1]}"
        await until(lambda: ear.listen() > 3)
        assert len(gate.state.sound.on_air()) == 1
        await gate.dispatch.cancel(str(accepted.message_id), "operator", "over")
        await until(lambda: len(at_start) == 2)
        assert len(gate.state.sound.on_air()) == 1, "it fell silent before its stop had left"
        await until(lambda: gate.state.sound.on_air() == [])
        signal = list(packaged(Signal.TWO_TONE))
        frames = ear.frames()
        assert frames[:5] == signal[:5]


async def test_two_programmes_sound_at_once_at_addresses_of_their_own(tmp_path: Path) -> None:
    async with sounding(tmp_path) as (gate, line, ears):
        one = facts(TOWN)
        await gate.dispatch.accept(submission(warning("w1")), replace(one, severity=Severity.RED))
        await gate.dispatch.accept(submission(warning("w2")), replace(one, severity=Severity.BLUE))
        await until(lambda: len(line.starts) == 2)
        assert {address(line, 0), address(line, 1)} == {f"rtp://127.0.0.1:{e.socket.getsockname()[1]}" for e in ears}
        await until(lambda: all(ear.listen() > 3 for ear in ears))
        assert ears[0].frames()[:10] == list(packaged(Signal.SIREN))[:10]
        assert ears[1].frames()[:10] == list(packaged(Signal.SOFT_CHIME))[:10]
        # All addresses are taken: the third goes out without sound, and somebody is told.
        third = await gate.dispatch.accept(submission(warning("w3")), one)
        await until(lambda: len(line.starts) == 3)
        # An address where nothing sounds: at any other its terminals would play somebody else's warning.
        assert address(line) == f"rtp://127.0.0.1:{ears[0].socket.getsockname()[1] + 4}"
        await until(lambda: "sound_no_address" in alarms_of(gate))
        await gate.dispatch.cancel(str(third.message_id), "operator", "")


async def test_after_a_cancel_the_end_is_said_once_where_it_was_heard(tmp_path: Path) -> None:
    async with sounding(tmp_path) as (gate, line, ears):
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: line.starts)
        await gate.dispatch.cancel(str(accepted.message_id), "operator", "over")
        await until(lambda: len(line.starts) == 2)
        (said,) = [m for m in gate.state.messages.values() if m.message.manner is Manner.ALL_CLEAR]
        assert said.message.text == "暴雨橙色预警，现已解除。"
        assert (said.message.ebm_class, said.message.severity) == (EbmClass.EMERGENCY, Severity.BLUE)
        assert line.stops and line.heard.index(line.stops[0]) < line.heard.index(line.starts[1])
        await until(lambda: ears[1].listen() > 3)
        assert ears[1].frames()[:5] == list(packaged(Signal.ALL_CLEAR))[:5]
        # Its own cancel is no danger's end.
        await gate.dispatch.cancel(said.ebm_id, "operator", "enough")
        await until(lambda: len(line.stops) == 2)
        line.beat()
        await until(lambda: len(line.answers) == 2)
        assert len(line.starts) == 2
    async with Gateway(settings_for(tmp_path, sound=section(first_port=consecutive_ports(2)))) as gate:
        line = await BareTerminal.connect(gate.ports.terminals, A)
        line.beat()
        await until(lambda: len(line.answers) == 2)
        assert [m.state for m in gate.state.messages.values()] == [MessageState.CANCELLED] * 2
        await hang_up()


async def test_what_never_was_on_air_and_what_is_no_emergency_has_no_all_clear(tmp_path: Path) -> None:
    async with sounding(tmp_path) as (gate, line, _):
        later = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN, start_in=600))
        drill = replace(facts(TOWN), ebm_class=EbmClass.SIMULATED_DRILL)
        drilled = await gate.dispatch.accept(submission(warning("w2")), drill)
        await until(lambda: line.starts)
        for one in (later, drilled):
            await gate.dispatch.cancel(str(one.message_id), "operator", "")
        await until(lambda: line.stops)
        line.beat()
        await until(lambda: len(line.answers) == 2)
        assert len(gate.state.messages) == 2


async def test_after_a_restart_it_sounds_again_at_the_same_address(tmp_path: Path) -> None:
    first = consecutive_ports(2)
    async with sounding(tmp_path, first_port=first) as (gate, line, (ear, _)):
        await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: line.starts and ear.listen())
        told = address(line)
    async with sounding(tmp_path, first_port=first) as (gate, line, ears):
        await until(lambda: line.starts)
        assert address(line) == told
        (on,) = gate.state.sound.on_air()
        assert on.address == told
        await until(lambda: next(ear for ear in ears if told.endswith(f":{ear.socket.getsockname()[1]}")).listen() > 2)


async def test_a_start_waits_for_no_synthesis_and_a_hanging_one_is_told(tmp_path: Path) -> None:
    stuck = tmp_path / "espeak-ng"
    stuck.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(30)\n")
    stuck.chmod(0o755)
    async with sounding(tmp_path / "data", espeak=str(stuck), program_seconds=1.0) as (gate, line, (ear, _)):
        await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: line.starts and ear.listen())
        assert gate.state.sound.on_air()[0].words == "pending"
        await until(lambda: "sound_failed" in alarms_of(gate))
        assert gate.state.sound.on_air()[0].words == "none"
        before = ear.listen()
        await until(lambda: ear.listen() > before)


async def test_a_language_without_a_voice_goes_to_a_person(tmp_path: Path) -> None:
    async with sounding(tmp_path) as (gate, line, (ear, _)):
        said = replace(facts(TOWN), text="خەتەر", language="ug")
        accepted = await gate.dispatch.accept(submission(warning("w1")), said)
        await until(lambda: "sound_needs_person" in alarms_of(gate))
        await until(lambda: line.starts and ear.listen() > 2)
        await gate.dispatch.cancel(str(accepted.message_id), "operator", "")
        mine = str(accepted.message_id)
        await until(lambda: mine not in [a.subject for a in gate.state.alarms.open if a.kind == "sound_needs_person"])


async def test_unicast_goes_to_who_is_connected_up_to_its_limit(tmp_path: Path) -> None:
    first = consecutive_ports(2)
    near, far = Ear("127.0.0.1", first), Ear("127.0.0.2", first)
    try:
        async with sounding(tmp_path, ears=0, form="unicast", first_port=first, unicast_limit=1) as (gate, line, _):
            other = await BareTerminal.connect(gate.ports.terminals, B, local_addr=("127.0.0.2", 0))
            await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
            await until(lambda: line.starts and other.starts)
            assert address(line) == f"udp://@{first}"
            await until(lambda: near.listen() > 2)
            (on,) = gate.state.sound.on_air()
            assert (on.streams, on.left_out) == (1, 1) and "sound_limit" in alarms_of(gate)
            assert far.listen() == 0
            await line.close()
            await until(lambda: far.listen() > 2)
            assert split(far.packets[-1])
            await until(lambda: "sound_limit" not in alarms_of(gate))
            await other.close()
            await until(lambda: gate.state.sound.on_air()[0].streams == 0)
    finally:
        near.close()
        far.close()


async def test_the_address_of_a_fetched_programme_is_made_of_its_message(tmp_path: Path) -> None:
    base = "http://127.0.0.1:18080"
    async with sounding(tmp_path, ears=0, form="pull", pull_base=base, pull_listeners=1) as (gate, line, _):
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: line.starts)
        assert address(line) == f"{base}/sound/{accepted.message_id}.mp3"
        pull = gate.state.sound.pull(str(accepted.message_id))
        assert split(await anext(aiter(pull)))
        pull.close()


async def test_a_system_drill_makes_no_sound_and_a_foreign_stream_is_left_alone(tmp_path: Path) -> None:
    async with sounding(tmp_path) as (gate, line, _):
        drill = replace(facts(TOWN), ebm_class=EbmClass.SYSTEM_DRILL)
        await gate.dispatch.accept(submission(warning("w1")), drill)
        stream = replace(facts(TOWN), programme_url="rtp://127.0.0.9:5004")
        await gate.dispatch.accept(submission(warning("w2")), stream)
        await until(lambda: line.starts)
        assert address(line) == "rtp://127.0.0.9:5004"
        assert gate.state.sound.on_air() == []
        assert "sound_no_address" not in alarms_of(gate)


async def test_one_who_stops_the_gateway_leaves_no_stream(tmp_path: Path) -> None:
    async with sounding(tmp_path) as (gate, line, (ear, _)):
        await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: line.starts and ear.listen() > 2)
    ear = Ear("127.0.0.1", ear_port(line))
    try:
        await asyncio.sleep(0.1)
        assert ear.listen() == 0
    finally:
        ear.close()


def ear_port(line: BareTerminal) -> int:
    """Where the line's last programme went."""
    return int(address(line).rpartition(":")[2])
