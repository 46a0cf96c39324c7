"""Division codes 行政区划代码 in publishers' geocodes: which are ours, which are another country's."""

from __future__ import annotations

import re

from gateway.domain.codes import AreaCode
from gateway.errors import InvalidValueError

#: Code systems of ours, compared without case and punctuation: 12379 and our JSON form, GB/T 2260, GB/T 10114.
_OURS = frozenset(
    {
        "12379",
        "division",
        "divisioncode",
        "areacode",
        "adcode",
        "gb2260",
        "gbt2260",
        "gb10114",
        "gbt10114",
        "gdj080",
        "行政区划",
        "行政区划代码",
        "区划代码",
    }
)
_FOREIGN = frozenset({"same", "fips", "fips6", "ugc", "emmaid", "nuts2", "nuts3", "warncellid", "iso31662", "hasc"})
_YEAR = re.compile(r"(?<=[a-z0-9])(?:19|20)\d\d\Z")
_PUNCTUATION = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+\Z", re.ASCII)

#: Provinces by their first digit (GB/T 2260), and 00 for the whole nation.
_PROVINCE = re.compile(r"00|1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]")


def is_ours(system: str, value: str) -> bool:
    """Whether a geocode is meant as a division code.

    SAME and FIPS codes have six digits as counties of ours do, so six digits count only under a system named as ours;
    twelve or fourteen digits that begin with a province count under any name that is not known to be foreign.
    """
    name = _PUNCTUATION.sub("", system).casefold()
    if name in _OURS or _YEAR.sub("", name) in _OURS:
        return True
    if name in _FOREIGN:
        return False
    return len(value) in (12, 14) and bool(_DIGITS.match(value)) and bool(_PROVINCE.match(value))


def division_code(value: str) -> AreaCode | None:
    """The 12-digit code of a geocode with 2, 4, 6, 9, 12 or 14 digits (platform.md 8.3: 14 → first 12); else None."""
    if len(value) not in (2, 4, 6, 9, 12, 14) or not _DIGITS.match(value) or not _PROVINCE.match(value):
        return None
    try:
        return AreaCode(value[:12].ljust(12, "0"))
    except InvalidValueError:
        return None
