"""Coverage of one message: a read model that folds evidence as it is committed.

Each piece of evidence costs the same few steps whatever the size of the target; a snapshot reads sums that are ready.
Feed it in the order of the store's cursor: folding the same receipts again, after a crash or twice, ends in the same
figures, since the ladder is a join (``domain.ladder``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway.coverage.figures import Figure, Reached, Rule, Target
from gateway.coverage.tally import Level, Place, Tally
from gateway.coverage.timeline import Timeline
from gateway.domain.areas import Area, Gazetteer, PopulationSource
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Delivery, Evidence, Outcome, Rung, Standing, advance


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """Whole people by class at one instant, ``t`` in Unix seconds."""

    t: float
    proven: int
    claimed: int
    sent: int
    answered: int


@dataclass(frozen=True, slots=True)
class AreaCoverage:
    """One county: target, classes, terminals by rung, and terminals in no class."""

    code: AreaCode
    name: str
    target: Target
    reached: Reached
    answered: Figure
    states: Mapping[Rung, int]
    unreached: int


@dataclass(frozen=True, slots=True)
class CoverageSnapshot:
    """What is known at ``as_of`` (Unix seconds) of whom one message reached, by ``rule``."""

    as_of: float
    rule: Rule
    target: Target
    reached: Reached
    answered: Figure
    states: Mapping[Rung, int]
    outcomes: Mapping[Outcome, int]
    areas: tuple[AreaCoverage, ...]
    source: PopulationSource
    timeline: tuple[TimelinePoint, ...]

    @property
    def unreached(self) -> int:
        """Terminals in none of the three classes."""
        return self.target.terminals - self.reached.terminals


@dataclass(frozen=True, slots=True)
class VillageCoverage:
    """One village of the target: its people, its terminals by number, and the best class that any of them attained."""

    code: AreaCode
    population: int
    terminals: tuple[int, ...]
    #: None: nothing was heard of any
    best: Standing | None
    answered: bool


_NOTHING_KNOWN = Delivery()


class _Terminal:
    """One terminal of the target and what is known of it."""

    __slots__ = ("county", "delivery", "place")

    def __init__(self, place: Place | None, county: Tally) -> None:
        self.place, self.county, self.delivery = place, county, _NOTHING_KNOWN


class MessageCoverage:
    """The read model of one message.

    ``villages`` are those in the target areas. ``terminals`` maps the id of each terminal that was in service there
    when the message was planned to its area: one that is deleted later stays in the denominator. A terminal whose area
    is no village of the target (registered for a town, say) counts among terminals and gives no people.
    ``planned_at``: Unix seconds, the origin of the timeline.
    """

    def __init__(
        self,
        villages: Iterable[Area],
        terminals: Mapping[int, AreaCode],
        gazetteer: Gazetteer,
        *,
        planned_at: float,
    ) -> None:
        self.planned_at = planned_at
        #: the store's number of the last receipt that was fed.
        self.cursor = 0
        self._gazetteer = gazetteer
        places: dict[AreaCode, Place] = {}
        # By the six digits of the county: making a code for each of thousands of terminals would cost milliseconds.
        by_county: dict[str, list[int]] = {}
        for village in villages:
            if village.code not in places:
                places[village.code] = Place(village.population)
                by_county.setdefault(village.code[:6], []).append(village.population)
        registered: Counter[str] = Counter()
        here: dict[AreaCode, list[int]] = {}
        for number, area in terminals.items():
            registered[area[:6]] += 1
            place = places.get(area)
            if place is not None:
                place.registered += 1
                here.setdefault(area, []).append(number)
        self._villages = tuple((code, place, tuple(here.get(code, ()))) for code, place in places.items())
        largest = max((place.registered for place in places.values()), default=0)
        targets = {
            digits: _target(by_county.get(digits, []), registered[digits])
            for digits in sorted(by_county.keys() | registered.keys())
        }
        counties = {digits: Tally(target, largest) for digits, target in targets.items()}
        self._counties = {AreaCode(digits + "000000"): tally for digits, tally in counties.items()}
        self._whole = Tally(_target([place.population for place in places.values()], len(terminals)), largest)
        self._terminals = {
            number: _Terminal(places.get(area), counties[area[:6]]) for number, area in terminals.items()
        }
        self._outcomes = dict.fromkeys(Outcome, 0)
        self._outcomes[Outcome.OPEN] = len(terminals)
        self._changed = planned_at
        self._timeline = Timeline(planned_at, self._whole.whole_people())

    def feed(self, evidence: Iterable[tuple[int, Evidence]], cursor: int) -> None:
        """Fold (terminal id, evidence) of a committed batch that ends with receipt number ``cursor``."""
        for terminal, piece in evidence:
            self.apply(terminal, piece)
        self.cursor = max(self.cursor, cursor)

    def apply(self, terminal: int, evidence: Evidence) -> bool:
        """Fold one piece of evidence; False when the terminal is not in the target, and nothing is counted."""
        known = self._terminals.get(terminal)
        if known is None:
            return False
        if evidence.at >= self._timeline.due:
            self._timeline.turn(self._changed, self._whole.whole_people(), evidence.at)
        if evidence.at > self._changed:
            self._changed = evidence.at
        before = known.delivery
        known.delivery = after = advance(before, evidence)
        if after.verdict is not before.verdict:
            self._outcomes[before.outcome] -= 1
            self._outcomes[after.outcome] += 1
        if (
            after.proven is not before.proven
            or after.claimed is not before.claimed
            or after.one_way is not before.one_way
        ):
            self._rise(known, before, after)
        return True

    def _rise(self, known: _Terminal, before: Delivery, after: Delivery) -> None:
        whole, county, place = self._whole, known.county, known.place
        rung, old_rung = after.rung, before.rung
        if rung is not old_rung:
            for tally in (whole, county):
                tally.states[old_rung] -= 1
                tally.states[rung] += 1
            if rung >= _ACKNOWLEDGED > old_rung:
                whole.answer(place)
                county.answer(place)
                if place is not None:
                    place.answered = True
        level, old_level = _LEVEL[after.reached], _LEVEL[before.reached]
        if level is not old_level:
            whole.move_terminal(place, old_level, level)
            county.move_terminal(place, old_level, level)
            if place is not None and level > place.best:
                whole.move_village(place, place.best, level)
                county.move_village(place, place.best, level)
                place.best = level

    def delivery(self, terminal: int) -> Delivery | None:
        """What is known of one terminal, None when it is not in the target."""
        known = self._terminals.get(terminal)
        return known.delivery if known else None

    def deliveries(self) -> Iterator[tuple[int, Delivery]]:
        """Every terminal of the target with what is known of it."""
        return ((number, known.delivery) for number, known in self._terminals.items())

    def unreached(self) -> tuple[int, ...]:
        """Ids of terminals in none of the three classes, those that must be seen to."""
        return tuple(number for number, delivery in self.deliveries() if delivery.reached is None)

    def villages(self) -> Iterator[VillageCoverage]:
        """Every village of the target, also those without a terminal."""
        for code, place, terminals in self._villages:
            yield VillageCoverage(code, place.population, terminals, _STANDING[place.best], place.answered)

    def slowest(self, count: int) -> tuple[tuple[int, float], ...]:
        """The ``count`` terminals that began to play last, with seconds since the plan; the slowest first."""
        began = (
            (number, min(delivery.times[Rung.PLAYING], delivery.times[Rung.PLAYED]) - self.planned_at)
            for number, delivery in self.deliveries()
            if delivery.rung >= Rung.PLAYING
        )
        return tuple(sorted(began, key=lambda pair: (-pair[1], pair[0]))[:count])

    def snapshot(self, as_of: float, rule: Rule = Rule.FRACTION) -> CoverageSnapshot:
        """Everything at once, as known now; ``as_of`` in Unix seconds is the caller's clock."""
        whole = self._whole
        return CoverageSnapshot(
            as_of=as_of,
            rule=rule,
            target=whole.target,
            reached=whole.reached(rule),
            answered=whole.answered(rule),
            states=dict(zip(Rung, whole.states, strict=True)),
            outcomes=dict(self._outcomes),
            areas=tuple(self._area(code, tally, rule) for code, tally in self._counties.items()),
            source=self._gazetteer.source,
            timeline=tuple(
                TimelinePoint(t, *(lenient if rule is Rule.ANY else fraction))
                for t, (fraction, lenient) in self._timeline.points(self._changed, whole.whole_people())
            ),
        )

    def _area(self, code: AreaCode, tally: Tally, rule: Rule) -> AreaCoverage:
        reached = tally.reached(rule)
        return AreaCoverage(
            code=code,
            name=self._gazetteer.name(code),
            target=tally.target,
            reached=reached,
            answered=tally.answered(rule),
            states=dict(zip(Rung, tally.states, strict=True)),
            unreached=tally.target.terminals - reached.terminals,
        )


def _target(people: list[int], terminals: int) -> Target:
    """The target of villages with these people."""
    return Target(sum(people), len(people), terminals)


_ACKNOWLEDGED = Rung.ACKNOWLEDGED
_LEVEL: dict[Standing | None, Level] = {
    None: Level.NONE,
    Standing.SENT: Level.SENT,
    Standing.CLAIMED: Level.CLAIMED,
    Standing.PROVEN: Level.PROVEN,
}
_STANDING: dict[Level, Standing | None] = {level: standing for standing, level in _LEVEL.items()}
