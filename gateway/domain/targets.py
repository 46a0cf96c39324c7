"""Target codes 目标对象: how a division is written into a frame, and whether a code addresses a terminal.

GD/J 089-2018 asks for 区域码匹配 without an algorithm; GD/J 080-2018 table B.1 gives the one group code of the standard
(``6 341523000000 0314 01 04 00``: all village terminals of a county). ADR 0005 holds the reasons for the rule here.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.codes import AREA_GROUPS, AreaCode, AreaLevel, ResourceCode


class TargetForm(StrEnum):
    """How a division is written as target codes, a property of a device profile."""

    #: level 6, 5 and 4 codes of the area + 0314 01 04 00, all in one list (the standard's own group code).
    STD = "std"
    #: level 0, area, rest zero (captured in the field).
    ANY = "any"
    #: level of the area, area, rest zero.
    OWN = "own"


#: Type, sequence, subtype and sequence of "every terminal of the loudspeaker systems" (080 table B.1).
ALL_TERMINALS = "0314010400"


def target_codes(area: AreaCode, form: TargetForm) -> tuple[ResourceCode, ...]:
    """Write ``area`` in the given form, as one or more target codes."""
    if form is TargetForm.STD:
        levels = (AreaLevel.VILLAGE, AreaLevel.TOWNSHIP, AreaLevel.COUNTY)
        return tuple(ResourceCode(f"{level:d}{area}{ALL_TERMINALS}") for level in levels)
    level = 0 if form is TargetForm.ANY else int(area.level)
    return (ResourceCode(f"{level}{area}0000000000"),)


def addresses(target: str, terminal: ResourceCode) -> bool:
    """Whether ``target`` (23 digits as received) addresses ``terminal``.

    A zero field (level, type, sequence, subtype, number) is a wildcard; a non-zero level must be equal; the area
    matches by groups of 2/2/2/3/3 digits, where zero groups at the tail are wildcards.
    """
    if len(target) != ResourceCode.length:
        return False
    if target[0] not in ("0", terminal[0]):
        return False
    for start, end in ((13, 17), (17, 19), (19, 21), (21, 23)):
        if target[start:end].strip("0") and target[start:end] != terminal[start:end]:
            return False
    area = target[1:13]
    used = 0
    for start, end in AREA_GROUPS:
        if area[start:end].strip("0"):
            used = end
    return terminal[1 : 1 + used] == area[:used]
