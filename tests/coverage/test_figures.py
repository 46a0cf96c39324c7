"""The two rules: against exact fractions, disjoint, monotone, rounded once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.coverage.figures import People, Rule, Target, VillageCount, classes, figure, people_of, share, total
from gateway.errors import InvalidValueError
from tests.coverage.town import exact_people

FEW = st.integers(0, 6)
#: Counts above N too: two gateways, or a registry that shrank, must not serve more people than live there.
VILLAGE = st.builds(
    VillageCount,
    population=st.integers(0, 20_000),
    registered=FEW,
    proven=FEW,
    claimed=FEW,
    sent=FEW,
    answered=FEW,
)
RULES = st.sampled_from(Rule)


@given(st.lists(VILLAGE, max_size=30), RULES)
def test_sums_agree_with_exact_fractions(villages: list[VillageCount], rule: Rule) -> None:
    people, exact = total(villages, rule), exact_people(villages, rule)
    for name, value in exact.items():
        assert abs(Fraction(getattr(people, name)) - value) < Fraction(1, 1_000_000)


@given(VILLAGE, RULES)
def test_the_classes_are_disjoint_and_never_more_than_live_there(village: VillageCount, rule: Rule) -> None:
    people = people_of(village, rule)
    assert min(people.proven, people.claimed, people.sent, people.answered) >= 0
    assert people.proven + people.claimed + people.sent <= village.population * (1 + 1e-12)
    assert people.answered <= village.population


@given(VILLAGE, RULES, st.sampled_from(["proven", "claimed", "sent"]))
def test_more_evidence_never_reaches_fewer(village: VillageCount, rule: Rule, more: str) -> None:
    counts = {name: getattr(village, name) for name in ("proven", "claimed", "sent")}
    counts[more] += 1
    richer = people_of(VillageCount(village.population, village.registered, **counts), rule)
    people = people_of(village, rule)
    near = 1e-6
    assert richer.proven >= people.proven - near
    assert richer.proven + richer.claimed >= people.proven + people.claimed - near
    assert richer.proven + richer.claimed + richer.sent >= people.proven + people.claimed + people.sent - near


@given(st.integers(0, 20_000), FEW, FEW, FEW)
def test_with_one_terminal_the_rules_agree(population: int, proven: int, claimed: int, sent: int) -> None:
    village = VillageCount(population, 1, proven, claimed, sent)
    assert people_of(village, Rule.FRACTION) == people_of(village, Rule.ANY)


@given(VILLAGE)
def test_the_lenient_rule_is_never_below_the_other(village: VillageCount) -> None:
    strict, lenient = people_of(village, Rule.FRACTION), people_of(village, Rule.ANY)
    assert lenient.proven >= strict.proven
    assert lenient.proven + lenient.claimed >= strict.proven + strict.claimed - 1e-9


def test_a_village_of_three_terminals_by_both_rules() -> None:
    village = VillageCount(900, 3, proven=1, claimed=1, sent=1, answered=2)
    fraction, any_ = people_of(village, Rule.FRACTION), people_of(village, Rule.ANY)
    assert (fraction.proven, fraction.claimed, fraction.sent, fraction.answered) == pytest.approx((300, 300, 300, 600))
    assert (any_.proven, any_.claimed, any_.sent, any_.answered) == (900, 0, 0, 900)


@given(st.integers(0, 20_000), FEW, RULES)
def test_a_village_without_terminals_reaches_nobody(population: int, proven: int, rule: Rule) -> None:
    people = people_of(VillageCount(population, 0, proven=proven), rule)
    assert (people.proven, people.claimed, people.sent) == (0, 0, 0)


def test_rounding_is_done_once_on_the_sum() -> None:
    # Three villages of one person and three terminals, one of them proven: rounding each would give nobody.
    people = total([VillageCount(1, 3, proven=1)] * 3, Rule.FRACTION)
    assert figure(people.proven, 3, 3, Target(3, 3, 9)).population == 1


def test_rounded_halves_never_exceed_the_target() -> None:
    target = Target(3, 1, 2)
    reached = classes(People(1.5, 1.5, 0.0), (1, 0, 0), (1, 1, 0), target)
    assert (reached.proven.population, reached.claimed.population, reached.sent.population) == (2, 1, 0)
    assert (reached.population, reached.terminals) == (3, 2)
    thirds = classes(People(0.66665, 0.33335, 0.0), (1, 0, 0), (1, 1, 0), Target(1, 1, 2))
    assert thirds.proven.share + thirds.claimed.share <= 1


@given(st.lists(VILLAGE, max_size=20), RULES)
def test_each_shown_figure_is_its_sum_rounded_once(villages: list[VillageCount], rule: Rule) -> None:
    people = total(villages, rule)
    target = Target(sum(v.population for v in villages), len(villages), 0)
    reached = classes(people, (0, 0, 0), (0, 0, 0), target)
    shown = (reached.proven, reached.claimed, reached.sent)
    assert reached.population <= target.population
    assert round(sum(one.share for one in shown), 4) <= 1
    over = sum(round(exact) for exact in (people.proven, people.claimed, people.sent)) - target.population
    for one, exact in zip(shown, (people.proven, people.claimed, people.sent), strict=True):
        assert one.population == round(exact) or (over > 0 and one.population >= round(exact) - over)
        assert one.share == round(one.share, 4)
        assert 0 <= one.share <= 1
        if target.population:
            assert abs(one.share - exact / target.population) <= 1.51e-4


def test_a_share_has_four_decimals_and_nobody_gives_nought() -> None:
    assert share(1, 3) == 0.3333
    assert share(2, 3) == 0.6667
    assert share(0, 0) == 0.0
    assert share(3.0000000001, 3) == 1.0


@pytest.mark.parametrize("field", ["population", "registered", "proven", "claimed", "sent", "answered"])
def test_counts_are_not_negative(field: str) -> None:
    fields = {"population": 1, "registered": 1, field: -1}
    with pytest.raises(InvalidValueError, match=field):
        VillageCount(**fields)


def test_rules_tell_their_name_and_formula() -> None:
    assert [rule.value for rule in Rule] == ["fraction", "any"]
    assert Rule.FRACTION.formula != Rule.ANY.formula
    assert all(rule.value in rule.label for rule in Rule)
