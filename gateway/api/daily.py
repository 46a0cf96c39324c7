"""Daily broadcasts 日常广播: programme library, schedules, calendar of holidays and exchanged working days."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field, StringConstraints

from gateway.api.models import Query, Reply, Request
from gateway.api.routes import Call, answer
from gateway.dispatch.daily_book import Programme
from gateway.domain.message import VOLUME_KEEP
from gateway.domain.schedule import AfterEmergency, DayKind, HolidayRule, Schedule
from gateway.errors import InvalidValueError, NotFoundError
from gateway.publishers.rights import check_areas

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class ProgrammeBody(Request):
    """A programme as it is put into the library."""

    title: Title
    kind: Literal["stream", "text", "file"] = Field(
        description="stream 节目流地址 an address to tune to; text 文稿 words to be read; file 录音名称 a recorded file"
    )
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
    owner: str | None = Field(default=None, description="所属平台资源编码 whose it is; this platform where left out")
    shared: bool = Field(default=False, description="是否与上下级共享 whether other platforms may use it")


class ProgrammeReply(Reply):
    """A programme of the library."""

    id: str
    title: str
    kind: str
    source: str
    owner: str
    shared: bool


class ProgrammesReply(Reply):
    """The library, by id."""

    items: list[ProgrammeReply]


class ProgrammesQuery(Query):
    """Which programmes; another platform asks for what is shared."""

    shared: bool = Field(default=False, description="只列共享的 only those that are shared")


class ScheduleBody(Request):
    """A schedule as it is put; times of the day are Beijing time."""

    title: Title
    programme: Name
    areas: Annotated[list[str], Field(min_length=1, max_length=2000)]
    at: time
    seconds: int
    weekdays: list[int] = Field(default=[1, 2, 3, 4, 5, 6, 7], description="1 (Monday) to 7")
    first: date | None = None
    last: date | None = None
    holidays: HolidayRule = HolidayRule.ALIKE
    after: AfterEmergency = AfterEmergency.RESUME
    volume: int = VOLUME_KEEP
    enabled: bool = True


class ScheduleReply(ScheduleBody):
    """A schedule, and when it is next on air."""

    id: str
    next_start: AwareDatetime | None


class SchedulesReply(Reply):
    """Every schedule, by id."""

    items: list[ScheduleReply]


class DayBody(Request):
    """What a date is; kind null: a day like any other."""

    day: date
    kind: DayKind | None
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = ""


class CalendarBody(Request):
    """Dates to set."""

    days: Annotated[list[DayBody], Field(min_length=1, max_length=1000)]


class CalendarReply(Reply):
    """Holidays and exchanged working days, by date."""

    days: list[DayBody]


async def list_programmes(call: Call) -> web.Response:
    """GET /api/v1/programmes."""
    asked = call.query(ProgrammesQuery)
    library = call.rooms.services.daily.programmes
    found = [one for _, one in sorted(library.items()) if one.shared or (call.is_operator and not asked.shared)]
    return answer(ProgrammesReply(items=list(map(_programme, found))))


async def put_programme(call: Call) -> web.Response:
    """PUT /api/v1/programmes/{id}."""
    name, services = _name(call), call.rooms.services
    body = await call.model(ProgrammeBody)
    if body.kind == "stream" and not body.source.startswith(("rtp://", "udp://", "http://", "https://")):
        raise InvalidValueError(
            "source", body.source, "节目流须为 rtp、udp 或 http 地址 / must be an rtp, udp or http address"
        )
    if body.kind == "file":
        await asyncio.to_thread(services.library.path, body.source)
    programme = Programme(
        name, body.title, body.kind, body.source, body.owner or services.settings.gateway.code, body.shared
    )
    created = name not in services.daily.programmes
    await services.daily.put_programme(programme, call.holder.name)
    return answer(_programme(programme), 201 if created else 200)


async def delete_programme(call: Call) -> web.Response:
    """DELETE /api/v1/programmes/{id}."""
    await call.rooms.services.daily.drop_programme(_name(call), call.holder.name)
    return web.Response(status=204)


async def list_schedules(call: Call) -> web.Response:
    """GET /api/v1/schedules."""
    schedules = call.rooms.services.daily.schedules
    return answer(SchedulesReply(items=[_schedule(call, one) for _, one in sorted(schedules.items())]))


async def put_schedule(call: Call) -> web.Response:
    """PUT /api/v1/schedules/{id}."""
    name, services = _name(call), call.rooms.services
    body = await call.model(ScheduleBody)
    areas = call.divisions(body.areas)
    before = services.daily.schedules.get(name)
    check_areas(call.holder, [*areas, *(before.areas if before else ())])
    given = body.model_dump(exclude={"areas", "weekdays"})
    schedule = Schedule(id=name, areas=tuple(areas), weekdays=frozenset(body.weekdays), **given)
    await services.daily.put_schedule(schedule, call.holder.name)
    return answer(_schedule(call, schedule), 200 if before else 201)


async def delete_schedule(call: Call) -> web.Response:
    """DELETE /api/v1/schedules/{id}."""
    name, daily = _name(call), call.rooms.services.daily
    if name in daily.schedules:
        check_areas(call.holder, daily.schedules[name].areas)
    await daily.drop_schedule(name, call.holder.name)
    return web.Response(status=204)


async def get_calendar(call: Call) -> web.Response:
    """GET /api/v1/calendar."""
    return answer(_calendar(call))


async def put_calendar(call: Call) -> web.Response:
    """PUT /api/v1/calendar: the dates given, the others stay."""
    body = await call.model(CalendarBody)
    await call.rooms.services.daily.put_days(((d.day, d.kind, d.name) for d in body.days), call.holder.name)
    return answer(_calendar(call))


def _name(call: Call) -> str:
    name = call.request.match_info["id"]
    if (
        not name.isascii()
        or len(name) > 64
        or name != name.lower()
        or not name.replace("-", "").replace("_", "").isalnum()
    ):
        raise NotFoundError(f"标识须为小写字母、数字、-、_ / ids are a-z, 0-9, - and _: {name[:80]!r}")
    return name


def _programme(programme: Programme) -> ProgrammeReply:
    return ProgrammeReply(
        id=programme.id,
        title=programme.title,
        kind=programme.kind,
        source=programme.source,
        owner=programme.owner,
        shared=programme.shared,
    )


def _schedule(call: Call, schedule: Schedule) -> ScheduleReply:
    services = call.rooms.services
    now = datetime.fromtimestamp(services.clock(), UTC)
    coming = schedule.following(now, services.daily.calendar) if schedule.enabled else None
    return ScheduleReply(
        id=schedule.id,
        title=schedule.title,
        programme=schedule.programme,
        areas=list(map(str, schedule.areas)),
        at=schedule.at,
        seconds=schedule.seconds,
        weekdays=sorted(schedule.weekdays),
        first=schedule.first,
        last=schedule.last,
        holidays=schedule.holidays,
        after=schedule.after,
        volume=schedule.volume,
        enabled=schedule.enabled,
        next_start=coming.start.astimezone(UTC) if coming else None,
    )


def _calendar(call: Call) -> CalendarReply:
    daily = call.rooms.services.daily
    days = [DayBody(day=day, kind=kind, name=daily.names[day]) for day, kind in sorted(daily.calendar.items())]
    return CalendarReply(days=days)
