"""When a daily programme is due: weekdays, bounds, holidays, exchanged days, midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import AreaCode
from gateway.domain.schedule import DayKind, HolidayRule, Schedule
from gateway.domain.zone import BEIJING
from gateway.errors import InvalidValueError

AREA = (AreaCode("350524000000"),)
#: a Sunday that is worked, in exchange for the Thursday of a holiday
SUNDAY, HOLIDAY = date(2026, 9, 27), date(2026, 10, 1)
CALENDAR = {SUNDAY: DayKind.WORKDAY, HOLIDAY: DayKind.HOLIDAY}


def schedule(**changes: Any) -> Schedule:
    given: dict[str, Any] = {"at": time(6, 30), "seconds": 1800, **changes}
    return Schedule(id="dawn", title="早间新闻", programme="news", areas=AREA, **given)


def beijing(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("rule", "weekdays", "sunday", "holiday", "friday"),
    [
        (HolidayRule.ALIKE, {1, 2, 3, 4, 5}, False, True, True),
        (HolidayRule.SKIP, {1, 2, 3, 4, 5}, True, False, True),
        (HolidayRule.SKIP, {6}, False, False, False),
        (HolidayRule.ONLY, {1}, False, True, False),
    ],
)
def test_holidays_and_exchanged_days(
    rule: HolidayRule, weekdays: set[int], sunday: bool, holiday: bool, friday: bool
) -> None:
    one = schedule(holidays=rule, weekdays=frozenset(weekdays))
    due = [one.due_on(day, CALENDAR) for day in (SUNDAY, HOLIDAY, date(2026, 9, 25))]
    assert due == [sunday, holiday, friday]


def test_times_are_those_of_beijing_whatever_the_zone_of_the_clock() -> None:
    slot = schedule().following(datetime(2026, 11, 25, 22, 0, tzinfo=UTC), {})
    assert slot is not None
    assert slot.start.astimezone(UTC) == datetime(2026, 11, 25, 22, 30, tzinfo=UTC)


def test_a_time_on_air_may_cross_midnight() -> None:
    late = schedule(at=time(23, 50))
    day = date(2026, 11, 25)
    assert late.running(beijing(day + timedelta(days=1), 0, 10), {}) == late.slot_on(day)
    assert late.running(beijing(day, 23, 49), {}) is None
    assert late.running(late.slot_on(day).end, {}) is None


def test_what_is_never_due_again_has_no_next_time() -> None:
    assert schedule(last=date(2026, 1, 1)).following(beijing(date(2026, 11, 25), 5), {}) is None
    assert schedule(holidays=HolidayRule.ONLY).following(beijing(date(2026, 11, 25), 5), {}) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weekdays": frozenset()}, "weekdays"),
        ({"weekdays": frozenset({8})}, "weekdays"),
        ({"seconds": 0}, "seconds"),
        ({"first": date(2026, 2, 1), "last": date(2026, 1, 1)}, "last"),
        ({"volume": 101}, "volume"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        schedule(**changes)
    assert caught.value.field == field


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.frozensets(st.integers(1, 7), min_size=1),
    st.times().map(lambda at: at.replace(microsecond=0)),
)
def test_the_next_time_is_the_first_that_is_due(now: datetime, weekdays: frozenset[int], at: time) -> None:
    one = schedule(weekdays=weekdays, at=at)
    slot = one.following(now, {})
    assert slot is not None and slot.start > now
    assert slot.start.isoweekday() in weekdays
    assert slot.start - now <= timedelta(days=7)
