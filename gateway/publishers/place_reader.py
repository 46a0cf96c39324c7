"""The meaning of one clause of an area description, entry by entry: names, and the words beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.codes import AreaCode, AreaLevel
from gateway.publishers.place_chain import Scope, chain_of, own
from gateway.publishers.place_items import Item, Part
from gateway.publishers.place_tokens import PLACES
from gateway.publishers.place_words import Kind, kinds_of, number_of, region_key
from gateway.publishers.places import Places
from gateway.publishers.reference import load_township_readings
from gateway.publishers.reference.regions import Regions
from gateway.publishers.spans import Doubt, Rule

_PASSED: Final = frozenset({Kind.NOISE, Kind.NEUTRAL, Kind.SPACE})
_CLOSING: Final = frozenset({Kind.OPEN, Kind.COUNT})
_LEVELS: Final = {"市县区": AreaLevel.COUNTY, "镇乡街": AreaLevel.TOWNSHIP, "村社": AreaLevel.VILLAGE}
_DISTRICTS: Final = "市辖区"


@dataclass(slots=True)
class Meant:
    """What one entry means, ``start`` to ``end`` of the text.

    ``bare``: a place with nothing beside it, which a qualifier further on may concern. ``leading`` and ``trailing``:
    its doubt comes from words before or behind it. ``region``: the region's words that it ends in.
    """

    start: int
    end: int
    codes: tuple[AreaCode, ...] = ()
    rule: Rule | None = None
    doubt: Doubt | None = None
    leaf: AreaCode | None = None
    bare: bool = False
    short: bool = False
    leading: bool = False
    trailing: bool = False
    region: str = ""
    excepted: bool = False

    def leave(self, doubt: Doubt) -> None:
        """It is left to a person; what it may mean stays as candidates. The first doubt counts."""
        if self.doubt is None:
            self.doubt, self.rule, self.bare = doubt, None, False


class ClauseReader:
    """Reads the entries of one clause in order; ``run`` is what they mean so far."""

    def __init__(self, places: Places, regions: Regions) -> None:
        self._places, self._regions = places, regions
        self.run: list[Meant] = []

    def read(self, items: Sequence[Item], scope: Scope) -> list[Meant]:
        """Read ``items`` within ``scope``, which the names in them may narrow from one to the next."""
        for item in items:
            before = len(self.run)
            scope = self._item(item, scope)
            if scope.lost:
                for meant in self.run[before:]:
                    meant.leave(Doubt.SHARED)
        return self.run

    def settle(self, meant: Meant, words: str) -> None:
        """Take an entry for that part of its division which the table of regions gives."""
        found = self._regions.get(meant.leaf, words) if meant.leaf is not None else None
        meant.bare = False
        if found is None:
            meant.trailing = True
            meant.leave(Doubt.REGION)
        else:
            meant.codes, meant.rule, meant.region = found.divisions, Rule.REGION, words

    # -- one entry

    def _item(self, item: Item, scope: Scope) -> Scope:
        parts = [part for part in item.parts if part.kind is not Kind.EXCEPTION]
        exceptions = [part for part in item.parts if part.kind is Kind.EXCEPTION]
        said = [part for part in parts if part.kind not in _PASSED]
        first = next((i for i, part in enumerate(said) if part.kind in PLACES), None)
        before = len(self.run)
        if first is None:
            self._nameless(said, item, scope)
        else:
            scope = self._named(said, first, item, scope)
        base = self.run[before].leaf if len(self.run) > before else scope.hard
        for part in exceptions:
            self._excepted(part, base, scope)
        if item.colon and first is None and said:
            # what is written behind a label that is not understood may be anything
            return Scope(home=scope.home, lost=True)
        if any(meant.doubt in (Doubt.UNKNOWN, Doubt.ELSEWHERE) for meant in self.run[before:]):
            return replace(scope, county=None, township=None, foreign=True)
        return scope

    def _named(self, said: list[Part], first: int, item: Item, scope: Scope) -> Scope:
        last = first
        while last + 1 < len(said) and said[last + 1].kind in PLACES:
            last += 1
        chain = chain_of([part.token for part in said[first : last + 1]], scope, self._places)
        meant = Meant(said[first].token.start, said[last].token.end, chain.codes, chain.rule, chain.doubt, chain.leaf)
        meant.short = chain.short
        meant.bare = chain.doubt is None and chain.leaf is not None
        self._head(meant, said[:first])
        tail = [part for part in said[last + 1 :] if part.kind not in _CLOSING]
        for part in tail:
            self._tail(meant, part)
        if item.colon:
            if len(tail) < len(said) - last - 1:
                meant.leave(Doubt.OPEN)
            return self._opened(meant, scope)
        self.run.append(meant)
        groups = [part for part in tail if part.kind is Kind.GROUP]
        if len(groups) == 1:
            self._group(meant, groups[0], scope)
        elif groups:
            meant.leave(Doubt.UNKNOWN)
        for part in said[last + 1 :]:
            if part.kind in _CLOSING:
                self._closing(part)
        return chain.scope

    def _opened(self, meant: Meant, scope: Scope) -> Scope:
        """安溪县：凤城镇、湖头镇: the division is only where the rest lies; 安溪县、永春县：… is not clear."""
        if meant.doubt is None and meant.leaf is not None and not (self.run and self.run[-1].bare):
            return Scope(home=scope.home, hard=meant.leaf)
        meant.trailing = True
        meant.leave(Doubt.SHARED)
        self.run.append(meant)
        return Scope(home=scope.home, lost=True)

    @staticmethod
    def _head(meant: Meant, head: list[Part]) -> None:
        """Words before a name that are none: 部分, 不影响, anything strange."""
        if head and [part.kind for part in head] != [Kind.INCLUDE]:
            meant.start = head[0].token.start
            meant.leading = True
            meant.leave(Doubt.VAGUE if head[0].kind in (Kind.VAGUE, Kind.REGION) else Doubt.UNKNOWN)

    def _tail(self, meant: Meant, part: Part) -> None:
        """A word behind a name."""
        words = part.token.words
        meant.end = part.token.end
        if part.kind is Kind.GROUP:
            pass
        elif part.kind is Kind.CODE:
            self._code(meant, words)
        elif part.kind is Kind.GROUND and meant.leaf is not None and meant.leaf.level > AreaLevel.CITY:
            # of a city it might be 市辖区, of 市 + 辖区 it is all
            meant.bare = False
        elif part.kind is Kind.WHOLE and meant.leaf is not None:
            meant.bare = False
            if not self._places.name(meant.leaf).endswith(words[1:]):
                meant.leave(Doubt.NOT_INSIDE)
        elif part.kind is Kind.EACH and meant.leaf is not None:
            self._each(meant, words)
        elif part.kind is Kind.REGION and meant.leaf is not None:
            if meant.doubt is None:
                self.settle(meant, region_key(words))
        else:
            meant.trailing = True
            meant.leave(Doubt.VAGUE if part.kind is Kind.VAGUE else Doubt.UNKNOWN)

    @staticmethod
    def _code(meant: Meant, digits: str) -> None:
        """A code beside the name: the bureau's own, or the one by which the ministry knows the same name."""
        code = AreaCode(digits.ljust(12, "0"))
        reading = load_township_readings().get(code)
        if code != meant.leaf and (reading is None or reading.nbs_code != meant.leaf):
            meant.leave(Doubt.CODE)
        meant.bare = False

    def _each(self, meant: Meant, words: str) -> None:
        """各乡镇: all of a division when the kinds named are all that it has; 市辖区: just those."""
        assert meant.leaf is not None
        meant.bare = False
        if words == _DISTRICTS:
            found = self._places.kinds(meant.leaf, AreaLevel.COUNTY).get("区", ())
            if not found or meant.leaf.level > AreaLevel.CITY:
                meant.leave(Doubt.KINDS)
            elif meant.doubt is None:
                meant.codes, meant.rule = found, Rule.KINDS
            return
        kinds = kinds_of(words)
        there = self._places.kinds(meant.leaf, level_of(kinds))
        if not there or set(there) - set(kinds):
            meant.trailing = True
            meant.leave(Doubt.KINDS)
        elif meant.doubt is None:
            meant.rule = Rule.KINDS

    # -- brackets, exceptions, ends of lists

    def _group(self, meant: Meant, part: Part, scope: Scope) -> None:
        """安溪县（凤城镇、湖头镇）: only those inside are meant; （含…）: both; （350524）: a code that must agree."""
        said = [p for item in part.items for p in item.parts if p.kind not in _PASSED]
        if not said:
            return
        meant.bare = False
        if all(p.kind is Kind.CODE for p in said):
            for p in said:
                self._code(meant, p.token.words)
            return
        if meant.leaf is None or meant.doubt is not None or not any(p.kind in PLACES for p in said):
            meant.trailing = True
            meant.leave(Doubt.UNKNOWN)
            return
        inner = ClauseReader(self._places, self._regions).read(part.items, Scope(home=scope.home, hard=meant.leaf))
        if any(one.doubt for one in inner):
            # the whole of it stays one open question, and the brackets may be those of the list
            meant.trailing = True
            meant.leave(next(one.doubt for one in inner if one.doubt) or Doubt.UNKNOWN)
        elif said[0].kind is Kind.INCLUDE:
            self.run.extend(inner)
        else:
            self.run.pop()
            self.run.extend(inner)

    def _excepted(self, part: Part, base: AreaCode | None, scope: Scope) -> None:
        within = Scope(home=scope.home, hard=base)
        inner = ClauseReader(self._places, self._regions).read(part.items, within)
        token = part.token
        if not inner or any(one.doubt or one.excepted for one in inner):
            candidates = tuple(code for one in inner for code in one.codes)
            self.run.append(Meant(token.start, token.end, candidates, doubt=Doubt.EXCEPTION, excepted=True))
            return
        for one in inner:
            one.excepted, one.bare, one.rule = True, False, Rule.EXCEPTED
        self.run.extend(inner)

    def _closing(self, part: Part) -> None:
        """等地 leaves a list open; 等6个乡镇 and 三县 close it when so many stand there; 安溪县24个乡镇 is all of it.

        安溪县6个乡镇 are some of its towns: then it is not meant itself.
        """
        token, doubt, last = part.token, Doubt.OPEN, self.run[-1]
        kinds = kinds_of(token.words)
        level = level_of(kinds) if kinds else None
        if part.kind is Kind.COUNT:
            if self._all_of(kinds, token.words) or self._so_many(level, number_of(token.words)):
                return
            doubt = Doubt.COUNT
        if level is not None and last.leaf is not None and level > last.leaf.level:
            last.end, last.trailing = token.end, True
            last.leave(doubt)
        else:
            self.run.append(Meant(token.start, token.end, doubt=doubt))

    def _so_many(self, level: AreaLevel | None, number: int) -> bool:
        listed = 0
        for one in reversed(self.run):
            if listed > number or one.leaf is None or one.leaf.level is not level or one.doubt or one.excepted:
                break
            listed += 1
        return listed == number >= 2

    def _all_of(self, kinds: str, words: str) -> bool:
        """Whether one division alone stands there, and has so many of these kinds and none of another."""
        last = self.run[-1]
        alone = len(self.run) == 1 or not self.run[-2].bare
        if last.leaf is None or last.doubt or last.excepted or not alone or words.startswith("等"):
            return False
        level = level_of(kinds)
        there = self._places.kinds(last.leaf, level) if level > last.leaf.level else {}
        return not set(there) - set(kinds) and sum(map(len, there.values())) == number_of(words) > 0

    # -- entries without a name

    def _nameless(self, said: list[Part], item: Item, scope: Scope) -> None:
        if not said:
            return
        kinds = [part.kind for part in said]
        if kinds[0] in _CLOSING and len(kinds) == 1 and self.run:
            self._closing(said[0])
            return
        meant = Meant(said[0].token.start, said[-1].token.end)
        self.run.append(meant)
        if kinds in ([Kind.WHOLE], [Kind.WHOLE, Kind.EACH], [Kind.WHOLE, Kind.REGION]):
            found = own(said[0].token.words[1:], scope.home, self._places)
            rest = said[1:]
            if len(found) > 1 and kinds[-1] is Kind.EACH:
                # 全市各县: of the places so called, the one that has such divisions
                below = level_of(kinds_of(rest[0].token.words))
                found = tuple(base for base in found if base.level == below - 1)
            self._base(meant, found)
        elif kinds in ([Kind.EACH], [Kind.REGION]) and (scope.hard or self._follows_region() or len(self.run) == 1):
            self._base(meant, self._spoken_of(said[0], scope))
            rest = said
        else:
            loose = all(kind in (Kind.VAGUE, Kind.REGION, Kind.EACH) for kind in kinds)
            meant.trailing = loose and not item.joined
            meant.leave(Doubt.VAGUE if loose else Doubt.UNKNOWN)
            return
        for part in rest:
            if meant.leaf is not None:
                self._tail(meant, part)

    def _base(self, meant: Meant, found: Sequence[AreaCode]) -> None:
        meant.codes = tuple(found)
        if len(found) != 1:
            meant.leave(Doubt.AMBIGUOUS if found else Doubt.NEEDS_PARENT)
            return
        meant.leaf, meant.rule = found[0], Rule.WHOLE
        if meant.leaf not in self._places.gazetteer:
            meant.codes, meant.rule = self._places.tops, Rule.WIDER

    def _follows_region(self) -> bool:
        """泉州中部和南部: the second speaks of what the first does."""
        return len(self.run) > 1 and self.run[-2].leaf is not None and not self.run[-2].bare

    def _spoken_of(self, part: Part, scope: Scope) -> tuple[AreaCode, ...]:
        """The division that 各乡镇 or 南部 speak of where none is named."""
        if scope.hard:
            return (scope.hard,)
        if self._follows_region():
            leaf = self.run[-2].leaf
            return (leaf,) if leaf is not None else ()
        tops = self._places.tops
        if part.kind is Kind.REGION or part.token.words == _DISTRICTS:
            return (scope.home,) if scope.home else ()
        below = level_of(kinds_of(part.token.words))
        fit: Iterable[AreaCode | None] = (scope.home, tops[0] if len(tops) == 1 else None)
        return tuple(base for base in fit if base is not None and base.level == below - 1)[:1]


def level_of(kinds: str) -> AreaLevel:
    """Level of the divisions of some kinds."""
    return next(level for known, level in _LEVELS.items() if kinds[0] in known)
