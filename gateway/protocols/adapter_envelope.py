"""What a frame of GD/J 089-2018 appendix A announces of itself: its mark, and its length in two steps (A.1, A.3)."""

from __future__ import annotations

from gateway.errors import ChecksumMismatch, IncompleteFrame, MalformedFrame
from gateway.protocols.checksum import checks, crc32_mpeg
from gateway.protocols.envelope import CRC_SIZE
from gateway.protocols.signature import BLOCK_SIZE

HEADER_SIZE = 9
#: Where the length of the content stands.
LENGTH_AT = 5
#: Lengths of the signature that are known: left out, or one block.
SIGNATURE_SIZES = (0, BLOCK_SIZE)


def is_head(frame: bytes) -> bool:
    """Whether ``frame`` begins as a packet of appendix A, as far as it goes; no bytes begin nothing."""
    return frame[:1] in (b"\x49", b"\x50") and frame[1:3] == b"\x00\x01"[: len(frame) - 1]


def content_size(data: bytes | bytearray, at: int = 0) -> int:
    """Return the length of the content that the header at ``at`` announces."""
    return int.from_bytes(data[at + LENGTH_AT : at + HEADER_SIZE], "big")


def require_whole(frame: bytes) -> None:
    """Check mark, lengths and CRC of ``frame``.

    Raises MalformedFrame (mark or lengths), IncompleteFrame or ChecksumMismatch: what is cut may still become right,
    and where the CRC is wrong the length of the signature cannot be believed.
    """
    if frame and not is_head(frame):
        raise MalformedFrame("mark: must be 49 or 50, then version 0001 (table A.1)")
    if len(frame) < HEADER_SIZE:
        raise IncompleteFrame(HEADER_SIZE - len(frame), offset=len(frame))
    end = HEADER_SIZE + content_size(frame)
    if len(frame) < end + 2:
        raise IncompleteFrame(end + 2 - len(frame), offset=len(frame))
    signature = int.from_bytes(frame[end : end + 2], "big")
    total = end + 2 + signature + CRC_SIZE
    if len(frame) < total and signature in SIGNATURE_SIZES:
        raise IncompleteFrame(total - len(frame), offset=len(frame))
    if not checks(frame):
        found = int.from_bytes(frame[-CRC_SIZE:], "big")
        raise ChecksumMismatch(found, crc32_mpeg(frame[:-CRC_SIZE]), offset=len(frame) - CRC_SIZE)
    if signature not in SIGNATURE_SIZES:
        raise MalformedFrame(f"signature length: {signature} is neither 0 nor {BLOCK_SIZE} (table A.3)", offset=end)
    if len(frame) != total:
        raise MalformedFrame(f"length: {total} announced, {len(frame)} there", offset=LENGTH_AT)
