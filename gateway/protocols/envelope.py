"""What all frames of GD/J 089-2018 D and E share: the mark FEFD, an announced length, a CRC at the end (D.2, E.2)."""

from __future__ import annotations

from gateway.errors import ChecksumMismatch, IncompleteFrame, MalformedFrame
from gateway.protocols.checksum import checks, crc32_mpeg

#: 包头标记.
MAGIC = b"\xfe\xfd"
#: 协议版本号 of the tables; any other is read and kept.
VERSION = 0x0100
CRC_SIZE = 4
#: Largest length that the 16-bit field can announce.
MAX_LENGTH = 0xFFFF


def require_whole(frame: bytes, length_at: int) -> None:
    """Check mark, length and CRC of ``frame``, whose 16-bit length field stands at ``length_at``.

    Raises MalformedFrame (mark or length), IncompleteFrame (shorter than announced; its CRC says nothing then) or
    ChecksumMismatch, in this order of sense: what is cut may still become right.
    """
    if frame[:2] != MAGIC[: len(frame)]:
        raise MalformedFrame("mark: must be FEFD (table D.2)")
    if len(frame) < length_at + 2:
        raise IncompleteFrame(length_at + 2 - len(frame), offset=len(frame))
    announced = int.from_bytes(frame[length_at : length_at + 2], "big")
    if len(frame) < announced:
        raise IncompleteFrame(announced - len(frame), offset=len(frame))
    if not checks(frame):
        found = int.from_bytes(frame[-CRC_SIZE:], "big")
        raise ChecksumMismatch(found, crc32_mpeg(frame[:-CRC_SIZE]), offset=max(0, len(frame) - CRC_SIZE))
    if len(frame) != announced:
        raise MalformedFrame(f"length: {announced} announced, {len(frame)} there", offset=length_at)
