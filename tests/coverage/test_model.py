"""The read model of one message against folding and summing everything anew."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.coverage.figures import Figure, Reached, Rule, Target, VillageCount
from gateway.coverage.model import CoverageSnapshot, MessageCoverage
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Delivery, Evidence, EvidenceKind, Outcome, Rung, Standing, fold
from tests.coverage.town import CITY, COUNTIES, SOURCE, Town, exact_people, village_code

PLANNED_AT = 1000.0

TOWN = st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 4)), min_size=1, max_size=7).map(
    lambda rows: Town(tuple(people for people, _ in rows), tuple(count for _, count in rows))
)
EVIDENCE = st.builds(
    Evidence,
    kind=st.sampled_from(EvidenceKind),
    at=st.floats(PLANNED_AT - 5, PLANNED_AT + 600).map(lambda at: round(at, 2)),
    attempt=st.integers(1, 3),
    standing=st.sampled_from(Standing),
)
#: Terminal 99 is in nobody's target.
HISTORY = st.lists(st.tuples(st.sampled_from([*range(1, 29), 99]), EVIDENCE), max_size=60)
RULES = st.sampled_from(Rule)


def _model(town: Town) -> MessageCoverage:
    gazetteer = town.gazetteer
    return MessageCoverage(gazetteer.villages_in([CITY]), town.terminals, gazetteer, planned_at=PLANNED_AT)


def _fed(town: Town, history: list[tuple[int, Evidence]]) -> MessageCoverage:
    model = _model(town)
    model.feed(history, cursor=len(history))
    return model


def _best_class_is(village: VillageCount, name: str) -> bool:
    for better in ("proven", "claimed", "sent"):
        if getattr(village, better):
            return better == name
    return False


def assert_true(villages: list[VillageCount], target: Target, reached: Reached, answered: Figure, rule: Rule) -> None:
    """Compare what is shown with exact fractions over ``villages``."""
    exact = exact_people(villages, rule)
    assert target == Target(sum(v.population for v in villages), len(villages), sum(v.registered for v in villages))
    assert reached.population <= target.population
    for name in ("proven", "claimed", "sent"):
        shown: Figure = getattr(reached, name)
        assert abs(shown.population - exact[name]) <= 1.5 + 1e-6
        assert abs(shown.share * target.population - float(exact[name])) <= 1.51e-4 * target.population
        assert shown.terminals == sum(getattr(v, name) for v in villages)
        assert shown.villages == sum(_best_class_is(v, name) for v in villages)
    # A weaker class may yield to halves; proven and answered are within half a person.
    assert abs(reached.proven.population - exact["proven"]) <= 0.5 + 1e-6
    assert abs(answered.population - exact["answered"]) <= 0.5 + 1e-6
    assert answered.terminals == sum(v.answered for v in villages)
    assert answered.villages == sum(v.answered > 0 for v in villages)


@given(TOWN, HISTORY, RULES)
def test_a_snapshot_is_what_slow_sums_give(town: Town, history: list[tuple[int, Evidence]], rule: Rule) -> None:
    snapshot = _fed(town, history).snapshot(2000.0, rule)
    assert_true(town.counts(history), snapshot.target, snapshot.reached, snapshot.answered, rule)
    assert [area.code for area in snapshot.areas] == sorted({village_code(i).county for i in range(len(town.people))})
    for area in snapshot.areas:
        assert_true(town.counts(history, area.code), area.target, area.reached, area.answered, rule)
        assert area.unreached == area.target.terminals - area.reached.terminals
        assert sum(area.states.values()) == area.target.terminals


@given(TOWN, HISTORY)
def test_states_and_outcomes_are_those_of_the_deliveries(town: Town, history: list[tuple[int, Evidence]]) -> None:
    model = _fed(town, history)
    snapshot = model.snapshot(2000.0)
    truth = {number: fold(e for n, e in history if n == number) for number in town.terminals}
    assert dict(model.deliveries()) == truth
    assert snapshot.states == {rung: sum(d.rung is rung for d in truth.values()) for rung in Rung}
    assert snapshot.outcomes == {outcome: sum(d.outcome is outcome for d in truth.values()) for outcome in Outcome}
    assert model.unreached() == tuple(number for number, d in truth.items() if d.reached is None)
    assert snapshot.unreached == len(model.unreached())


@given(TOWN, HISTORY, RULES, st.data())
def test_order_and_repetition_change_no_figure(
    town: Town, history: list[tuple[int, Evidence]], rule: Rule, data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=10)) if history else []
    shuffled = data.draw(st.permutations(history + again))
    one, other = _fed(town, history).snapshot(2000.0, rule), _fed(town, shuffled).snapshot(2000.0, rule)
    for name in ("target", "reached", "answered", "states", "outcomes", "areas"):
        assert getattr(one, name) == getattr(other, name)
    assert one.timeline[-1].proven == other.timeline[-1].proven


def _levels(snapshot: CoverageSnapshot) -> list[tuple[int, int, int, int]]:
    """Proven, proven or claimed, any class, answered: what can only rise, but for the rounding of each class."""
    return [(p.proven, p.proven + p.claimed, p.proven + p.claimed + p.sent, p.answered) for p in snapshot.timeline]


def assert_risen(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    """Proven and answered never fall; the sums of two and of three rounded classes only by their roundings."""
    for was, now, slack in zip(before, after, (0, 1, 2, 0), strict=True):
        assert now >= was - slack


@given(TOWN, HISTORY, RULES)
def test_the_timeline_rises_in_order_and_ends_with_the_figures(
    town: Town, history: list[tuple[int, Evidence]], rule: Rule
) -> None:
    snapshot = _fed(town, history).snapshot(2000.0, rule)
    line = snapshot.timeline
    assert 1 <= len(line) <= 500
    assert (line[0].t, line[0].proven, line[0].answered) == (PLANNED_AT, 0, 0)
    assert [p.t for p in line] == sorted(p.t for p in line)
    levels = _levels(snapshot)
    for before, after in pairwise(levels):
        assert_risen(before, after)
    reached, last = snapshot.reached, line[-1]
    assert (last.proven, last.claimed, last.sent) == (
        reached.proven.population,
        reached.claimed.population,
        reached.sent.population,
    )
    assert last.answered == snapshot.answered.population


@given(TOWN, HISTORY, st.tuples(st.integers(1, 28), EVIDENCE), RULES)
def test_one_more_piece_of_evidence_never_lowers_a_level(
    town: Town, history: list[tuple[int, Evidence]], more: tuple[int, Evidence], rule: Rule
) -> None:
    model = _fed(town, history)
    before = model.snapshot(2000.0, rule)
    model.apply(*more)
    after = model.snapshot(2000.0, rule)
    assert_risen(_levels(before)[-1], _levels(after)[-1])
    assert after.reached.terminals >= before.reached.terminals


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=6), HISTORY)
def test_with_one_terminal_in_each_village_both_rules_agree(
    people: list[int], history: list[tuple[int, Evidence]]
) -> None:
    model = _fed(Town(tuple(people), (1,) * len(people)), history)
    fraction, any_ = model.snapshot(2000.0, Rule.FRACTION), model.snapshot(2000.0, Rule.ANY)
    assert fraction.reached == any_.reached
    assert fraction.timeline == any_.timeline


def _word(kind: EvidenceKind, at: float = 1.0, standing: Standing = Standing.PROVEN) -> Evidence:
    return Evidence(kind, PLANNED_AT + at, 1, standing)


def test_a_village_without_terminals_counts_in_the_target() -> None:
    model = _fed(Town((600, 400), (1, 0)), [(1, _word(EvidenceKind.PLAYING))])
    for rule in Rule:
        snapshot = model.snapshot(2000.0, rule)
        assert snapshot.target == Target(1000, 2, 1)
        assert snapshot.reached.proven == Figure(600, 0.6, 1, 1)


def test_answered_stands_beside_and_never_inside() -> None:
    model = _fed(Town((900,), (3,)), [(1, _word(EvidenceKind.ACKNOWLEDGED)), (2, _word(EvidenceKind.PLAYING))])
    snapshot = model.snapshot(2000.0)
    assert snapshot.answered == Figure(600, 0.6667, 1, 2)
    assert snapshot.reached.population == 300
    assert snapshot.source is SOURCE


def test_a_terminal_outside_the_target_is_told_and_not_counted() -> None:
    model = _model(Town((900,), (1,)))
    assert model.apply(99, _word(EvidenceKind.PLAYED)) is False
    assert model.apply(1, _word(EvidenceKind.SENT)) is True
    assert model.delivery(99) is None
    assert model.delivery(1) == Delivery(
        proven=Rung.SENT,
        times=(float("inf"), 1001.0, *(float("inf"),) * 3),
        attempts=1,
        verdict=(1, 0, 0, Outcome.OPEN),
    )
    assert model.snapshot(2000.0).states[Rung.PLAYED] == 0


def test_a_terminal_of_a_town_hall_counts_among_terminals_of_its_county_alone() -> None:
    gazetteer = Town((900,), (0,)).gazetteer
    hall = AreaCode("350524003000")
    model = MessageCoverage(gazetteer.villages_in([CITY]), {7: hall}, gazetteer, planned_at=PLANNED_AT)
    model.apply(7, _word(EvidenceKind.PLAYING))
    snapshot = model.snapshot(2000.0)
    assert snapshot.reached.proven == Figure(0, 0.0, 0, 1)
    assert [(a.code, a.name, a.target.terminals, a.reached.proven.terminals) for a in snapshot.areas] == [
        (COUNTIES[0], "鲤城区", 0, 0),
        (COUNTIES[1], "安溪县", 1, 1),
    ]


def test_an_empty_target_gives_noughts() -> None:
    gazetteer = Town((900,), (1,)).gazetteer
    snapshot = MessageCoverage((), {}, gazetteer, planned_at=PLANNED_AT).snapshot(2000.0)
    assert snapshot.target == Target(0, 0, 0)
    assert snapshot.areas == ()
    assert snapshot.reached.proven == Figure(0, 0.0, 0, 0)


def test_feeding_moves_the_cursor_forward_only() -> None:
    model = _model(Town((900,), (1,)))
    model.feed([(1, _word(EvidenceKind.SENT))], cursor=12)
    model.feed([(1, _word(EvidenceKind.SENT))], cursor=9)
    assert model.cursor == 12


def test_the_slowest_come_first_with_the_seconds_since_the_plan() -> None:
    town = Town((900,), (4,))
    model = _fed(
        town,
        [
            (1, _word(EvidenceKind.PLAYING, 2.0)),
            (2, _word(EvidenceKind.PLAYED, 9.0)),
            (2, _word(EvidenceKind.PLAYING, 4.0)),
            (3, _word(EvidenceKind.ACKNOWLEDGED, 8.0)),
            (4, _word(EvidenceKind.PLAYED, 3.0)),
        ],
    )
    assert model.slowest(2) == ((2, 4.0), (4, 3.0))
    assert model.unreached() == (3,)


def _seconds_for_a_thousand(villages: int) -> float:
    """Processor time to fold a thousand reports in a town of ``villages``, the best of five."""
    town = Town((3000,) * villages, (2,) * villages)
    numbers = list(town.terminals)[:1000]
    history = [(number, _word(EvidenceKind.PLAYING, 0.001 * number)) for number in numbers]
    spent = []
    for _ in range(5):
        model = _model(town)
        began = time.process_time()
        model.feed(history, cursor=1)
        spent.append(time.process_time() - began)
    return min(spent)


def test_a_receipt_costs_the_same_in_a_larger_town() -> None:
    small, large = _seconds_for_a_thousand(500), _seconds_for_a_thousand(2500)
    assert large < 3 * small
    assert large < 0.1
