"""Logging in and out 登录."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.console.desk import LockedError
from gateway.console.site import BASE, COOKIE, Site, Visit, respond
from gateway.errors import RightsError

_Handler = Callable[[web.Request], Awaitable[web.Response]]


def form(site: Site) -> _Handler:
    """GET /console/login."""

    async def show(request: web.Request) -> web.Response:
        anybody = await site.desk.anybody()
        return respond(site, "login.html", session=None, said="", target=_target(request), anybody=anybody)

    return show


def log_in(site: Site) -> _Handler:
    """POST /console/login. The form needs no word of a session: a stranger's form could only log a stranger in."""

    async def take(request: web.Request) -> web.Response:
        said = await request.post()
        name, password, code = (str(said.get(field, "")) for field in ("name", "password", "code"))
        target = _target(request)
        try:
            token, _ = await site.desk.log_in(name, password, code, request.remote or "")
        except RightsError as error:
            status = 429 if isinstance(error, LockedError) else 403
            return respond(site, "login.html", status, session=None, said=str(error), target=target, anybody=True)
        answer = web.Response(status=303, headers={"Location": target, "Cache-Control": "no-store"})
        answer.set_cookie(COOKIE, token, path="/", httponly=True, samesite="Strict", secure=request.secure)
        return answer

    return take


async def log_out(visit: Visit) -> web.Response:
    """POST /console/logout."""
    await visit.site.desk.log_out(visit.session)
    answer = visit.go("/login")
    answer.del_cookie(COOKIE, path="/")
    return answer


def _target(request: web.Request) -> str:
    """Where to go after the login: pages of ours only."""
    wanted = request.query.get("next", "")
    return wanted if wanted.startswith(f"{BASE}/") and "//" not in wanted and "\\" not in wanted else BASE
