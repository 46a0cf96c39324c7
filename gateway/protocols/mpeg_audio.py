"""Frames of MPEG audio layer III (ISO/IEC 11172-3 2.4.1.3, 13818-3): found in bytes, measured, and made silent.

The media of GD/J 089-2018 D.5 is mp3; sender, recorder and emulated terminal cut it into frames by this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: kbit/s by bitrate index; MPEG-1 layer III, and the lower sampling rates of MPEG-2.
_KBITS: Final = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = {1: (44100, 48000, 32000), 2: (22050, 24000, 16000)}
_SYNC: Final = 0xFFE0
HEADER_SIZE: Final = 4
#: No frame is longer: 320 kbit/s at 32 kHz.
LONGEST: Final = 1441


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """Header of one frame: ``size`` is the whole frame in bytes, ``samples`` those of each channel."""

    version: int
    kbits: int
    rate: int
    channels: int
    size: int

    @property
    def samples(self) -> int:
        """Samples of each channel: 1,152 of MPEG-1, 576 of MPEG-2."""
        return 1152 if self.version == 1 else 576

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return self.samples / self.rate

    @property
    def side_info(self) -> int:
        """Length of the side information in bytes."""
        if self.version == 1:
            return 17 if self.channels == 1 else 32
        return 9 if self.channels == 1 else 17


def header_at(data: bytes, offset: int = 0) -> FrameHeader | None:
    """Read the header of a layer III frame at ``offset``; None where none can begin (free format is none here)."""
    if len(data) < offset + HEADER_SIZE:
        return None
    first, second, third, fourth = data[offset : offset + HEADER_SIZE]
    if (first << 8 | second) & _SYNC != _SYNC or second >> 1 & 3 != 1:
        return None
    version = {3: 1, 2: 2}.get(second >> 3 & 3)
    kbits_at, rate_at, padded = third >> 4, third >> 2 & 3, third >> 1 & 1
    if version is None or kbits_at in (0, 15) or rate_at == 3:
        return None
    kbits, rate = _KBITS[version][kbits_at], _RATES[version][rate_at]
    size = (144 if version == 1 else 72) * kbits * 1000 // rate + padded
    return FrameHeader(version, kbits, rate, 1 if fourth >> 6 == 3 else 2, size)


def is_info(frame: bytes) -> bool:
    """Whether it is a Xing, Info or VBRI frame: a table of contents that a stream must not carry."""
    header = header_at(frame)
    if header is None:
        return False
    at = HEADER_SIZE + header.side_info
    return frame[at : at + 4] in (b"Xing", b"Info") or frame[36:40] == b"VBRI"


def silent_frame(kbits: int = 64, rate: int = 48000) -> bytes:
    """One mono frame of digital silence: side information of zeros says that there is nothing to decode.

    Errors: ValueError for a pair that MPEG-1 does not know.
    """
    third = _KBITS[1].index(kbits) << 4 | _RATES[1].index(rate) << 2
    head = bytes((0xFF, 0xFB, third, 0xC4))
    header = header_at(head)
    assert header is not None
    return head + bytes(header.size - HEADER_SIZE)


class FrameSplitter:
    """Cuts a stream into whole frames; tags and noise between them are left out, Info frames too.

    A header counts once the next one stands where it says, or, in ``finish``, where the bytes end with the frame.
    """

    __slots__ = ("_buffer", "skipped")

    def __init__(self) -> None:
        self._buffer = bytearray()
        #: bytes that belonged to no frame
        self.skipped = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the frames that are whole now."""
        self._buffer += data
        return self._cut(last=False)

    def finish(self) -> list[bytes]:
        """No more bytes come: return what is still whole."""
        frames = self._cut(last=True)
        self.skipped += len(self._buffer)
        self._buffer.clear()
        return frames

    def _cut(self, *, last: bool) -> list[bytes]:
        data, at, frames = bytes(self._buffer), 0, []
        while at + HEADER_SIZE <= len(data):
            header = header_at(data, at)
            if header is None:
                following = data.find(b"\xff", at + 1)
                jump = (len(data) if following < 0 else following) - at
                at, self.skipped = at + jump, self.skipped + jump
                continue
            end = at + header.size
            if end + HEADER_SIZE > len(data) and not (last and end <= len(data)):
                break
            if end + HEADER_SIZE <= len(data) and header_at(data, end) is None and not _tag_at(data, end):
                at, self.skipped = at + 1, self.skipped + 1
                continue
            frame = data[at:end]
            if not is_info(frame):
                frames.append(frame)
            at = end
        del self._buffer[:at]
        return frames


def _tag_at(data: bytes, at: int) -> bool:
    return data[at : at + 3] in (b"ID3", b"TAG") or data[at : at + 4] == b"APET"


def split(data: bytes) -> list[bytes]:
    """All frames of a file's bytes."""
    splitter = FrameSplitter()
    return splitter.feed(data) + splitter.finish()
