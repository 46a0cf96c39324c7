from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.domain.warning import AreaClaim, Circle
from gateway.publishers.areas import Resolution, resolve
from gateway.publishers.reference import CountyOutlines, load_gazetteer, load_township_readings

GAZETTEER = load_gazetteer()
NO_SHAPES = CountyOutlines({})
READINGS = load_township_readings()
AREAS = sorted(GAZETTEER, key=lambda area: area.code)
#: Townships that both tables list, under different codes.
SWAPPED = [(reading.nbs_code, code, reading.name) for code, reading in READINGS.items() if reading.nbs_code]


def matched(description: str, *codes: str, system: str = "12379") -> Resolution:
    return resolve([AreaClaim(description, tuple((system, code) for code in codes))], GAZETTEER, NO_SHAPES)


def codes(found: Resolution) -> list[str]:
    return [str(area.code) for area in found.areas]


def refused(found: Resolution) -> list[str]:
    assert found.areas == (), "areas that are not understood must not be handed on"
    return [violation.code for violation in found.violations]


def noticed(found: Resolution) -> set[str]:
    return {notice.code for notice in found.notices}


@pytest.mark.parametrize("code", ["350524", "350524000000", "35052400000000"])
def test_codes_of_six_twelve_and_fourteen_digits(code: str) -> None:
    found = matched("安溪县", code)
    assert codes(found) == ["350524000000"]
    assert (found.areas[0].name, found.areas[0].matched_by) == ("安溪县", "code")
    assert not found.notices


def test_names_that_hold_their_parents_agree() -> None:
    found = matched("福建省泉州市安溪县凤城镇", "35052410000000")
    assert codes(found) == ["350524100000"]
    assert found.areas[0].name == "安溪县凤城镇"
    assert not found.notices


@pytest.mark.parametrize("words", ["晋江市陈埭镇", "陈埭镇", "陈埭", "晋江陈埭一带"])
def test_an_anhai_code_with_the_name_chendai_is_refused_with_both_readings(words: str) -> None:
    found = matched(words, "350582101000")
    assert refused(found) == ["area_name_mismatch"]
    message = found.violations[0].message
    assert "晋江市安海镇" in message
    assert "民政部为 陈埭镇" in message
    assert "350582103000" in message


def test_the_trap_holds_in_the_other_direction_too() -> None:
    found = matched("晋江市安海镇", "350582103000")
    assert refused(found) == ["area_name_mismatch"]
    assert "晋江市陈埭镇" in found.violations[0].message
    assert "350582101000" in found.violations[0].message


@pytest.mark.parametrize(("nbs", "mca", "name"), SWAPPED, ids=lambda value: str(value))
def test_every_swapped_township_needs_its_own_name(nbs: AreaCode, mca: AreaCode, name: str) -> None:
    ours = matched(f"晋江市{name}", nbs)
    assert codes(ours) == [str(nbs)]
    theirs = matched(f"晋江市{name}", mca)
    assert refused(theirs) in (["area_name_mismatch"], ["unknown_area"])
    assert name in theirs.violations[0].message


@pytest.mark.parametrize("words", ["", "晋江市", "沿海乡镇", "泉州晋江"])
def test_an_ambiguous_code_without_its_name_is_never_guessed(words: str) -> None:
    found = matched(words, "350582101000")
    assert refused(found) == ["area_ambiguous"]
    assert "安海镇" in found.violations[0].message
    assert "陈埭镇" in found.violations[0].message


def test_villages_under_an_ambiguous_township_are_asked_about_too() -> None:
    village = GAZETTEER.children(AreaCode("350582101000"))[0]
    assert refused(matched("晋江市", village.code)) == ["area_ambiguous"]
    assert refused(matched("晋江市陈埭镇", village.code)) == ["area_name_mismatch"]
    assert codes(matched("晋江市安海镇", village.code)) == [str(village.code)]
    assert codes(matched(village.name, village.code)) == [str(village.code)]


def test_codes_that_name_the_same_towns_in_either_reading_are_clear() -> None:
    pair = ("350582101000", "350582103000")
    assert codes(matched("晋江市沿海", *pair)) == list(pair)
    assert codes(matched("安海镇、陈埭镇", *pair)) == list(pair)
    found = matched("安海镇、磁灶镇", *pair)
    assert "area_name_mismatch" in refused(found), "磁灶 is named, 陈埭 is coded"


def test_several_names_for_several_codes() -> None:
    found = matched("安溪县凤城镇、蓬莱镇", "350524100000", "350524101000")
    assert codes(found) == ["350524100000", "350524101000"]
    assert not found.notices
    wrong = matched("安溪县凤城镇、魁斗镇", "350524100000", "350524101000")
    assert refused(wrong) == ["area_name_mismatch"]
    assert "蓬莱镇" in wrong.violations[0].message
    assert "魁斗镇" in wrong.violations[0].message


def test_a_name_without_a_code_is_noted() -> None:
    found = matched("安溪县、永春县", "350524000000")
    assert codes(found) == ["350524000000"]
    assert noticed(found) == {"named_not_coded"}


def test_a_code_wider_than_the_words_is_followed_and_noted() -> None:
    found = matched("安溪县凤城镇", "350524000000")
    assert codes(found) == ["350524000000"]
    assert noticed(found) == {"code_wider_than_text"}


def test_words_that_name_nothing_agree_with_a_notice() -> None:
    found = matched("东南沿海地区", "350524000000")
    assert codes(found) == ["350524000000"]
    assert noticed(found) == {"area_name_unchecked"}


def test_a_wrong_county_is_refused() -> None:
    assert refused(matched("永春县", "350524000000")) == ["area_name_mismatch"]
    assert refused(matched("永春县桃城镇", "350524100000")) == ["area_name_mismatch"]


def test_names_of_the_ministry_for_renamed_towns_agree_in_short() -> None:
    assert codes(matched("安溪县龙涓镇", "350524205000")) == ["350524205000"]


def test_codes_that_only_the_ministry_lists_are_explained() -> None:
    found = matched("临海街道", "350503009000")
    assert refused(found) == ["unknown_area"]
    assert "临海街道" in found.violations[0].message


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("350524999000", "unknown_area"),
        ("350599000000", "unknown_area"),
        ("350524100999", "unknown_area"),
        ("35052410", "bad_area_code"),
        ("安溪", "bad_area_code"),
        ("995241000000", "bad_area_code"),
        ("", "bad_area_code"),
    ],
)
def test_codes_that_mean_nothing_are_refused(code: str, rule: str) -> None:
    assert refused(matched("", code)) == [rule]


def test_one_bad_code_refuses_the_whole_list() -> None:
    assert refused(matched("安溪县凤城镇", "350524100000", "350524999000")) == ["unknown_area"]


def test_other_regions_are_outside_and_no_fault() -> None:
    found = matched("浙江省北部", "330205004001")
    assert (found.areas, found.violations) == ((), ())
    assert found.outside == ("330205004001",)
    mixed = matched("", "350524000000", "330205004001")
    assert codes(mixed) == ["350524000000"]
    assert "outside_region" in noticed(mixed)


@pytest.mark.parametrize("code", ["350000000000", "35", "000000000000"])
def test_a_wider_area_addresses_our_region(code: str) -> None:
    found = matched("", code)
    assert codes(found) == ["350500000000"]
    assert noticed(found) == {"wider_area"}


def test_jinmen_is_matched_and_noted_as_not_in_service() -> None:
    found = matched("金门县", "350527")
    assert codes(found) == ["350527000000"]
    assert noticed(found) == {"not_in_service"}


@pytest.mark.parametrize("words", ["泉州台商投资区百崎回族乡", "台商投资区"])
def test_zones_are_noted(words: str) -> None:
    assert "zone" in noticed(matched(words, "350521200000"))


@pytest.mark.parametrize(
    ("system", "code"),
    [("SAME", "006109"), ("FIPS6", "350524"), ("UGC", "GAZ002"), ("EMMA_ID", "NO809"), ("WARNCELLID", "105162000000")],
)
def test_foreign_codes_are_never_taken_for_ours(system: str, code: str) -> None:
    found = matched("", code, system=system)
    assert (found.areas, found.violations) == ((), ())
    assert noticed(found) == {"foreign_geocode"}


@pytest.mark.parametrize("system", ["GB/T 2260-2007", "gb2260", "行政区划代码", "12379", "adcode", "division"])
def test_six_digits_count_under_names_of_our_systems(system: str) -> None:
    assert codes(matched("安溪县", "350524", system=system)) == ["350524000000"]


def test_six_digits_under_an_unknown_name_are_foreign_and_twelve_are_not() -> None:
    assert noticed(matched("", "350524", system="zone")) == {"foreign_geocode"}
    assert codes(matched("安溪县", "350524000000", system="zone")) == ["350524000000"]


def test_nested_areas_are_dropped() -> None:
    found = matched("安溪县凤城镇", "350524100000", "350524000000", "350524100201")
    assert codes(found) == ["350524000000"]


def test_shapes_match_whole_counties_coarsely(outlines: CountyOutlines) -> None:
    ring = ((25.05, 118.1), (25.1, 118.1), (25.1, 118.2), (25.05, 118.1))
    found = resolve([AreaClaim("安溪", (), (ring,))], GAZETTEER, outlines)
    assert [(str(a.code), a.matched_by) for a in found.areas] == [("350524000000", "polygon")]
    assert noticed(found) == {"coarse_match"}
    assert "整县" in found.notices[0].message
    round_ = resolve([AreaClaim("", (), (), (Circle(25.05, 118.18, 0.0),))], GAZETTEER, outlines)
    assert [(str(a.code), a.matched_by) for a in round_.areas] == [("350524000000", "circle")]


def test_a_code_keeps_its_own_shape_from_widening_it(outlines: CountyOutlines) -> None:
    ring = ((24.5, 117.5), (26.0, 117.5), (26.0, 119.0), (24.5, 119.0), (24.5, 117.5))
    claim = AreaClaim("凤城镇", (("12379", "350524100000"),), (ring,))
    assert codes(resolve([claim], GAZETTEER, outlines)) == ["350524100000"]
    foreign = AreaClaim("", (("SAME", "006109"),), (ring,))
    assert len(resolve([foreign], GAZETTEER, outlines).areas) == 12


def test_shapes_elsewhere_match_nothing(outlines: CountyOutlines) -> None:
    far = ((38.47, -120.14), (38.34, -119.95), (38.52, -119.74), (38.47, -120.14))
    found = resolve([AreaClaim("", (), (far,), (Circle(-80.0, 10.0, 500.0),))], GAZETTEER, outlines)
    assert (found.areas, found.violations, found.notices) == ((), (), ())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(AREAS))
def test_every_division_agrees_with_its_own_full_name(area: object) -> None:
    code = area.code  # type: ignore[attr-defined]
    found = matched(GAZETTEER.full_name(code), code)
    assert codes(found) == [str(code)]
    assert not found.violations


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([a for a in AREAS if a.code.level is AreaLevel.TOWNSHIP]), st.data())
def test_a_township_under_another_townships_full_name_is_always_refused(area: object, data: st.DataObject) -> None:
    code = area.code  # type: ignore[attr-defined]
    others = [a for a in AREAS if a.code.level is AreaLevel.TOWNSHIP and a.name != GAZETTEER.name(code)]
    other = data.draw(st.sampled_from(others))
    found = matched(GAZETTEER.full_name(other.code), code)
    assert refused(found) == ["area_name_mismatch"]
    assert GAZETTEER.name(code) in found.violations[0].message
    assert other.name in found.violations[0].message


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(
            AreaClaim,
            st.text("安溪晋江市县镇陈埭海、,x1", max_size=12),
            st.lists(
                st.tuples(st.sampled_from(["12379", "SAME", ""]), st.text("350824912", max_size=14)), max_size=4
            ).map(tuple),
        ),
        max_size=4,
    )
)
def test_any_claims_resolve_to_known_divisions_or_to_rules(claims: list[AreaClaim]) -> None:
    found = resolve(claims, GAZETTEER, NO_SHAPES)
    assert all(area.code in GAZETTEER for area in found.areas)
    assert not (found.violations and found.areas)
    for area in found.areas:
        assert not any(other.code != area.code and other.code.covers(area.code) for other in found.areas)


def test_a_gazetteer_of_one_county_has_that_county_as_its_region() -> None:
    county = [a for a in GAZETTEER if a.code.startswith("350524")]
    small = Gazetteer(county, GAZETTEER.source)
    found = resolve([AreaClaim("", (("12379", "350500"),))], small, NO_SHAPES)
    assert codes(found) == ["350524000000"]
    other = resolve([AreaClaim("", (("12379", "350582"),))], small, NO_SHAPES)
    assert other.outside == ("350582000000",)
