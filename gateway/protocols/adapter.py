"""Protocol of platform and loudspeaker adapter 大喇叭适配器 (GD/J 089-2018 appendix A): frames to packets and back.

A packet holds all that its frame holds, so ``build(parse(frame)) == frame``; lengths and CRC are computed anew. There
is no session: an answer comes on the connection of its command (A.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from gateway.errors import InvalidValueError
from gateway.protocols.adapter_address import MAX_COUNT
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop
from gateway.protocols.adapter_commands import (
    AmplifierSwitch,
    PeriodSetting,
    RebackSetting,
    TerminalQuery,
    VolumeSetting,
)
from gateway.protocols.adapter_envelope import HEADER_SIZE, require_whole
from gateway.protocols.adapter_special import FrequencyLock
from gateway.protocols.adapter_types import ANSWERS, TYPES, Body, ProtocolType, layout_of, write_body
from gateway.protocols.checksum import seal
from gateway.protocols.envelope import CRC_SIZE
from gateway.protocols.fields import U8, U16, U32, record
from gateway.protocols.ip_bodies import UnknownBody
from gateway.protocols.signature import BLOCK_SIZE, SignatureBlock, UnsignedForm
from gateway.protocols.trailer import Trailer, read_trailer, write_trailer

__all__ = [
    "AdapterPacket",
    "Head",
    "PlatformType",
    "ProtocolType",
    "SignatureForm",
    "answer_to",
    "build",
    "build_signed",
    "command",
    "in_parts",
    "parse",
    "report",
    "signed_data",
]

VERSION = 1


class Head(IntEnum):
    """报头: who speaks to whom."""

    PLATFORM = 0x49
    ADAPTER = 0x50


class PlatformType(IntEnum):
    """消息来源 platform_type."""

    SOFTWARE = 1
    DEVICE = 2


class SignatureForm(StrEnum):
    """What stands in the place of the signature: for an explicit rule about devices that do not sign."""

    SIGNED = "signed"
    #: 74 zero bytes, as many devices answer
    ZERO = "zero"
    #: a length of 0
    NONE = "none"


@dataclass(frozen=True, slots=True)
class AdapterPacket:
    """One frame of appendix A: message head (table A.1), content and verification data (table A.3)."""

    head: int
    protocol_type: int
    body: Body | UnknownBody
    platform_type: int = PlatformType.SOFTWARE
    trailer: Trailer = UnsignedForm.ZERO_BLOCK
    version: int = VERSION

    @property
    def signature(self) -> SignatureBlock | None:
        """The signature block, or None for the unsigned forms."""
        return self.trailer if isinstance(self.trailer, SignatureBlock) else None

    @property
    def form(self) -> SignatureForm:
        """Whether it is signed, and if not, how that is written."""
        if isinstance(self.trailer, SignatureBlock):
            return SignatureForm.SIGNED
        return SignatureForm.ZERO if self.trailer is UnsignedForm.ZERO_BLOCK else SignatureForm.NONE


@dataclass(frozen=True, slots=True)
class _Header:
    head: int
    version: int
    protocol_type: int
    platform_type: int
    length: int


#: Table A.1.
_HEADER = record(_Header, head=U8, version=U16, protocol_type=U8, platform_type=U8, length=U32)

#: Commands that hold an address block.
Addressed = (
    BroadcastStart
    | BroadcastStop
    | VolumeSetting
    | RebackSetting
    | TerminalQuery
    | PeriodSetting
    | AmplifierSwitch
    | FrequencyLock
)


def command(body: Body) -> AdapterPacket:
    """Make a packet of the platform that carries ``body``; it is to be signed (GD/J 089-2018 4.2 e)."""
    return AdapterPacket(Head.PLATFORM, TYPES[type(body)], body)


def report(body: Body, form: UnsignedForm = UnsignedForm.ZERO_BLOCK) -> AdapterPacket:
    """Make a packet of an adapter that carries ``body``, unsigned until it is signed."""
    return AdapterPacket(Head.ADAPTER, TYPES[type(body)], body, PlatformType.DEVICE, form)


def answer_to(packet: AdapterPacket, body: Body) -> AdapterPacket:
    """Make the answer to ``packet``; raise InvalidValueError where table A.4 wants another one.

    A packet of a type that no table has is answered by the general answer of its direction.
    """
    by_platform = packet.head == Head.ADAPTER
    general = ProtocolType.PLATFORM_ANSWER if by_platform else ProtocolType.ANSWER
    wanted = ANSWERS.get(packet.protocol_type, general)
    if TYPES[type(body)] not in (wanted, general):
        rule = f"0x{packet.protocol_type:02X} is answered by 0x{wanted:02X} (table A.4)"
        raise InvalidValueError("answer", type(body).__name__, rule)
    return command(body) if by_platform else report(body)


def in_parts(body: Addressed, most: int = MAX_COUNT) -> tuple[Addressed, ...]:
    """Return ``body`` as commands of at most ``most`` codes (1-255), alike in all else: nothing is left out."""
    return tuple(replace(body, address=part) for part in body.address.parts(most))


def parse(frame: bytes) -> AdapterPacket:
    """Read one whole frame.

    Raises IncompleteFrame, ChecksumMismatch or MalformedFrame; the signature is not verified here.
    """
    require_whole(frame)
    return parse_unchecked(frame)


def parse_unchecked(frame: bytes, *, opaque: bool = False) -> AdapterPacket:
    """Read a frame whose mark, lengths and CRC were checked, or deliberately were not; raise MalformedFrame.

    ``opaque`` leaves the content unread, to show what is left of a frame whose content is broken.
    """
    header = _HEADER.parse(frame[:HEADER_SIZE])
    end = HEADER_SIZE + header.length
    content = frame[HEADER_SIZE:end]
    layout = None if opaque else layout_of(header.protocol_type, content)
    return AdapterPacket(
        head=header.head,
        version=header.version,
        protocol_type=header.protocol_type,
        platform_type=header.platform_type,
        trailer=read_trailer(frame[end:-CRC_SIZE], 0, offset=end),
        body=UnknownBody(content) if layout is None else layout.parse(content, offset=HEADER_SIZE),
    )


def unsigned_part(packet: AdapterPacket) -> bytes:
    """Write ``packet`` from its head to the end of its content: the data of coverage A to D (table A.3)."""
    content = packet.body.raw if isinstance(packet.body, UnknownBody) else write_body(packet.body)
    header = _Header(packet.head, packet.version, packet.protocol_type, packet.platform_type, len(content))
    return _HEADER.build(header) + content


def build(packet: AdapterPacket) -> bytes:
    """Write ``packet`` with its trailer as it is; raise InvalidValueError naming a value that does not fit."""
    return seal(unsigned_part(packet) + write_trailer(packet.trailer))


def assemble(part: bytes, block: SignatureBlock) -> bytes:
    """Put signature block and CRC behind an ``unsigned_part``."""
    return seal(part + write_trailer(block))


def build_signed(packet: AdapterPacket, sign: Callable[[bytes], SignatureBlock]) -> bytes:
    """Write ``packet`` signed; ``sign`` gets the unsigned part and returns the block over it."""
    part = unsigned_part(packet)
    return assemble(part, sign(part))


def signed_data(frame: bytes) -> bytes:
    """Return the part of a received signed frame that its signature is about."""
    return frame[: -(2 + BLOCK_SIZE + CRC_SIZE)]
