"""Frames of GD/J 089-2018 appendices D and E, shown by the contract of ``decode``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.errors import ChecksumMismatch, FrameError, IncompleteFrame, MalformedFrame, SignatureInvalid
from gateway.protocols import feedback, ip, ip_legacy, shape
from gateway.protocols.checksum import checks, crc32_mpeg
from gateway.protocols.decode_contract import Verifier, checksum_of, result
from gateway.protocols.decode_fields import KINDS, fields_of, hex_of
from gateway.protocols.envelope import CRC_SIZE, MAGIC
from gateway.protocols.feedback_bodies import REPORTS
from gateway.protocols.ip_bodies import REQUESTS, PacketType, ServiceType
from gateway.protocols.trailer import write_trailer

Packet = ip.IpPacket | feedback.FeedbackPacket

_NAMES = {shape.IP: "ip", shape.IP_LEGACY: "ip-legacy", shape.FEEDBACK: "feedback"}


@dataclass(frozen=True, slots=True)
class _Read:
    """A frame as far as it could be read."""

    shape: shape.Shape
    frame: bytes
    packet: Packet | None
    error: FrameError | None


def read(frame: bytes, verifier: Verifier) -> dict[str, Any]:
    """Show a frame of appendix D (drafts included) or E; raises FrameError where not even its length is sure."""
    heard = _read(frame)
    protocol, frame, error = _NAMES[heard.shape], heard.frame, heard.error
    found, expected = int.from_bytes(frame[-CRC_SIZE:], "big"), crc32_mpeg(frame[:-CRC_SIZE])
    checksum = checksum_of("crc32", found, expected)
    if found != expected:
        error = error or ChecksumMismatch(found, expected, offset=len(frame) - CRC_SIZE)
    if heard.packet is None:
        return result(protocol=protocol, checksum=checksum, error=error)
    block = heard.packet.signature if isinstance(heard.packet, ip.IpPacket) else None
    signature = verifier.show(ip.signed_data(frame) if block else b"", block)
    if signature["valid"] is False:
        error = error or SignatureInvalid("signature: no coverage verifies with this key")
    return result(
        protocol=protocol,
        kind=_kind(heard.packet),
        fields=_fields(heard.packet, len(frame), heard.shape),
        checksum=checksum,
        signature=signature,
        rebuilt=hex_of(_rebuild(heard.packet, heard.shape)),
        error=error,
    )


def _read(frame: bytes) -> _Read:
    """Find the protocol and read as much as can be read; raise FrameError where not even the length is sure."""
    if not frame or frame[:2] != MAGIC[: len(frame)]:
        raise MalformedFrame("mark: must be FEFD (GD/J 089 tables D.2, E.2)")
    if len(frame) < shape.HEADER_SIZE:
        raise IncompleteFrame(shape.HEADER_SIZE - len(frame), offset=len(frame))
    shapes = shape.shapes_of(frame)
    if shapes:
        return _read_first(frame, shapes)
    return _read_other_length(frame)


def _read_first(frame: bytes, shapes: list[shape.Shape]) -> _Read:
    """Read by the first shape that gives a packet; else what is left by the likeliest."""
    first: _Read | None = None
    for candidate in shapes:
        read = _read_as(frame, candidate)
        if read.error is None:
            return read
        first = first or read
    assert first is not None
    return first


def _read_as(frame: bytes, candidate: shape.Shape) -> _Read:
    try:
        return _Read(candidate, frame, _parse(frame, candidate), None)
    except MalformedFrame as error:
        try:
            return _Read(candidate, frame, _parse(frame, candidate, opaque=True), error)
        except MalformedFrame:
            return _Read(candidate, frame, None, error)


def _read_other_length(frame: bytes) -> _Read:
    """Read a frame whose length field disagrees with the bytes that are there: cut, or with something behind it."""
    for candidate in shape.SHAPES:
        total = shape.announced(frame, 0, candidate)
        if candidate.smallest <= total < len(frame) and checks(frame[:total]):
            read = _read_as(frame[:total], candidate)
            more = MalformedFrame(f"{len(frame) - total} bytes after the end of the frame", offset=total)
            return _Read(candidate, read.frame, read.packet, read.error or more)
    for candidate in shape.SHAPES:
        total = shape.announced(frame, 0, candidate)
        if total > len(frame) and shape.hold(frame, 0, candidate, total).fit is not shape.Fit.NO:
            raise IncompleteFrame(total - len(frame), offset=len(frame))
    stated = shape.announced(frame, 0, shape.IP)
    raise MalformedFrame(f"length: {stated} announced, {len(frame)} there", offset=ip.LENGTH_AT)


def _parse(frame: bytes, candidate: shape.Shape, *, opaque: bool = False) -> Packet:
    if candidate is shape.FEEDBACK:
        return feedback.parse_unchecked(frame, opaque=opaque)
    dialect = ip_legacy.DRAFT if candidate is shape.IP_LEGACY else ip.NATIONAL
    return ip.parse_unchecked(frame, dialect, opaque=opaque)


def _rebuild(packet: Packet, candidate: shape.Shape) -> bytes:
    if isinstance(packet, feedback.FeedbackPacket):
        return feedback.build(packet)
    return ip_legacy.build(packet) if candidate is shape.IP_LEGACY else ip.build(packet)


def _kind(packet: Packet) -> str:
    """Name the content; what appendix E sends as 0x11 is an answer too."""
    if isinstance(packet, feedback.FeedbackPacket):
        if packet.service_type == ServiceType.QUERY:
            return "answer"
        return KINDS[packet.service_type] if packet.service_type in REPORTS else "unknown"
    if packet.packet_type == PacketType.ANSWER:
        return "answer"
    return KINDS[packet.service_type] if packet.service_type in REQUESTS else "unknown"


def _fields(packet: Packet, length: int, candidate: shape.Shape) -> dict[str, Any]:
    head: dict[str, Any] = {"version": packet.version, "session": packet.session, "packet_type": packet.packet_type}
    content = candidate.count_at + 5 + candidate.code_size * len(packet.targets)
    trailer = 0
    if isinstance(packet, ip.IpPacket):
        head["sign_flag"] = packet.sign_flag
        trailer = len(write_trailer(packet.trailer))
    shown = {
        **head,
        "length": length,
        "source": packet.source.digits,
        "targets": [target.digits for target in packet.targets],
        "service_type": packet.service_type,
        "body_length": length - content - trailer - CRC_SIZE,
        **fields_of(packet.body),
    }
    if isinstance(packet, ip.IpPacket):
        block = packet.signature
        shown["signature_form"] = "signed" if block else packet.trailer
        if block is not None:
            shown["signature_value"] = hex_of(block.value)
    return shown
