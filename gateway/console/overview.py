"""The overview 总览: what is on air and waits, whom it reached, what is wrong; renewed by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.api import reads
from gateway.api.coverage import standing_now
from gateway.console.site import Visit
from gateway.coverage.figures import Rule
from gateway.coverage.model import CoverageSnapshot
from gateway.coverage.standing import StandingCoverage, area_from_digits
from gateway.coverage.trend import Day, day_of
from gateway.dispatch.live import LiveMessage
from gateway.domain.message import MessageState
from gateway.store import report_queries

_RECENT = 8
_DAYS = 14
#: Seconds for which standing coverage is taken as it was worked out: it takes tens of milliseconds in a thread.
_STANDING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class OnAir:
    """A message that is not over, with its coverage; None while it waits."""

    live: LiveMessage
    coverage: CoverageSnapshot | None


async def overview(visit: Visit) -> web.Response:
    """GET /console."""
    return visit.render(
        "overview.html",
        **await _facts(visit),
        whole=await _standing(visit),
        days=await _days(visit),
        target=visit.services.settings.coverage.target,
    )


async def live(visit: Visit) -> web.Response:
    """GET /console/live: the part of the overview that renews itself."""
    return visit.render("overview_live.html", **await _facts(visit))


async def bell(visit: Visit) -> web.Response:
    """GET /console/alarm-bell: how many alarms ask to be heard."""
    return visit.render("bell.html")


async def _facts(visit: Visit) -> dict[str, Any]:
    services = visit.services
    state, hub = services.dispatch.state, services.hub
    rule = Rule(services.settings.coverage.rule)
    current: list[OnAir] = []
    for one in sorted(state.messages.values(), key=lambda m: (m.state is not MessageState.ACTIVE, -m.accepted_at)):
        if one.state.is_over:
            continue
        found = None
        if one.state is MessageState.ACTIVE:
            opened = await visit.site.rooms.books.open(one.ebm_id)
            found = opened.book.snapshot(services.clock(), rule, opened.state)
        current.append(OnAir(one, found))
    over = [s.value for s in MessageState if s.is_over]
    page = await services.store.read(reads.schemes_page, over, _RECENT, None, None)
    links = Counter(bearer.health.state.value for bearer in state.bearers.values())
    return {
        "current": current,
        "recent": page.items,
        "terminals": len(state.registry),
        "online": len(hub.current),
        "links": links,
        "estimate": services.gazetteer.source.estimate,
    }


async def _standing(visit: Visit) -> StandingCoverage:
    services = visit.services

    async def make() -> StandingCoverage:
        return await standing_now(services, area_from_digits(services.settings.gateway.region))

    return await visit.site.kept.fresh("standing", _STANDING_SECONDS, make)


async def _days(visit: Visit) -> list[Day]:
    area = area_from_digits(visit.services.settings.gateway.region)
    return [day_of(row) for row in await visit.services.store.read(report_queries.coverage_days, str(area), _DAYS)]
