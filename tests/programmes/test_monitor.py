"""Monitored streams: real datagrams on loopback, real ffmpeg for the level, real files."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.errors import NotFoundError, OverloadedError
from gateway.programmes.encoder import output_form
from gateway.programmes.monitor import Monitor, MonitorFigures, MonitorState, MonitorTools
from gateway.programmes.monitor_options import MonitorEvent, MonitorKind, MonitorOptions
from gateway.programmes.monitors import Monitors
from gateway.programmes.recorder import Recorder, Shelf
from gateway.programmes.toolbox import Toolbox
from gateway.protocols import mpeg_audio
from tests.gatewaykit import until
from tests.programmes.soundkit import Sender, frame, tone

HERE = frozenset({"127.0.0.1"})
OPTIONS = MonitorOptions(first_port=0, ports=3, ports_for_each_link=2, listeners=2, silence_seconds=1.0)
NO_TOOLS = Toolbox(None, None, None, None, 5.0)


@dataclass
class Town:
    """Monitors with a clock that the test moves."""

    tools: MonitorTools
    monitors: Monitors
    told: list[MonitorEvent]
    closed: list[MonitorFigures]
    now: float = 1000.0
    monitor: Monitor = field(init=False)

    def begin(self, link: str = "anxi", ebm_id: str = "1" * 35) -> Monitor:
        port = self.monitors.begun(link, ebm_id, HERE)
        assert port
        self.monitor = next(self.monitors.find(one.id) for one in self.monitors.figures if one.port == port)
        return self.monitor

    @property
    def wrong(self) -> set[MonitorKind]:
        wrong: set[MonitorKind] = set()
        for event in self.told:
            (wrong.add if event.active else wrong.discard)(event.kind)
        return wrong


@asynccontextmanager
async def town(folder: Path, toolbox: Toolbox = NO_TOOLS, options: MonitorOptions = OPTIONS) -> AsyncIterator[Town]:
    told: list[MonitorEvent] = []
    closed: list[MonitorFigures] = []
    shelf = Shelf(folder / "monitor", options.record_bytes, options.record_days * 86_400)
    tools = MonitorTools(toolbox, options, shelf, lambda: made.now, lambda: made.now, told.append)
    made = Town(tools, Monitors(tools, closed.append), told, closed)
    try:
        yield made
    finally:
        await made.monitors.close()


async def encoded(toolbox: Toolbox, sound: bytes) -> list[bytes]:
    out, _ = await toolbox.run(
        "ffmpeg", "-loglevel", "error", "-f", "wav", "-i", "pipe:0", *output_form(64), "pipe:1", stdin=sound
    )
    return mpeg_audio.split(out)


async def test_a_stream_is_counted_recorded_and_heard(tmp_path: Path) -> None:
    frames = [frame(number) for number in range(70)]
    async with town(tmp_path) as made:
        monitor = made.begin()
        assert monitor.figures.state is MonitorState.WAITING
        pull = monitor.listen()
        with Sender(monitor.port) as sender:
            sender.send(*sender.packets(frames))
            await until(lambda: monitor.figures.packets == 10)
        figures = monitor.figures
        assert (figures.lost, figures.useless, figures.foreign, figures.garbage) == (0, 0, 0, 0)
        assert (figures.state, figures.source, figures.heard_at) == (MonitorState.SOUNDING, 7, 1000.0)
        # The last frame waits for the next: only then it is certain that it is one.
        assert figures.sound == pytest.approx(69 * 0.024)
        made.monitors.ended("anxi", "1" * 35)
        made.now += 2.5
        made.monitors.look()
        await until(lambda: made.closed)
        assert made.closed[0].state is MonitorState.ENDED
        assert b"".join([chunk async for chunk in pull]) == b"".join(frames[:69])
        [(name, size)] = made.monitors.shelf.names(monitor.id)
        found = made.monitors.shelf.find(name)
        assert found is not None
        assert (found.read_bytes(), size) == (b"".join(frames[:69]), 69 * 192)
        with pytest.raises(NotFoundError):
            made.monitors.find(monitor.id)
        assert [one.id for one in made.monitors.figures] == [monitor.id]


async def test_loss_disorder_doubles_garbage_and_strangers_are_told_apart(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        monitor = made.begin()
        with Sender(monitor.port) as sender, Sender(monitor.port, host="127.0.0.9") as stranger:
            packets = sender.packets([frame(number) for number in range(700)])
            dice = random.Random(7)
            packets[10], packets[11] = packets[11], packets[10]
            sent = [one for at, one in enumerate(packets) if at not in (20, 40, 41)]
            sender.send(*sent[:50], sent[49])
            sender.send(b"", b"\x80", dice.randbytes(300), packets[60][:11])
            stranger.send(*packets[60:70])
            sender.send(*sent[50:])
            with Sender(monitor.port, ssrc=8) as other:
                other.send(*other.packets([frame(0)]))
            await until(lambda: monitor.figures.foreign == 11 and monitor.figures.garbage == 4)
        made.now += 1.0
        made.monitors.look()
        figures = monitor.figures
        assert (figures.packets, figures.lost, figures.useless) == (98, 3, 1)
        assert (figures.foreign, figures.garbage) == (11, 4)
        assert figures.sound == pytest.approx((97 * 7 - 1) * 0.024)


async def test_a_stream_that_stops_is_told_until_it_goes_on(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        monitor = made.begin()
        made.now += 4.0
        made.monitors.look()
        assert MonitorKind.STALLED not in made.wrong
        made.now += 2.0
        made.monitors.look()
        assert (monitor.figures.state, MonitorKind.STALLED in made.wrong) == (MonitorState.STALLED, True)
        with Sender(monitor.port) as sender:
            sender.send(*sender.packets([frame(0), frame(1)]))
            await until(lambda: monitor.figures.packets == 1)
        made.monitors.look()
        assert (monitor.figures.state, MonitorKind.STALLED in made.wrong) == (MonitorState.SOUNDING, False)
        made.now += 601.0
        made.monitors.look()
        await until(lambda: made.closed)
        assert MonitorKind.STALLED not in made.wrong


async def test_ports_are_bounded_for_each_link_and_for_all(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        first = made.begin("anxi", "1")
        assert made.monitors.begun("anxi", "1", HERE) == first.port
        made.begin("anxi", "2")
        assert made.monitors.begun("anxi", "3", HERE) == 0
        assert [event.kind for event in made.told if event.active and event.kind is MonitorKind.NO_PORT]
        made.begin("dehua", "1")
        assert made.monitors.begun("huian", "1", HERE) == 0
        made.monitors.ended("anxi", "1")
        made.monitors.ended("anxi", "unknown")
        made.now += 2.5
        made.monitors.look()
        await until(lambda: made.closed)
        assert made.monitors.begun("anxi", "3", HERE)
        assert MonitorKind.NO_PORT not in made.wrong


async def test_a_task_that_begins_again_within_its_end_goes_on(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        monitor = made.begin()
        made.monitors.ended("anxi", "1" * 35)
        assert made.monitors.begun("anxi", "1" * 35, HERE) == monitor.port
        made.now += 3.0
        made.monitors.look()
        assert monitor.figures.state is not MonitorState.ENDED
        assert not made.closed


async def test_listeners_are_bounded(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        monitor = made.begin()
        first = monitor.listen()
        monitor.listen()
        with pytest.raises(OverloadedError):
            monitor.listen()
        first.close()
        monitor.listen()


async def test_level_is_that_of_the_sound_and_silence_is_told(tmp_path: Path, toolbox: Toolbox) -> None:
    loud = await encoded(toolbox, tone(3.0, level=0.5))
    async with town(tmp_path, toolbox) as made:
        monitor = made.begin()
        await until(lambda: monitor.pid)
        with Sender(monitor.port) as sender:
            sender.send(*sender.packets(loud))
            await until(lambda: (level := monitor.figures.level) is not None and level.integrated > -20)
            level = monitor.figures.level
            assert level is not None
            # A sine of half of full scale: peak -6.0 dBFS, RMS 3.0 dB below.
            assert level.peak == pytest.approx(-6.0, abs=0.7)
            assert level.rms == pytest.approx(-9.0, abs=0.7)
            assert monitor.figures.state is MonitorState.SOUNDING
            sender.send(*sender.packets([mpeg_audio.silent_frame()] * 140))
            await until(lambda: monitor.figures.state is MonitorState.SILENT)
            sender.send(*sender.packets(loud))
            await until(lambda: monitor.figures.state is MonitorState.SOUNDING)
        assert [event.active for event in made.told if event.kind is MonitorKind.SILENT] == [True, False]


async def test_a_meter_that_is_killed_is_told_and_started_anew(tmp_path: Path, toolbox: Toolbox) -> None:
    loud = await encoded(toolbox, tone(1.0))
    async with town(tmp_path, toolbox) as made:
        monitor = made.begin()
        await until(lambda: monitor.pid)
        pid = monitor.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: MonitorKind.UNMEASURED in made.wrong)
        await until(lambda: monitor.pid not in (None, pid))
        with Sender(monitor.port) as sender:
            packets = sender.packets(loud)
            sender.send(*packets)
            await until(lambda: monitor.figures.level is not None and MonitorKind.UNMEASURED not in made.wrong)
            await until(lambda: monitor.figures.packets == len(packets))


async def test_without_ffmpeg_all_but_the_level_works(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        monitor = made.begin()
        await until(lambda: MonitorKind.UNMEASURED in made.wrong)
        with Sender(monitor.port) as sender:
            sender.send(*sender.packets([frame(number) for number in range(14)]))
            await until(lambda: monitor.figures.packets == 2)
        assert monitor.figures.level is None
        assert monitor.figures.sound > 0


async def test_a_disk_that_takes_nothing_is_told_and_costs_only_the_recording(tmp_path: Path) -> None:
    (tmp_path / "monitor").write_text("no folder")
    async with town(tmp_path) as made:
        monitor = made.begin()
        with Sender(monitor.port) as sender:
            sender.send(*sender.packets([frame(number) for number in range(70)]))
            await until(lambda: monitor.figures.packets == 10)
            monitor.look()
            await until(lambda: monitor.figures.unrecorded > 0)
            monitor.look()
        assert MonitorKind.UNRECORDED in made.wrong
        assert monitor.figures.packets == 10


async def test_recordings_rotate_by_their_length(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, 1 << 20, 3600.0)
    recorder = Recorder(shelf, "a", seconds=1.0)
    for number in range(100):
        recorder.feed(frame(number), 0.024)
        if number % 10 == 9:
            recorder.flush()
            await until(lambda: sum(size for _, size in shelf.names()) == (number + 1) * 192)  # noqa: B023  # in its turn
    await recorder.close()
    assert [(name, size // 192) for name, size in shelf.names("a")] == [("a-000.mp3", 50), ("a-001.mp3", 50)]


def test_the_folder_is_bounded_in_size_and_age(tmp_path: Path) -> None:
    moment = 1_000_000.0
    shelf = Shelf(tmp_path, 3000, 100.0, lambda: moment)
    ages: dict[str, float] = {"old": 101.0, "a": 90.0, "b": 80.0, "c": 70.0, "d": 60.0}
    for name, age in ages.items():
        shelf.append(f"{name}.mp3", bytes(1000))
        os.utime(tmp_path / f"{name}.mp3", (moment - age,) * 2)
    (tmp_path / "of_others.txt").write_text("x")
    shelf.sweep()
    assert [name for name, _ in shelf.names()] == ["b.mp3", "c.mp3", "d.mp3"]
    replace(shelf, limit=0).sweep(keep="c.mp3")
    assert [name for name, _ in shelf.names()] == ["c.mp3"]
    assert (tmp_path / "of_others.txt").exists()


@pytest.mark.parametrize("name", ["../a.mp3", "a.txt", ".a.mp3", "/etc/passwd", "", "a/b.mp3", "link.mp3"])
def test_nothing_but_recordings_is_given_away(tmp_path: Path, name: str) -> None:
    shelf = Shelf(tmp_path / "shelf", 1000, 100.0)
    shelf.append("a.mp3", b"x")
    (tmp_path / "a.mp3").write_bytes(b"secret")
    (tmp_path / "shelf" / "link.mp3").symlink_to(tmp_path / "a.mp3")
    assert shelf.find(name) is None
    assert shelf.find("a.mp3") is not None
