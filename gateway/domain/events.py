"""Event types 事件类型: five characters, two families, names beside them.

The alphanumeric family (11B03) is used by 12379 and in EBM; the numeric one (10203) by GB/T 35561-2017. A received code
is passed through unchanged (platform.md 2.6); unknown codes never block a broadcast.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

from gateway.errors import InvalidValueError

_EVENT = re.compile(r"[0-9A-Z]{5}\Z", re.ASCII)

#: Letters that stand for the two middle digits, counted without I and O (A=1 ... T=18).
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class EventType(str):
    """Five characters of digits and capitals (GD/J 082-2018 annex C)."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check and make."""
        if not _EVENT.match(text):
            raise InvalidValueError("event type", text, "must be 5 characters 0-9 A-Z (GD/J 082-2018 annex C)")
        return super().__new__(cls, text)

    @property
    def numeric_fallback(self) -> EventType | None:
        """The GB/T 35561 form by the rule ``1cLnn`` = ``c`` + ordinal of L + ``nn``; a labelled guess, never sent."""
        match = re.match(r"1([1-5])([A-Z])(\d\d)\Z", self)
        if not match or match[2] not in _LETTERS:
            return None
        return EventType(f"{match[1]}{_LETTERS.index(match[2]) + 1:02d}{match[3]}")


#: Sent when the publisher's event is not known (GD/J 089-2018 table D.5).
UNKNOWN_EVENT = EventType("11111")


def event_name(event: EventType, names: Mapping[str, str]) -> str:
    """Chinese name of the event; its code in 未知事件 words when no table knows it."""
    known = names.get(event)
    if known:
        return known
    other = event.numeric_fallback
    return names[other] if other and other in names else f"未知事件 {event}"
