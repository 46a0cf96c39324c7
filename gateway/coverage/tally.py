"""Running sums over the villages of a target, cheap to move by one terminal and exact however they were reached.

Each terminal stands in one class, and each village in the best class of its terminals. People by the rule *fraction*
are kept as whole numerators, one for each number N of registered terminals: the sum of P·n over villages with that N.
They are divided when they are read, so counting terminals one by one gives the very sum that counting them at once
gives, and no sum ever falls by a rounding error.
"""

from __future__ import annotations

import math
from enum import IntEnum

from gateway.coverage.figures import Figure, People, Reached, Rule, Target, classes, figure, whole
from gateway.domain.ladder import Rung

#: Proven, claimed, sent, answered.
WholePeople = tuple[int, int, int, int]


class Level(IntEnum):
    """Class of a terminal, best last (``ladder.Standing`` and none)."""

    NONE = 0
    SENT = 1
    CLAIMED = 2
    PROVEN = 3


class Place:
    """One village of the target: people, registered terminals, and the best that any of them attained."""

    __slots__ = ("answered", "best", "population", "registered")

    def __init__(self, population: int) -> None:
        self.population = population
        self.registered = 0
        self.best = Level.NONE
        self.answered = False


class Sums:
    """Terminals, villages and people that stand in one class."""

    __slots__ = ("by_any", "numerators", "terminals", "villages")

    def __init__(self, largest: int) -> None:
        self.terminals = 0
        self.villages = 0
        #: people of the villages that stand here.
        self.by_any = 0
        #: [N]: sum of P·n over villages with N registered terminals, n of them here.
        self.numerators = [0] * (largest + 1)

    def people(self, rule: Rule) -> float:
        """People by ``rule``, not rounded."""
        if rule is Rule.ANY:
            return float(self.by_any)
        return math.fsum(numerator / n for n, numerator in enumerate(self.numerators) if numerator)


class Tally:
    """Sums of one county, or of the whole target. ``largest``: most terminals that any village has."""

    __slots__ = ("_answered", "_classes", "states", "target")

    def __init__(self, target: Target, largest: int) -> None:
        self.target = target
        #: terminals by rung.
        self.states = [0] * len(Rung)
        self.states[Rung.PLANNED] = target.terminals
        self._classes = tuple(Sums(largest) for _ in Level)
        self._answered = Sums(largest)

    def move_terminal(self, place: Place | None, old: Level, new: Level) -> None:
        """One terminal rose from a class to another; ``place`` is None where it stands in no village of the target."""
        left, joined = self._classes[old], self._classes[new]
        left.terminals -= 1
        joined.terminals += 1
        if place is not None:
            left.numerators[place.registered] -= place.population
            joined.numerators[place.registered] += place.population

    def move_village(self, place: Place, old: Level, new: Level) -> None:
        """The best class of a village rose."""
        left, joined = self._classes[old], self._classes[new]
        left.villages -= 1
        joined.villages += 1
        left.by_any -= place.population
        joined.by_any += place.population

    def answer(self, place: Place | None) -> None:
        """One more terminal answered; ``place.answered`` says whether one of its village did before."""
        sums = self._answered
        sums.terminals += 1
        if place is None:
            return
        sums.numerators[place.registered] += place.population
        if not place.answered:
            sums.villages += 1
            sums.by_any += place.population

    def people(self, rule: Rule) -> People:
        """People by class, not rounded."""
        sent, claimed, proven = (sums.people(rule) for sums in self._classes[1:])
        return People(proven, claimed, sent, self._answered.people(rule))

    def whole_people(self) -> tuple[WholePeople, WholePeople]:
        """A point of the timeline: whole people by the rules *fraction* and *any*."""
        fraction, lenient = (self.people(rule) for rule in (Rule.FRACTION, Rule.ANY))
        population = self.target.population
        return (
            (*whole(fraction, population), round(fraction.answered)),
            (*whole(lenient, population), round(lenient.answered)),
        )

    def reached(self, rule: Rule) -> Reached:
        """The three disjoint classes against the target."""
        _, sent, claimed, proven = self._classes
        return classes(
            self.people(rule),
            (proven.villages, claimed.villages, sent.villages),
            (proven.terminals, claimed.terminals, sent.terminals),
            self.target,
        )

    def answered(self, rule: Rule) -> Figure:
        """Terminals that answered in any way, shown beside the classes."""
        sums = self._answered
        return figure(sums.people(rule), sums.villages, sums.terminals, self.target)
