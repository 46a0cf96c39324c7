"""The site 站点: sessions, templates, the form of every answer; a page is a function from a visit to a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

import jinja2
import structlog
from aiohttp import web

from gateway import __version__
from gateway.api.problems import problem_of
from gateway.api.rooms import Rooms
from gateway.api.services import Services
from gateway.console import words
from gateway.console.desk import Desk, Session, csrf_fits
from gateway.dispatch.alarms import AlarmLevel
from gateway.domain.approval import Role
from gateway.domain.message import EbmClass
from gateway.domain.people import Position
from gateway.domain.zone import BEIJING
from gateway.errors import RightsError
from gateway.publishers.profile import Profile
from gateway.publishers.rights import KeyKind, Publisher
from gateway.reports.map import CountyMap

log = structlog.get_logger(__name__)
T = TypeVar("T")

COOKIE: Final = "ebgw_session"
BASE: Final = "/console"
#: Nothing from elsewhere, no script or style inside a page, and nobody may frame it.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: Said by htmx of what renews itself: no act of a person.
_POLL: Final = "every"

STATIC: Final = Path(str(files("gateway.console"))) / "static"


class Kept:
    """What takes long to work out, kept for a few seconds: ten consoles ask for the same."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Any]] = {}

    async def fresh(self, key: str, seconds: float, make: Callable[[], Awaitable[T]]) -> T:
        """What ``make`` gave at most ``seconds`` ago."""
        known = self._known.get(key)
        if known is None or self._monotonic() - known[0] >= seconds:
            known = self._known[key] = (self._monotonic(), await make())
        found: T = known[1]
        return found


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages share."""

    rooms: Rooms
    desk: Desk
    map: CountyMap
    environment: jinja2.Environment
    kept: Kept

    @property
    def services(self) -> Services:
        """The gateway."""
        return self.rooms.services


def make_site(rooms: Rooms) -> Site:
    """The site of a gateway."""
    services = rooms.services
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gateway.console"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        at=_at, clock=_clock, people=_people, percent=_percent, ago=lambda at: _ago(services.clock() - at)
    )
    environment.globals.update(words=words, base=BASE, version=__version__, is_drill=lambda c: EbmClass(c).is_drill)
    desk = Desk(services.store, services.settings.console, services.clock)
    drawing = CountyMap(services.outlines, services.gazetteer)
    return Site(rooms, desk, drawing, environment, Kept(services.monotonic))


@dataclass(slots=True)
class Visit:
    """One request of somebody who is logged in."""

    request: web.Request
    site: Site
    session: Session
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """The gateway."""
        return self.site.services

    @property
    def holder(self) -> Publisher:
        """The person as rights are weighed everywhere else. Errors: RightsError for one who only looks."""
        person = self.session.person
        if not person.position.may_act:
            raise RightsError("position", f"{person.position.words}: 只可查看 may only look")
        return holder_of(self.session)

    def render(self, name: str, status: int = 200, **context: Any) -> web.Response:
        """A page, or a piece of one."""
        return respond(self.site, name, status, session=self.session, **context)

    def go(self, path: str) -> web.Response:
        """On to another page, after a form was taken."""
        return web.Response(status=303, headers={"Location": f"{BASE}{path}", **_HEADERS})

    def page(self) -> tuple[int, str | None]:
        """Items on a page, and the cursor that the query names."""
        return 50, self.request.query.get("cursor") or None


def holder_of(session: Session) -> Publisher:
    """A person as a holder of rights; what he publishes is his own."""
    person = session.person
    return Publisher(
        name=person.name,
        kind=KeyKind.OPERATOR,
        areas=person.areas,
        profile=Profile.TOLERANT,
        role=person.position.role or Role.OPERATOR,
    )


Page = Callable[[Visit], Awaitable[web.StreamResponse]]


def respond(site: Site, name: str, status: int = 200, **context: Any) -> web.Response:
    """Render a template."""
    alarms = site.services.dispatch.state.alarms.open if context.get("session") else ()
    again = site.services.settings.alarms.again_minutes * 60
    seen = site.services.dispatch.state.alarms.seen_by
    loud = [alarm for alarm in alarms if alarm.level is AlarmLevel.CRITICAL and not seen(alarm, again)]
    text = site.environment.get_template(name).render(
        gateway=site.services.settings.gateway, alarms=alarms, loud=loud, now=site.services.clock(), **context
    )
    return web.Response(status=status, text=text, content_type="text/html", headers=_HEADERS)


def guarded(site: Site, page: Page, *, only: frozenset[Position] | None = None) -> Any:
    """The handler of a page: behind a session, its form behind the session's own word, its errors as a page."""

    async def handle(request: web.Request) -> web.StreamResponse:
        poll = request.headers.get("HX-Trigger-Name", "") == _POLL or request.query.get("poll") == "1"
        try:
            session = await site.desk.who(request.cookies.get(COOKIE, ""), acts=not poll)
        except Exception as error:
            return _failed(site, request, None, error)
        if session is None:
            return _to_login(request)
        visit = Visit(request, site, session)
        try:
            if only is not None and session.person.position not in only:
                raise RightsError("position", f"{session.person.position.words}: 无权查看此页 may not see this page")
            if request.method == "POST":
                visit.form = await _form(request)
                if not csrf_fits(session, visit.form.get("csrf", "")):
                    raise RightsError("csrf", "页面已过期，请刷新后重试 / the page is too old: load it again")
            return await page(visit)
        except Exception as error:
            return _failed(site, request, session, error)

    return handle


async def _form(request: web.Request) -> dict[str, str]:
    """Fields of a form; several of one name are joined by commas."""
    found: dict[str, str] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, str):
            found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _to_login(request: web.Request) -> web.Response:
    target = f"{BASE}/login"
    if request.headers.get("HX-Request"):
        return web.Response(status=401, headers={"HX-Redirect": target, **_HEADERS})
    if request.method == "GET" and request.path != BASE:
        target += f"?next={request.path}"
    return web.Response(status=303, headers={"Location": target, **_HEADERS})


def _failed(site: Site, request: web.Request, session: Session | None, error: Exception) -> web.Response:
    """An error for people: what, and which rule; the log has the rest."""
    if isinstance(error, web.HTTPException):
        raise error
    problem = problem_of(error)
    log.debug("page refused", path=request.path, status=problem.status)
    return respond(site, "error.html", problem.status, session=session, problem=problem)


def _at(seconds: float | None) -> str:
    """Beijing time, with its date."""
    return "—" if seconds is None else f"{datetime.fromtimestamp(seconds, BEIJING):%Y-%m-%d %H:%M:%S}"


def _clock(seconds: float | None) -> str:
    return "—" if seconds is None else f"{datetime.fromtimestamp(seconds, BEIJING):%H:%M:%S}"


def _people(count: float) -> str:
    return f"{count:,.0f}"


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _ago(seconds: float) -> str:
    if seconds < 90:
        return f"{max(0, seconds):.0f} 秒前 s ago"
    if seconds < 5400:
        return f"{seconds / 60:.0f} 分钟前 min ago"
    return f"{seconds / 3600:.0f} 小时前 h ago"
