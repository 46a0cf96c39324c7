"""Lists 列表: alarms, links, plans, what people did, and people."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.api.alarms import acknowledge_as
from gateway.api.links import title_of
from gateway.console.site import Visit
from gateway.store import package_queries, queries

#: Packages of each way that are shown.
_LATEST: Final = 30


async def alarms(visit: Visit) -> web.Response:
    """GET /console/alarms?open=1."""
    limit, cursor = visit.page()
    only = visit.request.query.get("all") != "1"
    page = await visit.services.store.read(queries.alarms_page, limit, cursor, open_only=only)
    return visit.render("alarms.html", page=page, only=only)


async def acknowledge(visit: Visit) -> web.Response:
    """POST /console/alarms/{number}: somebody has seen it, by name."""
    await acknowledge_as(visit.services, visit.request.match_info["number"], visit.holder.name)
    return visit.go("/alarms")


async def links(visit: Visit) -> web.Response:
    """GET /console/links: every bearer, and publishers with their heartbeats."""
    services = visit.services
    bearers = sorted(services.dispatch.state.bearers.items(), key=lambda pair: str(pair[0]))
    rows = [
        (route, title_of(services.settings, route), bearer.health, len(services.dispatch.members(route)))
        for route, bearer in bearers
    ]
    keys = await services.store.read(queries.keys)
    sent = await services.store.read(package_queries.sent_packages_page, _LATEST, None)
    came = await services.store.read(package_queries.received_packages_page, _LATEST, None)
    packages = [(row.made_at, "→", row.peer, row.kind, row.state, row.result, row.words) for row in sent.items]
    packages += [(row.received_at, "←", row.peer, row.kind, "received", row.result, row.words) for row in came.items]
    packages.sort(reverse=True, key=lambda package: package[0])
    return visit.render(
        "links.html",
        packages=packages[:_LATEST],
        peers=services.settings.peers,
        rows=rows,
        keys=keys,
        silent=services.expected.silent,
    )


async def plans(visit: Visit) -> web.Response:
    """GET /console/plans."""
    found = sorted(visit.services.settings.planned, key=lambda plan: plan.name)
    return visit.render("plans.html", plans=found, names=visit.services.event_names)


async def audit(visit: Visit) -> web.Response:
    """GET /console/audit: who did what, newest first."""
    limit, cursor = visit.page()
    page = await visit.services.store.read(queries.audit_page, limit, cursor)
    return visit.render("audit.html", page=page)


async def people(visit: Visit) -> web.Response:
    """GET /console/people."""
    return visit.render("people.html", people=await visit.site.desk.people())
