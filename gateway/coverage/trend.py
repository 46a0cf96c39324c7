"""The trend 趋势 of standing coverage: one row a day for the region and each division below it, the day's last look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.coverage.standing import AreaStanding, StandingCoverage
from gateway.domain.zone import BEIJING
from gateway.store.rows import CoverageDayRow

#: Ratios that a day keeps, by their names in ``AreaStanding``.
KEPT = ("planned", "strict", "live", "live_strict", "drilled", "village_standard", "village_live")


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a division; ``ratios`` by name: numerator, denominator."""

    day: str
    as_of: float
    population: int
    registered: int
    online: int
    ratios: dict[str, tuple[int, int]]


def rows_of(standing: StandingCoverage) -> list[CoverageDayRow]:
    """What the store keeps of a look."""
    day = f"{datetime.fromtimestamp(standing.as_of, BEIJING):%Y-%m-%d}"
    return [
        CoverageDayRow(str(area.code), day, standing.as_of, _facts(area)) for area in (standing.area, *standing.areas)
    ]


def _facts(area: AreaStanding) -> dict[str, Any]:
    ratios = {name: [getattr(area, name).numerator, getattr(area, name).denominator] for name in KEPT}
    return {"population": area.population, "registered": area.registered, "online": area.online, "ratios": ratios}


def day_of(row: CoverageDayRow) -> Day:
    """A day as the store keeps it; ratios that it did not have are left out."""
    facts: Any = row.facts
    ratios = {name: (int(top), int(below)) for name, (top, below) in facts["ratios"].items()}
    return Day(row.day, row.as_of, facts["population"], facts["registered"], facts["online"], ratios)
