"""The book of daily broadcasts 节目库与播出计划: programmes, schedules and calendar; stored first, then in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any, Final, Literal

from gateway.domain.codes import AreaCode
from gateway.domain.schedule import AfterEmergency, DayKind, HolidayRule, Schedule
from gateway.errors import NotFoundError, StateConflictError
from gateway.store import Store, queries
from gateway.store.rows import AuditRow, CalendarRow, Json, ProgrammeRow, ScheduleRow

#: What a programme's source is: a stream to tune to, words to be read, or the name of a recorded file.
Kind = Literal["stream", "text", "file"]
KINDS: Final[tuple[Kind, ...]] = ("stream", "text", "file")


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme 节目 of the library. ``owner`` is the platform that it belongs to; ``shared``: others may use it."""

    id: str
    title: str
    kind: Kind
    source: str
    owner: str
    shared: bool


def plan_of(schedule: Schedule) -> Json:
    """A schedule as it is stored."""
    return {
        "title": schedule.title,
        "areas": list(map(str, schedule.areas)),
        "at": schedule.at.isoformat(),
        "seconds": schedule.seconds,
        "weekdays": sorted(schedule.weekdays),
        "first": schedule.first.isoformat() if schedule.first else None,
        "last": schedule.last.isoformat() if schedule.last else None,
        "holidays": schedule.holidays.value,
        "after": schedule.after.value,
        "volume": schedule.volume,
        "enabled": schedule.enabled,
    }


def schedule_of(row: ScheduleRow) -> Schedule:
    """A stored schedule."""
    assert isinstance(row.plan, dict)
    plan: dict[str, Any] = row.plan
    return Schedule(
        id=row.id,
        title=plan["title"],
        programme=row.programme,
        areas=tuple(map(AreaCode, plan["areas"])),
        at=time.fromisoformat(plan["at"]),
        seconds=plan["seconds"],
        weekdays=frozenset(plan["weekdays"]),
        first=date.fromisoformat(plan["first"]) if plan["first"] else None,
        last=date.fromisoformat(plan["last"]) if plan["last"] else None,
        holidays=HolidayRule(plan["holidays"]),
        after=AfterEmergency(plan["after"]),
        volume=plan["volume"],
        enabled=plan["enabled"],
    )


class DailyBook:
    """Programmes, schedules and calendar in memory, as the store has them."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self.programmes: dict[str, Programme] = {}
        self.schedules: dict[str, Schedule] = {}
        self.calendar: dict[date, DayKind] = {}
        self.names: dict[date, str] = {}
        #: called after every change
        self.on_change: Callable[[], None] = lambda: None

    async def load(self) -> None:
        """Read everything from the store."""
        for row in await self._store.read(queries.programmes):
            self.programmes[row.id] = _programme(row)
        for plan in await self._store.read(queries.schedules):
            self.schedules[plan.id] = schedule_of(plan)
        for day in await self._store.read(queries.calendar):
            self._note(day)

    def _note(self, row: CalendarRow) -> None:
        day = date.fromisoformat(row.day)
        if row.kind:
            self.calendar[day], self.names[day] = DayKind(row.kind), row.name
        else:
            self.calendar.pop(day, None)
            self.names.pop(day, None)

    async def put_programme(self, programme: Programme, actor: str) -> None:
        """Add or change a programme; what is on air keeps what it began with."""
        await self._store.write(_row(programme, self._clock()), self._audit(actor, "programme_put", programme.id))
        self.programmes[programme.id] = programme
        self.on_change()

    async def drop_programme(self, name: str, actor: str) -> None:
        """Take a programme out. Errors: NotFoundError; StateConflictError while a schedule plays it."""
        programme = self.programmes.get(name)
        if programme is None:
            raise NotFoundError(f"没有节目 no programme {name!r}")
        users = [schedule.id for schedule in self.schedules.values() if schedule.programme == name]
        if users:
            raise StateConflictError(f"节目仍被计划使用 the programme is played by {', '.join(users[:5])}")
        row = replace(_row(programme, self._clock()), deleted=True)
        await self._store.write(row, self._audit(actor, "programme_removed", name))
        del self.programmes[name]

    async def put_schedule(self, schedule: Schedule, actor: str) -> None:
        """Add or change a schedule. Errors: NotFoundError for a programme that is not in the library."""
        if schedule.programme not in self.programmes:
            raise NotFoundError(f"节目库中没有 no programme {schedule.programme!r} in the library")
        row = ScheduleRow(schedule.id, schedule.programme, plan_of(schedule), self._clock())
        await self._store.write(row, self._audit(actor, "schedule_put", schedule.id))
        self.schedules[schedule.id] = schedule
        self.on_change()

    async def drop_schedule(self, name: str, actor: str) -> None:
        """Take a schedule out; what it has on air plays on. Errors: NotFoundError."""
        schedule = self.schedules.get(name)
        if schedule is None:
            raise NotFoundError(f"没有计划 no schedule {name!r}")
        row = ScheduleRow(name, schedule.programme, plan_of(schedule), self._clock(), deleted=True)
        await self._store.write(row, self._audit(actor, "schedule_removed", name))
        del self.schedules[name]
        self.on_change()

    async def put_days(self, days: Iterable[tuple[date, DayKind | None, str]], actor: str) -> None:
        """Say what dates are; None: a day like any other."""
        rows = [CalendarRow(day.isoformat(), kind.value if kind else "", name) for day, kind, name in days]
        if not rows:
            return
        span = f"{min(row.day for row in rows)} to {max(row.day for row in rows)}"
        await self._store.write(*rows, self._audit(actor, "calendar_put", span))
        for row in rows:
            self._note(row)
        self.on_change()

    def _audit(self, actor: str, action: str, subject: str) -> AuditRow:
        return AuditRow(self._clock(), actor, action, subject)


def _programme(row: ProgrammeRow) -> Programme:
    kind = next(kind for kind in KINDS if kind == row.kind)
    return Programme(row.id, row.title, kind, row.source, row.owner, row.shared)


def _row(programme: Programme, now: float) -> ProgrammeRow:
    return ProgrammeRow(
        programme.id, programme.title, programme.kind, programme.source, programme.owner, programme.shared, now
    )
