"""Sections 段 on PID 0x21: frame, signature and CRC that all five tables share (GD/J 086, 087-2018; 089 appendix C).

A section holds all that its bytes hold, so ``build(parse(raw)) == raw``; lengths and CRC are computed anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import construct

from gateway.errors import ChecksumMismatch, IncompleteFrame, InvalidValueError, MalformedFrame, SignatureMissing
from gateway.protocols.checksum import checks, crc32_mpeg, seal
from gateway.protocols.envelope import CRC_SIZE
from gateway.protocols.fields import REST, U16, Layout, adapt
from gateway.protocols.ip_bodies import CERTIFICATES, CertificateAuthorisation, UnknownBody
from gateway.protocols.signature import BLOCK, BLOCK_SIZE, EMPTY_BLOCK, SignatureBlock, UnsignedForm
from gateway.protocols.ts_configuration import CONFIGURATION, ConfigurationTable
from gateway.protocols.ts_content import CONTENT, ContentTable
from gateway.protocols.ts_daily import DAILY, DailyTable
from gateway.protocols.ts_fields import Bits, packed
from gateway.protocols.ts_index import INDEX, IndexTable


class TableId(IntEnum):
    """table_id of the tables on PID 0x21."""

    DAILY = 0xFA
    CONFIGURATION = 0xFB
    CERTIFICATES = 0xFC
    INDEX = 0xFD
    CONTENT = 0xFE


Body = IndexTable | ContentTable | CertificateAuthorisation | ConfigurationTable | DailyTable | UnknownBody
Trailer = SignatureBlock | UnsignedForm

#: Largest section_length (GD/J 086-2018 6.2).
MAX_SECTION_LENGTH = 4093
#: Octets of table_id and section_length, which the length does not count.
LENGTH_END = 3
#: Octets before the body.
HEADER_SIZE = 8
#: What a signed section may hold between its header and its signature_length.
MAX_BODY = MAX_SECTION_LENGTH - (HEADER_SIZE - LENGTH_END) - 2 - BLOCK_SIZE - CRC_SIZE
#: Smallest section_length: rest of the header, signature_length 0, CRC.
_MIN_LENGTH = HEADER_SIZE - LENGTH_END + 2 + CRC_SIZE
#: Smallest section.
MIN_SIZE = LENGTH_END + _MIN_LENGTH
#: Versions count from 0 to 31 and begin again.
VERSIONS = 32


@dataclass(frozen=True, slots=True)
class Section:
    """One section. ``private_indicator`` and reserved bits are 1 when we write; what was received is kept."""

    table_id: int
    body: Body
    table_id_extension: int = 0
    version: int = 0
    current_next: int = 1
    section_number: int = 0
    last_section_number: int = 0
    trailer: Trailer = UnsignedForm.ZERO_LENGTH
    private_indicator: int = 1
    length_reserved: int = 3
    version_reserved: int = 3

    @property
    def signature(self) -> SignatureBlock | None:
        """The signature block, or None for the unsigned forms."""
        return self.trailer if isinstance(self.trailer, SignatureBlock) else None


@dataclass(frozen=True, slots=True)
class _Head:
    table_id: int
    syntax: int
    private_indicator: int
    length_reserved: int
    length: int
    table_id_extension: int
    version_reserved: int
    version: int
    current_next: int
    section_number: int
    last_section_number: int


_HEAD = packed(
    _Head,
    bits=Bits(
        table_id=8,
        syntax=1,
        private_indicator=1,
        length_reserved=2,
        length=12,
        table_id_extension=16,
        version_reserved=2,
        version=5,
        current_next=1,
        section_number=8,
        last_section_number=8,
    ),
)
_SIGNED_TRAILER: Layout[SignatureBlock] = Layout("signature", construct.Prefixed(U16, BLOCK.con))

#: Body of a section by its table_id.
TABLES: dict[int, Layout[Any]] = {
    TableId.DAILY: DAILY,
    TableId.CONFIGURATION: CONFIGURATION,
    TableId.CERTIFICATES: CERTIFICATES,
    TableId.INDEX: INDEX,
    TableId.CONTENT: CONTENT,
}
_TABLE_OF: dict[type, TableId] = {
    DailyTable: TableId.DAILY,
    ConfigurationTable: TableId.CONFIGURATION,
    CertificateAuthorisation: TableId.CERTIFICATES,
    IndexTable: TableId.INDEX,
    ContentTable: TableId.CONTENT,
}


def _with_rest(layout: Layout[Any]) -> Layout[tuple[Any, bytes]]:
    struct = construct.Struct("body" / layout.con, "rest" / REST)
    return Layout(layout.name, adapt(struct, lambda obj: (obj.body, obj.rest), lambda pair: dict(pair)))


_READERS: dict[int, Layout[tuple[Any, bytes]]] = {table: _with_rest(layout) for table, layout in TABLES.items()}


def section_of(body: Body, version: int = 0) -> Section:
    """Make the section that carries ``body`` alone, unsigned until it is signed; the content's CRC-16 included."""
    table = _TABLE_OF.get(type(body))
    if table is None:
        raise InvalidValueError("body", type(body).__name__, "is no table of PID 0x21")
    return Section(table, body, body.extension if isinstance(body, ContentTable) else 0, version)


def require_whole(raw: bytes) -> None:
    """Check table_id, length and CRC; raise MalformedFrame, IncompleteFrame or ChecksumMismatch in this order."""
    require_shape(raw)
    if not checks(raw):
        found = int.from_bytes(raw[-CRC_SIZE:], "big")
        raise ChecksumMismatch(found, crc32_mpeg(raw[:-CRC_SIZE]), offset=len(raw) - CRC_SIZE)


def require_shape(raw: bytes) -> None:
    """Check table_id and length; raise MalformedFrame or IncompleteFrame."""
    if raw and raw[0] not in TABLES:
        raise MalformedFrame(f"table_id: 0x{raw[0]:02X} is none of 0xFA-0xFE")
    if len(raw) < LENGTH_END:
        raise IncompleteFrame(LENGTH_END - len(raw), offset=len(raw))
    if not raw[1] & 0x80:
        raise MalformedFrame("section_syntax_indicator: must be 1 (GD/J 086-2018 table 1)", offset=1)
    length = announced(raw)
    if not _MIN_LENGTH <= length <= MAX_SECTION_LENGTH:
        raise MalformedFrame(f"section_length: {length} is not {_MIN_LENGTH}-{MAX_SECTION_LENGTH}", offset=1)
    if len(raw) < LENGTH_END + length:
        raise IncompleteFrame(LENGTH_END + length - len(raw), offset=len(raw))
    if len(raw) > LENGTH_END + length:
        over = len(raw) - LENGTH_END - length
        raise MalformedFrame(f"{over} bytes after the end of the section", offset=LENGTH_END + length)


def announced(raw: bytes | bytearray) -> int:
    """Return section_length of bytes that begin with a section."""
    return (raw[1] & 0x0F) << 8 | raw[2]


def parse(raw: bytes) -> Section:
    """Read one whole section; the signature is not verified here.

    Raises IncompleteFrame, ChecksumMismatch or MalformedFrame.
    """
    require_whole(raw)
    return parse_unchecked(raw)


def parse_unchecked(raw: bytes, *, opaque: bool = False) -> Section:
    """Read a section whose length was checked and whose CRC may be wrong; raise MalformedFrame.

    ``opaque`` leaves the body unread, to show what is left of a section whose body is broken.
    """
    head = _HEAD.parse(raw[:HEADER_SIZE])
    content = raw[HEADER_SIZE:-CRC_SIZE]
    if opaque:
        rest = _trailer_at_end(content)
        body: Body = UnknownBody(content[: len(content) - len(rest)])
    else:
        body, rest = _READERS[head.table_id].parse(content, offset=HEADER_SIZE)
    return Section(
        table_id=head.table_id,
        body=body,
        table_id_extension=head.table_id_extension,
        version=head.version,
        current_next=head.current_next,
        section_number=head.section_number,
        last_section_number=head.last_section_number,
        trailer=_read_trailer(rest, offset=len(raw) - CRC_SIZE - len(rest)),
        private_indicator=head.private_indicator,
        length_reserved=head.length_reserved,
        version_reserved=head.version_reserved,
    )


def _trailer_at_end(content: bytes) -> bytes:
    """Return what looks like signature_length and signature at the end of ``content``."""
    signed = content[-(2 + BLOCK_SIZE) :]
    return signed if signed[:2] == BLOCK_SIZE.to_bytes(2, "big") else content[-2:]


def _read_trailer(raw: bytes, *, offset: int) -> Trailer:
    if raw == b"\0\0":
        return UnsignedForm.ZERO_LENGTH
    if len(raw) == 2 + BLOCK_SIZE and int.from_bytes(raw[:2], "big") == BLOCK_SIZE:
        block = _SIGNED_TRAILER.parse(raw, offset=offset)
        return UnsignedForm.ZERO_BLOCK if block == EMPTY_BLOCK else block
    raise MalformedFrame(
        f"signature_length: {len(raw)} bytes between body and CRC are neither 2 nor {2 + BLOCK_SIZE}", offset=offset
    )


def write_trailer(trailer: Trailer) -> bytes:
    """Write signature_length and signature."""
    if isinstance(trailer, SignatureBlock):
        return _SIGNED_TRAILER.build(trailer)
    if trailer is UnsignedForm.ZERO_BLOCK:
        return _SIGNED_TRAILER.build(EMPTY_BLOCK)
    if trailer is UnsignedForm.NOTHING:
        raise InvalidValueError("signature_length", trailer, "must stand in every section (GD/J 081-2018 table 3)")
    return b"\0\0"


def signed_part(section: Section) -> bytes:
    """Return what the signature is about: the body alone, before it is put into a section (GD/J 086-2018 6.2)."""
    body = section.body
    if isinstance(body, UnknownBody):
        return body.raw
    table = _TABLE_OF.get(type(body))
    if table is None or section.table_id != table:
        raise InvalidValueError("table_id", f"0x{section.table_id:02X}", f"does not carry {type(body).__name__}")
    return TABLES[table].build(body)


def _assemble(section: Section, body: bytes) -> bytes:
    trailer = write_trailer(section.trailer)
    length = HEADER_SIZE - LENGTH_END + len(body) + len(trailer) + CRC_SIZE
    if length > MAX_SECTION_LENGTH:
        raise InvalidValueError("section_length", length, f"must not exceed {MAX_SECTION_LENGTH}: split the table")
    head = _Head(
        table_id=section.table_id,
        syntax=1,
        private_indicator=section.private_indicator,
        length_reserved=section.length_reserved,
        length=length,
        table_id_extension=section.table_id_extension,
        version_reserved=section.version_reserved,
        version=section.version,
        current_next=section.current_next,
        section_number=section.section_number,
        last_section_number=section.last_section_number,
    )
    return seal(_HEAD.build(head) + body + trailer)


def build(section: Section) -> bytes:
    """Write ``section`` with its trailer as it is; raise InvalidValueError naming a value that does not fit."""
    return _assemble(section, signed_part(section))


def build_signed(section: Section, sign: Callable[[bytes], SignatureBlock]) -> bytes:
    """Write ``section`` signed; ``sign`` gets the body and returns the block over it."""
    body = signed_part(section)
    return _assemble(replace(section, trailer=sign(body)), body)


def require_signature(section: Section) -> SignatureBlock | None:
    """Return the signature; raise SignatureMissing where it must stand.

    GD/J 081-2018 6.2.2 has it verified for each section, but some senders sign the last one of a table alone: None for
    an unsigned section that is not the last.
    """
    if section.signature is None and section.section_number >= section.last_section_number:
        raise SignatureMissing("signature: the last section of a table must be signed (GD/J 086-2018 9.2)")
    return section.signature
