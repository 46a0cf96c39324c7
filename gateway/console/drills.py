"""Drills 演练 of three depths: those that were held or are planned, and a form for the next."""

from __future__ import annotations

import json
from datetime import datetime

from aiohttp import web
from pydantic import ValidationError

from gateway.api.drills import DRILL, DrillRequest, is_hidden, make_drill
from gateway.console.compose import areas_in_words
from gateway.console.site import Visit
from gateway.domain.codes import AreaCode
from gateway.domain.people import Position
from gateway.domain.zone import BEIJING
from gateway.errors import InvalidValueError
from gateway.store import queries


async def drills(visit: Visit) -> web.Response:
    """GET /console/drills."""
    limit, cursor = visit.page()
    services, person = visit.services, visit.session.person
    store, now = services.store, services.clock()
    page = await store.read(queries.acted_page, DRILL, limit, cursor)
    rows = []
    for row in page.items:
        found = await store.read(queries.message_by_id, row.subject)
        own = row.actor == person.name or person.position is Position.ADMINISTRATOR
        if found is not None and (own or not is_hidden(row, found.start_at, now)):
            rows.append((row, found))
    counties = services.gazetteer.children(AreaCode(services.settings.gateway.region))
    mine = [area for area in counties if any(own.covers(area.code) for own in person.areas)]
    return visit.render("drills.html", rows=rows, page=page, counties=mine)


async def hold(visit: Visit) -> web.Response:
    """POST /console/drills: hold one now, or plan it."""
    said = visit.form
    codes = list(filter(None, said.get("county", "").split(",")))
    if words := said.get("where", "").strip():
        codes += map(str, areas_in_words(visit, words))
    form = {
        "depth": said.get("depth", ""),
        "title": said.get("title", ""),
        "text": said.get("text", ""),
        "areas": codes,
        "start": _start(said.get("start", "")),
        "seconds": said.get("seconds", ""),
        "announced": said.get("announced") == "1",
    }
    try:
        body = DrillRequest.model_validate(form)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidValueError(".".join(map(str, first["loc"])), first.get("input"), first["msg"]) from None
    taken = await make_drill(visit.services, visit.holder, body, json.dumps(form, ensure_ascii=False).encode())
    return visit.go(f"/messages/{taken.message_id}")


def _start(text: str) -> str | None:
    """A time of Beijing, as a browser gives it, with its zone; None for now."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=BEIJING).isoformat()
    except ValueError:
        raise InvalidValueError("start", text, "须为日期和时间 / must be a date and time") from None
