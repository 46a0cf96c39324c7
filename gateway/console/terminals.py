"""Terminals 终端: found by code, name, place and state; one with its state and what it was asked to do lately."""

from __future__ import annotations

from itertools import islice
from typing import Final

from aiohttp import web

from gateway.console.site import Visit
from gateway.dispatch.registry import Entry
from gateway.domain.codes import AreaCode
from gateway.errors import InvalidValueError, NotFoundError

_SHOWN: Final = 100


async def terminals(visit: Visit) -> web.Response:
    """GET /console/terminals?q=&area=&state=."""
    asked = visit.request.query
    text, digits, state = asked.get("q", "").strip(), asked.get("area", ""), asked.get("state", "")
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
    rows = [
        (entry.terminal, hub.is_online(entry.id), gazetteer.full_name(entry.terminal.area))
        for entry in islice(found, _SHOWN)
    ]
    city = AreaCode(visit.services.settings.gateway.region)
    return visit.render(
        "terminals.html",
        rows=rows,
        count=len(found),
        text=text,
        digits=digits,
        wanted=state,
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
