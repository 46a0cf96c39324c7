"""Alarms 告警: what a person must know, once while it lasts; stored, counted, cleared when its cause is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import structlog

from gateway.store.rows import AlarmClearedRow, AlarmRow, Row

log = structlog.get_logger(__name__)


class AlarmLevel(StrEnum):
    """How soon somebody must look."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class Sink(Protocol):
    """Takes rows for the store without waiting."""

    def __call__(self, *rows: Row) -> object:
        """Queue the rows."""
        ...


@dataclass(frozen=True, slots=True)
class Alarm:
    """One open alarm; times in Unix seconds."""

    kind: str
    subject: str
    text: str
    level: AlarmLevel
    raised_at: float
    last_at: float
    count: int = 1


class Alarms:
    """The open alarms. The same (kind, subject) raised again only counts, and is stored at most once in ``quiet`` s."""

    def __init__(self, sink: Sink, clock: Callable[[], float], quiet: float = 30.0, limit: int = 10_000) -> None:
        self._sink = sink
        self._clock = clock
        self._quiet = quiet
        self._limit = limit
        self._open: dict[tuple[str, str], Alarm] = {}
        self._unstored: dict[tuple[str, str], int] = {}

    @property
    def open(self) -> tuple[Alarm, ...]:
        """What is open now, newest first."""
        return tuple(sorted(self._open.values(), key=lambda alarm: -alarm.last_at))

    def raise_(self, kind: str, subject: str, text: str, level: AlarmLevel = AlarmLevel.WARNING) -> None:
        """Raise, or count once more."""
        key, now = (kind, subject), self._clock()
        known = self._open.get(key)
        if known is None:
            if len(self._open) >= self._limit:
                return
            self._open[key] = Alarm(kind, subject, text, level, now, now)
            log.warning("alarm", kind=kind, subject=subject, text=text, level=level.value)
            self._sink(AlarmRow(kind, subject, text, level.value, now, now))
            return
        self._open[key] = replace(known, text=text, level=level, last_at=now, count=known.count + 1)
        unstored = self._unstored.get(key, 0) + 1
        if now - known.last_at >= self._quiet or unstored >= 1000:
            self._sink(AlarmRow(kind, subject, text, level.value, known.raised_at, now, count=unstored))
            unstored = 0
        self._unstored[key] = unstored

    def clear(self, kind: str, subject: str) -> None:
        """The cause is gone."""
        if self._open.pop((kind, subject), None) is not None:
            self._unstored.pop((kind, subject), None)
            log.info("alarm cleared", kind=kind, subject=subject)
            self._sink(AlarmClearedRow(kind, subject, self._clock()))

    def restore(self, alarm: Alarm) -> None:
        """Take over an alarm that was open before a restart."""
        self._open[(alarm.kind, alarm.subject)] = alarm
