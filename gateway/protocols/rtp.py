"""RTP packets of MPEG audio (RFC 3550 5.1, RFC 2250 3.5, payload type 14 of RFC 3551), and what was lost of them.

Terminals join ``rtp://IP:port`` (GD/J 089-2018 D.5 no. 11); adapters copy what they play in the same form (A 0x22).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from construct import BitsInteger, BitStruct, Const, ConstructError, Flag, Int16ub, Int32ub, Rebuild, Struct

from gateway.errors import IncompleteFrame, MalformedFrame

#: MPEG audio (RFC 3551 table 4), with a clock of 90 kHz whatever the sampling rate.
MPEG_AUDIO: Final = 14
CLOCK: Final = 90_000

#: RFC 3550 5.1.
HEADER = Struct(
    "bits"
    / BitStruct(
        "version" / Const(2, BitsInteger(2)),
        "padding" / Flag,
        "extension" / Flag,
        "sources" / BitsInteger(4),
        "marker" / Flag,
        "payload_type" / BitsInteger(7),
    ),
    "sequence" / Int16ub,
    "timestamp" / Int32ub,
    "ssrc" / Int32ub,
)
#: RFC 2250 3.5: before the audio of payload type 14.
AUDIO_HEADER = Struct("must_be_zero" / Rebuild(Int16ub, 0), "fragment_offset" / Int16ub)
#: RFC 3550 A.1: MAX_DROPOUT and MAX_MISORDER.
_LEAP: Final = 3000
_REORDERED: Final = 100
_FIXED: Final = HEADER.sizeof()
_AUDIO: Final = AUDIO_HEADER.sizeof()


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet: ``timestamp`` in ticks of 1/90,000 s for payload type 14; ``payload`` is the audio alone."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    fragment_offset: int = 0


def build(packet: RtpPacket) -> bytes:
    """Bytes of a packet, with the audio header of RFC 2250 for payload type 14."""
    bits = {
        "padding": False,
        "extension": False,
        "sources": 0,
        "marker": packet.marker,
        "payload_type": packet.payload_type,
    }
    fixed = {"sequence": packet.sequence, "timestamp": packet.timestamp, "ssrc": packet.ssrc}
    head: bytes = HEADER.build({"bits": bits, **fixed})
    if packet.payload_type == MPEG_AUDIO:
        head += AUDIO_HEADER.build({"fragment_offset": packet.fragment_offset})
    return head + packet.payload


def parse(data: bytes) -> RtpPacket:
    """Read one datagram. Errors: IncompleteFrame where it is cut, MalformedFrame for its version or padding."""
    if len(data) < _FIXED:
        raise IncompleteFrame(_FIXED - len(data), offset=len(data))
    try:
        head = HEADER.parse(data[:_FIXED])
    except ConstructError as error:
        raise MalformedFrame(f"not RTP version 2: {error}") from error
    at, end = _FIXED + 4 * head.bits.sources, len(data)
    if head.bits.extension:
        if end < at + 4:
            raise IncompleteFrame(at + 4 - end, offset=end)
        at += 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
    if head.bits.padding:
        if not 0 < data[-1] <= end - _FIXED:
            raise MalformedFrame("RTP padding is longer than the packet", offset=end - 1)
        end -= data[-1]
    fragment = 0
    if head.bits.payload_type == MPEG_AUDIO:
        if at + _AUDIO <= end:
            fragment = AUDIO_HEADER.parse(data[at : at + _AUDIO]).fragment_offset
        at += _AUDIO
    if at > end:
        raise IncompleteFrame(at - end, offset=end)
    return RtpPacket(
        head.bits.payload_type, head.sequence, head.timestamp, head.ssrc, data[at:end], head.bits.marker, fragment
    )


@dataclass(slots=True)
class LossCount:
    """Packets of one source expected and received (RFC 3550 A.3); a new source begins anew, its past is kept."""

    received: int = 0
    _before: int = 0
    _ssrc: int | None = None
    _first: int = 0
    _highest: int = 0

    def count(self, packet: RtpPacket) -> bool:
        """Take a packet; False for one that is late or came twice."""
        step = (packet.sequence - self._highest) & 0xFFFF
        # A restarted sender begins elsewhere: a leap beyond any loss that we would hear of is no loss of that many.
        if self._ssrc != packet.ssrc or _LEAP <= step < 0x10000 - _REORDERED:
            self._before = self.expected
            self._ssrc, self._first, self._highest = packet.ssrc, packet.sequence, packet.sequence
        elif 0 < step < _LEAP:
            self._highest += step
        else:
            return False
        self.received += 1
        return True

    @property
    def expected(self) -> int:
        """Packets that the senders sent, by their numbers."""
        return self._before + (0 if self._ssrc is None else self._highest - self._first + 1)

    @property
    def lost(self) -> int:
        """Packets that never came, or came too late to be heard."""
        return max(0, self.expected - self.received)
