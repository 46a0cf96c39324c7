"""Signals 警报音: the siren or chime before the words, by severity; packaged as frames, so that they need no program.

Waveforms are computed and always the same. ``python -m gateway.programmes.signals`` (with ffmpeg) makes the packaged
files anew: of a signal that repeats, three turns are encoded and the middle one is kept, so that it joins to itself.
"""

from __future__ import annotations

import asyncio
import io
import math
import wave
from array import array
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from gateway.domain.warning import Severity
from gateway.programmes.encoder import output_form
from gateway.programmes.options import RATE, SoundOptions
from gateway.programmes.toolbox import Toolbox
from gateway.protocols import mpeg_audio

_FOLDER: Final = Path(__file__).parent / "data"
_FRAME: Final = 1152
_LEVEL: Final = 0.6


class Signal(StrEnum):
    """The packaged signals."""

    SIREN = "siren"
    TWO_TONE = "two_tone"
    CHIME = "chime"
    SOFT_CHIME = "soft_chime"
    ALL_CLEAR = "all_clear"

    @property
    def turns(self) -> int:
        """How often it sounds before the words."""
        return {Signal.SIREN: 3, Signal.TWO_TONE: 4, Signal.CHIME: 2}.get(self, 1)

    @property
    def loops(self) -> bool:
        """Whether its end joins its beginning."""
        return self in (Signal.SIREN, Signal.TWO_TONE)

    @property
    def frame_count(self) -> int:
        """Frames of one turn (24 ms each)."""
        return {Signal.SIREN: 84, Signal.TWO_TONE: 42, Signal.CHIME: 50, Signal.SOFT_CHIME: 60}.get(self, 84)


def signal_of(severity: Severity) -> Signal:
    """Siren for red, two tones for orange, chimes for the others (the choice is ours; GD/J 089-2018 leaves it open)."""
    return {Severity.RED: Signal.SIREN, Severity.ORANGE: Signal.TWO_TONE, Severity.YELLOW: Signal.CHIME}.get(
        severity, Signal.SOFT_CHIME
    )


@cache
def packaged(signal: Signal) -> tuple[bytes, ...]:
    """Frames of one turn of a signal: 64 kbit/s, 48 kHz, mono."""
    return tuple(mpeg_audio.split((_FOLDER / f"{signal}.mp3").read_bytes()))


def waveform(signal: Signal, turns: int = 1) -> array[int]:
    """Samples of ``turns`` turns: mono, 16 bits, 48 kHz."""
    one = array("h", (round(32767 * _LEVEL * value) for value in _turn(signal)))
    return one * turns


def _turn(signal: Signal) -> list[float]:
    count = signal.frame_count * _FRAME
    if signal is Signal.SIREN:
        return _siren(count)
    if signal is Signal.TWO_TONE:
        return _two_tone(count)
    notes = {
        Signal.CHIME: ((880.0, 0.0), (698.46, 0.35)),
        Signal.SOFT_CHIME: ((659.26, 0.0), (523.25, 0.4)),
        Signal.ALL_CLEAR: ((523.25, 0.0), (659.26, 0.3), (783.99, 0.6)),
    }[signal]
    return _chime(count, notes)


def _siren(count: int) -> list[float]:
    """A tone that rises from 500 to 1,200 Hz and falls again; its phase closes at the end of the turn."""

    def pitch(turn: float) -> float:
        return 850.0 - 350.0 * math.cos(2 * math.pi * turn)

    # The integral of the pitch over a turn is 850 Hz × its length: rounded to whole waves, no click where it joins.
    stretch = round(850.0 * count / RATE) / (850.0 * count / RATE)
    phase, made = 0.0, []
    for index in range(count):
        made.append(math.sin(phase) * 0.8 + math.sin(3 * phase) * 0.2)
        phase += 2 * math.pi * stretch * pitch(index / count) / RATE
    return made


def _two_tone(count: int) -> list[float]:
    half = count // 2

    def tone(hertz: float) -> list[float]:
        waves = round(hertz * half / RATE)
        swell: Callable[[int], float] = lambda i: min(1.0, i / 480, (half - i) / 480)  # noqa: E731
        return [math.sin(2 * math.pi * waves * i / half) * swell(i) for i in range(half)]

    return tone(960.0) + tone(770.0)


def _chime(count: int, notes: tuple[tuple[float, float], ...]) -> list[float]:
    """Struck notes (Hz, second at which each begins) that die away."""
    made = [0.0] * count
    for hertz, begins in notes:
        first = int(begins * RATE)
        for index in range(first, count):
            t = (index - first) / RATE
            fade = min(1.0, t / 0.005) * math.exp(-4.0 * t) * min(1.0, (count - index) / 2400)
            wave_ = math.sin(2 * math.pi * hertz * t) + 0.3 * math.sin(4 * math.pi * hertz * t)
            made[index] += 0.5 * fade * wave_
    highest = max(abs(value) for value in made)
    return [value / highest for value in made]


def wav(samples: array[int]) -> bytes:
    """Samples as a WAV file."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return made.getvalue()


async def encode(toolbox: Toolbox, signal: Signal) -> list[bytes]:
    """Frames of one turn, as they are packaged. Errors: EnvironmentLackingError, SoundProgramFailed."""
    turns = 3 if signal.loops else 1
    arguments = ("-hide_banner", "-nostdin", "-loglevel", "error", "-f", "wav", "-i", "pipe:0")
    out, _ = await toolbox.run("ffmpeg", *arguments, *output_form(64), "pipe:1", stdin=wav(waveform(signal, turns)))
    frames, length = mpeg_audio.split(out), signal.frame_count
    return frames[length : 2 * length] if signal.loops else frames


async def _main() -> None:
    toolbox = Toolbox.find(SoundOptions())
    for signal in Signal:
        await asyncio.to_thread((_FOLDER / f"{signal}.mp3").write_bytes, b"".join(await encode(toolbox, signal)))


if __name__ == "__main__":
    asyncio.run(_main())
