"""应急广播RDS数据包 (GD/J 085-2018 table 1): packets for FM transmitters, to bytes and back.

A packet holds all that its bytes hold, so ``build(parse(raw)) == raw``; the length is computed anew. It has no checksum
of its own: the signature alone tells a packet from noise, unless it comes in RDS frames (``rds_frames``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import construct

from gateway.domain.codes import ResourceCode
from gateway.errors import FrameTooLarge, IncompleteFrame, InvalidValueError, MalformedFrame
from gateway.protocols.fields import CODE, REST, Layout, WireCode, bit_record, counted, record
from gateway.protocols.ip_bodies import UnknownBody
from gateway.protocols.rds_bodies import (
    CONTENTS,
    TYPES,
    AmplifierSwitch,
    AuthorisationUpdate,
    CertificateUpdate,
    Clock,
    DailyCommand,
    DailyVolume,
    DeviceCode,
    DrillCommand,
    EmergencyCommand,
    FactoryReset,
    Maintain,
    MaintainMode,
    Reset,
    ReturnPeriod,
    ReturnRoute,
    ScanList,
    StateQuery,
    TextTransfer,
)
from gateway.protocols.signature import BLOCK, BLOCK_SIZE, EMPTY_BLOCK, SignatureBlock

Body = (
    ScanList
    | DeviceCode
    | MaintainMode
    | Clock
    | ReturnRoute
    | ReturnPeriod
    | AuthorisationUpdate
    | CertificateUpdate
    | StateQuery
    | EmergencyCommand
    | Reset
    | FactoryReset
    | DrillCommand
    | TextTransfer
    | Maintain
    | DailyCommand
    | DailyVolume
    | AmplifierSwitch
    | UnknownBody
)

HEAD_SIZE = 2
CODE_SIZE = 12
#: 255 RDS frames of 5 bytes hold a packet and its CRC-16 (tables 1 and 21).
MAX_PACKET = 255 * 5 - 2
#: Head, count and signature block: what a packet has without codes and content.
MIN_PACKET = HEAD_SIZE + 1 + BLOCK_SIZE
MAX_CODES = 255


@dataclass(frozen=True, slots=True)
class RdsPacket:
    """One packet: who shall act, what it asks, and the signature block (74 zero bytes where it is not signed)."""

    packet_type: int
    codes: tuple[WireCode, ...]
    body: Body
    block: SignatureBlock = EMPTY_BLOCK

    @property
    def signature(self) -> SignatureBlock | None:
        """The signature block, or None where its place holds zeros."""
        return None if self.block == EMPTY_BLOCK else self.block


@dataclass(frozen=True, slots=True)
class _Head:
    packet_type: int
    length: int


@dataclass(frozen=True, slots=True)
class _Middle:
    codes: tuple[WireCode, ...]
    content: bytes


_HEAD = bit_record(_Head, packet_type=construct.BitsInteger(5), length=construct.BitsInteger(11))
_MIDDLE = record(_Middle, codes=counted(construct.Int8ub, CODE), content=REST)


def command(codes: Sequence[ResourceCode], body: Body) -> RdsPacket:
    """Make the packet that carries ``body`` to ``codes``, unsigned until it is signed.

    Raises InvalidValueError naming what tables 1 to 20 forbid: no codes, too many for one packet (see ``split_codes``),
    codes beside a type 1 (which names its device itself), a return period of 0.
    """
    packet_type = TYPES.get(type(body))
    if packet_type is None:
        raise InvalidValueError("body", type(body).__name__, "is no content of GD/J 085-2018 tables 3-20")
    if isinstance(body, DeviceCode):
        if codes:
            raise InvalidValueError("codes", len(codes), "must be none in a type 1 (note under 085 table 4)")
    elif not codes:
        raise InvalidValueError("codes", 0, "must be 1-255 (085 table 1)")
    if isinstance(body, ReturnPeriod) and not body.period_s:
        raise InvalidValueError("period_s", 0, "must not be 0 (085 table 8)")
    packet = RdsPacket(packet_type, tuple(map(WireCode.of, codes)), body)
    unsigned_part(packet)
    return packet


def room_for_codes(content_size: int) -> int:
    """Return how many codes fit beside a content of ``content_size`` bytes: 97 for type 11; 0 where it is too large."""
    return max(0, min(MAX_CODES, (MAX_PACKET - BLOCK_SIZE - HEAD_SIZE - 1 - content_size) // CODE_SIZE))


def split_codes(codes: Sequence[ResourceCode], body: Body) -> list[tuple[ResourceCode, ...]]:
    """Split ``codes`` into parts that each fit a packet with ``body``, in order, none left out.

    Every part goes out with the same ``body``, so with the same EBM id.
    """
    size = len(_content(RdsPacket(TYPES[type(body)], (), body)))
    room = room_for_codes(size)
    if not room:
        raise InvalidValueError("content", f"{size} bytes", f"leaves no room for a code in {MAX_PACKET} bytes")
    return [tuple(codes[at : at + room]) for at in range(0, len(codes), room)]


def announced(raw: bytes | bytearray, at: int = 0) -> int:
    """Return the size of the whole packet that would begin at ``at``, in bytes; two of them must be there."""
    return HEAD_SIZE + ((raw[at] << 8 | raw[at + 1]) & 0x7FF)


def parse(raw: bytes) -> RdsPacket:
    """Read one whole packet.

    Raises IncompleteFrame, FrameTooLarge (more than RDS frames can carry) or MalformedFrame; the signature is not
    verified here.
    """
    require_whole(raw)
    return parse_unchecked(raw)


def require_whole(raw: bytes) -> None:
    """Check the length of ``raw`` against what it announces; raises as ``parse``."""
    if len(raw) < HEAD_SIZE:
        raise IncompleteFrame(HEAD_SIZE - len(raw), offset=len(raw))
    size = announced(raw)
    if size > MAX_PACKET:
        raise FrameTooLarge(f"length: {size} bytes exceed {MAX_PACKET} (085 table 21)")
    if size < MIN_PACKET:
        raise MalformedFrame(f"length: {size} bytes cannot hold head, count and signature (085 table 1)")
    if len(raw) < size:
        raise IncompleteFrame(size - len(raw), offset=len(raw))
    if len(raw) > size:
        raise MalformedFrame(f"length: {size} announced, {len(raw)} there")


def parse_unchecked(raw: bytes, *, opaque: bool = False) -> RdsPacket:
    """Read a packet whose length was checked; raise MalformedFrame. ``opaque`` leaves the content unread."""
    head = _HEAD.parse(raw[:HEAD_SIZE])
    middle = _MIDDLE.parse(raw[HEAD_SIZE:-BLOCK_SIZE], offset=HEAD_SIZE)
    layout = None if opaque else CONTENTS.get(head.packet_type)
    content_at = len(raw) - BLOCK_SIZE - len(middle.content)
    return RdsPacket(
        packet_type=head.packet_type,
        codes=middle.codes,
        body=UnknownBody(middle.content) if layout is None else layout.parse(middle.content, offset=content_at),
        block=BLOCK.parse(raw[-BLOCK_SIZE:], offset=len(raw) - BLOCK_SIZE),
    )


def unsigned_part(packet: RdsPacket) -> bytes:
    """Write ``packet`` up to the end of its content, with the final length: the data of coverage A to D."""
    content = _content(packet)
    count = len(packet.codes)
    size = HEAD_SIZE + 1 + count * CODE_SIZE + len(content) + BLOCK_SIZE
    if count > MAX_CODES or size > MAX_PACKET:
        field = "codes" if count > 1 else "content"
        room = room_for_codes(len(content))
        raise InvalidValueError(
            field,
            f"{count} codes, {len(content)} bytes of content",
            f"a packet holds {MAX_PACKET} bytes (085 table 21), so {room} codes beside this content; split it",
        )
    return _HEAD.build(_Head(packet.packet_type, size - HEAD_SIZE)) + _MIDDLE.build(_Middle(packet.codes, content))


def assemble(part: bytes, block: SignatureBlock) -> bytes:
    """Put the signature block behind an ``unsigned_part``."""
    return part + BLOCK.build(block)


def build(packet: RdsPacket) -> bytes:
    """Write ``packet`` with its block as it is; raise InvalidValueError naming a value that does not fit."""
    return assemble(unsigned_part(packet), packet.block)


def build_signed(packet: RdsPacket, sign: Callable[[bytes], SignatureBlock]) -> bytes:
    """Write ``packet`` signed; ``sign`` gets the unsigned part and returns the block over it."""
    part = unsigned_part(packet)
    return assemble(part, sign(part))


def signed_data(raw: bytes) -> bytes:
    """Return the part of a received packet that its signature is about."""
    return raw[:-BLOCK_SIZE]


def _content(packet: RdsPacket) -> bytes:
    body = packet.body
    if isinstance(body, UnknownBody):
        return body.raw
    layout: Layout[Any] = CONTENTS[TYPES[type(body)]]
    return layout.build(body)
