"""One frame, shown to people and programs: ``ebgw decode`` (contract in docs/decode.md)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.errors import ChecksumMismatch, FrameError, IncompleteFrame, MalformedFrame, SignatureInvalid
from gateway.protocols import feedback, ip, ip_legacy, shape
from gateway.protocols.checksum import checks, crc32_mpeg
from gateway.protocols.decode_fields import KINDS, fields_of, hex_of, time_of
from gateway.protocols.envelope import CRC_SIZE, MAGIC
from gateway.protocols.feedback_bodies import REPORTS
from gateway.protocols.ip_bodies import REQUESTS, PacketType, ServiceType
from gateway.protocols.signature import SignatureBlock
from gateway.security.coverage import VERIFY_ORDER, signed_bytes
from gateway.security.sig_time import TIME_FLOOR

#: ``verify(public_key, message, signature)``: x‖y, what was signed, r‖s.
Verify = Callable[[bytes, bytes, bytes], bool]
Packet = ip.IpPacket | feedback.FeedbackPacket

_NAMES = {shape.IP: "ip", shape.IP_LEGACY: "ip-legacy", shape.FEEDBACK: "feedback"}
#: 协议类型 of appendix A, first byte of its packets, before version 0001.
_ADAPTER_HEADS = (b"\x49\x00\x01", b"\x50\x00\x01")
_NO_SIGNATURE: dict[str, Any] = {"present": False, "time": None, "certificate": None, "valid": None, "coverage": None}
_BROKEN_HEX = re.compile(r"[^0-9A-Fa-f]")


class UndecodableInput(FrameError):
    """The input is no frame that could be shown: not hexadecimal, or of another protocol."""

    def __init__(self, code: str, message: str, *, offset: int = 0) -> None:
        self.code = code
        super().__init__(message, offset=offset)


@dataclass(frozen=True, slots=True)
class _Read:
    """A frame as far as it could be read."""

    shape: shape.Shape
    frame: bytes
    packet: Packet | None
    error: FrameError | None


def decode(source: str | bytes, public_key: bytes | None = None, verify: Verify | None = None) -> dict[str, Any]:
    """Return the JSON contract for one frame, given as hexadecimal text (white space ignored) or as bytes.

    ``public_key`` is x‖y, 64 bytes; without it or ``verify`` a signature is shown as neither valid nor invalid.
    Never raises for bad input: ``error`` says what is wrong.
    """
    try:
        read = _read(_bytes_of(source))
    except FrameError as refused:
        return _result(error=refused, protocol="adapter" if refused.code == "unsupported_protocol" else None)
    protocol, frame, error = _NAMES[read.shape], read.frame, read.error
    found, expected = int.from_bytes(frame[-CRC_SIZE:], "big"), crc32_mpeg(frame[:-CRC_SIZE])
    checksum = {"kind": "crc32", "ok": found == expected, "found": f"{found:08X}", "expected": f"{expected:08X}"}
    if found != expected:
        error = error or ChecksumMismatch(found, expected, offset=len(frame) - CRC_SIZE)
    if read.packet is None:
        return _result(protocol=protocol, checksum=checksum, error=error)
    signature = _signature(read.packet, frame, public_key, verify)
    if signature["valid"] is False:
        error = error or SignatureInvalid("signature: no coverage verifies with this key")
    return _result(
        protocol=protocol,
        kind=_kind(read.packet),
        fields=_fields(read.packet, len(frame), read.shape),
        checksum=checksum,
        signature=signature,
        rebuilt=hex_of(_rebuild(read.packet, read.shape)),
        error=error,
    )


def _bytes_of(source: str | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    text = "".join(source.split())
    broken = _BROKEN_HEX.search(text)
    if broken is not None:
        raise UndecodableInput("not_hex", f"{broken.group()!r} is no hexadecimal digit", offset=broken.start() // 2)
    if len(text) % 2:
        raise UndecodableInput("not_hex", "odd number of hexadecimal digits", offset=len(text) // 2)
    return bytes.fromhex(text)


def _read(frame: bytes) -> _Read:
    """Find the protocol and read as much as can be read; raise FrameError where not even the length is sure."""
    if frame[:3] in _ADAPTER_HEADS:
        raise UndecodableInput("unsupported_protocol", "adapter protocol (GD/J 089 appendix A) is not read yet")
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
        trailer = len(ip.write_trailer(packet.trailer))
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


def _signature(packet: Packet, frame: bytes, public_key: bytes | None, verify: Verify | None) -> dict[str, Any]:
    block = packet.signature if isinstance(packet, ip.IpPacket) else None
    if block is None:
        return _NO_SIGNATURE.copy()
    coverage = _coverage(ip.signed_data(frame), block, public_key, verify)
    known = public_key is not None and verify is not None
    return {
        "present": True,
        "time": time_of(block.sig_time) if block.sig_time >= TIME_FLOOR else block.sig_time,
        "certificate": block.certificate,
        "valid": coverage is not None if known else None,
        "coverage": coverage,
    }


def _coverage(data: bytes, block: SignatureBlock, public_key: bytes | None, verify: Verify | None) -> str | None:
    if public_key is None or verify is None:
        return None
    for coverage in VERIFY_ORDER:
        if verify(public_key, signed_bytes(data, block, coverage), block.value):
            return coverage.value
    return None


def _result(
    *,
    protocol: str | None = None,
    kind: str | None = None,
    fields: dict[str, Any] | None = None,
    checksum: dict[str, Any] | None = None,
    signature: dict[str, Any] | None = None,
    rebuilt: str | None = None,
    error: FrameError | None = None,
) -> dict[str, Any]:
    shown = None
    if error is not None:
        shown = {"code": error.code, "offset": error.offset, "message": error.message}
    return {
        "protocol": protocol,
        "kind": kind,
        "fields": fields or {},
        "checksum": checksum,
        "signature": signature or _NO_SIGNATURE.copy(),
        "rebuilt": rebuilt,
        "error": shown,
    }
