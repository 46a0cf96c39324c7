"""The division 本地 that a sender speaks from, by its code and its name."""

from __future__ import annotations

import re

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.domain.warning import Warning
from gateway.publishers.names import name_index

#: 发布单位 codes of 12379: 6 digits of GB/T 2260, then industry, unit and extension (platform.md 8.1).
_SENDER_CODE = re.compile(r"\d{14}\Z", re.ASCII)
_PROVINCE = re.compile(r"[\u4e00-\u9fff]{2,6}?(?:省|自治区)")


def home_of(warning: Warning, gazetteer: Gazetteer) -> AreaCode | None:
    """Where the sender of ``warning`` is at home, so that its 全县 is understood; None where that is not certain.

    Its code (14 digits) and the full name that its name begins with (安溪县气象台) must not disagree: of two that lie
    in one another the name counts, for it says more.
    """
    coded = _by_code(warning.identity.sender, gazetteer)
    named = _by_name(warning.sender_name, gazetteer)
    if named is None:
        return coded
    if coded is None or coded.covers(named):
        return named
    return None


def _by_code(sender: str, gazetteer: Gazetteer) -> AreaCode | None:
    if not _SENDER_CODE.match(sender):
        return None
    code = AreaCode(sender[:6].ljust(12, "0"))
    return code if code in gazetteer else None


def _by_name(name: str, gazetteer: Gazetteer) -> AreaCode | None:
    """福建省泉州市安溪县凤城镇人民政府 → 凤城镇: full names from the start on, each inside the one before."""
    index = name_index(gazetteer)
    province = _PROVINCE.match(name)
    at, found = province.end() if province else 0, None
    while at < len(name):
        mention = index.at(name, at)
        if mention is None or mention.short:
            break
        inside = [code for code in mention.codes if found is None or found.covers(code)]
        if len(inside) != 1 or inside[0].level > AreaLevel.TOWNSHIP:
            break
        found, at = inside[0], at + len(mention.words)
    return found
