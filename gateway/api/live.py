"""Live input 应急切播: sources and how they stand, a message that somebody speaks, sound that a page pushes."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from gateway.api.models import Reply, Request
from gateway.api.monitor import LevelBody, level_body
from gateway.api.problems import HttpProblem, lacking
from gateway.api.routes import Call, answer
from gateway.api.warnings import acceptance_body
from gateway.dispatch.sounding import Sounding
from gateway.dispatch.submission import Facts, Submission
from gateway.domain.codes import AreaCode
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass, Manner
from gateway.domain.warning import Severity, Status, Warning, WarningIdentity, WarningKind, WarningText
from gateway.errors import (
    EnvironmentLackingError,
    SoundProgramFailed,
    StateConflictError,
    Violation,
)
from gateway.programmes.live_room import LiveRoom
from gateway.publishers.rights import check_areas

#: Event type of live input where none is named: 11111, no code for it (GD/J 082-2018 annex).
_EVENT: Final = "11111"

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class LiveBody(Request):
    """A message that somebody speaks. ``text`` is read aloud where the source is dead; ``headline`` where left out."""

    source: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    areas: Annotated[list[str], Field(min_length=1, max_length=2000)]
    headline: Words
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    severity: Literal["red", "orange", "yellow", "blue"] = "red"
    event: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{5}$")] = _EVENT
    seconds: Annotated[int, Field(ge=10, le=86400)] = Field(default=600, description="最长播出秒数 longest time on air")
    drill: bool = Field(default=False, description="演练 a simulated drill, not an emergency")


class SourceBody(Reply):
    """A source. ``message``: the EBM id that it speaks for; ``heard_s``: seconds since its last packet (rtp)."""

    name: str
    kind: str
    title: str
    message: str
    connected: bool
    problem: str
    port: int
    form: str
    heard_s: float | None
    packets: int
    lost: int
    foreign: int


class CutBody(Reply):
    """A live message on the air. ``phase``: signal, live, fallback, over; seconds of each."""

    message_id: str
    source: str
    phase: str
    sounded_s: float
    gaps_s: float
    dropped_s: float
    delay_s: float
    level: LevelBody | None
    unrecorded_bytes: int


class LiveReply(Reply):
    """Sources in the order of the settings, live messages oldest first."""

    sources: list[SourceBody]
    messages: list[CutBody]


class PushedReply(Reply):
    """``ended``: the message ended, or a newer request took over, before this one's sound did."""

    ended: bool


async def list_live(call: Call) -> web.Response:
    """GET /api/v1/live."""
    room = _room(call)
    sources = [
        SourceBody(
            name=one.name,
            kind=one.kind,
            title=one.title,
            message=one.message,
            connected=one.connected,
            problem=one.problem,
            port=one.port,
            form=one.form,
            heard_s=None if one.heard is None else round(one.heard, 3),
            packets=one.packets,
            lost=one.lost,
            foreign=one.foreign,
        )
        for one in room.sources
    ]
    messages = [
        CutBody(
            message_id=one.ebm_id,
            source=one.source,
            phase=one.phase.value,
            sounded_s=round(one.sounded, 3),
            gaps_s=round(one.gaps, 3),
            dropped_s=round(one.dropped, 3),
            delay_s=round(one.delay, 3),
            level=None if one.level is None else level_body(one.level),
            unrecorded_bytes=one.unrecorded,
        )
        for one in room.cuts
    ]
    return answer(LiveReply(sources=sources, messages=messages))


async def begin_live(call: Call) -> web.Response:
    """POST /api/v1/live: on the air at once, by the ordinary way of a message."""
    body, services, room = await call.model(LiveBody), call.rooms.services, _room(call)
    areas = call.divisions(body.areas)
    check_areas(call.holder, areas)
    try:
        room.free(body.source)
    except EnvironmentLackingError as error:
        raise lacking(error) from error
    submission, facts = _message(call, body, tuple(areas))
    return answer(acceptance_body(await services.dispatch.accept(submission, facts)), 202)


def _message(call: Call, body: LiveBody, areas: tuple[AreaCode, ...]) -> tuple[Submission, Facts]:
    services = call.rooms.services
    now = datetime.fromtimestamp(int(services.clock()), UTC)
    severity, event = Severity[body.severity.upper()], EventType(body.event)
    text = body.text or body.headline
    ebm_class = EbmClass.SIMULATED_DRILL if body.drill else EbmClass.EMERGENCY
    warning = Warning(
        identity=WarningIdentity(services.settings.gateway.code, f"live-{secrets.token_hex(8)}", now),
        status=Status.EXERCISE if body.drill else Status.ACTUAL,
        kind=WarningKind.ALERT,
        scope="Public",
        event=event,
        event_text="应急切播",
        severity=severity,
        texts=(WarningText("zh-CN", body.headline, text),),
    )
    facts = Facts(
        areas=areas,
        ebm_class=ebm_class,
        severity=severity,
        event=event,
        start=now,
        end=now + timedelta(seconds=body.seconds),
        headline=body.headline,
        text=text,
        manner=Manner.LIVE,
        recording=body.source,
    )
    submission = Submission(
        warning, b"", "application/x-live", call.holder.name, operator=True, since=services.monotonic()
    )
    return submission, facts


async def push_live(call: Call) -> web.Response:
    """POST /api/v1/live/{name}/sound: the sound as the body, for as long as somebody speaks."""
    room, name = _room(call), call.request.match_info["name"]
    try:
        whole = await room.receive(name, call.request.headers.get("Content-Type", ""), call.pieces())
    except TimeoutError:
        raise HttpProblem(408, Violation("", "too_slow", "声音中断 / no sound came"), close=True) from None
    except SoundProgramFailed as error:
        raise HttpProblem(422, Violation("", error.code, str(error)), close=True) from error
    except EnvironmentLackingError as error:
        raise lacking(error) from error
    return answer(PushedReply(ended=not whole))


def _room(call: Call) -> LiveRoom:
    sound = call.rooms.services.dispatch.state.sound
    if not isinstance(sound, Sounding):
        raise StateConflictError("未启用声音 sound is off: [sound] enabled")
    return sound.live
