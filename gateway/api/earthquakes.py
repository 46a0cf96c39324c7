"""Earthquake warnings 地震预警 over HTTP: a way of their own, for publishers whose keys may."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from pydantic import AwareDatetime, Field

from gateway.api.models import AcceptanceBody, Reply
from gateway.api.routes import Call, answer
from gateway.api.warnings import acceptance_body
from gateway.errors import RightsError
from gateway.publishers.quake_form import quake_of, read_quake


class ShakenBody(Reply):
    """One division that is warned."""

    code: str
    name: str
    km: float = Field(description="震中距 distance along the ground")
    intensity: float = Field(description="预估烈度, as the publisher says, else computed")
    arrival: AwareDatetime = Field(description="S 波到达 when the S wave arrives")
    seconds: int = Field(description="倒计时 seconds until then, below 0 where it is there")


class QuakeAnswer(Reply):
    """What became of a report; ``acceptance`` is null for one that a newer report had overtaken."""

    acceptance: AcceptanceBody | None
    notices: list[str]
    areas: list[ShakenBody]


async def post_earthquake(call: Call) -> web.Response:
    """POST /api/v1/earthquakes."""
    services, who = call.rooms.services, call.holder
    if not who.earthquake:
        raise RightsError("earthquake", f"{who.name} 无权发布地震预警 / may not send earthquake warnings")
    body = await call.body()
    since = services.monotonic()
    form = read_quake(body)
    quake = quake_of(form)
    if quake.status not in who.statuses:
        raise RightsError("status", f"{who.name} 无权发送 {quake.status} / may not send status {quake.status}")
    if form.kind == "Cancel":
        done = await services.quakes.cancel(quake, body, who.name)
        return answer(QuakeAnswer(acceptance=acceptance_body(done), notices=[], areas=[]), 202)
    taken, hit = await services.quakes.report(quake, body, who.name, who.may_address, since)
    now = datetime.fromtimestamp(services.clock(), UTC)
    areas = [
        ShakenBody(
            code=one.area,
            name=services.gazetteer.name(one.area),
            km=round(one.km, 1),
            intensity=round(one.intensity, 1),
            arrival=one.arrival,
            seconds=one.seconds(now),
        )
        for one in hit
    ]
    notices = [notice.message for notice in taken.notices]
    accepted = acceptance_body(taken) if taken.message_id is not None else None
    return answer(QuakeAnswer(acceptance=accepted, notices=notices, areas=areas), 202 if taken.created else 200)
