"""Sound to frames: measured, brought to one loudness (EBU R 128), and encoded into the form that terminals take.

mp3, 48 kHz, mono, constant bitrate, no ID3 and no Xing frame, and without bit reservoir: each frame stands alone, so
frames of siren, speech and live input follow each other, repeat and get lost without harm to their neighbours.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.errors import AudioRejected, SoundProgramFailed
from gateway.programmes.options import RATE, SoundOptions
from gateway.programmes.toolbox import Toolbox
from gateway.protocols import mpeg_audio

#: True peak that nothing may pass, dBTP (EBU R 128 leaves 1 dB; half a dB more for the codec).
TRUE_PEAK: Final = -1.5
_RANGE: Final = 11
_QUIET: Final = ("-hide_banner", "-nostdin", "-loglevel", "error")
_JSON: Final = re.compile(r"\{[^{}]*\}\s*\Z")
#: Below this (LUFS) a file holds nothing that anybody would hear.
_SILENCE: Final = -60.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """What loudnorm measured: integrated loudness and threshold in LUFS, range in LU, true peak in dBTP."""

    integrated: float
    peak: float
    range: float
    threshold: float
    offset: float


def output_form(kbits: int) -> list[str]:
    """ffmpeg's arguments for the form of every programme."""
    return [
        "-vn", "-sn", "-dn", "-ac", "1", "-ar", str(RATE), "-c:a", "libmp3lame", "-b:a", f"{kbits}k", "-reservoir", "0",
        "-map_metadata", "-1", "-fflags", "+bitexact", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3",
    ]  # fmt: skip


class Encoder:
    """Measures and encodes; input is a WAV in memory or a file that ``recordings`` has looked at."""

    def __init__(self, toolbox: Toolbox, options: SoundOptions) -> None:
        self._toolbox = toolbox
        self._options = options

    async def measure(self, sound: bytes | Path, demuxer: str = "wav") -> Loudness:
        """Loudness of the whole. Errors: AudioRejected when it cannot be decoded or is silent."""
        try:
            _, said = await self._toolbox.run(
                "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-xerror", *_source(sound, demuxer), "-vn",
                "-af", f"{self._loudnorm()}:print_format=json", "-f", "null", "-",
                stdin=sound if isinstance(sound, bytes) else b"",
            )  # fmt: skip
        except SoundProgramFailed as error:
            raise AudioRejected(
                "content", error.last_words or error.what, "must be sound that decodes to its end"
            ) from error
        found = _JSON.search(said.decode("utf-8", "replace"))
        if found is None:
            raise SoundProgramFailed("ffmpeg", "measured no loudness")
        facts = json.loads(found[0])
        names = ("input_i", "input_tp", "input_lra", "input_thresh", "target_offset")
        loudness = Loudness(*(float(facts[name]) for name in names))
        if not math.isfinite(loudness.integrated) or loudness.integrated < _SILENCE:
            raise AudioRejected(
                "loudness", f"{loudness.integrated} LUFS", f"must be above {_SILENCE:g} LUFS: it is silent"
            )
        return loudness

    async def frames(self, sound: bytes | Path, demuxer: str = "wav") -> list[bytes]:
        """Normalise and encode. Errors: as ``measure``, and SoundProgramFailed."""
        measured = await self.measure(sound, demuxer)
        known = (
            f"measured_I={measured.integrated}:measured_TP={measured.peak}:measured_LRA={measured.range}"
            f":measured_thresh={measured.threshold}:offset={measured.offset}:linear=true"
        )
        out, _ = await self._toolbox.run(
            "ffmpeg", *_QUIET, *_source(sound, demuxer), "-af", f"{self._loudnorm()}:{known}",
            *output_form(self._options.kbits), "pipe:1", stdin=sound if isinstance(sound, bytes) else b"",
        )  # fmt: skip
        frames = mpeg_audio.split(out)
        if not frames:
            raise SoundProgramFailed("ffmpeg", "encoded nothing")
        return frames

    def _loudnorm(self) -> str:
        return f"loudnorm=I={self._options.loudness_lufs:g}:TP={TRUE_PEAK:g}:LRA={_RANGE}"


def _source(sound: bytes | Path, demuxer: str) -> list[str]:
    """Input arguments: one demuxer, one protocol, so that a file can name no other file and no address."""
    if isinstance(sound, bytes):
        return ["-protocol_whitelist", "pipe", "-f", demuxer, "-i", "pipe:0"]
    return ["-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{sound.absolute()}"]
