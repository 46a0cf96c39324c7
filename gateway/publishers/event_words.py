"""Finding the event type 事件类型 in what a publisher wrote: its codes first, its words as the fallback."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.domain.events import EventType
from gateway.errors import InvalidValueError
from gateway.publishers.reference import load_event_aliases, load_event_names

#: Names under which publishers give a code of ours; compared without case and punctuation.
_OUR_SYSTEMS = frozenset(
    {
        "12379",
        "eventtype",
        "ebmeventtype",
        "gdj082",
        "gdj0822018",
        "gbt35561",
        "gbt355612017",
        "事件类型",
        "事件类型编码",
    }
)
_PUNCTUATION = re.compile(r"[\W_]+")
_TAIL = re.compile(r"(?:[红橙黄蓝]色)?(?:预警(?:信号)?|警报|事件|灾害)+\Z")


def event_type(text: str) -> EventType | None:
    """The code itself when ``text`` is one (both families begin with a digit), else None."""
    try:
        return EventType(text.strip().upper()) if text.strip()[:1].isdigit() else None
    except InvalidValueError:
        return None


def event_of_codes(codes: Iterable[tuple[str, str]]) -> EventType | None:
    """The first code of ours among CAP ``eventCode`` pairs (valueName, value).

    Strangers' codes may look like ours, digits above all, so a code counts when its system is named as ours, or when it
    is of the alphanumeric family and our table knows it.
    """
    names = load_event_names()
    for system, value in codes:
        found = event_type(value)
        ours = _PUNCTUATION.sub("", system).lower() in _OUR_SYSTEMS
        if found and (ours or (found in names and not found.isdigit())):
            return found
    return None


def event_of_words(words: str) -> EventType | None:
    """The event whose name ``words`` are (暴雨, 暴雨事件, 暴雨橙色预警, Rainstorm); None when no table knows them."""
    aliases = load_event_aliases()
    text = words.strip()
    for candidate in (text, _TAIL.sub("", text), text.casefold()):
        if candidate in aliases:
            return aliases[candidate]
    return None
