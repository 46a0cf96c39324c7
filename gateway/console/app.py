"""The console on the port of the API: which page is where, and who may see it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.api.rooms import Rooms
from gateway.console import compose, drills, lists, login, message, overview, terminals
from gateway.console.site import BASE, STATIC, Page, guarded, make_site
from gateway.domain.people import Position

_ACT: Final = frozenset(p for p in Position if p.may_act)
_AUDIT: Final = frozenset(p for p in Position if p.may_read_audit)

#: (method, path below the base, page, who may; None: everybody)
PAGES: Final[tuple[tuple[str, str, Page, frozenset[Position] | None], ...]] = (
    ("GET", "", overview.overview, None),
    ("GET", "/live", overview.live, None),
    ("GET", "/alarm-bell", overview.bell, None),
    ("GET", "/messages", message.messages, None),
    ("GET", "/messages/{id}", message.message, None),
    ("GET", "/messages/{id}/live", message.live, None),
    ("GET", "/messages/{id}/points", message.points, None),
    ("GET", "/messages/{id}/standings", message.standings, None),
    ("GET", "/messages/{id}/timeline", message.timeline, None),
    ("GET", "/messages/{id}/report", message.report, None),
    ("GET", "/messages/{id}/programme", message.programme, _ACT),
    ("POST", "/messages/{id}/areas", message.areas, _ACT),
    ("POST", "/messages/{id}/approve", message.approve, _ACT),
    ("POST", "/messages/{id}/reject", message.reject, _ACT),
    ("POST", "/messages/{id}/cancel", message.cancel, _ACT),
    ("POST", "/messages/{id}/retry", message.retry, _ACT),
    ("POST", "/messages/{id}/silence", message.silence, _ACT),
    ("POST", "/messages/{id}/extend", message.extend, _ACT),
    ("GET", "/compose", compose.compose, _ACT),
    ("POST", "/compose", compose.send, _ACT),
    ("GET", "/terminals", terminals.terminals, None),
    ("POST", "/terminals", terminals.ask_many, _ACT),
    ("GET", "/terminals/{code}", terminals.terminal, None),
    ("POST", "/terminals/{code}", terminals.ask_one, _ACT),
    ("GET", "/alarms", lists.alarms, None),
    ("POST", "/alarms/{number}", lists.acknowledge, _ACT),
    ("GET", "/links", lists.links, None),
    ("GET", "/plans", lists.plans, None),
    ("GET", "/drills", drills.drills, None),
    ("POST", "/drills", drills.hold, _ACT),
    ("GET", "/audit", lists.audit, _AUDIT),
    ("GET", "/people", lists.people, frozenset({Position.ADMINISTRATOR})),
    ("POST", "/logout", login.log_out, None),
)


def add_console(app: web.Application, rooms: Rooms) -> None:
    """Add every page to an application."""
    site = make_site(rooms)
    for method, path, page, only in PAGES:
        app.router.add_route(method, f"{BASE}{path}", guarded(site, page, only=only))
    app.router.add_get(f"{BASE}/login", login.form(site))
    app.router.add_post(f"{BASE}/login", login.log_in(site))
    app.router.add_static(f"{BASE}/static", STATIC)
    app.router.add_get("/", _home)


async def _home(request: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": BASE})
