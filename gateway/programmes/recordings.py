"""Recorded files 录音文件: looked at by content, held against limits, and named errors for what is wrong with them."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.errors import AudioRejected, SoundProgramFailed
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox

#: Containers that are read. Playlists and scripts (hls, concat, ffmetadata) are not: they name other files.
_DEMUXERS: Final = ("mp3", "wav", "flac", "ogg", "aac", "amr", "mov")
_LEAST_RATE: Final = 8_000
_MOST_CHANNELS: Final = 8
_LEAST_SECONDS: Final = 0.2
#: A WAV chunk: its name and its length in bytes. Recorders that cannot go back leave the length 0 or all ones.
_CHUNK: Final = struct.Struct("<4sI")
_RIFF_SIZE: Final = 12
_UNTOLD: Final = (0, 0xFFFF_FFFF)


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """What a file is, by its content and not by its name; ``seconds`` of sound."""

    demuxer: str
    codec: str
    rate: int
    channels: int
    seconds: float
    size: int


async def inspect(toolbox: Toolbox, path: Path, options: SoundOptions) -> RecordingFacts:
    """Look at a recorded file. Errors: AudioRejected naming field and rule; EnvironmentLackingError without ffprobe."""
    size = _size(path, options)
    url = _url(path)
    arguments = (
        "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file", "-format_whitelist", ",".join(_DEMUXERS),
        "-show_entries", "format=format_name,duration:stream=codec_type,codec_name,sample_rate,channels,duration",
        "-of", "json", url,
    )  # fmt: skip
    try:
        out, _ = await toolbox.run("ffprobe", *arguments)
    except SoundProgramFailed as error:
        raise AudioRejected("type", error.last_words or error.what, f"must be one of {', '.join(_DEMUXERS)}") from error
    facts = _held_against(json.loads(out), size, options)
    if facts.demuxer == "wav":
        _refuse_cut_wav(path, size)
    return facts


def _refuse_cut_wav(path: Path, size: int) -> None:
    """ffprobe reckons the length of a WAV from the file, so a cut one looks whole: its own header says otherwise."""
    at = _RIFF_SIZE
    with path.open("rb") as file:
        while at + _CHUNK.size <= size:
            file.seek(at)
            name, length = _CHUNK.unpack(file.read(_CHUNK.size))
            at += _CHUNK.size + length + length % 2
            if name == b"data":
                if length not in _UNTOLD and at - length % 2 > size:
                    held = length - (at - length % 2 - size)
                    raise AudioRejected("size", f"{held} bytes of sound", f"its header promises {length}: it is cut")
                return


def _url(path: Path) -> str:
    return f"file:{path.absolute()}"


def _size(path: Path, options: SoundOptions) -> int:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise AudioRejected("file", path.name, f"cannot be read: {error.strerror}") from error
    if not path.is_file():
        raise AudioRejected("file", path.name, "must be a plain file")
    if not 0 < size <= options.max_file_bytes:
        raise AudioRejected("size", f"{size} bytes", f"must be 1-{options.max_file_bytes} bytes")
    return size


def _held_against(found: dict[str, Any], size: int, options: SoundOptions) -> RecordingFacts:
    sounds = [stream for stream in found.get("streams", ()) if stream.get("codec_type") == "audio"]
    names = str(found.get("format", {}).get("format_name", "")).split(",")
    demuxer = next((name for name in names if name in _DEMUXERS), None)
    if demuxer is None or not sounds:
        raise AudioRejected("type", ",".join(names), "must hold sound")
    stream = sounds[0]
    rate, channels = int(stream.get("sample_rate") or 0), int(stream.get("channels") or 0)
    try:
        seconds = float(found["format"].get("duration") or stream.get("duration") or 0)
    except ValueError:
        seconds = 0.0
    if rate < _LEAST_RATE:
        raise AudioRejected("sample rate", f"{rate} Hz", f"must be at least {_LEAST_RATE} Hz")
    if not 1 <= channels <= _MOST_CHANNELS:
        raise AudioRejected("channels", channels, f"must be 1-{_MOST_CHANNELS}")
    if not _LEAST_SECONDS <= seconds <= options.max_file_seconds:
        raise AudioRejected("duration", f"{seconds:g} s", f"must be {_LEAST_SECONDS:g}-{options.max_file_seconds:g} s")
    return RecordingFacts(demuxer, str(stream.get("codec_name")), rate, channels, seconds, size)


def check_whole(facts: RecordingFacts, heard: float) -> None:
    """Refuse a file that promises more than it holds: what is cut off might be the place names.

    ``heard`` is the length in seconds after decoding. Errors: AudioRejected.
    """
    if heard < 0.95 * facts.seconds - 0.2:
        raise AudioRejected("duration", f"{heard:.1f} s", f"the header promises {facts.seconds:.1f} s: the file is cut")
