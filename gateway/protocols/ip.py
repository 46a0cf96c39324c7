"""IP protocol between platform or adapter and terminal (GD/J 089-2018 appendix D): frames to packets and back.

A packet holds all that its frame holds, so ``build(parse(frame)) == frame``; lengths and CRC are computed anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.codes import ResourceCode
from gateway.errors import InvalidValueError
from gateway.protocols.checksum import seal
from gateway.protocols.envelope import CRC_SIZE, MAGIC, MAX_LENGTH, VERSION, require_whole
from gateway.protocols.feedback_bodies import QUERY_ANSWER, QueryAnswer
from gateway.protocols.fields import CODE, REST, U8, U16, U32, Layout, WireCode, counted, record, sized
from gateway.protocols.ip_bodies import (
    ANSWER,
    REQUESTS,
    CertificateAuthorisation,
    GeneralAnswer,
    Heartbeat,
    PacketType,
    ParameterSetting,
    ServiceType,
    StartBroadcast,
    StatusQuery,
    StopBroadcast,
    UnknownBody,
)
from gateway.protocols.signature import BLOCK_SIZE, SignatureBlock, UnsignedForm
from gateway.protocols.trailer import Trailer, read_trailer, write_trailer

Body = (
    StartBroadcast
    | StopBroadcast
    | Heartbeat
    | StatusQuery
    | ParameterSetting
    | CertificateAuthorisation
    | GeneralAnswer
    | QueryAnswer
    | UnknownBody
)
#: Where the total length stands.
LENGTH_AT = 10
HEADER_SIZE = 12


@dataclass(frozen=True, slots=True)
class IpPacket:
    """One frame of appendix D: message head (table D.2), message body (D.3) and how it ends (D.4)."""

    session: int
    source: WireCode
    targets: tuple[WireCode, ...]
    service_type: int
    body: Body
    packet_type: int = PacketType.REQUEST
    sign_flag: int = 0
    trailer: Trailer = UnsignedForm.ZERO_LENGTH
    version: int = VERSION

    @property
    def signature(self) -> SignatureBlock | None:
        """The signature block, or None for all unsigned forms."""
        return self.trailer if isinstance(self.trailer, SignatureBlock) else None


@dataclass(frozen=True, slots=True)
class _Head:
    version: int
    session: int
    packet_type: int
    sign_flag: int
    length: int


@dataclass(frozen=True, slots=True)
class _Message:
    source: WireCode
    targets: tuple[WireCode, ...]
    service_type: int
    content: bytes
    trailer: bytes


#: How a content is read; None leaves it unread.
Reader = Layout[Any] | None


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the national standard and its drafts: the codes, and the contents that hold codes."""

    message: Layout[_Message]
    #: layout of a content by packet type, service type and content
    reader: Callable[[int, int, bytes], Reader]
    writers: dict[type, Layout[Any]]


def message_layout(code: Any) -> Layout[_Message]:
    """Declare table D.3 for codes of one size, and what is left for table D.4."""
    return record(_Message, source=code, targets=counted(U16, code), service_type=U8, content=sized(U16), trailer=REST)


#: Table D.2, behind the mark.
_HEAD = record(_Head, version=U16, session=U32, packet_type=U8, sign_flag=U8, length=U16)

_REQUEST_TYPES: dict[type, int] = {
    StartBroadcast: ServiceType.START,
    StopBroadcast: ServiceType.STOP,
    Heartbeat: ServiceType.HEARTBEAT,
    StatusQuery: ServiceType.QUERY,
    ParameterSetting: ServiceType.SET,
    CertificateAuthorisation: ServiceType.CERTIFICATES,
}
_LAYOUTS: dict[type, Layout[Any]] = {
    **{cls: REQUESTS[service_type] for cls, service_type in _REQUEST_TYPES.items()},
    GeneralAnswer: ANSWER,
    QueryAnswer: QUERY_ANSWER,
}


def request(session: int, source: ResourceCode, targets: tuple[ResourceCode, ...], body: Body) -> IpPacket:
    """Make a request that carries ``body``, unsigned until it is signed."""
    service_type = _REQUEST_TYPES.get(type(body))
    if service_type is None:
        raise InvalidValueError("body", type(body).__name__, "is no request of table D.3")
    return IpPacket(session, WireCode.of(source), tuple(map(WireCode.of, targets)), service_type, body)


def answer_to(
    packet: IpPacket, source: WireCode, result: int, text: str = "", form: UnsignedForm = UnsignedForm.ZERO_LENGTH
) -> IpPacket:
    """Make the general answer to ``packet``: its session and service type, back to its source (D.3.4)."""
    return IpPacket(
        session=packet.session,
        source=source,
        targets=(packet.source,),
        service_type=packet.service_type,
        body=GeneralAnswer(result, text.encode()),
        packet_type=PacketType.ANSWER,
        trailer=form,
        version=packet.version,
    )


def parse(frame: bytes) -> IpPacket:
    """Read one whole frame.

    Raises IncompleteFrame, ChecksumMismatch or MalformedFrame; the signature is not verified here.
    """
    require_whole(frame, LENGTH_AT)
    return parse_unchecked(frame)


def parse_unchecked(frame: bytes, dialect: Dialect | None = None, *, opaque: bool = False) -> IpPacket:
    """Read a frame whose mark, length and CRC were checked, or deliberately were not; raise MalformedFrame.

    ``opaque`` leaves the content unread, to show what is left of a frame whose content is broken.
    """
    dialect = dialect or NATIONAL
    head = _HEAD.parse(frame[2:HEADER_SIZE], offset=2)
    message = dialect.message.parse(frame[HEADER_SIZE:-CRC_SIZE], offset=HEADER_SIZE)
    trailer_at = len(frame) - CRC_SIZE - len(message.trailer)
    content_at = trailer_at - len(message.content)
    layout = None if opaque else dialect.reader(head.packet_type, message.service_type, message.content)
    return IpPacket(
        version=head.version,
        session=head.session,
        packet_type=head.packet_type,
        sign_flag=head.sign_flag,
        source=message.source,
        targets=message.targets,
        service_type=message.service_type,
        trailer=read_trailer(message.trailer, head.sign_flag, offset=trailer_at),
        body=UnknownBody(message.content) if layout is None else layout.parse(message.content, offset=content_at),
    )


def _national_reader(packet_type: int, service_type: int, content: bytes) -> Reader:
    """Choose the layout of the content; some terminals answer a query here and not by appendix E."""
    if packet_type == PacketType.ANSWER:
        in_band = service_type == ServiceType.QUERY and ANSWER.fits(content) is None
        return QUERY_ANSWER if in_band else ANSWER
    return REQUESTS.get(service_type)


def _head_and_body(packet: IpPacket, trailer_size: int, dialect: Dialect) -> bytes:
    """Write all before the trailer; the length already counts trailer and CRC, for it is signed too."""
    body = packet.body
    content = body.raw if isinstance(body, UnknownBody) else dialect.writers[type(body)].build(body)
    message = dialect.message.build(_Message(packet.source, packet.targets, packet.service_type, content, b""))
    length = HEADER_SIZE + len(message) + trailer_size + CRC_SIZE
    if length > MAX_LENGTH:
        raise InvalidValueError("frame", f"{length} bytes", f"must not exceed {MAX_LENGTH} (table D.2); split it")
    head = _HEAD.build(_Head(packet.version, packet.session, packet.packet_type, packet.sign_flag, length))
    return MAGIC + head + message


def build(packet: IpPacket, dialect: Dialect | None = None) -> bytes:
    """Write ``packet`` with its trailer as it is; raise InvalidValueError naming a value that does not fit."""
    trailer = write_trailer(packet.trailer)
    return seal(_head_and_body(packet, len(trailer), dialect or NATIONAL) + trailer)


def unsigned_part(packet: IpPacket) -> bytes:
    """Write ``packet`` from its mark to the end of its content, marked as signed and with the final length.

    These are the data of coverage A to D (D.4 counts head and body).
    """
    return _head_and_body(replace(packet, sign_flag=1), 2 + BLOCK_SIZE, NATIONAL)


def assemble(part: bytes, block: SignatureBlock) -> bytes:
    """Put signature block and CRC behind an ``unsigned_part``."""
    return seal(part + write_trailer(block))


def build_signed(packet: IpPacket, sign: Callable[[bytes], SignatureBlock]) -> bytes:
    """Write ``packet`` signed; ``sign`` gets the unsigned part and returns the block over it."""
    part = unsigned_part(packet)
    return assemble(part, sign(part))


def signed_data(frame: bytes) -> bytes:
    """Return the part of a received signed frame that its signature is about."""
    return frame[: -(2 + BLOCK_SIZE + CRC_SIZE)]


NATIONAL = Dialect(message_layout(CODE), _national_reader, _LAYOUTS)
