"""Terminals 终端: found by code, name, place and state; one with its state and what it was asked to do lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from aiohttp import web

from gateway.api.requests import ParametersBody, QueryBody, ask_as, query_of, settings_of
from gateway.console.site import Visit
from gateway.devices.events import Known
from gateway.dispatch.registry import Entry
from gateway.dispatch.requests import Ask
from gateway.domain.codes import AreaCode
from gateway.errors import InvalidValueError, NotFoundError

_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What terminals are looked for."""

    text: str
    digits: str
    state: str


def _wanted(said: Mapping[str, str]) -> _Wanted:
    return _Wanted(said.get("q", "").strip(), said.get("area", ""), said.get("state", ""))


def _found(visit: Visit, wanted: _Wanted) -> list[Entry]:
    """Terminals that fit, by code. Errors: InvalidValueError."""
    text, digits, state = wanted.text, wanted.digits, wanted.state
    if digits and not digits.isdecimal():
        raise InvalidValueError("area", digits, "须为数字 / must be digits")
    hub, gazetteer = visit.services.hub, visit.services.gazetteer

    def fits(entry: Entry) -> bool:
        terminal = entry.terminal
        if digits and not terminal.area.startswith(digits):
            return False
        if state and (state == "online") is not hub.is_online(entry.id):
            return False
        return not text or text in terminal.code or text in terminal.name or text in gazetteer.full_name(terminal.area)

    found = [entry for entry in visit.services.dispatch.state.registry if fits(entry)]
    found.sort(key=lambda entry: entry.terminal.code)
    return found


async def terminals(visit: Visit) -> web.Response:
    """GET /console/terminals?q=&area=&state=."""
    wanted = _wanted(visit.request.query)
    found = _found(visit, wanted)
    hub, gazetteer = visit.services.hub, visit.services.gazetteer
    rows = [
        (entry.terminal, hub.is_online(entry.id), gazetteer.full_name(entry.terminal.area))
        for entry in islice(found, _SHOWN)
    ]
    city = AreaCode(visit.services.settings.gateway.region)
    return visit.render(
        "terminals.html",
        rows=rows,
        count=len(found),
        text=wanted.text,
        digits=wanted.digits,
        wanted=wanted.state,
        counties=gazetteer.children(city),
    )


async def terminal(visit: Visit) -> web.Response:
    """GET /console/terminals/{code}."""
    entry = visit.services.dispatch.state.registry.by_code(visit.request.match_info["code"])
    if entry is None:
        raise NotFoundError("没有此终端 no such terminal")
    state, books = visit.services.dispatch.state, visit.site.rooms.books
    lately = []
    for live in state.messages.values():
        if entry.id in live.index:
            opened = await books.open(live.ebm_id)
            lately.append((live, opened.book.delivery(entry.id), opened.book.outcome(entry.id, opened.state)))
    return visit.render(
        "terminal.html",
        terminal=entry.terminal,
        online=visit.services.hub.is_online(entry.id),
        place=visit.services.gazetteer.full_name(entry.terminal.area),
        lately=lately,
    )


#: What a device is asked for, at one touch (table E.5).
_ASKED: Final = ("volume", "work_state", "fault_code", "return_address", "software")


async def ask_one(visit: Visit) -> web.Response:
    """POST /console/terminals/{code}: ask how it is, or set it."""
    known = visit.services.dispatch.find(visit.request.match_info["code"])
    if known is None:
        raise NotFoundError("没有此终端 no such terminal")
    return await _asked(visit, [known])


async def ask_many(visit: Visit) -> web.Response:
    """POST /console/terminals: the same for all that were found; how many those were must be typed."""
    found = _found(visit, _wanted(visit.form))
    if visit.form.get("count", "").strip() != str(len(found)):
        raise InvalidValueError("count", visit.form.get("count", ""), f"须输入台数 / type how many: {len(found)}")
    every = (visit.services.dispatch.find(entry.terminal.code) for entry in found)
    return await _asked(visit, [known for known in every if known is not None])


async def _asked(visit: Visit, terminals: list[Known]) -> web.Response:
    if not terminals:
        raise NotFoundError("没有符合的终端 no terminal fits")
    reply = await ask_as(visit.services, visit.holder, terminals, _ask(visit))
    return visit.render("asked.html", reply=reply)


def _ask(visit: Visit) -> Ask:
    what, now = visit.form.get("what", ""), visit.services.clock()
    if what == "query":
        return query_of(QueryBody(items=list(_ASKED)))
    if what == "clock":
        return settings_of(ParametersBody(clock="now"), now, None)
    if what == "volume":
        volume = visit.form.get("volume", "")
        if not volume.isdecimal() or int(volume) > 100:
            raise InvalidValueError("volume", volume, "须为 0–100 / must be 0 to 100")
        return settings_of(ParametersBody(volume=int(volume)), now, None)
    raise InvalidValueError("what", what, "须为 must be query, clock, volume")
