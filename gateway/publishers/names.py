"""Names of divisions in the words of an area description 区域描述."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from gateway.domain.areas import Area, Gazetteer
from gateway.domain.codes import AreaCode, AreaLevel

_VILLAGE_ENDS = (("社区居委会", "社区"), ("村委会", "村"))
_TOWNSHIP_ENDS = ("回族乡", "畲族乡", "街道", "镇", "乡")
_ETHNIC_ENDS = ("回族乡", "畲族乡")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found in a text, and the divisions that bear it; ``short`` where the text leaves off 县 or 镇."""

    words: str
    codes: frozenset[AreaCode]
    short: bool

    def level(self) -> AreaLevel:
        """Highest level among the divisions of this name."""
        return min(code.level for code in self.codes)


class NameIndex:
    """All names of a gazetteer with their usual other forms, found in a text by the longest match."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._full: dict[str, set[AreaCode]] = {}
        self._short: dict[str, set[AreaCode]] = {}
        for area in gazetteer:
            for form in _full_forms(area):
                self._full.setdefault(form, set()).add(area.code)
            short = _short_form(area)
            if len(short) >= 2:
                self._short.setdefault(short, set()).add(area.code)
        words = [*self._full, *self._short]
        self._lengths: dict[str, tuple[int, ...]] = {}
        for word in words:
            known = self._lengths.get(word[0], ())
            self._lengths[word[0]] = tuple(sorted({*known, len(word)}, reverse=True))

    def mentions(self, text: str) -> Iterator[Mention]:
        """Names in ``text`` from left to right, none overlapping another."""
        at = 0
        while at < len(text):
            found = self.at(text, at)
            if found:
                yield found
                at += len(found.words)
            else:
                at += 1

    @property
    def firsts(self) -> frozenset[str]:
        """The characters that names begin with."""
        return frozenset(self._lengths)

    def at(self, text: str, at: int) -> Mention | None:
        """The longest name that begins at character ``at`` of ``text``."""
        for length in self._lengths.get(text[at], ()):
            words = text[at : at + length]
            if words in self._full:
                return Mention(words, frozenset(self._full[words]), short=False)
            if words in self._short:
                return Mention(words, frozenset(self._short[words]), short=True)
        return None


def _full_forms(area: Area) -> set[str]:
    forms = {area.name}
    if area.code.level is AreaLevel.VILLAGE:
        for end, short in _VILLAGE_ENDS:
            if area.name.endswith(end):
                forms.add(area.name.removesuffix(end) + short)
    if area.code.level is AreaLevel.TOWNSHIP:
        # 百崎乡 for 百崎回族乡
        forms.update(area.name.removesuffix(end) + "乡" for end in _ETHNIC_ENDS if area.name.endswith(end))
    return forms


def _short_form(area: Area) -> str:
    """凤城 for 凤城镇, 晋江 for 晋江市; villages have none, since too many share a name."""
    if area.code.level is AreaLevel.VILLAGE:
        return ""
    if area.code.level is AreaLevel.TOWNSHIP:
        return next((area.name.removesuffix(end) for end in _TOWNSHIP_ENDS if area.name.endswith(end)), "")
    return area.name[:-1] if area.name[-1:] in "市县区" else ""


@lru_cache(maxsize=4)
def name_index(gazetteer: Gazetteer) -> NameIndex:
    """The index of a gazetteer, built once."""
    return NameIndex(gazetteer)
