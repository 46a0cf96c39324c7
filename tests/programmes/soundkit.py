"""Sound made for tests, frames that can be told apart, and timers that the test moves."""

from __future__ import annotations

import asyncio
import io
import math
import wave
from array import array
from collections.abc import Callable
from typing import cast

from gateway.protocols.mpeg_audio import header_at, silent_frame


def tone(seconds: float, *, hertz: float = 440.0, level: float = 0.3, rate: int = 48_000, channels: int = 1) -> bytes:
    """A WAV file with a sine."""
    samples = array("h")
    for index in range(round(seconds * rate)):
        samples.extend([round(32767 * level * math.sin(2 * math.pi * hertz * index / rate))] * channels)
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return made.getvalue()


def frame(number: int) -> bytes:
    """A whole mp3 frame of 192 bytes that carries its number where silence has none."""
    return silent_frame()[:-4] + number.to_bytes(4, "big")


def numbers(sound: bytes) -> list[int]:
    """The numbers of the frames in ``sound``, each of which must be whole."""
    found = []
    while sound:
        header = header_at(sound)
        assert header is not None
        assert len(sound) >= header.size
        found.append(int.from_bytes(sound[header.size - 4 : header.size], "big"))
        sound = sound[header.size :]
    return found


class Timer:
    """A call that waits."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when, self.callback, self.cancelled = when, callback, False

    def cancel(self) -> None:
        self.cancelled = True


class Timers:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        self.timers.append(Timer(when, callback))
        return cast(asyncio.TimerHandle, self.timers[-1])

    @property
    def waiting(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.cancelled]

    def pass_by(self, seconds: float) -> None:
        """Let time pass, each call at its time."""
        until = self.now + seconds
        while due := [timer for timer in self.waiting if timer.when <= until]:
            timer = min(due, key=lambda timer: timer.when)
            self.timers.remove(timer)
            self.now = max(self.now, timer.when)
            timer.callback()
        self.now = until

    def stand_still(self, seconds: float) -> None:
        """The loop is busy: time passes and nothing is called."""
        self.now += seconds
