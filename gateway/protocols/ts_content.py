"""应急广播内容表 0xFE: the words and files of one message in one or more languages (GD/J 086-2018 table 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import construct

from gateway.protocols.checksum import crc16_ccitt
from gateway.protocols.fields import EBM_ID, U8, U16, U32, Layout, WireEbmId, adapt, record, sized
from gateway.protocols.ip_bodies import Auxiliary
from gateway.protocols.ts_fields import Bits

#: multilingual_content_number 1-5, auxiliary_data_number 0-2 (GD/J 086-2018 6.3).
MAX_LANGUAGES, MAX_AUXILIARIES = 5, 2


@dataclass(frozen=True, slots=True)
class LanguageContent:
    """一个语种内容: text and agency as bytes in the character set ``charset`` (table 5).

    ``wide_aux``: lengths of auxiliaries have 32 bits, as the text of 6.3 says, and not the 24 of table 4.
    """

    language: str
    charset: int
    text: bytes
    agency: bytes = b""
    aux: tuple[Auxiliary, ...] = ()
    wide_aux: bool = False
    charset_reserved: int = 0x1F
    aux_reserved: int = 0xF


@dataclass(frozen=True, slots=True)
class ContentTable:
    """应急广播内容表 of one message."""

    ebm_id: WireEbmId
    languages: tuple[LanguageContent, ...]
    reserved: int = 0xF

    @property
    def extension(self) -> int:
        """table_id_extension: CRC-16 of the EBM id.

        6.3 does not say of which bytes; we take the 18 that are sent, with the reserved nibble.
        """
        return crc16_ccitt(self.ebm_id.raw)


#: Three letters of GB/T 4880.2; Latin-1 so that other bytes come back as they were.
_LETTERS = adapt(construct.Bytes(3), lambda raw: raw.decode("latin-1"), lambda text: text.encode("latin-1"))
_NUMBER = Bits(reserved=4, number=4).con


def _language(aux_length: Any, *, wide: bool) -> Any:
    aux = record(Auxiliary, kind=U8, data=sized(aux_length))
    struct = construct.Struct(
        "language" / _LETTERS,
        "set" / Bits(reserved=5, charset=3).con,
        "text" / sized(U16),
        "agency" / sized(U8),
        "aux_head" / _NUMBER,
        "aux" / construct.Array(construct.this.aux_head.number, aux.con),
    )

    def read(obj: Any) -> LanguageContent:
        return LanguageContent(
            language=obj.language,
            charset=obj.set.charset,
            text=obj.text,
            agency=obj.agency,
            aux=tuple(obj.aux),
            wide_aux=wide,
            charset_reserved=obj.set.reserved,
            aux_reserved=obj.aux_head.reserved,
        )

    def write(content: LanguageContent) -> dict[str, object]:
        return {
            "language": content.language,
            "set": {"reserved": content.charset_reserved, "charset": content.charset},
            "text": content.text,
            "agency": content.agency,
            "aux_head": {"reserved": content.aux_reserved, "number": len(content.aux)},
            "aux": list(content.aux),
        }

    return adapt(struct, read, write)


_NARROW: Layout[LanguageContent] = Layout("LanguageContent", _language(construct.Int24ub, wide=False))
_WIDE: Layout[LanguageContent] = Layout("LanguageContent", _language(U32, wide=True))


def _read_language(raw: bytes) -> LanguageContent:
    content = _NARROW.fits(raw) or _WIDE.fits(raw)
    if content is None:
        raise construct.ValidationError("lengths inside do not add up to multilingual_content_length")
    return content


def _write_language(content: LanguageContent) -> bytes:
    # without auxiliaries the two forms are the same bytes
    return (_WIDE if content.wide_aux and content.aux else _NARROW).build(content)


#: multilingual_content_length and the content itself.
LANGUAGE: Layout[LanguageContent] = Layout("LanguageContent", adapt(sized(U32), _read_language, _write_language))


def _read(obj: Any) -> ContentTable:
    return ContentTable(obj.ebm_id, tuple(obj.languages), obj.head.reserved)


def _write(table: ContentTable) -> dict[str, object]:
    return {
        "ebm_id": table.ebm_id,
        "head": {"reserved": table.reserved, "number": len(table.languages)},
        "languages": list(table.languages),
    }


CONTENT: Layout[ContentTable] = Layout(
    "ContentTable",
    adapt(
        construct.Struct(
            "ebm_id" / EBM_ID,
            "head" / _NUMBER,
            "languages" / construct.Array(construct.this.head.number, LANGUAGE.con),
        ),
        _read,
        _write,
    ),
)
