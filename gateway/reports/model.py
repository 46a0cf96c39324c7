"""A report 报告 as data: titled tables of plain values. Every form is written from it, so that no number can differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from gateway.domain.zone import BEIJING

#: A number, a share between 0 and 1 (``Column.kind``), a time in Unix seconds, text, or nothing.
Value: TypeAlias = "int | float | str | None"


class Kind(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; the title is Chinese first, with English beside it."""

    title: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``key`` names it in files; ``note`` its rule or source; ``bulk``: too long to be read on paper."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]]
    note: str = ""
    bulk: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """People by class over time: seconds since the beginning, then proven, claimed, sent, answered."""

    points: Sequence[tuple[float, int, int, int, int]] = ()
    target: int = 0


@dataclass(frozen=True, slots=True)
class Dot:
    """A terminal on the map: degrees, and its best evidence: proven, claimed, sent or none."""

    lat: float
    lon: float
    reached: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report. ``drill`` marks it wherever it is shown; ``made_at`` in Unix seconds."""

    name: str
    title: str
    subtitle: str
    made_at: float
    made_by: str
    gateway: str
    drill: bool
    estimate: bool
    tables: tuple[Table, ...]
    curve: Curve = field(default_factory=Curve)
    dots: Sequence[Dot] = ()

    @property
    def facts(self) -> Table:
        """The first table: what it is about."""
        return self.tables[0]


def text_of(value: Value, kind: Kind) -> str:
    """A value as people read it, and as it can be read back."""
    if value is None:
        return "—"
    if kind is Kind.COUNT:
        return f"{value:,.0f}"
    if kind is Kind.SHARE:
        return f"{float(value):.2%}"
    if kind is Kind.SECONDS:
        return f"{float(value):.3f}"
    if kind is Kind.TIME:
        return f"{datetime.fromtimestamp(float(value), BEIJING):%Y-%m-%d %H:%M:%S}"
    return str(value)


def raw_of(value: Value, kind: Kind) -> Value:
    """The same for a spreadsheet: numbers stay numbers, as exact as the text shows them; times are Beijing's."""
    if value is None:
        return None
    if kind is Kind.SHARE:
        return round(float(value), 4)
    if kind is Kind.SECONDS:
        return round(float(value), 3)
    if kind is Kind.COUNT:
        return round(float(value))
    return text_of(value, kind)
