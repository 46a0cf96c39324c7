"""Alarms 告警: what a person must know, once while it lasts; stored, counted, cleared when its cause is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import structlog

from gateway.errors import GatewayError
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
        #: who has seen an alarm, and when; it is forgotten with the alarm
        self._seen: dict[tuple[str, str], tuple[str, float]] = {}
        #: by alarm: how often it was raised since it was last stored, and when that was
        self._unstored: dict[tuple[str, str], tuple[int, float]] = {}

    @property
    def open(self) -> tuple[Alarm, ...]:
        """What is open now, newest first."""
        return tuple(sorted(self._open.values(), key=lambda alarm: -alarm.last_at))

    def raise_(self, kind: str, subject: str, text: str, level: AlarmLevel = AlarmLevel.WARNING) -> None:
        """Raise, or count once more. Never fails: an alarm that cannot be stored is kept and stored later."""
        key, now = (kind, subject), self._clock()
        known = self._open.get(key)
        if known is None:
            self._make_room()
            self._open[key] = Alarm(kind, subject, text, level, now, now)
            log.warning("alarm", kind=kind, subject=subject, text=text, level=level.value)
            self._store(key, 1)
            return
        self._open[key] = replace(known, text=text, level=level, last_at=now, count=known.count + 1)
        count, stored_at = self._unstored.get(key, (0, known.last_at))
        if now - stored_at >= self._quiet or count + 1 >= 1000:
            self._store(key, count + 1)
        else:
            self._unstored[key] = (count + 1, stored_at)

    def clear(self, kind: str, subject: str) -> None:
        """The cause is gone."""
        if self._open.pop((kind, subject), None) is not None:
            self._unstored.pop((kind, subject), None)
            self._seen.pop((kind, subject), None)
            log.info("alarm cleared", kind=kind, subject=subject)
            self._submit(AlarmClearedRow(kind, subject, self._clock()), lambda: None)

    def restore(self, alarm: Alarm, seen_by: str | None = None) -> None:
        """Take over an alarm that was open before a restart, and who had seen it."""
        self._open[(alarm.kind, alarm.subject)] = alarm
        if seen_by:
            self._seen[(alarm.kind, alarm.subject)] = (seen_by, self._clock())

    def acknowledge(self, kind: str, subject: str, who: str) -> bool:
        """Somebody has seen it; whether it is open. It counts as unseen again when it lasts (``seen_by``)."""
        if (kind, subject) not in self._open:
            return False
        self._seen[(kind, subject)] = (who, self._clock())
        return True

    def seen_by(self, alarm: Alarm, seconds: float) -> str:
        """Who acknowledged it within so many seconds; empty: nobody."""
        who, at = self._seen.get((alarm.kind, alarm.subject), ("", float("-inf")))
        return who if self._clock() - at < seconds else ""

    def _make_room(self) -> None:
        """Let the alarm go from memory that was raised first: a full list must not hide what is new."""
        while len(self._open) >= self._limit:
            oldest = next(iter(self._open))
            del self._open[oldest]
            self._unstored.pop(oldest, None)
            log.error("too many open alarms, the oldest stays in the store only", kind=oldest[0], subject=oldest[1])

    def _store(self, key: tuple[str, str], count: int) -> None:
        alarm = self._open[key]
        self._unstored[key] = (0, alarm.last_at)
        row = AlarmRow(
            alarm.kind, alarm.subject, alarm.text, alarm.level.value, alarm.raised_at, alarm.last_at, count=count
        )

        def failed() -> None:
            # Counted again, and stored with the next raise after the quiet time.
            if key in self._open:
                more, stored_at = self._unstored.get(key, (0, alarm.last_at))
                self._unstored[key] = (more + count, stored_at)

        self._submit(row, failed)

    def _submit(self, row: Row, failed: Callable[[], None]) -> None:
        def done(future: asyncio.Future[None]) -> None:
            if not future.cancelled() and (error := future.exception()) is not None:
                log.error("alarm not stored", row=repr(row), error=str(error))
                failed()

        try:
            future = self._sink(row)
        except GatewayError as error:
            log.error("alarm not stored", row=repr(row), error=str(error))
            failed()
        else:
            if isinstance(future, asyncio.Future):
                future.add_done_callback(done)
