"""Target forms and matching (binary.md 1.1; GD/J 080-2018 table B.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import AreaCode, AreaLevel, ResourceCode
from gateway.domain.targets import TargetForm, addresses, target_codes

VILLAGE_TERMINAL = ResourceCode("63415231002000314010401")
COUNTY = AreaCode("341523000000")


def test_the_one_group_code_of_the_standard_addresses_the_village_terminal() -> None:
    assert addresses("63415230000000314010400", VILLAGE_TERMINAL)
    assert "63415230000000314010400" in target_codes(COUNTY, TargetForm.STD)


def test_a_plain_prefix_of_a_county_code_would_leave_villages_silent() -> None:
    assert not addresses("43415230000000314010400", VILLAGE_TERMINAL), "level 4 is not level 6"
    assert any(addresses(code, VILLAGE_TERMINAL) for code in target_codes(COUNTY, TargetForm.STD))


@pytest.mark.parametrize(
    "target",
    [
        "03415230000000000000000",
        "03415230000000314000000",
        "63415231002000314010401",
        "03415231002000314010401",
        "00000000000000000000000",
        "03400000000000314000400",
        "63415231000000314010400",
    ],
)
def test_targets_that_address_the_village_terminal(target: str) -> None:
    assert addresses(target, VILLAGE_TERMINAL)


@pytest.mark.parametrize(
    "target",
    [
        "03415240000000000000000",
        "03415231003000000000000",
        "53415231002000314010401",
        "63415231002000301010401",
        "63415231002000314020401",
        "63415231002000314010201",
        "63415231002000314010402",
        "6341523100200031401040",
        "634152310020003140104010",
        "",
    ],
)
def test_targets_that_do_not(target: str) -> None:
    assert not addresses(target, VILLAGE_TERMINAL)


def test_a_village_that_ends_in_zeros_addresses_itself_alone() -> None:
    village = AreaCode("341523100200")
    neighbours = [ResourceCode.build(6, AreaCode(f"3415231002{n:02d}")) for n in (1, 10, 99)]
    for form in TargetForm:
        codes = target_codes(village, form)
        assert any(addresses(code, VILLAGE_TERMINAL) for code in codes)
        assert not any(addresses(code, other) for code in codes for other in neighbours)


def test_forms_are_written_as_described() -> None:
    assert target_codes(COUNTY, TargetForm.STD) == (
        "63415230000000314010400",
        "53415230000000314010400",
        "43415230000000314010400",
    )
    assert target_codes(COUNTY, TargetForm.ANY) == ("03415230000000000000000",)
    assert target_codes(COUNTY, TargetForm.OWN) == ("43415230000000000000000",)


def test_the_own_form_addresses_terminals_of_its_own_level_only() -> None:
    (code,) = target_codes(COUNTY, TargetForm.OWN)
    assert addresses(code, ResourceCode.build(4, COUNTY))
    assert not addresses(code, VILLAGE_TERMINAL)


GROUPS = st.tuples(
    st.sampled_from(["34", "35"]),
    st.sampled_from(["05", "15"]),
    st.sampled_from(["23", "24", "20"]),
    st.sampled_from(["100", "101", "110"]),
    st.sampled_from(["200", "201", "210", "001"]),
).map("".join)


@given(GROUPS, GROUPS, st.integers(0, 4), st.sampled_from([TargetForm.STD, TargetForm.ANY]))
def test_a_target_of_an_area_addresses_exactly_the_terminals_inside(
    home: str, aim: str, depth: int, form: TargetForm
) -> None:
    area = AreaCode(aim[: (2, 4, 6, 9, 12)[depth]].ljust(12, "0"))
    for level in (AreaLevel.COUNTY, AreaLevel.TOWNSHIP, AreaLevel.VILLAGE):
        terminal = ResourceCode.build(level, AreaCode(home))
        heard = any(addresses(code, terminal) for code in target_codes(area, form))
        assert heard is area.covers(AreaCode(home))
