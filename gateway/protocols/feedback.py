"""Return data 数据回传 from terminals and village adapters (GD/J 089-2018 appendix E): frames to packets and back.

Appendix E has no signature and defines no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.domain.codes import ResourceCode
from gateway.errors import InvalidValueError
from gateway.protocols.checksum import seal
from gateway.protocols.envelope import CRC_SIZE, MAGIC, MAX_LENGTH, VERSION, require_whole
from gateway.protocols.feedback_bodies import (
    REPORTS,
    BroadcastResult,
    FaultReport,
    QueryAnswer,
    RecordReport,
    TaskSwitch,
)
from gateway.protocols.fields import CODE, U8, U16, U32, Layout, WireCode, counted, record, sized
from gateway.protocols.ip_bodies import Heartbeat, PacketType, ServiceType, UnknownBody

Body = Heartbeat | QueryAnswer | FaultReport | TaskSwitch | BroadcastResult | RecordReport | UnknownBody

#: Where the total length stands: one byte earlier than in appendix D, for there is no sign flag.
LENGTH_AT = 9
HEADER_SIZE = 11


@dataclass(frozen=True, slots=True)
class FeedbackPacket:
    """One frame of appendix E: head (table E.2) and body (E.3); packet type 1 sent unasked, 2 answers a query."""

    session: int
    source: WireCode
    targets: tuple[WireCode, ...]
    service_type: int
    body: Body
    packet_type: int = PacketType.REQUEST
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class _Head:
    version: int
    session: int
    packet_type: int
    length: int


@dataclass(frozen=True, slots=True)
class _Message:
    source: WireCode
    targets: tuple[WireCode, ...]
    service_type: int
    content: bytes


#: Table E.2, behind the mark.
_HEAD = record(_Head, version=U16, session=U32, packet_type=U8, length=U16)
#: Table E.3.
_MESSAGE = record(_Message, source=CODE, targets=counted(U16, CODE), service_type=U8, content=sized(U16))

_TYPES: dict[type, int] = {
    Heartbeat: ServiceType.HEARTBEAT,
    QueryAnswer: ServiceType.QUERY,
    FaultReport: ServiceType.FAULT,
    TaskSwitch: ServiceType.TASK,
    BroadcastResult: ServiceType.RESULT,
    RecordReport: ServiceType.RECORDS,
}


def report(
    session: int,
    source: ResourceCode,
    target: ResourceCode,
    body: Body,
    packet_type: int = PacketType.REQUEST,
) -> FeedbackPacket:
    """Make a report; an answer to a query has packet type 2 and the query's session."""
    service_type = _TYPES.get(type(body))
    if service_type is None:
        raise InvalidValueError("body", type(body).__name__, "is no report of table E.3")
    return FeedbackPacket(session, WireCode.of(source), (WireCode.of(target),), service_type, body, packet_type)


def parse(frame: bytes) -> FeedbackPacket:
    """Read one whole frame; raise IncompleteFrame, ChecksumMismatch or MalformedFrame."""
    require_whole(frame, LENGTH_AT)
    return parse_unchecked(frame)


def parse_unchecked(frame: bytes, *, opaque: bool = False) -> FeedbackPacket:
    """Read a frame whose mark, length and CRC were checked, or deliberately were not; raise MalformedFrame.

    ``opaque`` leaves the content unread, to show what is left of a frame whose content is broken.
    """
    head = _HEAD.parse(frame[2:HEADER_SIZE], offset=2)
    message = _MESSAGE.parse(frame[HEADER_SIZE:-CRC_SIZE], offset=HEADER_SIZE)
    layout: Layout[Any] | None = None if opaque else REPORTS.get(message.service_type)
    body: Body = UnknownBody(message.content)
    if layout is not None:
        body = layout.parse(message.content, offset=len(frame) - CRC_SIZE - len(message.content))
    return FeedbackPacket(
        version=head.version,
        session=head.session,
        packet_type=head.packet_type,
        source=message.source,
        targets=message.targets,
        service_type=message.service_type,
        body=body,
    )


def write_body(body: Body) -> bytes:
    """Write the content of a packet."""
    return body.raw if isinstance(body, UnknownBody) else REPORTS[_TYPES[type(body)]].build(body)


def build(packet: FeedbackPacket) -> bytes:
    """Write ``packet``; raise InvalidValueError naming a value that does not fit."""
    message = _MESSAGE.build(_Message(packet.source, packet.targets, packet.service_type, write_body(packet.body)))
    length = HEADER_SIZE + len(message) + CRC_SIZE
    if length > MAX_LENGTH:
        raise InvalidValueError("frame", f"{length} bytes", f"must not exceed {MAX_LENGTH} (table E.2); split it")
    head = _HEAD.build(_Head(packet.version, packet.session, packet.packet_type, length))
    return seal(MAGIC + head + message)
