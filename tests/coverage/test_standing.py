"""Standing coverage: each ratio against a slow count, by division."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.coverage.standing import Ratio, area_from_digits, standing
from gateway.domain.areas import Area, Gazetteer
from gateway.domain.codes import AreaCode
from gateway.errors import InvalidValueError, NotFoundError
from tests.coverage.town import CITY, COUNTIES, SOURCE, Town, village_code

ROWS = st.lists(st.tuples(st.integers(0, 9999), st.lists(st.booleans(), max_size=4)), min_size=1, max_size=8)


@given(ROWS, st.sets(st.integers(0, 7)))
def test_ratios_agree_with_a_slow_count(rows: list[tuple[int, list[bool]]], key: set[int]) -> None:
    town = Town(tuple(people for people, _ in rows), tuple(len(sets) for _, sets in rows))
    terminals = [(village_code(i), online) for i, (_, sets) in enumerate(rows) for online in sets]
    result = standing(town.gazetteer, CITY, terminals, as_of=1.0, key_villages=[village_code(i) for i in key])
    for area in (result.area, *result.areas):
        here = [(people, sets, i in key) for i, (people, sets) in enumerate(rows) if area.code.covers(village_code(i))]
        everybody = sum(people for people, _, _ in here)
        assert (area.population, area.villages) == (everybody, len(here))
        assert area.registered == sum(len(sets) for _, sets, _ in here)
        assert area.online == sum(sum(sets) for _, sets, _ in here)
        for ratio, needed in ((area.planned, 1), (area.strict, 2)):
            _assert_ratio(ratio, sum(p for p, sets, _ in here if len(sets) >= needed), everybody)
        for ratio, needed in ((area.live, 1), (area.live_strict, 2)):
            _assert_ratio(ratio, sum(p for p, sets, _ in here if sum(sets) >= needed), everybody)
        _assert_ratio(area.village_standard, sum(len(sets) >= 2 for _, sets, _ in here), len(here))
        _assert_ratio(area.village_live, sum(sum(sets) >= 2 for _, sets, _ in here), len(here))
        named = [sets for _, sets, is_key in here if is_key]
        assert (area.key_villages is None) is (not named)
        if area.key_villages and area.key_villages_strict:
            _assert_ratio(area.key_villages, sum(len(sets) >= 1 for sets in named), len(named))
            _assert_ratio(area.key_villages_strict, sum(len(sets) >= 2 for sets in named), len(named))
    assert sum(area.registered for area in result.areas) == result.area.registered


def _assert_ratio(ratio: Ratio, numerator: int, denominator: int) -> None:
    assert (ratio.numerator, ratio.denominator) == (numerator, denominator)
    assert ratio.share == (round(numerator / denominator, 4) if denominator else 0.0)


def test_one_can_go_down_from_city_to_village() -> None:
    town = Town((900, 400, 500), (2, 1, 0))
    terminals = [(area, True) for area in town.terminals.values()]
    gazetteer = town.gazetteer
    county = standing(gazetteer, COUNTIES[0], terminals, as_of=1.0)
    assert [area.code for area in county.areas] == ["350502001000"]
    township = standing(gazetteer, AreaCode("350502001000"), terminals, as_of=1.0)
    assert [(area.name, area.planned.share) for area in township.areas] == [("村0", 1.0), ("村2", 0.0)]
    village = standing(gazetteer, village_code(0), terminals, as_of=1.0)
    assert (village.areas, village.area.strict.share) == ((), 1.0)


def test_the_nation_and_the_province_hold_what_the_gateway_knows() -> None:
    town = Town((900,), (1,))
    for code, child in (("000000000000", "350000000000"), ("350000000000", CITY)):
        result = standing(town.gazetteer, AreaCode(code), [(village_code(0), False)], as_of=1.0)
        assert (result.area.population, [area.code for area in result.areas]) == (900, [child])
        assert (result.area.planned.share, result.area.live.share) == (1.0, 0.0)


def test_a_terminal_of_a_town_or_a_county_counts_and_serves_no_village() -> None:
    town = Town((900,), (0,))
    result = standing(town.gazetteer, COUNTIES[0], [(COUNTIES[0], True), (AreaCode("350502009000"), True)], as_of=1.0)
    assert (result.area.registered, result.area.planned.share) == (2, 0.0)
    assert [(area.code, area.registered) for area in result.areas] == [("350502001000", 0), ("350502009000", 1)]


def test_terminals_elsewhere_are_passed_over() -> None:
    result = standing(Town((900, 400), (0, 0)).gazetteer, COUNTIES[0], [(village_code(1), True)], as_of=1.0)
    assert result.area.registered == 0


def test_an_unknown_area_is_said_to_be_unknown_and_one_out_of_service_is_empty() -> None:
    kinmen = AreaCode("350527000000")
    with pytest.raises(NotFoundError, match="350527000000"):
        standing(Town((900,), (1,)).gazetteer, kinmen, [], as_of=1.0)
    gazetteer = Gazetteer([Area(kinmen, "金门县", in_service=False)], SOURCE)
    result = standing(gazetteer, kinmen, [], as_of=1.0)
    assert (result.area.villages, result.area.planned.share, result.areas) == (0, 0.0, ())


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("35", "350000000000"),
        ("3505", "350500000000"),
        ("350524", "350524000000"),
        ("350524100", "350524100000"),
        ("350524100201", "350524100201"),
    ],
)
def test_a_division_may_be_written_short(digits: str, code: str) -> None:
    assert area_from_digits(digits) == code


@pytest.mark.parametrize("digits", ["", "3", "350", "35052", "35050", "35O5", "三五", "3505240000000", "-505", "35 5"])
def test_other_writing_is_refused_with_the_rule(digits: str) -> None:
    with pytest.raises(InvalidValueError, match="2, 4, 6, 9 or 12"):
        area_from_digits(digits)


def test_villages_with_a_way_back_are_counted_once_each() -> None:
    town = Town((900, 400, 100), (0, 0, 0))
    areas = [village_code(0), village_code(0), village_code(1)]
    result = standing(town.gazetteer, CITY, [(area, True) for area in areas], as_of=1.0, returning=areas[:2])
    assert result.area.returning == Ratio("returning", "#[R ≥ 1] / #villages", "villages", 1, 3, 0.3333)
