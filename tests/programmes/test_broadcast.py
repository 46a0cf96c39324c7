"""The pace of a broadcast, by a clock that the test moves."""

from __future__ import annotations

import pytest

from gateway.programmes.broadcast import MOST_AT_ONCE, Broadcast
from gateway.programmes.events import SoundEvent, SoundKind
from gateway.programmes.options import FRAME_SECONDS
from gateway.programmes.programme import Programme
from tests.programmes.soundkit import Timers, frame, numbers


class Ear:
    """An outlet that keeps what it is given, and when."""

    def __init__(self, timers: Timers) -> None:
        self.timers, self.heard, self.at, self.finished = timers, bytearray(), [0.0], 0
        self.at.clear()

    def push(self, frame: bytes) -> None:
        self.heard += frame
        self.at.append(self.timers.time())

    def finish(self) -> None:
        self.finished += 1


def on_air(timers: Timers, told: list[SoundEvent]) -> tuple[Broadcast, Ear]:
    programme = Programme("p", [frame(number) for number in range(1000)], on_event=told.append)
    ear = Ear(timers)
    return Broadcast(programme, [ear], timers), ear


async def test_the_first_frame_is_out_when_start_returns() -> None:
    broadcast, ear = on_air(Timers(), [])
    assert not broadcast.on_air
    broadcast.start()
    assert broadcast.on_air
    assert numbers(bytes(ear.heard)) == [0]
    broadcast.stop()


async def test_a_frame_leaves_every_24_ms_and_the_pace_never_drifts() -> None:
    timers = Timers()
    broadcast, ear = on_air(timers, [])
    broadcast.start()
    timers.pass_by(10.0)
    assert numbers(bytes(ear.heard)) == list(range(417))
    assert ear.at == pytest.approx([1000.0 + number * FRAME_SECONDS for number in range(417)])
    broadcast.stop()
    assert timers.waiting == []


async def test_a_short_delay_is_made_good() -> None:
    timers = Timers()
    told: list[SoundEvent] = []
    broadcast, ear = on_air(timers, told)
    broadcast.start()
    timers.stand_still(0.2)
    timers.pass_by(0.8)
    assert numbers(bytes(ear.heard)) == list(range(42))
    assert (broadcast.frames, broadcast.missed, told) == (42, 0, [])
    broadcast.stop()


async def test_a_standstill_is_a_gap_that_is_told_and_not_a_burst() -> None:
    timers = Timers()
    told: list[SoundEvent] = []
    broadcast, ear = on_air(timers, told)
    broadcast.start()
    timers.stand_still(5.0)
    timers.pass_by(0.0)
    assert len(numbers(bytes(ear.heard))) == 1 + MOST_AT_ONCE
    assert [event.kind for event in told] == [SoundKind.STALLED]
    timers.pass_by(1.0)
    assert broadcast.frames + broadcast.missed == int(6.0 / FRAME_SECONDS) + 1
    broadcast.stop()


async def test_it_ends_once_and_for_good() -> None:
    timers = Timers()
    broadcast, ear = on_air(timers, [])
    broadcast.start()
    broadcast.start()
    broadcast.stop()
    broadcast.stop()
    broadcast.start()
    timers.pass_by(1.0)
    assert (ear.finished, broadcast.frames, broadcast.on_air) == (1, 1, False)


async def test_stopped_before_it_began_it_never_sounds() -> None:
    broadcast, ear = on_air(Timers(), [])
    broadcast.stop()
    broadcast.start()
    assert (ear.finished, bytes(ear.heard)) == (1, b"")
