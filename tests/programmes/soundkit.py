"""Sound made for tests, frames that can be told apart, and timers that the test moves."""

from __future__ import annotations

import asyncio
import io
import math
import os
import socket
import wave
from array import array
from collections.abc import Callable
from typing import cast

import pytest

from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox
from gateway.protocols import rtp
from gateway.protocols.mpeg_audio import header_at, silent_frame


def sound_programs() -> Toolbox:
    """ffmpeg and espeak-ng; without them the test is skipped, or fails where EBGW_TEST_SOUND=required."""
    found = Toolbox.find(SoundOptions())
    missing = [capability.en for capability in found.capabilities() if not capability.present]
    if missing and os.environ.get("EBGW_TEST_SOUND") == "required":
        pytest.fail("; ".join(missing))
    if missing:
        pytest.skip("; ".join(missing))
    return found


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


class Sender:
    """Sends mp3 frames as RTP of payload type 14 from a socket of its own, seven in a packet."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", ssrc: int = 7) -> None:
        self.number, self._to, self._ssrc = 0, ("127.0.0.1", port), ssrc
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def packets(self, frames: list[bytes]) -> list[bytes]:
        """The next packets of the stream, not sent yet."""
        made = []
        for at in range(0, len(frames), 7):
            payload = b"".join(frames[at : at + 7])
            made.append(rtp.build(rtp.RtpPacket(14, self.number & 0xFFFF, self.number * 15_120, self._ssrc, payload)))
            self.number += 1
        return made

    def send(self, *datagrams: bytes) -> None:
        """Send datagrams as they are."""
        for data in datagrams:
            self._socket.sendto(data, self._to)
