"""Level 电平: how loud a stream is while it runs, measured by ffmpeg (EBU R 128 and plain statistics)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.errors import EnvironmentLackingError, SoundError, SoundProgramFailed
from gateway.programmes.options import RATE
from gateway.programmes.pipe import Pipe
from gateway.programmes.toolbox import Toolbox

#: Seconds of sound between two measurements (EBU Tech 3341: ebur128 works in steps of 100 ms).
STEP: Final = 0.1
#: What digital silence is shown as, dB: JSON has no infinity.
FLOOR: Final = -120.0
#: Seconds before a meter that failed is started anew, first and longest.
_AGAIN, _AGAIN_LONGEST = 1.0, 60.0
_FILTERS: Final = (
    f"aresample={RATE},ebur128=metadata=1,"
    "astats=metadata=1:reset=10:measure_perchannel=none:measure_overall=RMS_level+Peak_level,"
    "ametadata=mode=print:file=-:direct=1"
)
_ARGUMENTS: Final = (
    "-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe,file",
    "-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0", "-f", "mp3", "-i", "pipe:0",
    "-vn", "-af", _FILTERS, "-f", "null", "-",
)  # fmt: skip
_KEYS: Final = {
    b"lavfi.r128.M": "momentary",
    b"lavfi.r128.I": "integrated",
    b"lavfi.astats.Overall.RMS_level": "rms",
    b"lavfi.astats.Overall.Peak_level": "peak",
}


@dataclass(frozen=True, slots=True)
class Level:
    """How loud: RMS and peak of up to the last second (dBFS), loudness of 400 ms and of the whole (LUFS)."""

    rms: float
    peak: float
    momentary: float
    integrated: float


class LevelReader:
    """Reads what ffmpeg prints, however it is cut into pieces."""

    def __init__(self, on_level: Callable[[Level], None]) -> None:
        self._on_level = on_level
        self._rest = b""
        self._found: dict[str, float] = {}

    def feed(self, data: bytes) -> None:
        """Take output; tells each measurement that is whole."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            key, _, value = line.strip().partition(b"=")
            if key in _KEYS:
                self._found[_KEYS[key]] = _decibels(value)
                if len(self._found) == len(_KEYS):
                    self._on_level(Level(**self._found))
                    self._found.clear()


class LevelMeter:
    """Measures mp3 frames as they come; ffmpeg is started anew when it dies. Begin with ``start``, end with ``close``.

    ``on_problem`` is told each time that it cannot measure; until it can again nothing is measured, nothing else stops.
    """

    def __init__(
        self, toolbox: Toolbox, on_level: Callable[[Level], None], on_problem: Callable[[SoundError], None]
    ) -> None:
        self._toolbox = toolbox
        self._on_level = on_level
        self._on_problem = on_problem
        self._pipe: Pipe | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the ffmpeg that measures; None while none runs."""
        return None if self._pipe is None else self._pipe.pid

    def start(self) -> None:
        """Begin, in the background."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="level meter")

    def feed(self, frames: bytes) -> None:
        """Measure whole frames; without a running ffmpeg they are not measured."""
        if self._pipe is not None:
            self._pipe.feed(frames)

    async def close(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        pause = _AGAIN
        while True:
            try:
                reader = LevelReader(self._on_level)
                self._pipe = await Pipe.open(self._toolbox, "ffmpeg", _ARGUMENTS, reader.feed)
                await self._pipe.ended()
                raise SoundProgramFailed("ffmpeg", "ended by itself")
            except EnvironmentLackingError as error:
                self._on_problem(SoundError(str(error)))
                return
            except SoundError as error:
                self._on_problem(error)
            finally:
                if self._pipe is not None:
                    await self._pipe.close()
                    self._pipe = None
            await asyncio.sleep(pause)
            pause = min(2 * pause, _AGAIN_LONGEST)


def _decibels(text: bytes) -> float:
    try:
        value = float(text)
    except ValueError:
        return FLOOR
    return max(FLOOR, value) if math.isfinite(value) else FLOOR
