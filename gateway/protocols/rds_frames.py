"""RDS数据帧 (GD/J 085-2018 5.4, tables 21 and 22): a packet and its CRC-16 in frames of 8 bytes, and back.

A frame names the level of its source, the version of its packet, how many frames there are and which one it is; level
and version together say to which packet it belongs. There are 32 versions, so each comes again with another packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import construct

from gateway.errors import ChecksumMismatch, FrameError, InvalidValueError, MalformedFrame
from gateway.protocols import rds
from gateway.protocols.checksum import crc16_ccitt
from gateway.protocols.fields import bit_record

FRAME_SIZE = 8
CHUNK_SIZE = 5
VERSIONS = 32
#: 数据包来源级别 of table 22: 1 nation, 2 province, 3 city, 4 county, 5 township, 6 village.
LEVELS = range(1, 7)
_CRC_SIZE = 2
#: Frames of the smallest packet.
MIN_FRAMES = -(-(rds.MIN_PACKET + _CRC_SIZE) // CHUNK_SIZE)


@dataclass(frozen=True, slots=True)
class RdsFrame:
    """One frame (table 21): source level, version 0-31, number of frames, index from 0, five bytes of the packet."""

    level: int
    version: int
    total: int
    index: int
    chunk: bytes


_OCTET = construct.Octet
FRAME = bit_record(
    RdsFrame,
    level=construct.BitsInteger(3),
    version=construct.BitsInteger(5),
    total=_OCTET,
    index=_OCTET,
    chunk=construct.Bytewise(construct.Bytes(CHUNK_SIZE)),
)


class Assembled(NamedTuple):
    """A packet whose CRC-16 is right."""

    level: int
    version: int
    raw: bytes


class Broken(NamedTuple):
    """Frames that gave no packet: of which level and version, and why."""

    level: int
    version: int
    error: FrameError


def frames_needed(packet_size: int) -> int:
    """Return how many frames a packet of ``packet_size`` bytes takes."""
    return -(-(packet_size + _CRC_SIZE) // CHUNK_SIZE)


def split(packet: bytes, level: int, version: int) -> list[bytes]:
    """Return the frames of ``packet``, the last one filled with ones.

    Raises InvalidValueError naming the level, the version or the packet that table 21 or 22 does not know.
    """
    if level not in LEVELS:
        raise InvalidValueError("level", level, "must be 1-6 (085 table 22)")
    if not 0 <= version < VERSIONS:
        raise InvalidValueError("version", version, "must be 0-31 (085 table 21)")
    if not rds.MIN_PACKET <= len(packet) <= rds.MAX_PACKET:
        rule = f"must have {rds.MIN_PACKET}-{rds.MAX_PACKET} bytes (085 tables 1 and 21)"
        raise InvalidValueError("packet", f"{len(packet)} bytes", rule)
    total = frames_needed(len(packet))
    data = (packet + crc16_ccitt(packet).to_bytes(_CRC_SIZE, "big")).ljust(total * CHUNK_SIZE, b"\xff")
    chunks = (data[at : at + CHUNK_SIZE] for at in range(0, len(data), CHUNK_SIZE))
    return [FRAME.build(RdsFrame(level, version, total, index, chunk)) for index, chunk in enumerate(chunks)]


def unpack(data: bytes) -> bytes:
    """Return the packet in the joined chunks of all its frames.

    Raises MalformedFrame where the length in it does not match the number of frames, or ChecksumMismatch.
    """
    size = rds.announced(data)
    if frames_needed(size) * CHUNK_SIZE != len(data):
        raise MalformedFrame(f"length: a packet of {size} bytes does not take {len(data) // CHUNK_SIZE} frames")
    found, expected = int.from_bytes(data[size : size + _CRC_SIZE], "big"), crc16_ccitt(data[:size])
    if found != expected:
        raise ChecksumMismatch(found, expected, offset=size, digits=4)
    return data[:size]


class _Partial:
    """What has come of one packet; masks have a bit for each frame."""

    __slots__ = ("data", "delivered", "last", "run", "there", "total")

    def __init__(self, total: int) -> None:
        self.total = total
        self.data = bytearray(total * CHUNK_SIZE)
        self.there = self.run = 0
        self.last = -1
        self.delivered: bytes | None = None

    def put(self, index: int, chunk: bytes) -> bool:
        """Take one chunk; return whether all are there now.

        A chunk that differs from the one held means that the version was reused: what came before the present run of
        rising indexes belongs to the former packet and is forgotten.
        """
        bit, at = 1 << index, index * CHUNK_SIZE
        if index <= self.last:
            self.run = 0
        if self.there & bit and self.data[at : at + CHUNK_SIZE] != chunk:
            self.there = self.run
        self.data[at : at + CHUNK_SIZE] = chunk
        self.there |= bit
        self.run |= bit
        self.last = index
        return self.there == (1 << self.total) - 1

    def forget(self) -> None:
        """Begin anew: the next frames are of a repeat, or of another packet."""
        self.there = self.run = 0
        self.last = -1


class FrameAssembler:
    """Puts packets together from frames in any order, with repeats and losses, of several levels at once.

    Each packet comes out once; its repeats, as long as nothing else came under its level and version, do not. A version
    that is reused by another packet never gives a mixture: the frames of both would have to pass one CRC-16, and a
    failed CRC-16 forgets them all. No more than ``limit`` packets (some 2.5 kB each) are held; the one that has waited
    longest for a frame goes first.
    """

    __slots__ = ("_limit", "_partials")

    def __init__(self, limit: int = 6 * VERSIONS) -> None:
        self._limit = limit
        self._partials: dict[tuple[int, int], _Partial] = {}

    @property
    def pending(self) -> int:
        """Packets of which some frames are there and some are not."""
        return sum(1 for partial in self._partials.values() if partial.there)

    def take(self, raw: bytes) -> Assembled | Broken | None:
        """Take one frame of 8 bytes; return the packet that it completes, or what is wrong with it, or None."""
        frame = FRAME.parse(raw)
        level, version = frame.level, frame.version
        if frame.total < MIN_FRAMES or frame.index >= frame.total:
            error = MalformedFrame(f"frame {frame.index} of {frame.total}: no packet has such a frame", offset=1)
            return Broken(level, version, error)
        partial = self._partial(level, version, frame.total)
        if not partial.put(frame.index, frame.chunk):
            return None
        partial.forget()
        try:
            packet = unpack(bytes(partial.data))
        except FrameError as error:
            return Broken(level, version, error)
        if packet == partial.delivered:
            return None
        partial.delivered = packet
        return Assembled(level, version, packet)

    def _partial(self, level: int, version: int, total: int) -> _Partial:
        """Return what is held under this level and version, now the youngest; another total is another packet."""
        partial = self._partials.pop((level, version), None)
        if partial is None or partial.total != total:
            partial = _Partial(total)
        if len(self._partials) >= self._limit:
            del self._partials[next(iter(self._partials))]
        self._partials[(level, version)] = partial
        return partial
