"""Small towns to measure coverage on: a gazetteer, terminals, and slow sums to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gateway.coverage.figures import Rule, VillageCount
from gateway.domain.areas import Area, Gazetteer, PopulationSource
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Delivery, Evidence, Rung, Standing, fold

CITY = AreaCode("350500000000")
COUNTIES = (AreaCode("350502000000"), AreaCode("350524000000"))
SOURCE = PopulationSource("census split evenly", "2020-11-01", estimate=True)


def village_code(index: int) -> AreaCode:
    """Village number ``index``, by turns in the first and the second county."""
    return AreaCode(f"{COUNTIES[index % 2][:6]}{1 + index // 100:03d}{1 + index % 100:03d}")


@dataclass(frozen=True)
class Town:
    """Villages with their people and terminals; terminals are numbered from 1 through the villages."""

    people: tuple[int, ...]
    terminals_of: tuple[int, ...]

    @property
    def gazetteer(self) -> Gazetteer:
        areas = [Area(CITY, "泉州市"), Area(COUNTIES[0], "鲤城区"), Area(COUNTIES[1], "安溪县")]
        areas += [Area(village_code(i), f"村{i}", people) for i, people in enumerate(self.people)]
        return Gazetteer(areas, SOURCE)

    @property
    def terminals(self) -> dict[int, AreaCode]:
        places = [village_code(i) for i, count in enumerate(self.terminals_of) for _ in range(count)]
        return dict(enumerate(places, start=1))

    def counts(self, evidence: Iterable[tuple[int, Evidence]], county: AreaCode | None = None) -> list[VillageCount]:
        """Terminals by class in each village, found by folding everything from the beginning."""
        by_terminal: dict[int, list[Evidence]] = {number: [] for number in self.terminals}
        for number, piece in evidence:
            if number in by_terminal:
                by_terminal[number].append(piece)
        deliveries = {number: fold(pieces) for number, pieces in by_terminal.items()}
        found = []
        for index, people in enumerate(self.people):
            code = village_code(index)
            if county is None or code.county == county:
                here = [deliveries[n] for n, place in self.terminals.items() if place == code]
                found.append(_count(people, here))
        return found


def _count(people: int, deliveries: Sequence[Delivery]) -> VillageCount:
    reached = [delivery.reached for delivery in deliveries]
    return VillageCount(
        population=people,
        registered=len(deliveries),
        proven=reached.count(Standing.PROVEN),
        claimed=reached.count(Standing.CLAIMED),
        sent=reached.count(Standing.SENT),
        answered=sum(delivery.rung >= Rung.ACKNOWLEDGED for delivery in deliveries),
    )


def exact_people(villages: Iterable[VillageCount], rule: Rule) -> dict[str, Fraction]:
    """People by class in whole fractions, straight from the words of the design."""
    sums = dict.fromkeys(("proven", "claimed", "sent", "answered"), Fraction(0))
    for v in villages:

        def served(n: int, v: VillageCount = v) -> Fraction:
            if rule is Rule.ANY:
                return Fraction(v.population if n >= 1 and v.registered else 0)
            return v.population * min(Fraction(1), Fraction(n, v.registered)) if v.registered else Fraction(0)

        sums["proven"] += served(v.proven)
        sums["claimed"] += served(v.proven + v.claimed) - served(v.proven)
        sums["sent"] += served(v.proven + v.claimed + v.sent) - served(v.proven + v.claimed)
        sums["answered"] += served(v.answered)
    return sums
