"""The two rules by which terminals become people, and the figures they give.

A village 村 of P people has N registered terminals, of which p are proven, c claimed only, s sent only. By *fraction*
P·min(1, p/N) people are proven; by the lenient rule *any*, all P are once p ≥ 1. Claimed and sent are what each adds on
top of the better classes, so the three never count a person twice. N = 0 stays in the target and reaches nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import InvalidValueError


class Rule(StrEnum):
    """How the terminals of a village become people reached (platform.md 7.2, "Reached by message m")."""

    #: the share of its terminals that were reached.
    FRACTION = "fraction"
    #: everybody, once one terminal was reached.
    ANY = "any"

    @property
    def label(self) -> str:
        """Chinese and English words for people."""
        return "按比例 fraction" if self is Rule.FRACTION else "任一终端 any"

    @property
    def formula(self) -> str:
        """The formula, P people and n of N terminals for each village."""
        return "Σ P·min(1, n/N)" if self is Rule.FRACTION else "Σ P·[n ≥ 1]"


@dataclass(frozen=True, slots=True)
class VillageCount:
    """Terminals of one village by class; ``answered`` lies beside the classes and overlaps them."""

    population: int
    registered: int
    proven: int = 0
    claimed: int = 0
    sent: int = 0
    answered: int = 0

    def __post_init__(self) -> None:
        for field in ("population", "registered", "proven", "claimed", "sent", "answered"):
            if getattr(self, field) < 0:
                raise InvalidValueError(field, getattr(self, field), "must not be negative")


@dataclass(frozen=True, slots=True)
class People:
    """People by class, not rounded: the three classes are disjoint, ``answered`` lies beside them."""

    proven: float = 0.0
    claimed: float = 0.0
    sent: float = 0.0
    answered: float = 0.0


def people_of(village: VillageCount, rule: Rule) -> People:
    """People of one village by class."""
    proven = _served(village, village.proven, rule)
    told = _served(village, village.proven + village.claimed, rule)
    all_three = _served(village, village.proven + village.claimed + village.sent, rule)
    return People(proven, told - proven, all_three - told, _served(village, village.answered, rule))


def _served(village: VillageCount, terminals: int, rule: Rule) -> float:
    if not village.registered or not terminals:
        return 0.0
    if rule is Rule.ANY:
        return float(village.population)
    return village.population * min(1.0, terminals / village.registered)


def total(villages: Iterable[VillageCount], rule: Rule) -> People:
    """Sum over villages, in floats and not rounded."""
    parts = [people_of(village, rule) for village in villages]
    return People(
        math.fsum(p.proven for p in parts),
        math.fsum(p.claimed for p in parts),
        math.fsum(p.sent for p in parts),
        math.fsum(p.answered for p in parts),
    )


def share(people: float, target: int) -> float:
    """``people`` of ``target`` as 0..1 with four decimals; 0 where the target has nobody."""
    return round(min(1.0, max(0.0, people / target)), 4) if target else 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """What a message or an area asks for: people, villages, terminals (villages without a terminal included)."""

    population: int
    villages: int
    terminals: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One class against its target: whole people, share 0..1 with four decimals, villages, terminals."""

    population: int
    share: float
    villages: int
    terminals: int


@dataclass(frozen=True, slots=True)
class Reached:
    """The three disjoint classes: proven 已证实, claimed 转报, sent 已发."""

    proven: Figure
    claimed: Figure
    sent: Figure

    @property
    def population(self) -> int:
        """People in any of the three classes."""
        return self.proven.population + self.claimed.population + self.sent.population

    @property
    def terminals(self) -> int:
        """Terminals in any of the three classes."""
        return self.proven.terminals + self.claimed.terminals + self.sent.terminals


def figure(people: float, villages: int, terminals: int, target: Target) -> Figure:
    """One figure that stands alone, rounded here and nowhere before."""
    return Figure(round(people), share(people, target.population), villages, terminals)


def whole(people: People, population: int) -> tuple[int, int, int]:
    """Proven, claimed and sent as whole people, each sum rounded once.

    Where rounded halves would together exceed the ``population`` of the target, the weaker class yields.
    """
    proven = round(people.proven)
    claimed = min(round(people.claimed), population - proven)
    return proven, claimed, min(round(people.sent), population - proven - claimed)


def classes(people: People, villages: tuple[int, int, int], terminals: tuple[int, int, int], target: Target) -> Reached:
    """The three classes against their target; ``villages`` and ``terminals`` in the order proven, claimed, sent."""
    counts = whole(people, target.population)
    proven = share(people.proven, target.population)
    claimed = min(share(people.claimed, target.population), round(1 - proven, 4))
    sent = min(share(people.sent, target.population), round(1 - proven - claimed, 4))
    return Reached(*map(Figure, counts, (proven, claimed, sent), villages, terminals))
