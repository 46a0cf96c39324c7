"""Divisions 行政区划 and the gazetteer that knows them by code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.domain.codes import AreaCode, AreaLevel


@dataclass(frozen=True, slots=True)
class Area:
    """One division: its people (residents; villages carry the figure, higher levels are sums), kind and zone."""

    code: AreaCode
    name: str
    population: int = 0
    urban: bool | None = None
    #: second grouping beside the code, such as 台商投资区 whose towns sit under 惠安.
    zone: str = ""
    in_service: bool = True


@dataclass(frozen=True, slots=True)
class PopulationSource:
    """Where the people figures come from; ``estimate`` must be shown (演示估算) wherever a figure is."""

    name: str
    date: str
    estimate: bool


class Gazetteer:
    """All divisions of a gateway's region, by code; sums of people upward from the villages."""

    def __init__(self, areas: Iterable[Area], source: PopulationSource) -> None:
        self.source = source
        self._areas = {area.code: area for area in areas}
        self._villages = tuple(
            sorted(
                (a for a in self._areas.values() if a.code.level is AreaLevel.VILLAGE and a.in_service),
                key=lambda a: a.code,
            )
        )
        self._people: dict[AreaCode, int] = {}
        self._children: dict[AreaCode, list[Area]] = {}
        for area in self._areas.values():
            if area.code.parent != area.code:
                self._children.setdefault(area.code.parent, []).append(area)
        for village in self._villages:
            for code in {village.code, village.code.township, village.code.county, self.city_of(village.code)}:
                self._people[code] = self._people.get(code, 0) + village.population

    @staticmethod
    def city_of(code: AreaCode) -> AreaCode:
        """The city (first 4 digits) that holds ``code``."""
        return AreaCode(code[:4] + "00000000")

    def __contains__(self, code: object) -> bool:
        return code in self._areas

    def __iter__(self) -> Iterator[Area]:
        return iter(self._areas.values())

    def __len__(self) -> int:
        return len(self._areas)

    def get(self, code: AreaCode) -> Area | None:
        """The division with this code, or None."""
        return self._areas.get(code)

    def name(self, code: AreaCode) -> str:
        """Name of the division, or its digits when it is unknown."""
        area = self._areas.get(code)
        return area.name if area else str(code)

    def full_name(self, code: AreaCode) -> str:
        """Names from the county down, such as 安溪县凤城镇."""
        chain = [code]
        while chain[-1].level > AreaLevel.COUNTY and chain[-1].parent != chain[-1]:
            chain.append(chain[-1].parent)
        return "".join(self.name(c) for c in reversed(chain))

    def children(self, code: AreaCode) -> tuple[Area, ...]:
        """Divisions directly below ``code``, by code."""
        return tuple(sorted(self._children.get(code, ()), key=lambda a: a.code))

    @property
    def villages(self) -> tuple[Area, ...]:
        """Every village in service, by code."""
        return self._villages

    def villages_in(self, areas: Iterable[AreaCode]) -> tuple[Area, ...]:
        """Villages in service inside any of ``areas``, each once, by code."""
        prefixes = tuple({area.prefix for area in areas})
        return tuple(v for v in self._villages if v.code.startswith(prefixes)) if prefixes else ()

    def counties(self) -> tuple[Area, ...]:
        """Counties in service, by code."""
        found = (a for a in self._areas.values() if a.code.level is AreaLevel.COUNTY and a.in_service)
        return tuple(sorted(found, key=lambda a: a.code))

    def population(self, code: AreaCode) -> int:
        """People inside ``code`` (residents, sum over villages in service)."""
        return self._people.get(code, 0)


def without_nested(areas: Iterable[AreaCode]) -> tuple[AreaCode, ...]:
    """Drop every area that lies inside another of the same collection; sorted."""
    kept: list[AreaCode] = []
    for area in sorted(set(areas)):
        # In order, what lies inside a division follows it at once.
        if not kept or not kept[-1].covers(area):
            kept.append(area)
    return tuple(kept)
