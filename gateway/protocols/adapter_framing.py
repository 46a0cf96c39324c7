"""Frames of GD/J 089-2018 appendix A in a stream: the part of ``framing`` that knows their mark and lengths."""

from __future__ import annotations

import re

from gateway.errors import ChecksumMismatch, FrameTooLarge, MalformedFrame
from gateway.protocols.adapter_envelope import HEADER_SIZE, LENGTH_AT, SIGNATURE_SIZES, content_size
from gateway.protocols.adapter_types import ProtocolType
from gateway.protocols.checksum import checks, crc32_mpeg
from gateway.protocols.envelope import CRC_SIZE
from gateway.protocols.shape import Kind, u16
from gateway.protocols.verdict import Head, Verdict

#: Marks of all appendices: FEFD, or a head and version 0001.
_MARK = re.compile(rb"\xfe\xfd|[\x49\x50]\x00\x01")
_BEGUN = re.compile(rb"[\x49\x50]\x00?\Z")
#: platform_type of the table; a frame with another is still taken where its type is known.
_PLATFORM_TYPES = (1, 2)
_KNOWN = frozenset(map(int, ProtocolType))
#: What may exceed the ordinary limit: texts with many codes, lists, certificates, records.
LARGE = frozenset(
    {
        ProtocolType.BROADCAST,
        ProtocolType.WHITE_LIST,
        ProtocolType.CERTIFICATES,
        ProtocolType.ADAPTER_CERTIFICATES,
        ProtocolType.RECORDS,
    }
)


def next_mark(held: bytearray, at: int) -> int:
    """Return where the next mark of any appendix stands, from ``at`` on, or -1."""
    found = _MARK.search(held, at)
    return -1 if found is None else found.start()


def begun(held: bytearray, at: int) -> int:
    """Return how many bytes at the end, none before ``at``, may be the beginning of a mark of appendix A."""
    found = _BEGUN.search(held, max(at, len(held) - 2))
    return 0 if found is None else len(held) - found.start()


def judge(held: bytearray, at: int, max_frame: int, max_large: int) -> Verdict:
    """Decide about the header of appendix A at ``at``: a frame, more bytes needed, or an error.

    The lengths inside do not confirm each other as in D and E, so the head must be of a known type or source, and
    limits are checked before anything is waited for.
    """
    there = len(held) - at
    if there < HEADER_SIZE:
        return Verdict(HEADER_SIZE)
    protocol_type, by_table = held[at + 3], held[at + 4] in _PLATFORM_TYPES
    if protocol_type not in _KNOWN and not by_table:
        return _refuse(MalformedFrame("head: neither its type nor its source is of table A.1", offset=3))
    end = HEADER_SIZE + content_size(held, at)
    limit = max_large if by_table and protocol_type in LARGE else max_frame
    if end + 2 + CRC_SIZE > limit:
        return _refuse(FrameTooLarge(f"data_length: frame exceeds {limit} bytes", offset=LENGTH_AT))
    if there < end + 2:
        return Verdict(end + 2)
    signature = u16(held, at + end)
    if signature not in SIGNATURE_SIZES:
        return _refuse(MalformedFrame(f"signature length: {signature} is no length of table A.3", offset=end))
    total = end + 2 + signature + CRC_SIZE
    if total > limit:
        return _refuse(FrameTooLarge(f"data_length: frame exceeds {limit} bytes", offset=LENGTH_AT))
    if there < total:
        return Verdict(total)
    frame = bytes(held[at : at + total])
    if checks(frame):
        return Verdict(total, kind=Kind.ADAPTER)
    stated = int.from_bytes(frame[-CRC_SIZE:], "big")
    error = ChecksumMismatch(stated, crc32_mpeg(frame[:-CRC_SIZE]), offset=total - CRC_SIZE)
    head = Head(Kind.ADAPTER, 0, frame[0], b"", protocol_type) if by_table and protocol_type in _KNOWN else None
    return Verdict(total if total > max_frame else 0, error=error, head=head)


def _refuse(error: MalformedFrame) -> Verdict:
    return Verdict(0, error=error)
