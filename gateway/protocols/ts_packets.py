"""Transport stream packets of 188 bytes that carry sections (GB/T 17975.1-2010 2.4.3, 2.4.4; GD/J 086-2018 9.3).

``Packetiser`` puts sections into packets; ``ts_sections.SectionFinder`` takes them out again.
"""

from __future__ import annotations

from dataclasses import dataclass

import construct

from gateway.errors import InvalidValueError, MalformedFrame
from gateway.protocols.fields import REST, U8, Layout, sized
from gateway.protocols.ts_fields import TABLE_PID, Bits, packed

PACKET_SIZE = 188
SYNC = 0x47
#: PID of packets without content.
NULL_PID = 0x1FFF
STUFFING = 0xFF
_HEAD_SIZE = 4
#: Bits of adaptation_field_control.
_HAS_FIELD, _HAS_PAYLOAD = 2, 1


@dataclass(frozen=True, slots=True)
class TsPacket:
    """One packet; ``adaptation`` is the field without its length, or None where there is none."""

    pid: int
    continuity: int
    payload: bytes
    unit_start: int = 0
    adaptation: bytes | None = None
    control: int = _HAS_PAYLOAD
    error: int = 0
    priority: int = 0
    scrambling: int = 0

    @property
    def restarts(self) -> bool:
        """Whether the continuity counter may jump here (discontinuity_indicator)."""
        return bool(self.adaptation and self.adaptation[0] & 0x80)


_CONTENT = packed(
    TsPacket,
    head=Bits(error=1, unit_start=1, priority=1, pid=13, scrambling=2, control=2, continuity=4),
    adaptation=construct.If(construct.this.head.control & _HAS_FIELD, sized(U8)),
    payload=REST,
)
#: sync_byte and the rest of the packet.
_PACKET: Layout[TsPacket] = Layout(
    "packet",
    construct.FocusedSeq("content", "sync" / construct.Const(bytes([SYNC])), "content" / _CONTENT.con),
)


def parse(raw: bytes) -> TsPacket:
    """Read one packet of 188 bytes; raise MalformedFrame."""
    if len(raw) != PACKET_SIZE:
        raise MalformedFrame(f"packet: {len(raw)} bytes, must be {PACKET_SIZE}")
    return _PACKET.parse(raw)


def build(packet: TsPacket) -> bytes:
    """Write one packet; raise InvalidValueError where it is not of 188 bytes."""
    raw = _PACKET.build(packet)
    if len(raw) != PACKET_SIZE:
        raise InvalidValueError("payload", f"{len(packet.payload)} bytes", f"must fill a packet of {PACKET_SIZE} bytes")
    return raw


#: A packet that fills the rate and says nothing.
NULL_PACKET = build(TsPacket(NULL_PID, 0, bytes([STUFFING]) * (PACKET_SIZE - _HEAD_SIZE)))


class Packetiser:
    """Puts sections into packets of one PID; each section begins a packet of its own, what is left is stuffing."""

    __slots__ = ("_continuity", "_pid")

    def __init__(self, pid: int = TABLE_PID, continuity: int = 0) -> None:
        self._pid = pid
        self._continuity = continuity

    def packets(self, section: bytes) -> list[bytes]:
        """Return the packets that carry ``section``; the continuity counter goes on from call to call."""
        room = PACKET_SIZE - _HEAD_SIZE
        data = b"\0" + section  # pointer_field 0: the section begins at once
        found = []
        for at in range(0, len(data), room):
            payload = data[at : at + room].ljust(room, bytes([STUFFING]))
            found.append(build(TsPacket(self._pid, self._continuity, payload, unit_start=int(at == 0))))
            self._continuity = (self._continuity + 1) % 16
        return found
