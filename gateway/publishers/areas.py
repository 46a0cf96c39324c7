"""From what a publisher wrote about areas to divisions of ours.

Codes come first, and each is held against the words beside it, because the same code means different towns in the
tables of the statistics bureau (NBS 国家统计局) and of the civil-affairs ministry (MCA 民政部): 350582101 is 安海镇 in
one and 陈埭镇 in the other. Where code and name disagree, or nothing tells the two readings apart, the warning is
refused with both readings named; the wrong town is never alarmed on a guess. Shapes serve only where an area has no
code, words only where it has neither; words that are not wholly understood are held for a person (``area_text``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gateway.domain.areas import Gazetteer, without_nested
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.domain.rules import broken, shown
from gateway.domain.warning import AreaClaim, MatchedArea, Notice
from gateway.errors import Violation
from gateway.publishers.area_codes import division_code, is_ours
from gateway.publishers.area_text import MOST_CHARS, read_area_text
from gateway.publishers.area_words import check_words
from gateway.publishers.findings import MAX_FINDINGS, Findings
from gateway.publishers.places import places, zone_words
from gateway.publishers.profile import Profile
from gateway.publishers.reference import CountyOutlines, Regions, load_township_readings
from gateway.publishers.spans import DOUBTS, Reading, names_of

_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Resolution:
    """Divisions that a warning addresses here, and what was found on the way.

    ``violations`` (``unknown_area``, ``bad_area_code``, ``area_name_mismatch``, ``area_ambiguous``) mean that the areas
    are not understood, and then ``areas`` is empty; ``outside`` are codes, and words, of other regions. ``readings``
    are what areas with nothing but words were read as; ``doubts`` (``area_unresolved``) are the words in them that a
    person must decide, and then ``areas`` are a proposal.
    """

    areas: tuple[MatchedArea, ...]
    violations: tuple[Violation, ...]
    notices: tuple[Notice, ...]
    outside: tuple[str, ...]
    readings: tuple[Reading, ...] = ()
    doubts: tuple[Violation, ...] = ()


def resolve(
    claims: Iterable[AreaClaim],
    gazetteer: Gazetteer,
    outlines: CountyOutlines,
    regions: Regions | None = None,
    home: AreaCode | None = None,
) -> Resolution:
    """Match ``claims`` to divisions of ``gazetteer``; nested ones are dropped.

    ``regions`` say what 沿海乡镇 and the like hold, ``home`` where the sender is at home (``sender_home``).
    """
    return _Resolver(gazetteer, outlines, regions, home).run(tuple(claims))


class _Resolver:
    """State of one resolution."""

    def __init__(
        self, gazetteer: Gazetteer, outlines: CountyOutlines, regions: Regions | None, home: AreaCode | None
    ) -> None:
        self.gazetteer, self.outlines, self.regions, self.home = gazetteer, outlines, regions, home
        self.findings = Findings(Profile.STRICT)
        self.matched: dict[AreaCode, str] = {}
        self.outside: dict[str, None] = {}
        self.foreign: dict[str, None] = {}
        self.readings: list[Reading] = []
        self.doubts: list[Violation] = []
        self.left = MOST_CHARS
        self.unread = False
        self.tops, self.zones = _region(gazetteer)

    def run(self, claims: tuple[AreaClaim, ...]) -> Resolution:
        for index, claim in enumerate(claims, 1):
            self._claim(claim, f"area[{index}]")
        self._notices()
        kept = without_nested(self.matched)
        areas = tuple(MatchedArea(code, self.gazetteer.full_name(code), self.matched[code]) for code in kept)
        return Resolution(
            areas=() if self.findings.violations else areas,
            violations=self.findings.violations,
            notices=self.findings.notices,
            outside=tuple(self.outside),
            readings=tuple(self.readings),
            doubts=tuple(self.doubts[:MAX_FINDINGS]),
        )

    def _claim(self, claim: AreaClaim, path: str) -> None:
        ours = [(system, value) for system, value in claim.geocodes if is_ours(system, value)]
        others = [system for system, value in claim.geocodes if not is_ours(system, value)]
        self.foreign.update(dict.fromkeys(system or "?" for system in others))
        if not ours and not claim.polygons and not claim.circles:
            self._text(claim.description, f"{path}/areaDesc")
            return
        self._zones(claim.description)
        if not ours:
            self._shapes(claim)
            return
        codes: list[AreaCode] = []
        for _, value in ours:
            code = self._code(value, path)
            if code is not None and code not in codes:
                codes.append(code)
        check_words(claim.description, codes, self.gazetteer, self.findings, f"{path}/areaDesc")
        for code in codes:
            self.matched.setdefault(code, "code")

    def _code(self, value: str, path: str) -> AreaCode | None:
        """The division that a code of ours means, or None after a finding or when it lies elsewhere."""
        code = division_code(value)
        if code is None:
            self.findings.broken(
                f"{path}/geocode",
                "bad_area_code",
                f"行政区划代码 {shown(value, 30)!r} 不正确",
                f"{shown(value, 30)!r} is no division code of 6, 9, 12 or 14 digits",
            )
            return None
        if code in self.gazetteer:
            return code
        for top in self.tops:
            if code.covers(top):
                self.findings.noted(
                    "wider_area",
                    f"{code} 大于本平台区域，只播发 {self.gazetteer.name(top)}",
                    f"{code} is wider than this gateway's region; only {top} is addressed",
                )
                return top
        if not any(top.covers(code) for top in self.tops):
            self.outside[code] = None
            return None
        self.findings.broken(f"{path}/geocode", "unknown_area", *_unknown(code))
        return None

    def _shapes(self, claim: AreaClaim) -> None:
        for ring in claim.polygons:
            for code in self.outlines.meeting_ring(ring):
                self.matched.setdefault(code, "polygon")
        for circle in claim.circles:
            for code in self.outlines.meeting_circle(circle):
                self.matched.setdefault(code, "circle")

    def _text(self, description: str, path: str) -> None:
        """An area of nothing but words; names of ours are Chinese, so others are passed over with a notice."""
        if not _HAN.search(description):
            self.unread = self.unread or bool(description.strip())
            return
        reading = read_area_text(description, self.gazetteer, self.regions, self.home, most=self.left)
        self.left = max(0, self.left - len(description))
        self.readings.append(reading)
        if reading.elsewhere:
            self.outside[shown(description, 40)] = None
            return
        for code in reading.codes:
            self.matched.setdefault(code, "text")
        for span in reading.doubts:
            chinese, english = DOUBTS[span.doubt] if span.doubt else ("", "")
            words = shown(span.words, 40)
            may = f"；可能指 {names_of(span.codes, self.gazetteer)}" if span.codes else ""
            self.doubts.append(
                broken(path, "area_unresolved", f"“{words}”（第 {span.start + 1} 字起）{chinese}{may}", f"{english}")
            )

    def _zones(self, description: str) -> None:
        for word, zone in self.zones.items():
            if word in description:
                self.findings.noted(
                    "zone",
                    f"功能区 {zone} 没有行政区划代码，只播发所列代码",
                    f"the zone {zone} has no division code; only the codes given are addressed",
                )

    def _notices(self) -> None:
        note = self.findings.noted
        if self.foreign:
            systems = ", ".join(shown(system, 30) for system in list(self.foreign)[:10])
            note("foreign_geocode", f"忽略其他编码体系：{systems}", f"codes of other systems are ignored: {systems}")
        if self.outside and self.matched:
            codes = ", ".join(list(self.outside)[:10])
            note("outside_region", f"区域外的代码未播发：{codes}", f"codes outside this region are left out: {codes}")
        if self.unread and self.matched:
            note(
                "area_text_unread",
                "不含汉字的区域描述未读",
                "area descriptions without Chinese characters are not read",
            )
        coarse = [code for code, how in self.matched.items() if how in ("polygon", "circle")]
        if coarse:
            names = "、".join(self.gazetteer.name(code) for code in sorted(coarse))
            note(
                "coarse_match",
                f"按图形粗略匹配，整县播发：{names}",
                f"matched by shape, coarsely: whole counties are addressed ({', '.join(sorted(coarse))})",
            )
        for code in sorted(self.matched):
            area = self.gazetteer.get(code)
            if area is not None and not area.in_service:
                note("not_in_service", f"{area.name} 不在播发范围，终端数为零", f"{code} is not in service")


@lru_cache(maxsize=4)
def _region(gazetteer: Gazetteer) -> tuple[tuple[AreaCode, ...], dict[str, str]]:
    """The divisions that nothing of the gazetteer holds, and its zones by the words that name them."""
    tops = places(gazetteer).tops
    cities = tuple(gazetteer.name(top).removesuffix("市") for top in tops)
    return tops, {word: area.zone for area in gazetteer if area.zone for word in zone_words(area.zone, cities)}


def _unknown(code: AreaCode) -> tuple[str, str]:
    reading = load_township_readings().get(code.township) if code.level >= AreaLevel.TOWNSHIP else None
    if reading is None:
        return f"未知的行政区划代码 {code}", f"no division of this region has the code {code}"
    return (
        f"统计局代码表中没有 {code}；民政部代码表中 {reading.code} 为 {reading.name}",
        f"{code} is not in the bureau's table; the ministry's reads {reading.code} as {reading.name}",
    )
