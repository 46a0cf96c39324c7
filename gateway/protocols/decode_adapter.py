"""Frames of GD/J 089-2018 appendix A, shown by the contract of ``decode``."""

from __future__ import annotations

from typing import Any

from gateway.errors import ChecksumMismatch, FrameError, IncompleteFrame, MalformedFrame, SignatureInvalid
from gateway.protocols import adapter
from gateway.protocols.adapter_envelope import HEADER_SIZE, LENGTH_AT, SIGNATURE_SIZES, content_size, require_whole
from gateway.protocols.checksum import checks, crc32_mpeg
from gateway.protocols.decode_adapter_fields import fields_of, kind_of
from gateway.protocols.decode_contract import Verifier, checksum_of, result
from gateway.protocols.decode_fields import hex_of
from gateway.protocols.envelope import CRC_SIZE

PROTOCOL = "adapter"


def read(frame: bytes, verifier: Verifier) -> dict[str, Any]:
    """Show a frame of appendix A, whose mark was seen; what is cut has nothing but its error."""
    try:
        frame, error = _whole(frame)
    except FrameError as refused:
        return result(protocol=PROTOCOL, error=refused)
    checksum = checksum_of("crc32", int.from_bytes(frame[-CRC_SIZE:], "big"), crc32_mpeg(frame[:-CRC_SIZE]))
    try:
        packet = adapter.parse_unchecked(frame)
    except MalformedFrame as broken:
        error = error or broken
        try:
            packet = adapter.parse_unchecked(frame, opaque=True)
        except MalformedFrame:
            return result(protocol=PROTOCOL, checksum=checksum, error=error)
    block = packet.signature
    signature = verifier.show(adapter.signed_data(frame) if block else b"", block)
    if signature["valid"] is False:
        error = error or SignatureInvalid("signature: no coverage verifies with this key")
    return result(
        protocol=PROTOCOL,
        kind=kind_of(packet),
        fields=_fields(packet, frame),
        checksum=checksum,
        signature=signature,
        rebuilt=hex_of(adapter.build(packet)),
        error=error,
    )


def _whole(frame: bytes) -> tuple[bytes, FrameError | None]:
    """Return the frame to its end, and what is wrong with its sum or length; raise where its end is not known."""
    try:
        require_whole(frame)
    except IncompleteFrame:
        raise
    except (ChecksumMismatch, MalformedFrame) as error:
        end = HEADER_SIZE + content_size(frame)
        signature = int.from_bytes(frame[end : end + 2], "big")
        total = end + 2 + signature + CRC_SIZE
        if len(frame) == total or signature not in SIGNATURE_SIZES:
            return frame, error
        if checks(frame[:total]):
            return frame[:total], MalformedFrame(f"{len(frame) - total} bytes after the end of the frame", offset=total)
        raise MalformedFrame(f"length: {total} announced, {len(frame)} there", offset=LENGTH_AT) from None
    return frame, None


def _fields(packet: adapter.AdapterPacket, frame: bytes) -> dict[str, Any]:
    block = packet.signature
    shown: dict[str, Any] = {
        "head": packet.head,
        "version": packet.version,
        "protocol_type": packet.protocol_type,
        "platform_type": packet.platform_type,
        "length": len(frame),
        "body_length": content_size(frame),
        **fields_of(packet.body),
        "signature_form": "signed" if block else packet.trailer,
    }
    if block is not None:
        shown["signature_value"] = hex_of(block.value)
    return shown
