"""Players of a fleet: real sockets of loopback, a platform that starts and stops, a sender of frames with numbers."""

from __future__ import annotations

import os
import socket
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from emulator.faults import Faults
from emulator.fleet import Fleet
from emulator.journal import Event
from emulator.listener import HeardSound
from emulator.settings import Claims, FleetSettings, PlayerSettings, TerminalSettings
from gateway.errors import InvalidValueError
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox
from gateway.protocols.feedback_bodies import BroadcastResult, FaultReport, TaskSwitch
from gateway.protocols.ip_bodies import Heartbeat
from gateway.protocols.mpeg_audio import split
from tests.emulator.conftest import FleetMaker
from tests.emulator.reference import CERTIFICATE, FAULT, RESULT, TASK, Commands, Server, ebm, keys, rows, until
from tests.ports import free_port
from tests.programmes.soundkit import Sender, frame, numbers

SEVEN = [frame(number) for number in range(1, 8)]


def listening(fleet: Fleet) -> list[HeardSound]:
    assert fleet.listening is not None
    return list(fleet.listening.heard())


def entries(fleet: Fleet, event: Event) -> list[str]:
    return [entry.reason for _, entry in fleet.journal.entries() if entry.event is event]


def with_player(claims: Claims = Claims.HEARD, **player: Any) -> dict[str, Any]:
    """Settings of a fleet with players."""
    terminal = TerminalSettings(heartbeat=0.1, registration_retry=0.05, player=claims)
    return {"terminal": terminal, "player": PlayerSettings(**{"linger": 0.2, "interface": "127.0.0.1", **player})}


class Platform:
    """Starts and stops messages whose sound comes to one port of loopback."""

    def __init__(self, server: Server) -> None:
        self.port = free_port(socket.SOCK_DGRAM)
        self.rtp, self.udp = f"rtp://127.0.0.1:{self.port}", f"udp://@{self.port}"
        self._server, self._commands = server, Commands(now=time.time())

    async def start(self, url: str, number: int = 1) -> None:
        before = len(self._server.answers)
        self._server.send(self._commands.start(number, url=url))
        await until(lambda: len(self._server.answers) > before)

    def stop(self, number: int = 1) -> None:
        self._server.send(self._commands.stop(number))


@pytest.fixture
def platform(server: Server) -> Platform:
    return Platform(server)


def task_switches(server: Server) -> list[int]:
    return [packet.body.switch for packet in server.of(TASK) if isinstance(packet.body, TaskSwitch)]


def faults_told(server: Server) -> list[int]:
    return [packet.body.flag for packet in server.of(FAULT) if isinstance(packet.body, FaultReport)]


def results(server: Server) -> list[int]:
    return [packet.body.result for packet in server.of(RESULT) if isinstance(packet.body, BroadcastResult)]


async def test_play_is_reported_once_sound_is_heard(server: Server, make_fleet: FleetMaker, platform: Platform) -> None:
    fleet = await make_fleet(2, **with_player())
    await platform.start(platform.rtp)
    await until(lambda: fleet.listening is not None and len(listening(fleet)) == 2)
    assert task_switches(server) == []
    server.heartbeats.clear()
    await until(lambda: len(server.heartbeats) >= 4)
    assert {beat.state for beat in server.heartbeats if isinstance(beat, Heartbeat)} == {1}
    with Sender(platform.port) as sender:
        sender.send(*sender.packets(SEVEN * 10))
        await until(lambda: task_switches(server) == [1, 1])
        await until(lambda: [heard.packets for heard in listening(fleet)] == [10, 10])
        await until(lambda: server.heartbeats[-1].state == 2)
        platform.stop()
        await until(lambda: sorted(task_switches(server)) == [1, 1, 2, 2])
        sender.send(*sender.packets(SEVEN))
        await until(lambda: len(entries(fleet, Event.SOUND_AFTER)) == 2)
    await until(lambda: results(server) == [1, 1])
    for heard in listening(fleet):
        assert (heard.ebm_id, heard.source, heard.lost, heard.gaps) == (ebm(1), platform.rtp, 0, 0)
        assert heard.seconds == pytest.approx(1.68)
        assert heard.after == pytest.approx(0.168)
        assert heard.first is not None
    assert len(entries(fleet, Event.SOUND_STARTED)) == len(entries(fleet, Event.SOUND_STOPPED)) == 2
    assert entries(fleet, Event.SOUND_STOPPED)[0].startswith("heard 1.68 s in 10 packets, first after ")
    assert entries(fleet, Event.SOUND_AFTER)[0] == "0.17 s of sound after the end"
    assert faults_told(server) == []


async def test_who_hears_nothing_reports_a_fault_and_no_play(
    server: Server, make_fleet: FleetMaker, platform: Platform
) -> None:
    fleet = await make_fleet(1, **with_player(patience=0.1))
    await platform.start(platform.rtp)
    await until(lambda: faults_told(server) == [1])
    await until(lambda: server.heartbeats[-1].state == 3)
    assert entries(fleet, Event.SILENCE) == ["no sound for 0.1 s"]
    platform.stop()
    await until(lambda: results(server) == [0])
    await until(lambda: faults_told(server) == [1, 2])
    await until(lambda: server.heartbeats[-1].state == 1)
    assert task_switches(server) == []
    assert [heard.first for heard in listening(fleet)] == [None]


async def test_who_goes_by_the_start_frame_claims_play_that_nobody_hears(
    server: Server, make_fleet: FleetMaker, platform: Platform
) -> None:
    """Real devices of this kind exist; the journal tells what the reports do not."""
    fleet = await make_fleet(1, **with_player(Claims.TOLD, patience=0.1))
    await platform.start(platform.rtp)
    await until(lambda: entries(fleet, Event.SILENCE) == ["no sound for 0.1 s"])
    platform.stop()
    await until(lambda: results(server) == [1])
    await until(lambda: task_switches(server) == [1, 2])
    assert faults_told(server) == []


async def test_sound_that_breaks_off_and_comes_back(server: Server, make_fleet: FleetMaker, platform: Platform) -> None:
    fleet = await make_fleet(1, **with_player(patience=0.15))
    await platform.start(platform.rtp)
    with Sender(platform.port) as sender:
        sender.send(*sender.packets(SEVEN))
        await until(lambda: faults_told(server) == [1])
        sender.send(*sender.packets(SEVEN))
        await until(lambda: faults_told(server)[:2] == [1, 2])
    await until(lambda: len(entries(fleet, Event.SOUND_STARTED)) == 2)
    assert "again" in entries(fleet, Event.SOUND_STARTED)[1]
    assert task_switches(server) == [1]


async def test_faults_of_the_player_deaf_and_losing(server: Server, make_fleet: FleetMaker, platform: Platform) -> None:
    fleet = await make_fleet(3, **with_player())
    deaf, losing, well = fleet.lines
    fleet.set_faults([deaf], lambda _: Faults(deaf=True))
    fleet.set_faults([losing], lambda _: Faults(stream_loss=0.2))
    await platform.start(platform.rtp)
    await until(lambda: len(listening(fleet)) == 3)
    with Sender(platform.port) as sender:
        sender.send(*sender.packets(SEVEN * 100))
        await until(lambda: listening(fleet)[2].packets == 100)
        # Packets behind a lost one wait for it; at the end what waits is heard.
        platform.stop()
        await until(lambda: len(entries(fleet, Event.SOUND_STOPPED)) == 3)
    heard = {one.terminal: one for one in listening(fleet)}
    assert heard[deaf.code].packets == 0
    assert heard[well.code].lost == 0
    few = heard[losing.code]
    assert 60 < few.packets < 95
    # What is lost after the last packet heard shows in nothing.
    assert few.packets + few.lost == pytest.approx(100, abs=6)
    assert few.missing == pytest.approx(few.lost * 0.168, abs=0.01)


async def test_datagrams_of_a_unicast_stream(server: Server, make_fleet: FleetMaker, platform: Platform) -> None:
    fleet = await make_fleet(1, **with_player())
    await platform.start(platform.udp)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"".join(SEVEN), b"noise", b"".join(SEVEN)):
            sender.sendto(data, ("127.0.0.1", platform.port))
        await until(lambda: [heard.packets for heard in listening(fleet)] == [2])
    await until(lambda: task_switches(server) == [1])


@asynccontextmanager
async def radio(*answers: list[bytes] | int) -> AsyncIterator[str]:
    """An HTTP server that gives a stream of each of these once, one after another, or a status."""
    left = list(answers)

    async def stream(request: web.Request) -> web.StreamResponse:
        answer = left.pop(0) if left else 404
        if isinstance(answer, int):
            return web.Response(status=answer)
        response = web.StreamResponse(headers={"Content-Type": "audio/mpeg"})
        await response.prepare(request)
        for piece in answer:
            await response.write(piece)
        return response

    application = web.Application()
    application.add_routes([web.get("/sound/1.mp3", stream)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/sound/1.mp3"
    finally:
        await runner.cleanup()


async def test_a_stream_is_pulled_and_pulled_again_when_it_breaks(
    server: Server, make_fleet: FleetMaker, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.tuners._AGAIN", 0.02)
    fleet = await make_fleet(1, **with_player())
    sound = b"".join(SEVEN * 3)
    async with radio(503, [sound[:1000], sound[1000:]], [sound]) as url:
        await platform.start(url)
        await until(lambda: task_switches(server) == [1])
        await until(lambda: listening(fleet)[0].seconds == pytest.approx(40 * 0.024, abs=0.05))
        platform.stop()
        await until(lambda: results(server) == [1])
        await fleet.close()
    assert entries(fleet, Event.SILENCE)[0] == "HTTP 503"


async def test_an_address_that_cannot_be_opened_is_told(
    server: Server, make_fleet: FleetMaker, platform: Platform
) -> None:
    fleet = await make_fleet(1, **with_player(patience=0.1))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", platform.port))
        await platform.start(platform.rtp)
        await until(lambda: faults_told(server) == [1])
    assert "in use" in entries(fleet, Event.SILENCE)[0]


async def test_an_address_that_is_none_is_refused(server: Server, make_fleet: FleetMaker, platform: Platform) -> None:
    fleet = await make_fleet(1, **with_player())
    await platform.start("rtsp://127.0.0.1:554/1")
    assert entries(fleet, Event.REFUSED) == ["54 programme address"]
    assert listening(fleet) == []


async def test_a_higher_message_takes_the_air_and_the_lower_is_heard_again(
    server: Server, make_fleet: FleetMaker, platform: Platform
) -> None:
    fleet = await make_fleet(1, **with_player())
    other = free_port(socket.SOCK_DGRAM)
    commands = Commands(now=time.time(), session=500)
    server.send(commands.start(1, severity=3, url=platform.rtp))
    await until(lambda: len(listening(fleet)) == 1)
    with Sender(platform.port) as lower, Sender(other) as higher:
        lower.send(*lower.packets(SEVEN))
        await until(lambda: task_switches(server) == [1])
        server.send(commands.start(2, severity=1, url=f"rtp://127.0.0.1:{other}"))
        await until(lambda: task_switches(server) == [1, 2])
        higher.send(*higher.packets(SEVEN * 2))
        await until(lambda: task_switches(server) == [1, 2, 1])
        server.send(commands.stop(2))
        await until(lambda: len(entries(fleet, Event.RESUMED)) == 1)
        lower.send(*lower.packets(SEVEN * 3))
        await until(lambda: task_switches(server) == [1, 2, 1, 2, 1])
    heard = {(one.ebm_id, one.packets) for one in listening(fleet)}
    assert {(ebm(1), 1), (ebm(2), 2)} < heard


async def test_power_that_goes_ends_the_listening(server: Server, make_fleet: FleetMaker, platform: Platform) -> None:
    fleet = await make_fleet(1, **with_player())
    await platform.start(platform.rtp)
    await until(lambda: len(listening(fleet)) == 1)
    fleet.set_faults(fleet.lines, lambda _: Faults(off=True))
    await until(lambda: len(entries(fleet, Event.SOUND_STOPPED)) == 1)
    assert results(server) == []


async def test_what_is_heard_is_on_tape(
    server: Server, make_fleet: FleetMaker, platform: Platform, tmp_path: Path
) -> None:
    program = Toolbox.find(SoundOptions()).ffmpeg
    if program is None and os.environ.get("EBGW_TEST_SOUND") != "required":
        pytest.skip("ffmpeg is missing")
    fleet = await make_fleet(3, **with_player(tape=tmp_path / "tapes", tapes=2))
    await platform.start(platform.rtp)
    await until(lambda: len(listening(fleet)) == 3)
    with Sender(platform.port) as sender:
        packets = sender.packets(SEVEN * 10)
        del packets[4]
        sender.send(*packets)
        # Those behind the lost one wait for it until the end.
        await until(lambda: [heard.packets for heard in listening(fleet)] == [4] * 3)
        platform.stop()
        await until(lambda: len(entries(fleet, Event.SOUND_STOPPED)) == 3)
        sender.send(*sender.packets(SEVEN))
    assert [heard.packets for heard in listening(fleet)] == [9] * 3
    await until(lambda: len(entries(fleet, Event.TAPE)) == 2)
    tapes = sorted(tmp_path.glob("tapes/*.mp3"))
    assert [tape.stem for tape in tapes] == [f"{row.code}-{ebm(1)}" for row in rows(2)]
    assert numbers(b"".join(split(tapes[0].read_bytes()))) == [*range(1, 8)] * 4 + [0] * 7 + [*range(1, 8)] * 5
    with wave.open(str(tapes[0].with_suffix(".wav"))) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (48_000, 1, 2)
        assert wav.getnframes() / 48_000 == pytest.approx(1.68, abs=0.05)


async def test_without_ffmpeg_the_mp3_is_kept_and_the_wav_is_missed(
    server: Server, make_fleet: FleetMaker, platform: Platform, tmp_path: Path
) -> None:
    fleet = await make_fleet(1, **with_player(tape=tmp_path, ffmpeg="/nowhere/ffmpeg"))
    await platform.start(platform.rtp)
    with Sender(platform.port) as sender:
        sender.send(*sender.packets(SEVEN))
        await until(lambda: [heard.packets for heard in listening(fleet)] == [1])
    platform.stop()
    await until(lambda: len(entries(fleet, Event.TAPE)) == 1)
    assert "ffmpeg is not installed" in entries(fleet, Event.TAPE)[0]
    assert len(list(tmp_path.glob("*.mp3"))) == 1


def test_a_fleet_has_players_as_its_terminals_have() -> None:
    with pytest.raises(InvalidValueError, match="player"):
        FleetSettings(("127.0.0.1", 1), ("127.0.0.1", 1), {CERTIFICATE: keys().public}, player=PlayerSettings())
    assert asdict(PlayerSettings())["tape"] is None
