"""Grouping: who shares a frame, who must be named, and that nobody is left out or addressed twice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dispatch.plan import NAMED_IN_ONE_FRAME, STANDARD, Group, group
from gateway.dispatch.registry import Entry
from gateway.domain.codes import AreaCode, ResourceCode
from gateway.domain.receiver import Profile
from gateway.domain.targets import TargetForm, addresses, target_codes
from tests.gatewaykit import terminal

PROFILES = {
    "std": Profile("std", target_form=TargetForm.STD),
    "any": Profile("any", target_form=TargetForm.ANY),
    "own": Profile("own", target_form=TargetForm.OWN),
}
COUNTY = AreaCode("350524000000")


def entry(number: int, area: str = "350524100001", profile: str = "std", **code: object) -> Entry:
    made = replace(terminal(area, number % 100), profile=profile)
    if code:
        made = replace(made, code=ResourceCode.build(**{"level": 6, "area": AreaCode(area), "number": number, **code}))  # type: ignore[arg-type]
    return Entry(number, made)


def test_one_frame_for_each_profile_in_its_own_form() -> None:
    entries = [entry(1), entry(2, profile="any"), entry(3), entry(4, profile="own")]
    groups = {g.profile: g for g in group(entries, [COUNTY], PROFILES)}
    assert groups["std"].terminals == (1, 3)
    assert groups["std"].targets == target_codes(COUNTY, TargetForm.STD)
    assert groups["any"].targets == (ResourceCode("0" + COUNTY + "0000000000"),)
    # "own" is of level 4, the terminal of level 6: it would pass over the county's code, so it is named
    assert groups["own"].targets == (entries[3].terminal.code,)


def test_whom_the_group_code_does_not_address_is_named() -> None:
    entries = [entry(1), entry(2, level=3), entry(3, kind="0315"), entry(4, subtype="02")]
    shared, named = group(entries, [COUNTY], PROFILES)
    assert shared.terminals == (1,)
    assert named.terminals == (2, 3, 4)
    assert named.targets == tuple(e.terminal.code for e in entries[1:])


def test_a_code_of_another_division_than_the_registrys_is_looked_at_by_itself() -> None:
    odd = Entry(2, replace(terminal("350503001002", 2), area=AreaCode("350524100001")))
    shared, named = group([entry(1), odd], [COUNTY], PROFILES)
    assert (shared.terminals, named.terminals) == ((1,), (2,))


def test_the_city_reaches_terminals_of_all_its_levels() -> None:
    city = AreaCode("350500000000")
    entries = [entry(i, level=level) for i, level in enumerate((3, 4, 5, 6), start=1)]
    groups = group(entries, [city], PROFILES)
    assert sorted(t for g in groups for t in g.terminals) == [1, 2, 3, 4]
    assert next(g for g in groups if 1 in g.terminals).targets == (entries[0].terminal.code,)


def test_named_lists_are_split() -> None:
    entries = [entry(i) for i in range(1, 2 * NAMED_IN_ONE_FRAME + 2)]
    groups = group(entries, [COUNTY], PROFILES, named=True)
    assert [len(g.targets) for g in groups] == [NAMED_IN_ONE_FRAME, NAMED_IN_ONE_FRAME, 1]
    assert all(len(g.targets) == len(g.terminals) for g in groups)


def test_a_thousand_areas_stay_within_the_frame() -> None:
    areas = [AreaCode(f"3505241{n:05d}") for n in range(1, 1001)]
    entries = [entry(i, str(area)) for i, area in enumerate(areas, start=1)]
    groups = group(entries, areas, PROFILES)
    assert sum(len(g.terminals) for g in groups) == 1000
    assert all(len(g.targets) * 12 < 20_000 for g in groups)


def test_a_profile_that_is_gone_is_taken_as_the_standard() -> None:
    (only,) = group([entry(1, profile="gone")], [COUNTY], PROFILES)
    assert only == Group("gone", target_codes(COUNTY, STANDARD.target_form), (1,))


def test_nobody_nothing() -> None:
    assert group([], [COUNTY], PROFILES) == []


AREAS = st.sampled_from(
    ["350524100001", "350524100200", "350524101001", "350503001002", "350524100000", "350524000000"]
)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            AREAS, st.sampled_from(["std", "any", "own", "gone"]), st.integers(3, 6), st.sampled_from(["04", "02"])
        ),
        max_size=20,
    ),
    st.sets(AREAS, min_size=1, max_size=4),
    st.booleans(),
)
def test_everybody_is_in_exactly_one_group_and_addressed_by_it(
    held: list[tuple[str, str, int, str]], areas: set[str], named: bool
) -> None:
    asked = [AreaCode(a) for a in sorted(areas)]
    entries = [
        entry(i, area, profile, level=level, subtype=subtype)
        for i, (area, profile, level, subtype) in enumerate(held, start=1)
        if any(a.covers(AreaCode(area)) for a in asked)
    ]
    by_id = {e.id: e for e in entries}
    groups = group(entries, asked, PROFILES, named=named)
    assert sorted(t for g in groups for t in g.terminals) == sorted(by_id)
    for g in groups:
        assert g.terminals
        for number in g.terminals:
            one = by_id[number].terminal
            assert one.profile == g.profile
            assert any(addresses(target, one.code) for target in g.targets)
        if named:
            assert set(g.targets) == {by_id[number].terminal.code for number in g.terminals}
