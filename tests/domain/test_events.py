from __future__ import annotations

import pytest

from gateway.domain.events import UNKNOWN_EVENT, EventType, event_name
from gateway.errors import InvalidValueError


@pytest.mark.parametrize("code", ["11B03", "10203", "00000", "11111", "ZZZZZ"])
def test_five_characters_of_either_family(code: str) -> None:
    assert EventType(code) == code


@pytest.mark.parametrize("code", ["", "11B3", "11B033", "11b03", "11B0 ", "１１B03", "11B03\n"])
def test_anything_else_is_refused(code: str) -> None:
    with pytest.raises(InvalidValueError, match="5 characters"):
        EventType(code)


@pytest.mark.parametrize(
    ("alphanumeric", "numeric"),
    [
        ("11A01", "10101"),
        ("11B01", "10201"),
        ("11B03", "10203"),
        ("11C00", "10300"),
        ("12Q02", "21502"),
        ("12T01", "21801"),
        ("11H01", "10801"),
        ("11J01", "10901"),
    ],
)
def test_the_rule_between_the_families_counts_letters_without_i_and_o(alphanumeric: str, numeric: str) -> None:
    assert EventType(alphanumeric).numeric_fallback == numeric


@pytest.mark.parametrize("code", ["10203", "11I01", "11O01", "19A01", "ABCDE", "11000"])
def test_where_the_rule_does_not_fit_there_is_no_guess(code: str) -> None:
    assert EventType(code).numeric_fallback is None


def test_names_come_from_the_table_then_by_the_rule_then_as_unknown() -> None:
    names = {"11B03": "暴雨", "10201": "台风"}
    assert event_name(EventType("11B03"), names) == "暴雨"
    assert event_name(EventType("11B01"), names) == "台风"
    assert event_name(EventType("19A99"), names) == "未知事件 19A99"
    assert UNKNOWN_EVENT == "11111"
