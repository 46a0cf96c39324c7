"""Holding division codes against the words beside them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.domain.rules import shown
from gateway.publishers.findings import Findings
from gateway.publishers.names import Mention, name_index
from gateway.publishers.reference import load_township_readings


def check_words(
    description: str, codes: Sequence[AreaCode], gazetteer: Gazetteer, findings: Findings, path: str
) -> None:
    """Report every code of one area whose name is contradicted by ``description``, or that words alone could settle.

    A code is confirmed by its own name. It is contradicted (``area_name_mismatch``) when the text instead names a
    division that no code of this area touches, more finely than it names anything around the code. A township code
    that NBS and MCA read differently must be confirmed, else it is refused (``area_ambiguous``). Words that name no
    division agree by default, with a notice.
    """
    if not codes:
        return
    mentions = _relevant(list(name_index(gazetteer).mentions(description)), codes)
    strangers = [m for m in mentions if not any(_related(m, code) for code in codes)]
    doubtful = _doubtful(codes, gazetteer)
    unchecked = refused = False
    wider: list[AreaCode] = []
    for code in codes:
        finest = max((_finest(m, code) for m in mentions if _related(m, code)), default=None)
        if finest is not None and _confirmed(code, finest):
            wider += [code] if finest > max(code.level, AreaLevel.CITY) else []
            continue
        contrary = next((m for m in strangers if finest is None or m.level() > finest), None)
        if contrary:
            refused = True
            _mismatch(code, contrary, description, gazetteer, findings, path)
        elif code in doubtful:
            refused = True
            _ambiguous(code, description, gazetteer, findings, path)
        elif finest is None:
            unchecked = True
    if wider:
        findings.noted(
            "code_wider_than_text",
            f"代码 {'、'.join(wider)} 的范围大于描述，按代码播发",
            f"the codes {', '.join(wider)} are wider than the text; the codes are followed",
        )
    if strangers and not refused:
        names = "、".join(dict.fromkeys(m.words for m in strangers))
        findings.noted(
            "named_not_coded",
            f"描述提到 {shown(names)}，但没有给出其代码，未播发",
            f"the text names {shown(names)} but gives no code for it; it is not addressed",
        )
    if unchecked and description:
        findings.noted(
            "area_name_unchecked",
            f"描述 {shown(description, 40)!r} 无法与代码核对，以代码为准",
            f"the text {shown(description, 40)!r} cannot be held against the codes, which are taken as they are",
        )


def _relevant(mentions: list[Mention], codes: Sequence[AreaCode]) -> list[Mention]:
    """Short names (江南, 城东) are everyday words; they count only within the counties of the codes."""
    counties = {code.county for code in codes}
    kept = []
    for mention in mentions:
        if not mention.short:
            kept.append(mention)
            continue
        near = frozenset(code for code in mention.codes if code.level <= AreaLevel.COUNTY or code.county in counties)
        if near:
            kept.append(Mention(mention.words, near, short=True))
    return kept


def _related(mention: Mention, code: AreaCode) -> bool:
    return any(named.covers(code) or code.covers(named) for named in mention.codes)


def _finest(mention: Mention, code: AreaCode) -> AreaLevel:
    return max(named.level for named in mention.codes if named.covers(code) or code.covers(named))


def _confirmed(code: AreaCode, finest: AreaLevel) -> bool:
    """Confirmed by the own name or one inside; a village also by its township, which is what the readings differ in."""
    return finest >= min(code.level, AreaLevel.TOWNSHIP)


def _doubtful(codes: Sequence[AreaCode], gazetteer: Gazetteer) -> frozenset[AreaCode]:
    """Codes whose township is one town to NBS and another to MCA.

    Where the codes name the same set of towns in either reading, nothing is in doubt.
    """
    readings = load_township_readings()
    found = [
        code
        for code in codes
        if code.level >= AreaLevel.TOWNSHIP and code.township in readings and code.township in gazetteer
    ]
    if all(code.level is AreaLevel.TOWNSHIP for code in found):
        towns = set(found)
        if {readings[code].nbs_code for code in found} == towns:
            return frozenset()
    return frozenset(found)


def _readings(code: AreaCode, gazetteer: Gazetteer) -> tuple[str, str]:
    """What each table says about ``code``, in Chinese and English."""
    nbs = gazetteer.full_name(code)
    reading = load_township_readings().get(code.township) if code.level >= AreaLevel.TOWNSHIP else None
    if reading is None:
        return f"代码 {code} 为 {nbs}", f"the code {code} is {nbs}"
    within = "" if code.level is AreaLevel.TOWNSHIP else " 辖内"
    return (
        f"代码 {code} 按国家统计局为 {nbs}，按民政部为 {reading.name}{within}",
        f"the code {code} is {nbs} to the statistics bureau (NBS) and {reading.name} to the ministry (MCA)",
    )


def _mismatch(
    code: AreaCode, contrary: Mention, description: str, gazetteer: Gazetteer, findings: Findings, path: str
) -> None:
    chinese, english = _readings(code, gazetteer)
    other = "、".join(f"{gazetteer.full_name(named)} {named}" for named in sorted(contrary.codes)[:3])
    findings.broken(
        path,
        "area_name_mismatch",
        f"代码与名称不一致：{chinese}；描述 {shown(description, 40)!r} 指 {other}",
        f"code and name disagree: {english}; the text says {other}",
    )


def _ambiguous(code: AreaCode, description: str, gazetteer: Gazetteer, findings: Findings, path: str) -> None:
    chinese, english = _readings(code, gazetteer)
    findings.broken(
        path,
        "area_ambiguous",
        f"{chinese}；描述 {shown(description, 40)!r} 不能区分，请写明乡镇名称",
        f"{english}; the text does not tell which: name the township",
    )
