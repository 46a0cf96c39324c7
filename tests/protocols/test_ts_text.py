import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError
from gateway.protocols import ts_text


def test_common_text_is_gb_2312() -> None:
    encoded = ts_text.encode("暴雨预警", "气象局")
    assert encoded == (0, ("暴雨预警".encode("gb2312"), "气象局".encode("gb2312")), None)


def test_dash_and_dot_of_chinese_texts_are_gb_2312() -> None:
    # Python's own table calls A1AA U+2015 and A1A4 U+30FB
    charset, (raw,), notice = ts_text.encode("请注意——艾力·买买提")
    assert (charset, notice) == (0, None)
    assert b"\xa1\xaa\xa1\xaa" in raw
    assert b"\xa1\xa4" in raw
    assert ts_text.decode(raw, 0) == "请注意——艾力·买买提"


def test_other_characters_ask_for_gb_18030_and_are_named() -> None:
    charset, (text, agency), notice = ts_text.encode("𠮷祥镇、喆", "局")
    assert charset == 1
    assert (text, agency) == ("𠮷祥镇、喆".encode("gb18030"), "局".encode("gb18030"))
    assert notice is not None
    assert notice.code == "ts_charset"
    assert "𠮷 U+20BB7" in notice.message
    assert "喆 U+5586" in notice.message
    assert "镇" not in notice.message


def test_a_character_outside_in_the_agency_alone_decides_for_both() -> None:
    assert ts_text.encode("暴雨", "喆").charset == 1


def test_many_characters_are_cut_in_the_notice() -> None:
    notice = ts_text.encode("".join(chr(0x20000 + n) for n in range(25))).notice
    assert notice is not None
    assert "(+5)" in notice.message


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="text"):
        ts_text.encode("\ud800")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_is_lost_in_gb_18030(text: str) -> None:
    charset, (raw,), _ = ts_text.encode(text)
    if charset == ts_text.GB18030:
        assert ts_text.decode(raw, charset) == text
    else:
        # two signs have two names in Unicode and one place in GB 2312
        assert ts_text.decode(raw, charset) == text.replace("\u2015", "—").replace("\u30fb", "·")


def test_other_sets() -> None:
    assert ts_text.decode("预警".encode("utf-16-be"), 2) == "预警"
    assert ts_text.decode(b"abc", 2) is None
    assert ts_text.decode(b"\x0f\x40", 4) is None
    assert ts_text.decode(b"\xb1", 0) is None
