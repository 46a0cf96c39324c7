"""Characters of many readings, place names, tones that change in company, and readings files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SettingsError
from gateway.programmes.pinyin import Pinyin, read_readings

_READ = [
    # places
    ("长泰区", "chang2 tai4 qu1"),
    ("长乐市", "chang2 le4 shi4"),
    ("重庆市", "chong2 qing4 shi4"),
    ("六安市", "lu4 an1 shi4"),
    ("蚌埠市", "beng4 bu4 shi4"),
    ("台州市", "tai1 zhou1 shi4"),
    ("泉州市洛江区", "quan2 zhou1 shi4 luo4 jiang1 qu1"),
    ("蚶江镇", "han1 jiang1 zhen4"),
    ("莘县", "shen1 xian4"),
    # characters of many readings
    ("重要", "zhong4 yao4"),
    ("重新", "chong2 xin1"),
    ("银行", "yin2 hang2"),
    ("行人", "xing2 ren2"),
    ("降雨", "jiang4 yu3"),
    ("长时间", "chang2 shi2 jian1"),
    ("旅客", "lü3 ke4"),
    ("中暑", "zhong4 shu3"),
    # 一 and 不
    ("一天", "yi4 tian1"),
    ("一样", "yi2 yang4"),
    ("第一", "di4 yi1"),
    ("十一", "shi2 yi1"),
    ("十一万", "shi2 yi1 wan4"),
    ("一万", "yi2 wan4"),
    ("不要", "bu2 yao4"),
    ("不明", "bu4 ming2"),
]


@pytest.fixture(scope="module")
def pinyin() -> Pinyin:
    return Pinyin()


@pytest.mark.parametrize(("written", "read"), _READ, ids=[written for written, _ in _READ])
def test_is_read_as_a_local_reads_it(pinyin: Pinyin, written: str, read: str) -> None:
    assert pinyin.text(written) == read


def test_stops_become_stops_of_the_voice(pinyin: Pinyin) -> None:
    assert pinyin.text("大雨，停电。") == "da4 yu3 , ting2 dian4 ."


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=30))
def test_each_character_has_one_syllable_or_is_named(text: str) -> None:
    readings, unread = Pinyin().readings(text)
    assert [reading.character for reading in readings if reading.character] == [c for c in text if c not in unread]


def test_a_readings_file_goes_over_what_is_packaged(tmp_path: Path) -> None:
    file = tmp_path / "readings.tsv"
    file.write_text("# 本地 local\n长泰\tzhang3 tai4\n", encoding="utf-8")
    assert Pinyin(file).text("长泰区长乐") == "zhang3 tai4 qu1 chang2 le4"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("长泰\tchang2", "one syllable for each"),
        ("abc\ta1 b1 c1", "Han characters"),
        ("长泰\tchang2 tai6", "tone number 1-5"),
        ("长泰 chang2 tai4", "Han characters"),
    ],
)
def test_a_wrong_line_is_named_with_its_rule(tmp_path: Path, line: str, rule: str) -> None:
    file = tmp_path / "readings.tsv"
    file.write_text(f"# first\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"readings.tsv:2.*{rule}"):
        read_readings(file)
