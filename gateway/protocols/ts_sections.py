"""Finds sections in a transport stream that may be cut, lose packets or begin anywhere; opens nothing, knows no clock.

A section that lost a packet is given up with one error; the next one that begins is read again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.errors import FrameError, FrameTooLarge, MalformedFrame
from gateway.protocols import ts_packets
from gateway.protocols.ts_fields import TABLE_PID
from gateway.protocols.ts_packets import PACKET_SIZE, STUFFING, SYNC, TsPacket
from gateway.protocols.ts_section import LENGTH_END, MAX_SECTION_LENGTH, announced

#: Where bytes of a section lie: number of the packet, counted from 0, offset in its payload, number of bytes.
Span = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """One section, whole by its length; its CRC is not checked yet."""

    raw: bytes
    spans: tuple[Span, ...]


Event = Found | FrameError


class SectionFinder:
    """Incremental finder of the sections of one PID; holds at most one packet and one section between calls."""

    __slots__ = ("_held", "_locked", "_packets", "_pid", "_searching")

    def __init__(self, pid: int = TABLE_PID) -> None:
        self._pid = pid
        self._held = bytearray()
        self._locked = False
        self._searching = False
        self._packets = PacketReader(pid)

    def feed(self, data: bytes) -> list[Event]:
        """Take more bytes of the stream; return what became whole and what was lost, in order."""
        self._held += data
        found: list[Event] = []
        while True:
            if self._skip() and not self._searching:
                self._searching = True
                self._packets.abandon()
                found.append(MalformedFrame("sync: no 0x47 where a packet must begin"))
            if not self._ready():
                return found
            raw = bytes(self._held[:PACKET_SIZE])
            del self._held[:PACKET_SIZE]
            self._locked, self._searching = True, False
            try:
                packet = ts_packets.parse(raw)
            except MalformedFrame as error:
                self._packets.abandon()
                found.append(error)
            else:
                found += self._packets.take(packet)

    def _skip(self) -> int:
        """Drop bytes with which no packet can begin; return how many."""
        before = len(self._held)
        while self._held and not self._plausible():
            self._locked = False
            at = self._held.find(SYNC, 1)
            del self._held[: at if at > 0 else len(self._held)]
        return before - len(self._held)

    def _plausible(self) -> bool:
        if self._held[0] != SYNC:
            return False
        return self._locked or len(self._held) <= PACKET_SIZE or self._held[PACKET_SIZE] == SYNC

    def _ready(self) -> bool:
        """Whether a packet is there, and is one: a 0x47 in noise is told by the next, or by a PID that is not ours."""
        if len(self._held) <= PACKET_SIZE and not self._locked:
            ours = int.from_bytes(self._held[1:3], "big") & 0x1FFF == self._pid
            return ours and len(self._held) == PACKET_SIZE
        return len(self._held) >= PACKET_SIZE


@dataclass(slots=True)
class _Partial:
    raw: bytearray = field(default_factory=bytearray)
    spans: list[Span] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Octets that are known to be missing."""
        size = LENGTH_END if len(self.raw) < LENGTH_END else LENGTH_END + announced(self.raw)
        return size - len(self.raw)


class PacketReader:
    """Puts the payloads of one PID together to sections, packet by packet."""

    __slots__ = ("_continuity", "_last", "_number", "_partial", "_pid")

    def __init__(self, pid: int = TABLE_PID) -> None:
        self._pid = pid
        self._number = -1
        self._continuity: int | None = None
        self._last: TsPacket | None = None
        self._partial: _Partial | None = None

    @property
    def pending(self) -> int:
        """Octets still missing of the section that has begun; 0 where none has."""
        return self._partial.missing if self._partial else 0

    def abandon(self) -> None:
        """Forget the section that has begun, and from where the counter must go on."""
        self._partial, self._continuity, self._last = None, None, None

    def take(self, packet: TsPacket) -> list[Event]:
        """Take the next packet of the stream; packets of other PIDs are passed over."""
        self._number += 1
        if packet.pid != self._pid:
            return []
        if packet.error or packet.scrambling:
            self.abandon()
            return [MalformedFrame("packet: damaged on its way or scrambled")]
        if not packet.control & 1 or packet == self._last:
            # without payload, or sent twice, which 2.4.3.3 allows
            return []
        lost = self._lost_before(packet)
        self._continuity, self._last = packet.continuity, packet
        if lost:
            self._partial = None
        return lost + self._read(packet)

    def _lost_before(self, packet: TsPacket) -> list[Event]:
        if self._continuity is None or packet.restarts:
            return []
        lost = (packet.continuity - self._continuity - 1) % 16
        return [MalformedFrame(f"continuity_counter: {lost} packets lost, or more by 16")] if lost else []

    def _read(self, packet: TsPacket) -> list[Event]:
        data, found = packet.payload, list[Event]()
        if not packet.unit_start:
            self._append(data, 0, found)
            return found
        begin = 1 + data[0] if data else 1
        if begin > len(data):
            self._partial = None
            return [MalformedFrame("pointer_field: points behind the packet")]
        self._append(data[:begin], 1, found)
        if self._partial is not None:
            found.append(MalformedFrame(f"section: {self._partial.missing} bytes missing where the next one begins"))
            self._partial = None
        while begin < len(data) and data[begin] != STUFFING:
            self._partial = _Partial()
            begin = self._append(data, begin, found)
        return found

    def _append(self, data: bytes, at: int, found: list[Event]) -> int:
        """Give bytes from ``at`` to the section that has begun; return where what follows it begins."""
        while self._partial is not None and at < len(data):
            part = self._partial
            size = min(part.missing, len(data) - at)
            part.raw += data[at : at + size]
            part.spans.append((self._number, at, size))
            at += size
            if len(part.raw) >= LENGTH_END and announced(part.raw) > MAX_SECTION_LENGTH:
                found.append(FrameTooLarge(f"section_length: exceeds {MAX_SECTION_LENGTH}", offset=1))
                self._partial = None
                return len(data)
            if not part.missing:
                found.append(Found(bytes(part.raw), tuple(part.spans)))
                self._partial = None
        return at
