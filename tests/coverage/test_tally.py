"""Running sums: exact whichever way they were reached."""

from __future__ import annotations

from itertools import pairwise

from gateway.coverage.figures import Figure, Rule, Target
from gateway.coverage.tally import Level, Place, Tally


def _place(population: int, registered: int) -> Place:
    place = Place(population)
    place.registered = registered
    return place


def test_thirds_of_many_villages_sum_to_whole_people() -> None:
    tally = Tally(Target(3000, 3000, 9000), largest=3)
    for _ in range(3000):
        tally.move_terminal(_place(1, 3), Level.NONE, Level.PROVEN)
    assert tally.reached(Rule.FRACTION).proven.population == 1000


def test_a_rise_leaves_nothing_behind() -> None:
    tally, place = Tally(Target(700, 1, 2), largest=2), _place(700, 2)
    steps = [Level.NONE, Level.SENT, Level.CLAIMED, Level.PROVEN]
    for old, new in pairwise(steps):
        tally.move_terminal(place, old, new)
        tally.move_village(place, old, new)
    for rule, people in ((Rule.FRACTION, 350), (Rule.ANY, 700)):
        reached = tally.reached(rule)
        assert reached.proven == Figure(people, people / 700, 1, 1)
        assert reached.claimed == reached.sent == Figure(0, 0.0, 0, 0)


def test_a_point_holds_both_rules() -> None:
    tally, place = Tally(Target(900, 1, 3), largest=3), _place(900, 3)
    tally.move_terminal(place, Level.NONE, Level.CLAIMED)
    tally.move_village(place, Level.NONE, Level.CLAIMED)
    tally.answer(place)
    assert tally.whole_people() == ((0, 300, 0, 300), (0, 900, 0, 900))


def test_a_terminal_in_no_village_is_counted_without_people() -> None:
    tally = Tally(Target(900, 1, 1), largest=0)
    tally.move_terminal(None, Level.NONE, Level.PROVEN)
    tally.answer(None)
    assert tally.reached(Rule.ANY).proven == Figure(0, 0.0, 0, 1)
    assert tally.answered(Rule.ANY) == Figure(0, 0.0, 0, 1)
