import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import EbmId, ResourceCode
from gateway.errors import InvalidValueError, MalformedFrame
from gateway.protocols.fields import NO_CODE, U8, WireCode, WireEbmId, counted, record, sized, text_of
from gateway.protocols.ip_bodies import ANSWER, HEARTBEAT, START, GeneralAnswer, Heartbeat

CODE = ResourceCode("63415231002000314010401")
EBM = EbmId("43415230000000103010101202406010001")


def test_a_code_takes_twelve_bytes_with_the_reserved_nibble_in_front() -> None:
    wire = WireCode.of(CODE)
    assert wire.raw.hex() == "f63415231002000314010401"
    assert (wire.digits, wire.code) == (CODE, CODE)


@pytest.mark.parametrize("nibble", "05AF")
def test_the_reserved_nibble_has_no_meaning_and_is_kept(nibble: str) -> None:
    wire = WireCode(bytes.fromhex(nibble + CODE))
    assert wire.code == CODE
    assert wire.raw.hex().upper()[0] == nibble


def test_a_code_of_zero_bytes_is_no_code() -> None:
    assert NO_CODE.digits is None
    assert NO_CODE.code is None


def test_a_broken_device_sends_digits_beyond_nine() -> None:
    wire = WireCode(bytes.fromhex("F6341523100200031401040A"))
    assert wire.digits == "6341523100200031401040A"
    assert wire.code is None


def test_codes_of_the_drafts_have_no_reserved_nibble() -> None:
    wire = WireCode.of("060610100000000000")
    assert wire.raw.hex() == "060610100000000000"
    assert wire.digits == "060610100000000000"
    assert wire.code is None


def test_an_ebm_id_takes_eighteen_bytes() -> None:
    wire = WireEbmId.of(EBM)
    assert len(wire.raw) == 18
    assert wire.ebm_id == EBM
    assert WireEbmId(b"\xff" * 18).text == "F" * 35
    assert WireEbmId(b"\xff" * 18).ebm_id is None
    assert WireEbmId(bytes(15)).ebm_id is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("参数非法".encode(), "参数非法"),
        ("功放故障".encode("gbk") + bytes(20), "功放故障"),
        ("功放\u3000故障".encode("gbk"), "功放\u3000故障"),
        (b"", ""),
        (b"a\nb\x1b[31m", "a\ufffdb\ufffd[31m"),
        (b"\x80\xff", "\ufffd\ufffd"),
    ],
)
def test_device_text_is_read_in_either_charset_and_made_harmless(raw: bytes, text: str) -> None:
    assert text_of(raw) == text


@given(st.binary(max_size=60))
def test_any_device_text_can_be_shown(raw: bytes) -> None:
    assert all(char.isprintable() or char in "\ufffd\u3000" for char in text_of(raw))


def test_a_cut_field_is_named_with_its_place() -> None:
    with pytest.raises(MalformedFrame, match=r"GeneralAnswer\.description") as caught:
        ANSWER.parse(bytes.fromhex("00 0005 4142"), offset=41)
    assert caught.value.offset == 46


def test_a_field_inside_a_list_is_named() -> None:
    body = bytes(18) + bytes.fromhex("0402") + b"11B03" + bytes.fromhex("50 00000000 00000000 02 3D0001 41 3D 0009 42")
    with pytest.raises(MalformedFrame, match=r"StartBroadcast\.aux\.data"):
        START.parse(body)


def test_bytes_behind_the_last_field_are_refused() -> None:
    with pytest.raises(MalformedFrame, match="Heartbeat: 2 bytes after its last field") as caught:
        HEARTBEAT.parse(bytes.fromhex("01 01 01 AA BBCC"), offset=41)
    assert caught.value.offset == 45


def test_a_sized_content_must_use_its_size() -> None:
    layout = record(Heartbeat, state=U8, first=U8, physical=sized(U8, counted(U8, U8)))
    with pytest.raises(MalformedFrame, match="physical"):
        layout.parse(bytes.fromhex("01 01 03 01 AA BB"))
    assert layout.parse(bytes.fromhex("01 01 02 01 AA")) == Heartbeat(1, 1, (0xAA,))  # type: ignore[arg-type]


def test_a_value_too_large_for_its_place_is_named() -> None:
    with pytest.raises(InvalidValueError, match=r"Heartbeat\.state"):
        HEARTBEAT.build(Heartbeat(256, 1, b""))
    with pytest.raises(InvalidValueError, match=r"GeneralAnswer\.description"):
        ANSWER.build(GeneralAnswer(0, bytes(70000)))


def test_fits_says_none_instead_of_raising() -> None:
    assert ANSWER.fits(b"\x00\x00\x00") == GeneralAnswer(0)
    assert ANSWER.fits(b"\x00\x00") is None
