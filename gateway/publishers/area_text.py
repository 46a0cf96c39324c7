"""Areas by text 文字区域: from a description such as 安溪县凤城镇、湖头镇 to divisions, with the words that say so.

Everything must be understood, or a person decides: a name beside a word that is not in the vocabulary, a name that
several divisions bear, a region that no table lists, an open list. The rules stand in docs/areas.md and decision 0031.
The time is linear in the text, and no more than ``MOST_CHARS`` of it are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.domain.areas import Gazetteer, without_nested
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.publishers.place_chain import Scope
from gateway.publishers.place_items import clauses
from gateway.publishers.place_reader import ClauseReader, Meant
from gateway.publishers.place_tokens import tokens
from gateway.publishers.places import places
from gateway.publishers.reference.regions import Regions
from gateway.publishers.spans import Doubt, Reading, Span

#: Characters of descriptions that are read for one warning.
MOST_CHARS = 10_000


def read_area_text(
    text: str,
    gazetteer: Gazetteer,
    regions: Regions | None = None,
    home: AreaCode | None = None,
    most: int = MOST_CHARS,
) -> Reading:
    """What ``text`` says of divisions of ``gazetteer``; never raises.

    ``home`` is the sender's own division where it is known: 全县 and 官桥镇 then have a meaning. ``most``: characters
    to read; what lies beyond is left to a person.
    """
    known, regions = places(gazetteer), regions or Regions()
    said: list[Meant] = []
    for items in clauses(tokens(text[:most], known)):
        reader = ClauseReader(known, regions)
        run = reader.read(items, Scope(home=home))
        _share(run, reader)
        said += run
    if not said and text.strip():
        said.append(Meant(0, min(len(text), most), doubt=Doubt.UNKNOWN))
    if len(text) > most:
        said.append(Meant(most, len(text), doubt=Doubt.LENGTH))
    codes = _taken(said, gazetteer)
    return Reading(text, tuple(_span(meant, text) for meant in sorted(said, key=lambda meant: meant.start)), codes)


def _span(meant: Meant, text: str) -> Span:
    rule = None if meant.doubt else meant.rule
    return Span(meant.start, meant.end, text[meant.start : meant.end], meant.codes, rule, meant.doubt)


def _share(run: Sequence[Meant], reader: ClauseReader) -> None:
    """Let qualifiers speak for the whole list that they may belong to.

    晋江、石狮沿海乡镇 is the coast of both. In 晋江、石狮局部 the part may be of both, so neither is certain. A river
    may hide behind the short name of a county (晋江、九龙江流域): beside words that are not understood, it is none.
    """
    for position, meant in enumerate(run):
        if meant.region or meant.trailing:
            for before in range(position - 1, -1, -1):
                if not _concerned(run[before], meant):
                    break
                if meant.region:
                    reader.settle(run[before], meant.region)
                else:
                    run[before].leave(Doubt.SHARED)
        if meant.leading:
            for behind in range(position + 1, len(run)):
                if not _concerned(run[behind], meant):
                    break
                run[behind].leave(Doubt.SHARED)
    if any(meant.doubt is Doubt.UNKNOWN for meant in run):
        for meant in run:
            if meant.bare and meant.short:
                meant.leave(Doubt.SHARED)


def _concerned(one: Meant, qualified: Meant) -> bool:
    """Whether a qualifier of ``qualified`` may be one of ``one`` too: a plain place of the same level in one list."""
    same = qualified.leaf is None or one.leaf is None or one.leaf.level is qualified.leaf.level
    return one.bare and same


def _taken(said: Sequence[Meant], gazetteer: Gazetteer) -> tuple[AreaCode, ...]:
    """The divisions that are meant: named, less those excepted; none while an exception is unclear."""
    named = {code for meant in said if not meant.doubt and not meant.excepted for code in meant.codes}
    above = {higher for code in named for higher in _lineage(code)}
    out: set[AreaCode] = set()
    for meant in said:
        if meant.excepted and not meant.doubt:
            # 除德化县外 takes away only from a wider division that was named, and never what was named itself.
            inside = all(named.intersection(_lineage(code)) for code in meant.codes)
            if not inside or any(code in named or code in above for code in meant.codes):
                meant.leave(Doubt.EXCEPTION)
            out.update(meant.codes)
    if any(meant.excepted and meant.doubt for meant in said):
        return ()
    cut = {higher for code in out for higher in _lineage(code)}
    left = (code for base in named for code in _left(base, out, cut, gazetteer))
    return without_nested(left) if not out else tuple(sorted(set(left) - out))


def _left(base: AreaCode, out: set[AreaCode], cut: set[AreaCode], gazetteer: Gazetteer) -> list[AreaCode]:
    """``base`` without ``out``: itself where nothing in it is out, else what is left of its parts."""
    if base in out:
        return []
    if base not in cut:
        return [base]
    return [code for area in gazetteer.children(base) for code in _left(area.code, out, cut, gazetteer)]


def _lineage(code: AreaCode) -> Iterable[AreaCode]:
    """The divisions above ``code``, up to the city."""
    at = code.parent
    while at.level >= AreaLevel.CITY:
        yield at
        at = at.parent
