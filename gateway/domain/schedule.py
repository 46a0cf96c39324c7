"""Schedules 日常播出计划: when a daily programme goes on air; working days, holidays and exchanged days included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.codes import AreaCode
from gateway.domain.message import VOLUME_KEEP
from gateway.domain.zone import BEIJING
from gateway.errors import InvalidValueError

#: How far ahead a next time is looked for: holidays can push a weekly programme, never for more than a year.
_LOOK_AHEAD: Final = 400
_DAY: Final = timedelta(days=1)


class DayKind(StrEnum):
    """What the calendar says of a date beside its weekday: 节假日 or 调休工作日."""

    HOLIDAY = "holiday"
    WORKDAY = "workday"


class HolidayRule(StrEnum):
    """What a schedule does on holidays."""

    #: a day like any other
    ALIKE = "alike"
    #: not on holidays; on an exchanged working day as on the weekdays it is meant for
    SKIP = "skip"
    #: on holidays alone
    ONLY = "only"


class AfterEmergency(StrEnum):
    """What becomes of a daily broadcast that gave way to an emergency."""

    #: the rest of its time, once the emergency is over
    RESUME = "resume"
    #: not again that day
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Slot:
    """One time on air; aware datetimes."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """A daily programme at a time of the day; ``weekdays`` are 1 (Monday) to 7, ``at`` is Beijing time.

    ``seconds`` is its time on air; ``first`` and ``last`` bound the days on which it is due, None for no bound.
    """

    id: str
    title: str
    programme: str
    areas: tuple[AreaCode, ...]
    at: time
    seconds: int
    weekdays: frozenset[int] = frozenset(range(1, 8))
    first: date | None = None
    last: date | None = None
    holidays: HolidayRule = HolidayRule.ALIKE
    after: AfterEmergency = AfterEmergency.RESUME
    volume: int = VOLUME_KEEP
    enabled: bool = True

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= frozenset(range(1, 8)):
            raise InvalidValueError("weekdays", sorted(self.weekdays), "must be some of 1 (Monday) to 7")
        if not 1 <= self.seconds <= 86400:
            raise InvalidValueError("seconds", self.seconds, "must be 1 to 86,400")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise InvalidValueError("last", self.last, "must not be before the first day")
        if not self.areas:
            raise InvalidValueError("areas", "", "must name at least one division")
        if self.volume != VOLUME_KEEP and not 0 <= self.volume <= 100:
            raise InvalidValueError("volume", self.volume, "must be 0-100 percent or 255 (GD/J 089-2018 table D.5)")

    def due_on(self, day: date, calendar: Mapping[date, DayKind]) -> bool:
        """Whether it goes on air on ``day``."""
        if (self.first is not None and day < self.first) or (self.last is not None and day > self.last):
            return False
        kind = calendar.get(day)
        if self.holidays is HolidayRule.ONLY:
            return kind is DayKind.HOLIDAY
        if self.holidays is HolidayRule.SKIP:
            if kind is DayKind.HOLIDAY:
                return False
            if kind is DayKind.WORKDAY:
                # An exchanged working day is a weekend by date and a working day by life.
                return day.isoweekday() in self.weekdays or bool(self.weekdays & frozenset(range(1, 6)))
        return day.isoweekday() in self.weekdays

    def slot_on(self, day: date) -> Slot:
        """Its time on air on ``day``; it may end the day after."""
        start = datetime.combine(day, self.at, BEIJING)
        return Slot(start, start + timedelta(seconds=self.seconds))

    def running(self, now: datetime, calendar: Mapping[date, DayKind]) -> Slot | None:
        """The time on air that ``now`` lies in."""
        today = now.astimezone(BEIJING).date()
        for day in (today, today - _DAY):
            slot = self.slot_on(day)
            if self.due_on(day, calendar) and slot.start <= now < slot.end:
                return slot
        return None

    def following(self, now: datetime, calendar: Mapping[date, DayKind]) -> Slot | None:
        """The first time on air that begins after ``now``; None where there is none within a year."""
        day = now.astimezone(BEIJING).date()
        for _ in range(_LOOK_AHEAD):
            slot = self.slot_on(day)
            if slot.start > now and self.due_on(day, calendar):
                return slot
            day += _DAY
        return None
