import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError
from gateway.protocols.rds_text import MAX_TEXT, Charset, EncodedText, decode_text, encode_text

characters = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def test_everyday_chinese_is_gb2312() -> None:
    text = "泉州市气象台2024年6月1日发布暴雨红色预警——请注意防范·避险……“转移”"
    encoded = encode_text(text)
    assert encoded == EncodedText(Charset.GB2312, text.encode("gb18030"))
    assert decode_text(encoded.charset, encoded.raw) == text


def test_characters_outside_gb2312_are_named_once() -> None:
    encoded = encode_text("张镕和朱镕的㙟村镕")
    assert (encoded.charset, encoded.forced_by) == (Charset.GB18030, ("镕", "㙟"))
    assert decode_text(encoded.charset, encoded.raw) == "张镕和朱镕的㙟村镕"


def test_text_is_cut_behind_a_whole_character() -> None:
    encoded = encode_text("a" + "暴" * 200)
    assert (len(encoded.raw), encoded.cut) == (255, 200 - 127)
    encoded = encode_text("暴" * 200)
    assert (len(encoded.raw), encoded.cut) == (254, 200 - 127)
    encoded = encode_text("ab" + "𠀀" * 100)
    assert (len(encoded.raw), encoded.cut) == (2 + 4 * 63, 37)


def test_what_is_cut_off_forces_no_charset() -> None:
    assert encode_text("暴" * 127 + "镕").charset is Charset.GB2312


@given(characters, st.integers(0, MAX_TEXT))
def test_there_and_back(text: str, limit: int) -> None:
    encoded = encode_text(text, limit)
    assert len(encoded.raw) <= limit
    kept = text[: len(text) - encoded.cut]
    assert decode_text(encoded.charset, encoded.raw) == kept
    assert set(encoded.forced_by) <= set(kept)
    if encoded.cut:
        assert len(encoded.raw) + len(text[len(kept)].encode("gb18030")) > limit


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidValueError) as caught:
        encode_text("暴\ud800")
    assert caught.value.field == "text"


def test_charsets_of_others() -> None:
    assert decode_text(0, "镕".encode("gbk")) == "镕"
    assert decode_text(2, "暴雨".encode("utf-16-be")) == "暴雨"
    assert decode_text(2, b"\xd8\x00") is None
    assert decode_text(0, b"\xff\xff") is None
    assert [decode_text(charset, b"a") for charset in (3, 4, 9)] == [None] * 3
