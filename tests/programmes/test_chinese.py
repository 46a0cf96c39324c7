"""Figures, units, dates, telephones and ranges as they are said."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.programmes.chinese import said
from gateway.programmes.clean import clean
from gateway.programmes.numerals import cardinal, digits

_SPOKEN = [
    # numbers
    ("转移12345人", "转移一万两千三百四十五人"),
    ("共1,234,567人", "共一百二十三万四千五百六十七人"),
    ("20000户停电", "两万户停电"),
    ("102条道路", "一百零二条道路"),
    ("2个村、2级、第2号", "两个村、二级、第二号"),
    ("10.50元", "十点五零元"),
    ("1/3的村庄", "三分之一的村庄"),
    ("编号007", "编号零零七"),
    ("2,500万元", "两千五百万元"),
    # units
    ("雨量100mm", "雨量一百毫米"),
    ("风速25m/s", "风速二十五米每秒"),
    ("流量3500m3/s", "流量三千五百立方米每秒"),
    ("面积12km2", "面积十二平方公里"),
    ("气压985hPa", "气压九百八十五百帕"),
    ("气温-5℃，最低零下3.5℃", "气温零下五摄氏度，最低零下三点五摄氏度"),
    ("北纬24.5°", "北纬二十四点五度"),
    ("降水概率80%", "降水概率百分之八十"),
    ("水位158.32m，超汛限0.32m", "水位一百五十八点三二米，超汛限零点三二米"),
    # dates and times
    ("2026年7月28日08时05分", "二零二六年七月二十八日八时零五分"),
    ("2026-07-28 18:30", "二零二六年七月二十八日 十八点三十分"),
    ("2026/7/28", "二零二六年七月二十八日"),
    ("12:00前", "十二点整前"),
    ("2026-2027年", "二零二六到二零二七年"),
    # telephones
    ("请拨打12379", "请拨打幺二三七九"),
    ("拨打110、119或120", "拨打幺幺零、幺幺九或幺二零"),
    ("转移110人", "转移一百一十人"),
    ("电话0595-22282628", "电话零五九五，二二二八二六二八"),
    ("手机13805951234", "手机幺三八零五九五幺二三四"),
    # ranges
    ("降雨50～100毫米", "降雨五十到一百毫米"),
    ("降雨50-100mm", "降雨五十到一百毫米"),
    ("阵风10-12级", "阵风十到十二级"),
    ("气温降至-12~-8℃", "气温降至零下十二到零下八摄氏度"),
    ("30%~50%", "百分之三十到百分之五十"),
    ("1-2天，浪高2~3米", "一到两天，浪高两到三米"),
    ("08:00~12:30", "八点整到十二点三十分"),
    ("7月28日-30日", "七月二十八日到三十日"),
    ("08时-20时", "八时到二十时"),
    # names with figures
    ("G15高速、S308省道", "G 幺五高速、S 三零八省道"),
    ("IV级响应", "四级响应"),
    ("台风2604号、2604号台风", "台风二六零四号、二六零四号台风"),
    ("6.5级地震", "六点五级地震"),
]


@pytest.mark.parametrize(("written", "spoken"), _SPOKEN, ids=[written for written, _ in _SPOKEN])
def test_is_said_as_a_reader_would_say_it(written: str, spoken: str) -> None:
    assert said(clean(written, 100)) == spoken


@given(st.text(alphabet="0123456789.,-~～:/%‰℃°年月日时分秒点级号个米电话拨打至 kmhsGS第一二", max_size=40))
def test_no_figure_is_left_and_nothing_else_is_lost(text: str) -> None:
    spoken = said(text)
    assert not re.search(r"[0-9]", spoken)
    for character in "电话拨打":
        assert spoken.count(character) == text.count(character)


_VALUES = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_PLACES = {"十": 10, "百": 100, "千": 1000}


def value_of(words: str) -> int:
    """What a listener understands: every numeral word at its place, groups of 万 and 亿."""
    if "亿" in words:
        high, _, low = words.rpartition("亿")
        return value_of(high) * 10**8 + value_of(low)
    if "万" in words:
        high, _, low = words.rpartition("万")
        return value_of(high) * 10**4 + value_of(low)
    total = pending = 0
    for word in words:
        if word in _PLACES:
            total += (pending or 1) * _PLACES[word]
            pending = 0
        else:
            pending = _VALUES[word]
    return total + pending


@given(st.integers(0, 10**12 - 1))
def test_a_cardinal_is_understood_as_its_number(number: int) -> None:
    assert value_of(cardinal(str(number))) == number


@given(st.integers(0, 10**9 - 1), st.text("0123456789", min_size=1, max_size=4))
def test_a_fraction_is_said_digit_by_digit(whole: int, fraction: str) -> None:
    assert cardinal(f"{whole}.{fraction}") == f"{cardinal(str(whole))}点{digits(fraction)}"
