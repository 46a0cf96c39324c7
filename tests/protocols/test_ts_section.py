from dataclasses import replace

import pytest
from hypothesis import given

from gateway.domain.codes import CertificateSerial, EbmId, ResourceCode
from gateway.errors import (
    ChecksumMismatch,
    FrameError,
    IncompleteFrame,
    InvalidValueError,
    MalformedFrame,
    SignatureMissing,
)
from gateway.protocols import ts_section
from gateway.protocols.checksum import crc16_ccitt
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import Auxiliary, CertificateAuthorisation, UnknownBody
from gateway.protocols.parameters import ResourceCodeSetting
from gateway.protocols.signature import SignatureBlock, UnsignedForm
from gateway.protocols.ts_commands import Command
from gateway.protocols.ts_configuration import (
    ConfigurationTable,
    DefaultVolume,
    FrequencyLock,
    ReturnPeriod,
    ReturnTarget,
    StateQuery,
    configure,
)
from gateway.protocols.ts_content import ContentTable, LanguageContent
from gateway.protocols.ts_daily import AmplifierSwitch, BroadcastText, PlayProgramme, StopProgramme, daily
from gateway.protocols.ts_index import DetailsChannel, IndexEntry, IndexTable, Stream
from gateway.protocols.ts_section import Section, TableId
from gateway.protocols.ts_time import MjdTime, TsTime, WallClock
from gateway.security.coverage import Coverage, signed_bytes
from gateway.security.libcrypto import LibcryptoProvider
from tests.protocols.golden import BY_ID, changed, frame, of
from tests.protocols.strategies import mutated
from tests.protocols.ts_strategies import sections

EBM = WireEbmId.of(EbmId("43415230000000103010101202406010001"))
COUNTY = (WireCode.of(ResourceCode("43415230000000000000000")),)
TERMINAL = (WireCode.of(ResourceCode("63415231002000314010401")),)
START, END = 1717228800, 1717229400
VERIFY = LibcryptoProvider().verify


def block_of(name: str) -> SignatureBlock:
    block = ts_section.parse(frame(name)).signature
    assert block is not None
    return block


@pytest.mark.parametrize("name", of("ts"))
def test_every_vector_is_read_and_written_to_the_byte(name: str) -> None:
    assert ts_section.build(ts_section.parse(frame(name))) == frame(name)


@pytest.mark.parametrize("name", [name for name in of("ts") if BY_ID[name]["signed"]])
def test_every_signature_is_over_the_body_alone(name: str) -> None:
    section = ts_section.parse(frame(name))
    key = bytes.fromhex(BY_ID[name]["public_key"])
    message = signed_bytes(ts_section.signed_part(section), block_of(name), Coverage.A)
    assert VERIFY(key, message, block_of(name).value)
    assert not VERIFY(key, b"\0" + message, block_of(name).value)


def test_an_index_from_its_values_is_the_vector() -> None:
    details = DetailsChannel(1, 2, 101, 0x200, streams=(Stream(3, 0x201),))
    entry = IndexEntry(
        EBM, 1, MjdTime.of(START, TsTime.BEIJING), MjdTime.of(END, TsTime.BEIJING), "11B03", 4, 2, COUNTY, details
    )
    section = ts_section.section_of(IndexTable((entry,)), version=1)
    asked: list[bytes] = []

    def sign(data: bytes) -> SignatureBlock:
        asked.append(data)
        return block_of("C27")

    assert ts_section.build_signed(section, sign) == frame("C27")
    assert asked == [frame("C27")[8:-80]]


def test_the_empty_index_is_the_vector() -> None:
    section = ts_section.section_of(IndexTable(), version=2)
    assert ts_section.build(section) == frame("C28")
    assert ts_section.build_signed(section, lambda _: block_of("C109")) == frame("C109")


def test_a_content_from_its_values_is_the_vector() -> None:
    png = ts_section.parse(frame("C111")).body.languages[0].aux[0].data  # type: ignore[union-attr]
    assert png.startswith(b"\x89PNG")
    table = ContentTable(
        EBM,
        (
            LanguageContent("zho", 0, "暴雨预警".encode("gb2312"), "气象局".encode("gb2312"), (Auxiliary(41, png),)),
            LanguageContent("eng", 0, b"Rainstorm warning", b"Weather bureau"),
        ),
    )
    section = ts_section.section_of(table, version=1)
    assert section.table_id_extension == crc16_ccitt(EBM.raw) == 0x73CF
    assert ts_section.build_signed(section, lambda _: block_of("C111")) == frame("C111")


def test_configurations_from_their_values_are_the_vectors() -> None:
    groups = tuple(
        WireCode.of(ResourceCode(code))
        for code in ("63415230000000314010400", "53415230000000314010400", "43415230000000314010400")
    )
    lock = ts_section.section_of(configure(FrequencyLock(474000, 6875, 3, groups)), version=1)
    assert ts_section.build_signed(lock, lambda _: block_of("C113")) == frame("C113")
    target = ts_section.section_of(configure(ReturnTarget(3, "eb.example.cn:8080", COUNTY)), version=2)
    assert ts_section.build_signed(target, lambda _: block_of("C114")) == frame("C114")
    others = configure(
        WallClock.of(START),
        ResourceCodeSetting(bytes.fromhex("112233445566"), TERMINAL[0]),
        ReturnPeriod(86400, COUNTY),
        DefaultVolume(60, COUNTY),
        StateQuery((1, 6, 14), TERMINAL),
    )
    section = ts_section.section_of(others, version=3)
    assert ts_section.build_signed(section, lambda _: block_of("C115")) == frame("C115")


def test_dailies_from_their_values_are_the_vectors() -> None:
    table = daily(
        PlayProgramme(EBM, 1, 2, 101, 0x200, 3, 0x201, 1, 80, WallClock.of(END), COUNTY),
        StopProgramme(EBM, 1, 2, 101, 0x200, 0x201, COUNTY),
        AmplifierSwitch(2, TERMINAL),
        BroadcastText(1, 0, EBM, COUNTY, "暴雨预警".encode("gb2312")),
    )
    assert ts_section.build_signed(ts_section.section_of(table), lambda _: block_of("C31")) == frame("C31")


@given(sections())
def test_every_table_and_command_comes_back(section: Section) -> None:
    raw = ts_section.build(section)
    read = ts_section.parse(raw)
    assert read == section
    assert ts_section.build(read) == raw


@given(mutated(sections().map(ts_section.build)))
def test_what_can_be_read_can_be_written_again(raw: bytes) -> None:
    try:
        section = ts_section.parse(raw)
    except FrameError:
        return
    assert ts_section.build(section) == raw


@pytest.mark.parametrize("name", of("ts"))
def test_cut_at_every_offset_asks_for_the_rest(name: str) -> None:
    raw = frame(name)
    for size in range(len(raw)):
        with pytest.raises(IncompleteFrame) as caught:
            ts_section.parse(raw[:size])
        assert size + caught.value.needed <= len(raw)
        assert caught.value.result is None


@pytest.mark.parametrize("name", of("ts"))
def test_every_changed_byte_is_found(name: str) -> None:
    for at in range(3, len(frame(name))):
        raw = bytearray(frame(name))
        raw[at] ^= 0x10
        with pytest.raises(ChecksumMismatch):
            ts_section.parse(bytes(raw))


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize(
    ("name", "at", "size"),
    [
        ("C27", 1, 2),  # section_length
        ("C27", 8, 1),  # EBM_number
        ("C27", 9, 2),  # EBM_length
        ("C27", 47, 1),  # EBM_resource_number
        ("C27", 69, 2),  # details_channel_program_info_length
        ("C27", 71, 2),  # stream_info_length
        ("C27", 76, 2),  # ES_info_length
        ("C27", 78, 2),  # signature_length
        ("C111", 26, 1),  # multilingual_content_number
        ("C111", 27, 4),  # multilingual_content_length
        ("C111", 35, 2),  # message_text_length
        ("C113", 8, 1),  # configure_cmd_number
        ("C113", 10, 2),  # configure_cmd_length
        ("C31", 8, 1),  # daily_cmd_number
        ("C31", 10, 2),  # daily_cmd_length
    ],
)
def test_lengths_off_by_one(name: str, at: int, size: int, by: int) -> None:
    with pytest.raises((MalformedFrame, IncompleteFrame)):
        ts_section.parse(changed(frame(name), at, by, size))


def test_a_command_that_does_not_fit_its_tag_survives_as_bytes() -> None:
    raw = changed(frame("C113"), 21, 1)  # terminal_number
    section = ts_section.parse(raw)
    assert isinstance(section.body, ConfigurationTable)
    assert isinstance(section.body.commands[0].value, bytes)
    assert ts_section.build(section) == raw


def test_a_return_address_of_ipv4_and_port() -> None:
    table = configure(ReturnTarget(2, "192.168.1.50:8889", COUNTY))
    raw = ts_section.build(ts_section.section_of(table))
    assert raw[12:20].hex() == "0206c0a8013222b9"
    assert ts_section.parse(raw).body == table


def test_unknown_enumerations_survive() -> None:
    for name, at in (("C27", 46), ("C113", 20), ("C31", 61), ("C116", 12), ("C114", 12)):
        raw = changed(frame(name), at, 9)
        assert ts_section.build(ts_section.parse(raw)) == raw


@pytest.mark.parametrize(
    ("head", "field"),
    [
        ("C3F00C0000C50000000000923C9D18", "table_id"),
        ("FD700C0000C50000000000923C9D18", "section_syntax_indicator"),
        ("FDFFFE0000C50000000000923C9D18", "section_length"),
        ("FDF0090000C50000000000923C9D18", "section_length"),
        ("FDF00C0000C50000000000923C9D1800", "1 bytes after"),
    ],
)
def test_heads_that_are_none(head: str, field: str) -> None:
    with pytest.raises(MalformedFrame, match=field):
        ts_section.parse(bytes.fromhex(head))


def test_private_indicator_of_0_is_read_and_kept() -> None:
    raw = changed(frame("C109"), 1, -0x40)
    section = ts_section.parse(raw)
    assert (section.private_indicator, raw[1]) == (0, 0xB0)
    assert ts_section.build(section) == raw


def test_auxiliary_lengths_of_32_bits_are_read_and_kept() -> None:
    content = LanguageContent("zho", 0, b"text", b"", (Auxiliary(41, b"picture"),), wide_aux=True)
    raw = ts_section.build(ts_section.section_of(ContentTable(EBM, (content,))))
    section = ts_section.parse(raw)
    assert section.body == ContentTable(EBM, (content,))
    narrow = ts_section.section_of(ContentTable(EBM, (replace(content, wide_aux=False),)))
    assert len(ts_section.build(narrow)) == len(raw) - 1


def test_a_section_beyond_4093_is_refused_by_name() -> None:
    fits = CertificateAuthorisation((bytes(4078),), ())
    assert len(ts_section.build(ts_section.section_of(fits))) == 4096
    with pytest.raises(InvalidValueError, match="section_length"):
        ts_section.build(ts_section.section_of(CertificateAuthorisation((bytes(4079),), ())))


def test_values_that_do_not_fit_are_named() -> None:
    with pytest.raises(InvalidValueError, match="version"):
        ts_section.build(ts_section.section_of(IndexTable(), version=32))
    with pytest.raises(InvalidValueError, match="number"):
        ts_section.build(ts_section.section_of(ContentTable(EBM, (LanguageContent("zho", 0, b""),) * 16)))
    with pytest.raises(InvalidValueError, match="signature_length"):
        ts_section.build(replace(ts_section.section_of(IndexTable()), trailer=UnsignedForm.NOTHING))
    with pytest.raises(InvalidValueError, match="table_id"):
        ts_section.build(Section(TableId.CONTENT, IndexTable()))
    with pytest.raises(InvalidValueError, match="body"):
        ts_section.section_of(UnknownBody(b""))
    with pytest.raises(InvalidValueError, match="command"):
        configure(AmplifierSwitch(1, ()))
    with pytest.raises(InvalidValueError, match="command"):
        daily(DefaultVolume(1, ()))
    with pytest.raises(InvalidValueError, match="address"):
        ts_section.build(ts_section.section_of(configure(ReturnTarget(2, "1.2.3.4", ()))))
    with pytest.raises(InvalidValueError, match="command"):
        ts_section.build(ts_section.section_of(ConfigurationTable((Command(99, DefaultVolume(1, ())),))))


def test_a_missing_signature_is_let_pass_in_all_but_the_last_section() -> None:
    first = replace(ts_section.section_of(IndexTable()), last_section_number=1)
    assert ts_section.require_signature(first) is None
    with pytest.raises(SignatureMissing):
        ts_section.require_signature(replace(first, section_number=1))
    with pytest.raises(SignatureMissing):
        ts_section.require_signature(ts_section.parse(frame("C28")))
    block = SignatureBlock(1, CertificateSerial("000000000042"), bytes(63) + b"\1")
    assert ts_section.require_signature(replace(first, section_number=1, trailer=block)) == block
