"""What the reader of area descriptions knows of a region: names, zones, provinces, kinds of divisions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.publishers.names import NameIndex, name_index
from gateway.publishers.place_words import FIRSTS, Kind
from gateway.publishers.reference import load_township_readings
from gateway.publishers.reference.provinces import PROVINCES

#: Words that are a zone's name in one county and a kind of zone in every other.
_GENERIC: Final = frozenset({"经济技术开发区", "高新技术开发区", "高新区", "开发区", "工业园区", "工业区", "投资区"})
_WORD_OF_KIND: Final = {"街道": "街", "镇": "镇", "乡": "乡", "居委会": "社", "社区": "社", "村委会": "村", "村": "村"}


class Places:
    """Names and other words for divisions of one gazetteer; made once, by ``places``."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self.index: NameIndex = name_index(gazetteer)
        self.tops = tuple(a.code for a in gazetteer if a.code.parent not in gazetteer or a.code.parent == a.code)
        #: words that are not names of one division → what they are, and the divisions
        self.others: dict[str, tuple[Kind, tuple[AreaCode, ...]]] = {}
        self._provinces()
        self._zones()
        self._ministry()
        longest_first = sorted(self.others, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        #: the characters that anything understood begins with
        self.firsts = self.index.firsts | FIRSTS | {word[0] for word in self.others}
        self._kinds: dict[tuple[AreaCode, AreaLevel], dict[str, tuple[AreaCode, ...]]] = {}
        self._ending: dict[str, tuple[AreaCode, ...]] = {}
        for area in sorted(gazetteer, key=lambda a: a.code):
            if area.code.level <= AreaLevel.COUNTY:
                self._ending[area.name[-1]] = (*self._ending.get(area.name[-1], ()), area.code)

    def other_at(self, text: str, at: int) -> tuple[str, Kind, tuple[AreaCode, ...]] | None:
        """The longest of the other words that begins at character ``at``."""
        found = self._pattern.match(text, at)
        return (found[0], *self.others[found[0]]) if found else None

    def name(self, code: AreaCode) -> str:
        """Name of a division, of our province too."""
        known = PROVINCES.get(code[:2])
        return known[0] if known and code.level is AreaLevel.PROVINCE else self.gazetteer.name(code)

    def ending(self, kind: str) -> tuple[AreaCode, ...]:
        """Counties and above whose name ends in ``kind``: what 全市 may mean where nobody says of which."""
        return self._ending.get(kind, ())

    def kinds(self, of: AreaCode, level: AreaLevel) -> dict[str, tuple[AreaCode, ...]]:
        """Divisions of ``level`` inside ``of`` by the kind in their names; what has none (a park 园区) is left out."""
        known = self._kinds.get((of, level))
        if known is None:
            known = self._kinds[of, level] = {}
            for area in self.gazetteer:
                if area.code.level is level and of.covers(area.code):
                    kind = _kind(area.name, level)
                    if kind:
                        known[kind] = (*known.get(kind, ()), area.code)
        return known

    def _provinces(self) -> None:
        own = {top[:2] for top in self.tops}
        for digits, names in PROVINCES.items():
            code = AreaCode(digits.ljust(12, "0"))
            for word in names:
                self.others[word] = (Kind.NAME, (code,)) if digits in own else (Kind.ELSEWHERE, ())

    def _zones(self) -> None:
        cities = tuple(self.gazetteer.name(top).removesuffix("市") for top in self.tops)
        divisions: dict[str, list[AreaCode]] = {}
        for area in self.gazetteer:
            if area.zone:
                divisions.setdefault(area.zone, []).append(area.code)
        for zone, codes in divisions.items():
            for word in zone_words(zone, cities):
                if word not in _GENERIC:
                    self.others[word] = (Kind.ZONE, tuple(sorted(codes)))

    def _ministry(self) -> None:
        """Townships that the ministry lists and the bureau does not: a name without a code of ours."""
        for reading in load_township_readings().values():
            if reading.nbs_code is None and reading.code.county in self.gazetteer:
                stem = reading.name.removesuffix("街道").removesuffix("镇")
                kin = (a.code for a in self.gazetteer.children(reading.code.county) if a.name.startswith(stem))
                self.others[reading.name] = (Kind.MINISTRY, tuple(kin))


def zone_words(zone: str, cities: tuple[str, ...]) -> set[str]:
    """Words by which texts name a zone: 台商投资区 for 泉州台商投资区, 清濛 from within brackets."""
    words = {word for word in re.split(r"[()（）]", zone) if word}
    return words | {word.removeprefix(city) for word in words for city in cities}


def _kind(name: str, level: AreaLevel) -> str:
    if level <= AreaLevel.COUNTY:
        return name[-1] if name[-1:] in "市县区" else ""
    return next((kind for end, kind in _WORD_OF_KIND.items() if name.endswith(end)), "")


@lru_cache(maxsize=4)
def places(gazetteer: Gazetteer) -> Places:
    """What is known of a gazetteer's region, built once."""
    return Places(gazetteer)
