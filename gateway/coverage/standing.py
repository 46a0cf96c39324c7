"""Standing coverage 常态覆盖率: whom the terminals could reach, were a warning sent now.

No text of the authorities gives a formula for 人口覆盖率, so each ratio carries its rule, its formula, numerator and
denominator (platform.md 7.2). The unit is the village or community, the lowest with a figure of people. The five
departments ask for two sets or more in an administrative village (广电发〔2022〕60号).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gateway.coverage.figures import share
from gateway.domain.areas import Area, Gazetteer, PopulationSource
from gateway.domain.codes import AREA_GROUPS, AreaCode, AreaLevel
from gateway.errors import InvalidValueError, NotFoundError

#: Sets that the notice asks for in an administrative village.
SETS_ASKED = 2


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio with all that is needed to check it; numerator and denominator in people or in villages (``unit``)."""

    rule: str
    formula: str
    unit: str
    numerator: int
    denominator: int
    share: float


@dataclass(frozen=True, slots=True)
class AreaStanding:
    """One division: registered and online terminals, and the ratios they give."""

    code: AreaCode
    name: str
    population: int
    villages: int
    registered: int
    online: int
    #: people of villages with a registered terminal, and with two.
    planned: Ratio
    strict: Ratio
    #: the same with online terminals.
    live: Ratio
    live_strict: Ratio
    #: people of villages where a terminal was proven to play in the last drill that was for it.
    drilled: Ratio
    #: villages with a terminal that can answer, of all (GD/J 089-2018 appendix B: at least one in each)
    returning: Ratio
    #: 行政村达标率: villages with two registered terminals or more.
    village_standard: Ratio
    village_live: Ratio
    #: of the villages named as disaster-prone or key (重点地区), those with one terminal, with two; None when none is.
    key_villages: Ratio | None
    key_villages_strict: Ratio | None


@dataclass(frozen=True, slots=True)
class StandingCoverage:
    """The division asked for and those directly below it; ``as_of`` in Unix seconds."""

    as_of: float
    area: AreaStanding
    areas: tuple[AreaStanding, ...]
    source: PopulationSource
    #: the newest drill that counts here, in Unix seconds; None: there was none
    drilled_at: float | None = None


def area_from_digits(digits: str) -> AreaCode:
    """Read a division written short: 2, 4, 6, 9 or 12 digits, such as 3505 for 泉州; raise InvalidValueError."""
    if len(digits) not in {end for _, end in AREA_GROUPS}:
        raise InvalidValueError("area", digits, "must be 2, 4, 6, 9 or 12 decimal digits")
    try:
        return AreaCode(digits.ljust(12, "0"))
    except InvalidValueError:
        raise InvalidValueError("area", digits, "must be 2, 4, 6, 9 or 12 decimal digits") from None


def standing(
    gazetteer: Gazetteer,
    area: AreaCode,
    terminals: Iterable[tuple[AreaCode, bool]],
    *,
    as_of: float,
    key_villages: Collection[AreaCode] = (),
    proven: Iterable[AreaCode] = (),
    returning: Iterable[AreaCode] = (),
    drilled_at: float | None = None,
) -> StandingCoverage:
    """Standing coverage of ``area`` and of the divisions directly below it.

    ``terminals``: area and whether online, for each terminal in service; those elsewhere are passed over. A terminal
    whose area is no village counts among terminals and serves no village. ``proven``: the area of each terminal
    in service that was proven to play in its last drill (``drilled.last_drills``); ``returning``: of each
    that can answer.

    Errors: NotFoundError for an unknown area.
    """
    villages = gazetteer.villages_in([area])
    if not villages and area not in gazetteer:
        raise NotFoundError(f"area {area}: not among the divisions of this gateway")
    registered: Counter[AreaCode] = Counter()
    online: Counter[AreaCode] = Counter()
    prefix = area.prefix
    for place, is_online in terminals:
        if place.startswith(prefix):
            registered[place] += 1
            online[place] += is_online
    key, played, back = frozenset(key_villages), Counter(proven), Counter(returning)
    below = _grouped(area, villages, registered)
    return StandingCoverage(
        as_of=as_of,
        area=_standing_of(area, gazetteer.name(area), villages, registered, online, played, back, key),
        areas=tuple(
            _standing_of(code, gazetteer.name(code), inside, places, online, played, back, key)
            for code, (inside, places) in sorted(below.items())
        ),
        source=gazetteer.source,
        drilled_at=drilled_at,
    )


#: villages, and registered terminals by area.
_Group = tuple[list[Area], dict[AreaCode, int]]


def _grouped(area: AreaCode, villages: Iterable[Area], registered: dict[AreaCode, int]) -> dict[AreaCode, _Group]:
    """Villages and terminals of each division directly below ``area``."""
    if area.level is AreaLevel.VILLAGE:
        return {}
    _, end = AREA_GROUPS[area.level - 1]
    groups: dict[str, _Group] = {}
    for village in villages:
        groups.setdefault(village.code[:end], ([], {}))[0].append(village)
    for place, count in registered.items():
        digits = place[:end]
        if digits.ljust(12, "0") != area:
            groups.setdefault(digits, ([], {}))[1][place] = count
    return {AreaCode(digits.ljust(12, "0")): group for digits, group in groups.items()}


def _standing_of(
    code: AreaCode,
    name: str,
    villages: Collection[Area],
    registered: dict[AreaCode, int],
    online: Counter[AreaCode],
    played: Counter[AreaCode],
    back: Counter[AreaCode],
    key: frozenset[AreaCode],
) -> AreaStanding:
    sets = [(village, registered.get(village.code, 0), online[village.code]) for village in villages]
    by_plan = [(village, count) for village, count, _ in sets]
    by_life = [(village, count) for village, _, count in sets]
    by_key = [(village, count) for village, count in by_plan if village.code in key]
    return AreaStanding(
        code=code,
        name=name,
        population=sum(village.population for village in villages),
        villages=len(villages),
        registered=sum(registered.values()),
        online=sum(online[place] for place in registered),
        planned=_people("planned", "N", by_plan, 1),
        strict=_people("strict", "N", by_plan, SETS_ASKED),
        live=_people("live", "O", by_life, 1),
        live_strict=_people("live_strict", "O", by_life, SETS_ASKED),
        drilled=_people("drilled", "D", [(village, played[village.code]) for village in villages], 1),
        returning=_villages("returning", "R", [(village, back[village.code]) for village in villages], 1),
        village_standard=_villages("village_standard", "N", by_plan, SETS_ASKED),
        village_live=_villages("village_live", "O", by_life, SETS_ASKED),
        key_villages=_villages("key_villages", "N", by_key, 1) if by_key else None,
        key_villages_strict=_villages("key_villages_strict", "N", by_key, SETS_ASKED) if by_key else None,
    )


def _people(rule: str, letter: str, sets: list[tuple[Area, int]], needed: int) -> Ratio:
    served = sum(village.population for village, count in sets if count >= needed)
    everybody = sum(village.population for village, _ in sets)
    formula = f"Σ P·[{letter} ≥ {needed}] / Σ P"
    return Ratio(rule, formula, "people", served, everybody, share(served, everybody))


def _villages(rule: str, letter: str, sets: list[tuple[Area, int]], needed: int) -> Ratio:
    equipped = sum(1 for _, count in sets if count >= needed)
    formula = f"#[{letter} ≥ {needed}] / #villages"
    return Ratio(rule, formula, "villages", equipped, len(sets), share(equipped, len(sets)))
