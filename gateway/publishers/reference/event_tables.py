"""Names of event types 事件类型 of both families."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from gateway.domain.events import EventType
from gateway.publishers.reference.tables import packaged, rows

_TABLE = "event_names.csv"


@cache
def load_event_names() -> Mapping[str, str]:
    """Code → Chinese name, of the alphanumeric (11B03) and the numeric (10203) family."""
    table = rows(packaged(_TABLE), "code", "name")
    return MappingProxyType({row["code"]: row["name"] for _, row in table})


@cache
def load_event_aliases() -> Mapping[str, EventType]:
    """Name (Chinese, or English in lower case) → code.

    Where a name has codes in both families the alphanumeric one is taken, since EBM carries it (GD/J 082-2018 annex C);
    where two of one family share it, the lower code, which more sources know (沙尘暴: 11B07, not 11B51).
    """
    found: dict[str, EventType] = {}
    table = sorted(
        (row for _, row in rows(packaged(_TABLE), "code", "family", "name", "aliases", "english")), key=_order
    )
    for row in table:
        words = [row["name"], *row["aliases"].split("|"), *row["english"].casefold().split("|")]
        for word in words:
            if word:
                found.setdefault(word, EventType(row["code"]))
    return MappingProxyType(found)


def _order(row: dict[str, str]) -> tuple[bool, str]:
    return (row["family"] != "alphanumeric", row["code"])
