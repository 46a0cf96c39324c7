"""Names that stand one behind the other, such as 泉州市安溪县凤城镇, and what the last of them is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.domain.codes import AreaCode, AreaLevel
from gateway.publishers.place_tokens import Token
from gateway.publishers.place_words import Kind
from gateway.publishers.places import Places
from gateway.publishers.spans import Doubt, Rule

#: Divisions listed as possible meanings of one span.
MOST_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a name may be looked for: ``hard`` is what brackets or a colon stand behind, ``county`` and ``township``
    were named by an entry before, ``home`` is the sender's division. ``lost``: what it stands behind is in doubt."""

    home: AreaCode | None = None
    hard: AreaCode | None = None
    county: AreaCode | None = None
    township: AreaCode | None = None
    lost: bool = False
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """What a chain of names means; ``leaf`` where it is one division, ``scope`` for the entries behind it."""

    codes: tuple[AreaCode, ...]
    scope: Scope
    leaf: AreaCode | None = None
    rule: Rule | None = None
    doubt: Doubt | None = None
    short: bool = False


def chain_of(names: Sequence[Token], scope: Scope, places: Places) -> Chain:
    """The division that the last of ``names`` (one at least) is, each inside the one before it."""
    codes, rule, doubt = _first(names, scope, places)
    zone = names[0].kind is Kind.ZONE
    for token in names[1:]:
        if doubt in (Doubt.ELSEWHERE, Doubt.MINISTRY):
            break
        if token.kind is Kind.MINISTRY:
            codes, doubt = token.codes, doubt or Doubt.MINISTRY
            break
        below, lack = _below(token, codes, zone=zone)
        doubt = doubt or lack
        codes = below or token.codes
        zone = token.kind is Kind.ZONE
        rule = Rule.PARENT
    if zone and doubt is None:
        return Chain(codes, scope, rule=Rule.ZONE)
    if doubt is None and len(codes) != 1:
        doubt = Doubt.AMBIGUOUS if codes else Doubt.NOT_INSIDE
    leaf = codes[0] if len(codes) == 1 else None
    if doubt is not None:
        return Chain(codes[:MOST_CANDIDATES], replace(scope, county=None, township=None), leaf, doubt=doubt)
    assert leaf is not None
    short = names[0].short
    if leaf not in places.gazetteer:
        return Chain(places.tops, scope, leaf, Rule.WIDER, short=short)
    return Chain(codes, _scope_behind(names, leaf, scope), leaf, rule, short=short)


def _below(token: Token, above: Sequence[AreaCode], *, zone: bool) -> tuple[tuple[AreaCode, ...], Doubt | None]:
    """Those of a name's divisions that lie inside one of ``above``; a zone must do so as a whole.

    A village and a township without its 镇 count only right below: such names are too common further off.
    """
    if token.kind is Kind.ZONE:
        whole = all(any(one.covers(code) and one != code for one in above) for code in token.codes)
        return (token.codes, None) if whole else ((), Doubt.NOT_INSIDE)
    inside = [(code, one) for code in token.codes for one in above if one.covers(code) and (zone or one != code)]
    near = dict.fromkeys(
        code for code, one in inside if zone or not _common(token, code) or one.level == code.level - 1
    )
    if near:
        return tuple(near), None
    return (), Doubt.NEEDS_PARENT if inside else Doubt.NOT_INSIDE


def _common(token: Token, code: AreaCode) -> bool:
    return code.level is AreaLevel.VILLAGE or (token.short and code.level is AreaLevel.TOWNSHIP)


def _scope_behind(names: Sequence[Token], leaf: AreaCode, scope: Scope) -> Scope:
    """安溪县凤城镇、湖头镇: the county of the first is the second's too; a county by itself is nobody's parent."""
    above = {code.level for token in names[:-1] for code in token.codes if code.covers(leaf)}
    if leaf.level <= AreaLevel.COUNTY:
        return replace(scope, county=None, township=None, foreign=False)
    if AreaLevel.COUNTY in above:
        scope = replace(scope, foreign=False)
    county = leaf.county if AreaLevel.COUNTY in above else scope.county
    if county is not None and not county.covers(leaf):
        county = None
    if leaf.level is AreaLevel.TOWNSHIP:
        return replace(scope, county=county, township=None)
    township = leaf.township if AreaLevel.TOWNSHIP in above else scope.township
    return replace(scope, county=county, township=township)


def _first(
    names: Sequence[Token], scope: Scope, places: Places
) -> tuple[tuple[AreaCode, ...], Rule | None, Doubt | None]:
    """What the first name may be, by what stands before it and who speaks."""
    first = names[0]
    if first.kind is Kind.ELSEWHERE:
        return (), None, Doubt.ELSEWHERE
    if first.kind is Kind.MINISTRY:
        return first.codes, None, Doubt.MINISTRY
    if first.kind is Kind.HOME:
        found = own(first.words[1:], scope.home, places)
        return found, Rule.WHOLE, None if found else Doubt.NEEDS_PARENT
    if scope.hard is not None:
        return _within(first, scope, scope.hard, alone=len(names) == 1)
    if first.kind is Kind.ZONE:
        strange = scope.home is not None and not all(_near(code, scope.home) for code in first.codes)
        return first.codes, Rule.ZONE, Doubt.NOT_INSIDE if strange else None
    counties = tuple(code for code in first.codes if code.level <= AreaLevel.COUNTY)
    towns = tuple(code for code in first.codes if code.level is AreaLevel.TOWNSHIP)
    if counties:
        twofold = scope.county is not None and any(scope.county.covers(code) for code in towns)
        return (first.codes, None, Doubt.AMBIGUOUS) if twofold else (counties, Rule.NAME, None)
    if towns:
        return _township(first, towns, scope)
    township = scope.township or (scope.home if scope.home and scope.home.level is AreaLevel.TOWNSHIP else None)
    inside = _inside(first.codes, township)
    if inside:
        return inside, Rule.INHERITED if scope.township else Rule.SENDER, None
    return first.codes, None, Doubt.NOT_INSIDE if scope.township else Doubt.NEEDS_PARENT


def _within(
    first: Token, scope: Scope, hard: AreaCode, *, alone: bool
) -> tuple[tuple[AreaCode, ...], Rule | None, Doubt | None]:
    """In brackets or behind a colon: inside what they belong to, or nowhere."""
    if first.kind is Kind.ZONE:
        return first.codes, Rule.ZONE, None if all(map(hard.covers, first.codes)) else Doubt.NOT_INSIDE
    if not alone and hard in first.codes:
        return (hard,), Rule.PARENT, None
    for parent in (scope.township, scope.county, hard):
        if parent is not None:
            below, lack = _below(first, (parent,), zone=False)
            if below:
                return below, Rule.INHERITED, None
    return first.codes, None, lack


def _township(
    first: Token, towns: tuple[AreaCode, ...], scope: Scope
) -> tuple[tuple[AreaCode, ...], Rule | None, Doubt | None]:
    """A township by its name alone: in the county named before it, else the sender's, else the only one so named."""
    if scope.county is not None:
        inside = _inside(towns, scope.county)
        return (inside, Rule.INHERITED, None) if inside else (towns, None, Doubt.NOT_INSIDE)
    if scope.foreign:
        return towns, None, Doubt.NEEDS_PARENT
    if scope.home is not None and scope.home.level >= AreaLevel.COUNTY:
        inside = _inside(towns, scope.home.county)
        return (inside, Rule.SENDER, None) if inside else (towns, None, Doubt.NOT_INSIDE)
    return towns, Rule.NAME, Doubt.NEEDS_PARENT if first.short else None


def _inside(codes: Iterable[AreaCode], parent: AreaCode | None) -> tuple[AreaCode, ...]:
    return tuple(code for code in codes if parent is not None and parent.covers(code))


def _near(code: AreaCode, home: AreaCode) -> bool:
    """Whether a sender of ``home`` would speak of ``code`` without saying where it is."""
    return (home if home.level <= AreaLevel.COUNTY else home.county).covers(code)


def own(kind: str, home: AreaCode | None, places: Places) -> tuple[AreaCode, ...]:
    """What 全市, 我县 or 本镇 may mean to a sender of ``home``: the nearest division of that kind that holds it.

    Without a sender: every county or city of the kind; the province where all is in one.
    """
    if kind == "省":
        provinces = {AreaCode(top[:2].ljust(12, "0")) for top in places.tops}
        return tuple(provinces) if len(provinces) == 1 else ()
    at = home
    while at is not None and at.level > AreaLevel.PROVINCE:
        if at in places.gazetteer and places.name(at).endswith(kind):
            return (at,)
        at = at.parent
    return places.ending(kind) if home is None else ()
