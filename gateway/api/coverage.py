"""Coverage 覆盖: whom one message reached, and whom the terminals could reach now."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field, StringConstraints

from gateway.api.models import Query, Reply, moment
from gateway.api.routes import Call, answer
from gateway.api.services import Services
from gateway.api.warnings import own_ids
from gateway.coverage.audible import AudibleArea, audible, load_grid
from gateway.coverage.contract import to_contract, to_standing_contract
from gateway.coverage.drilled import last_drills
from gateway.coverage.figures import Rule, share
from gateway.coverage.standing import StandingCoverage, area_from_digits, standing
from gateway.coverage.trend import day_of
from gateway.domain.codes import AreaCode
from gateway.errors import NotFoundError
from gateway.store import report_queries


class CoverageQuery(Query):
    """By which rule terminals become people."""

    rule: Literal["fraction", "any"] | None = Field(
        default=None, description="fraction 按比例 or any 任一终端; default: setting coverage.rule"
    )


class StandingQuery(Query):
    """Which division."""

    area: Annotated[str, StringConstraints(pattern=r"^\d{2,12}$")] | None = Field(
        default=None, description="区划代码 2, 4, 6, 9 or 12 digits; default: the gateway's region"
    )


async def message_coverage(call: Call) -> web.Response:
    """GET /api/v1/warnings/{id}/coverage."""
    asked = call.query(CoverageQuery)
    ids = await own_ids(call)
    if ids.ebm_id is None:
        raise NotFoundError("没有消息 no message was made for this warning")
    services = call.rooms.services
    opened = await call.rooms.books.open(ids.ebm_id)
    rule = Rule(asked.rule or services.settings.coverage.rule)
    return answer(to_contract(opened.book.snapshot(services.clock(), rule, opened.state)))


async def standing_coverage(call: Call) -> web.Response:
    """GET /api/v1/coverage?area=."""
    asked = call.query(StandingQuery)
    services = call.rooms.services
    area = area_from_digits(asked.area or services.settings.gateway.region)
    return answer(to_standing_contract(await standing_now(services, area)))


async def standing_now(services: Services, area: AreaCode) -> StandingCoverage:
    """Standing coverage of a division as it is now. Errors: NotFoundError, StoreError."""
    drilled = await last_drills(services.books, services.store)
    online = services.hub.current.keys()
    serving = [entry for entry in services.dispatch.state.registry if entry.terminal.in_service]
    terminals = [(entry.terminal.area, entry.id in online) for entry in serving]
    returning = [e.terminal.area for e in serving if any(not route.kind.is_one_way for route in e.terminal.routes)]
    proven = [entry.terminal.area for entry in serving if entry.id in drilled.proven]

    def make() -> StandingCoverage:
        return standing(
            services.gazetteer,
            area,
            terminals,
            as_of=services.clock(),
            proven=proven,
            returning=returning,
            drilled_at=drilled.newest,
        )

    return await asyncio.to_thread(make)


class TrendQuery(StandingQuery):
    """Which division, and how many days."""

    days: int = Field(default=31, ge=1, le=1000, description="天数，新的在后 the newest so many days, oldest first")


class DayBody(Reply):
    """One day: its last look. ``ratios`` by name: numerator, denominator, share."""

    day: str
    as_of: AwareDatetime
    population: int
    registered: int
    online: int
    ratios: dict[str, tuple[int, int, float]]


class TrendReply(Reply):
    """The days of one division."""

    area: str
    name: str
    days: list[DayBody]


async def coverage_trend(call: Call) -> web.Response:
    """GET /api/v1/coverage/trend?area=&days=."""
    asked = call.query(TrendQuery)
    services = call.rooms.services
    area = area_from_digits(asked.area or services.settings.gateway.region)
    rows = await services.store.read(report_queries.coverage_days, str(area), asked.days)
    days = [
        DayBody(
            day=one.day,
            as_of=moment(one.as_of),
            population=one.population,
            registered=one.registered,
            online=one.online,
            ratios={name: (top, below, share(top, below)) for name, (top, below) in one.ratios.items()},
        )
        for one in map(day_of, rows)
    ]
    return answer(TrendReply(area=str(area), name=services.gazetteer.name(area), days=days))


class AudibleBody(Reply):
    """One county: square kilometres in all and within hearing; people by the grid, null without one."""

    code: str
    name: str
    km2: float
    heard_km2: float
    share: float
    terminals: int
    unplaced: int = Field(description="无位置，未计 without a position, not counted")
    unmeasured: int = Field(description="无半径，未计 without a radius, not counted")
    people: int | None
    heard_people: int | None
    people_share: float | None


class AudibleReply(Reply):
    """Every county with an outline; circles overlap, and count once."""

    as_of: AwareDatetime
    areas: list[AudibleBody]
    grid: str = Field(description="人口栅格文件，空为无 file of the grid of people, empty: none")


async def audible_coverage(call: Call) -> web.Response:
    """GET /api/v1/coverage/audible."""
    services = call.rooms.services
    path = services.settings.coverage.grid
    terminals = [entry.terminal for entry in services.dispatch.state.registry]

    def make() -> list[AudibleArea]:
        return audible(services.outlines.shapes, services.gazetteer, terminals, load_grid(path) if path else ())

    async with call.rooms.reports:
        found = await asyncio.to_thread(make)
    areas = [AudibleBody(**{name: getattr(one, name) for name in AudibleBody.model_fields}) for one in found]
    return answer(AudibleReply(as_of=moment(services.clock()), areas=areas, grid=path.name if path else ""))
