from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import EbmId, ResourceCode
from gateway.errors import InvalidValueError
from gateway.protocols import ts_section
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import Auxiliary, CertificateAuthorisation, UnknownBody
from gateway.protocols.ts_configuration import DefaultVolume, StateQuery, configure
from gateway.protocols.ts_content import ContentTable, LanguageContent
from gateway.protocols.ts_daily import BroadcastText, daily
from gateway.protocols.ts_descriptors import Descriptor, Descriptors
from gateway.protocols.ts_index import DetailsChannel, IndexEntry, IndexTable
from gateway.protocols.ts_section import Body, Section
from gateway.protocols.ts_split import sections_of
from gateway.protocols.ts_time import OPEN_END, MjdTime, TsTime
from gateway.security.coverage import SignatureBlock
from tests.protocols.test_ts_section import EBM, block_of
from tests.protocols.ts_strategies import BODIES


def codes(number: int) -> tuple[WireCode, ...]:
    return tuple(WireCode.of(ResourceCode(f"6341523{n:06d}0314010401")) for n in range(number))


def entry(number: int, of_codes: int = 1, details: DetailsChannel | None = None) -> IndexEntry:
    ebm = WireEbmId.of(EbmId(f"4341523000000010301010120240601{number:04d}"))
    start = MjdTime.of(1717228800, TsTime.UTC)
    return IndexEntry(ebm, 1, start, OPEN_END, "11B03", 4, 2, codes(of_codes), details)


def sign(_: bytes) -> SignatureBlock:
    return block_of("C27")


def checked(body: Body) -> list[Section]:
    """The sections of ``body``, each of which fits when signed and comes back."""
    sections = sections_of(body, version=7)
    for number, section in enumerate(sections):
        raw = ts_section.build_signed(section, sign)
        assert len(raw) <= 3 + 4093
        read = ts_section.parse(raw)
        assert read == replace(section, trailer=block_of("C27"))
        assert (read.version, read.section_number, read.last_section_number) == (7, number, len(sections) - 1)
    return list(sections)


def test_what_fits_stays_one_section() -> None:
    assert len(checked(IndexTable())) == 1
    assert len(checked(IndexTable((entry(1), entry(2))))) == 1


def test_many_messages_go_into_several_sections_in_order() -> None:
    table = IndexTable(tuple(entry(number) for number in range(300)))
    sections = checked(table)
    assert len(sections) == 4
    joined = [one for section in sections for one in section.body.messages]  # type: ignore[union-attr]
    assert tuple(joined) == table.messages


@pytest.mark.parametrize("number", [255, 256, 700])
def test_many_codes_become_several_entries_of_one_message(number: int) -> None:
    whole = entry(1, number)
    sections = checked(IndexTable((whole,)))
    parts = [one for section in sections for one in section.body.messages]  # type: ignore[union-attr]
    assert len(parts) == -(-number // 255)
    assert {replace(part, codes=()) for part in parts} == {replace(whole, codes=())}
    assert tuple(code for part in parts for code in part.codes) == whole.codes


def test_an_entry_with_large_descriptors_leaves_fewer_codes() -> None:
    loop = Descriptors(tuple(Descriptor(0xAB, bytes(250)) for _ in range(4)))
    whole = entry(1, 400, DetailsChannel(1, 2, 3, descriptors=loop))
    parts = [one for section in checked(IndexTable((whole,))) for one in section.body.messages]  # type: ignore[union-attr]
    assert tuple(code for part in parts for code in part.codes) == whole.codes


def test_commands_are_split_between_codes() -> None:
    table = configure(StateQuery((1, 6), codes(300)), DefaultVolume(50, codes(1)))
    commands = [one for section in checked(table) for one in section.body.commands]  # type: ignore[union-attr]
    assert [len(command.value.codes) for command in commands] == [255, 45, 1]
    assert {command.value.tags for command in commands[:2]} == {(1, 6)}


def test_a_daily_text_is_repeated_for_every_group_of_codes() -> None:
    text = ("日常" * 900).encode("gb2312")
    commands = [
        one
        for section in checked(daily(BroadcastText(2, 0, EBM, codes(200), text)))
        for one in section.body.commands  # type: ignore[union-attr]
    ]
    assert {command.value.text for command in commands} == {text}
    assert [code for command in commands for code in command.value.codes] == list(codes(200))


def test_languages_are_split_and_never_cut() -> None:
    languages = tuple(LanguageContent(name, 0, bytes([65]) * 1500, b"A") for name in ("zho", "eng", "mon", "uig"))
    sections = checked(ContentTable(EBM, languages))
    assert [len(section.body.languages) for section in sections] == [2, 2]  # type: ignore[union-attr]
    assert {section.table_id_extension for section in sections} == {ContentTable(EBM, ()).extension}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (ContentTable(EBM, (LanguageContent("zho", 0, bytes(4000)),)), "languages.zho"),
        (ContentTable(EBM, (LanguageContent("zho", 0, b"", b"", (Auxiliary(41, bytes(5000)),)),)), "languages.zho"),
        (daily(BroadcastText(2, 0, EBM, codes(1), bytes(4000))), "commands.4"),
        (CertificateAuthorisation((bytes(4010),), ()), "lists"),
        (IndexTable(tuple(entry(n % 10000, 250) for n in range(300))), "last_section_number"),
    ],
)
def test_what_cannot_be_split_is_refused_by_name(body: Body, field: str) -> None:
    with pytest.raises(InvalidValueError, match=field):
        sections_of(body)


def test_certificates_are_split() -> None:
    body = CertificateAuthorisation(tuple(bytes([n]) * 500 for n in range(10)), tuple(bytes(143) for _ in range(30)))
    parts = [section.body for section in checked(body)]
    assert tuple(raw for part in parts for raw in part.lists) == body.lists  # type: ignore[union-attr]
    assert tuple(raw for part in parts for raw in part.certificates) == body.certificates  # type: ignore[union-attr]


def test_an_unread_body_has_no_table() -> None:
    with pytest.raises(InvalidValueError, match="body"):
        sections_of(UnknownBody(b"\0"))


@given(st.one_of(list(BODIES.values())))
def test_small_tables_of_every_kind_stay_as_they_are(body: Body) -> None:
    sections = sections_of(body)
    assert [section.body for section in sections] == [body]
