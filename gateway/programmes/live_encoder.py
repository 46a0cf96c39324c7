"""Live sound to frames while it comes: one ffmpeg for each connection or call, with little delay and even loudness.

The loudness of what is not over yet cannot be measured, so it is levelled on the way (about 0.7 s behind, the encoder
included): quiet speech is raised, noise below a threshold is not, and a limiter holds the peaks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.programmes.encoder import TRUE_PEAK, output_form
from gateway.programmes.live_forms import LiveForm
from gateway.programmes.options import RATE, SoundOptions
from gateway.programmes.pipe import Pipe
from gateway.programmes.toolbox import Toolbox
from gateway.protocols.mpeg_audio import FrameSplitter

#: dynaudnorm: window (ms) and how many of them it smooths over; half of them are its delay.
_WINDOW, _WINDOWS = 100, 5
#: Most amplification (32 dB), and the peak below which nothing is raised: the noise of an open line.
_GAIN, _NOISE = 40, 0.003
#: Its target is the RMS of a window; speech of an integrated -16 LUFS has 0.4 (measured on synthetic speech).
_RMS, _RMS_LUFS = 0.4, -16.0
_INPUT: Final = (
    "-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe",
    "-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0",
)  # fmt: skip


def levelling(lufs: float) -> str:
    """ffmpeg's filters that bring speech near ``lufs`` while it comes."""
    target = min(1.0, _RMS * 10 ** ((lufs - _RMS_LUFS) / 20))
    peak = 10 ** (TRUE_PEAK / 20)
    return (
        f"aresample={RATE},dynaudnorm=f={_WINDOW}:g={_WINDOWS}:p=0.95:m={_GAIN}:r={target:.3f}:t={_NOISE}"
        f",alimiter=limit={peak:.3f}:level=disabled"
    )


class LiveEncoder:
    """One running encoder, made by ``open``; give it bytes by ``feed``, end it by ``finish`` or ``close``, once."""

    def __init__(self, pipe: Pipe, splitter: FrameSplitter, on_frames: Callable[[list[bytes]], None]) -> None:
        self._pipe = pipe
        self._splitter = splitter
        self._on_frames = on_frames

    @classmethod
    async def open(
        cls, toolbox: Toolbox, form: LiveForm, options: SoundOptions, on_frames: Callable[[list[bytes]], None]
    ) -> LiveEncoder:
        """Start it. Errors: EnvironmentLackingError where ffmpeg is missing, SoundProgramFailed."""
        splitter = FrameSplitter()
        arguments = [
            *_INPUT, *form.arguments, "-i", "pipe:0", "-af", levelling(options.loudness_lufs),
            *output_form(options.kbits), "-flush_packets", "1", "pipe:1",
        ]  # fmt: skip
        pipe = await Pipe.open(toolbox, "ffmpeg", arguments, lambda data: on_frames(splitter.feed(data)))
        return cls(pipe, splitter, on_frames)

    def feed(self, data: bytes) -> bool:
        """Hand sound over; False, and it is dropped, where ffmpeg has ended or does not read."""
        return self._pipe.feed(data)

    async def drain(self) -> None:
        """Wait until it has read nearly all that it was given."""
        await self._pipe.drain()

    async def ended(self) -> None:
        """Wait until it ended. Errors: SoundProgramFailed."""
        await self._pipe.ended()

    async def finish(self) -> None:
        """No more sound comes: hand out the rest. Errors: SoundProgramFailed."""
        await self._pipe.finish()
        self._on_frames(self._splitter.finish())

    async def close(self) -> None:
        """End it at once."""
        await self._pipe.close()
