"""Sections of the transport stream tables, alone or in packets, shown by the contract of ``decode``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gateway.errors import ChecksumMismatch, FrameError, IncompleteFrame, MalformedFrame, SignatureInvalid
from gateway.protocols import shape, ts_packets, ts_section
from gateway.protocols.checksum import crc32_mpeg
from gateway.protocols.decode_contract import Verifier, checksum_of, result
from gateway.protocols.decode_fields import hex_of
from gateway.protocols.decode_ts_fields import table_fields
from gateway.protocols.envelope import CRC_SIZE, MAGIC
from gateway.protocols.ts_fields import TABLE_PID
from gateway.protocols.ts_packets import PACKET_SIZE, SYNC, TsPacket
from gateway.protocols.ts_section import LENGTH_END, Section, TableId
from gateway.protocols.ts_sections import Found, PacketReader

KINDS: dict[int, str] = {
    TableId.DAILY: "daily",
    TableId.CONFIGURATION: "configuration",
    TableId.CERTIFICATES: "certificates",
    TableId.INDEX: "index",
    TableId.CONTENT: "content",
}


def knows(frame: bytes) -> bool:
    """Whether ``frame`` begins as a section of tables 0xFA-0xFE or as a packet does.

    FEFD is the mark of appendices D and E, and could also begin a content table of 3,328 to 3,583 bytes: it is one only
    where its length fits and neither appendix knows the frame.
    """
    if len(frame) < LENGTH_END:
        return False
    if frame[0] == SYNC:
        ours = int.from_bytes(frame[1:3], "big") & 0x1FFF == TABLE_PID
        return ours or (len(frame) % PACKET_SIZE == 0 and set(frame[::PACKET_SIZE]) == {SYNC})
    if frame[0] not in ts_section.TABLES or frame[1] >> 4 not in (0xB, 0xF):
        return False
    if frame[:2] != MAGIC:
        return True
    return ts_section.announced(frame) + LENGTH_END == len(frame) and not shape.shapes_of(frame)


def read(frame: bytes, verifier: Verifier) -> dict[str, Any]:
    """Show a section, or the section that packets of 188 bytes hold; raises FrameError where there is none."""
    if frame[0] == SYNC:
        return _read_packets(frame, verifier)
    shown = _Shown.of(frame)
    return shown.result(verifier, {}, shown.rebuilt)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A section as far as it could be read."""

    raw: bytes
    section: Section | None
    error: FrameError | None

    @classmethod
    def of(cls, raw: bytes) -> _Shown:
        """Read as much as can be read; raise FrameError where not even the length is sure."""
        error: FrameError | None = None
        try:
            ts_section.require_shape(raw)
        except MalformedFrame as more:
            size = LENGTH_END + ts_section.announced(raw)
            if size >= len(raw) or size < ts_section.MIN_SIZE:
                raise
            raw, error = raw[:size], more
            ts_section.require_shape(raw)
        section: Section | None = None
        try:
            section = ts_section.parse_unchecked(raw)
        except MalformedFrame as broken:
            error = broken
            try:
                section = ts_section.parse_unchecked(raw, opaque=True)
            except MalformedFrame:
                section = None
        found, expected = int.from_bytes(raw[-CRC_SIZE:], "big"), crc32_mpeg(raw[:-CRC_SIZE])
        if found != expected:
            error = error or ChecksumMismatch(found, expected, offset=len(raw) - CRC_SIZE)
        return cls(raw, section, error)

    @property
    def rebuilt(self) -> bytes | None:
        """The section written again from what was read."""
        return None if self.section is None else ts_section.build(self.section)

    def result(
        self, verifier: Verifier, beside: dict[str, Any], rebuilt: bytes | None, more: FrameError | None = None
    ) -> dict[str, Any]:
        """Return the contract; ``beside`` are fields of what carries the section, ``more`` an error of it."""
        raw, section, error = self.raw, self.section, self.error or more
        checksum = checksum_of("crc32", int.from_bytes(raw[-CRC_SIZE:], "big"), crc32_mpeg(raw[:-CRC_SIZE]))
        if section is None:
            return result(protocol="ts", kind=KINDS[raw[0]], checksum=checksum, error=error)
        signature = verifier.show(ts_section.signed_part(section), section.signature)
        if signature["valid"] is False:
            error = error or SignatureInvalid("signature: no coverage verifies with this key")
        return result(
            protocol="ts",
            kind=KINDS[section.table_id],
            fields=_fields(section, len(raw)) | beside,
            checksum=checksum,
            signature=signature,
            rebuilt=None if rebuilt is None else hex_of(rebuilt),
            error=error,
        )


def _fields(section: Section, size: int) -> dict[str, Any]:
    block = section.signature
    shown = {
        "table_id": section.table_id,
        "private_indicator": section.private_indicator,
        "section_length": size - LENGTH_END,
        "table_id_extension": section.table_id_extension,
        "version": section.version,
        "current_next": section.current_next,
        "section_number": section.section_number,
        "last_section_number": section.last_section_number,
        **table_fields(section.body),
        "signature_form": "signed" if block else section.trailer,
    }
    if block is not None:
        shown["signature_value"] = hex_of(block.value)
    return shown


def _read_packets(frame: bytes, verifier: Verifier) -> dict[str, Any]:
    packets = _packets(frame)
    reader = PacketReader()
    events = [event for packet in packets for event in reader.take(packet)]
    found = [event for event in events if isinstance(event, Found)]
    error = next((event for event in events if isinstance(event, FrameError)), None)
    if not found:
        raise error or _unfinished(reader)
    if error is None and len(found) > 1:
        error = MalformedFrame(f"{len(found)} sections in these packets: one at a time is shown")
    if error is None and reader.pending:
        error = IncompleteFrame(reader.pending, offset=len(frame))
    shown = _Shown.of(found[0].raw)
    beside = {
        "packets": len(packets),
        "pids": sorted({packet.pid for packet in packets}),
        "continuity": [packet.continuity for packet in packets],
    }
    rebuilt = shown.rebuilt
    again = None if rebuilt is None else b"".join(map(ts_packets.build, _refill(packets, found[0], rebuilt)))
    return shown.result(verifier, beside, again, error)


def _packets(frame: bytes) -> list[TsPacket]:
    over = len(frame) % PACKET_SIZE
    if over:
        raise IncompleteFrame(PACKET_SIZE - over, offset=len(frame))
    packets = []
    for at in range(0, len(frame), PACKET_SIZE):
        if frame[at] != SYNC:
            raise MalformedFrame("sync_byte: must be 0x47 at every 188th byte", offset=at)
        packets.append(ts_packets.parse(frame[at : at + PACKET_SIZE]))
    return packets


def _unfinished(reader: PacketReader) -> FrameError:
    if reader.pending:
        return IncompleteFrame(reader.pending)
    return MalformedFrame(f"packets: no section begins on PID 0x{TABLE_PID:04X}")


def _refill(packets: list[TsPacket], found: Found, section: bytes) -> list[TsPacket]:
    """Put the rebuilt section where the one that was read lay."""
    refilled, at = list(packets), 0
    for number, offset, size in found.spans:
        packet = refilled[number]
        payload = packet.payload[:offset] + section[at : at + size] + packet.payload[offset + size :]
        refilled[number] = replace(packet, payload=payload)
        at += size
    return refilled
