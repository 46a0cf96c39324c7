"""Monitoring 回传监听: what adapters play, by what they send back: figures, recordings, and an ear for it."""

from __future__ import annotations

import asyncio

from aiohttp import web
from pydantic import AwareDatetime, Field

from gateway.api.models import Reply, moment
from gateway.api.routes import Call, answer
from gateway.api.sound import AS_IT_COMES, streamed
from gateway.errors import NotFoundError
from gateway.programmes.level import Level
from gateway.programmes.monitor import MonitorFigures


class LevelBody(Reply):
    """How loud: RMS and peak of up to the last second, loudness of 400 ms and of the whole (EBU R 128)."""

    rms_dbfs: float
    peak_dbfs: float
    momentary_lufs: float
    integrated_lufs: float


def level_body(level: Level) -> LevelBody:
    """A level for people, to a tenth."""
    return LevelBody(
        rms_dbfs=round(level.rms, 1),
        peak_dbfs=round(level.peak, 1),
        momentary_lufs=round(level.momentary, 1),
        integrated_lufs=round(level.integrated, 1),
    )


class MonitorBody(Reply):
    """One stream. ``state``: waiting, sounding, silent, stalled, ended. ``level`` is null while nothing is measured."""

    id: str
    link: str
    ebm_id: str
    state: str
    port: int = Field(description="UDP 端口，0x22 中告知 the UDP port told in 0x22")
    opened_at: AwareDatetime
    heard_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    ssrc: int | None
    packets: int
    bytes: int
    lost: int = Field(description="丢失或迟到 never came, or too late to be heard")
    loss_percent: float
    duplicates: int = Field(description="重复或迟到的包 packets that came twice or too late")
    foreign: int = Field(description="其他来源的包 packets of other senders")
    garbage: int = Field(description="非 MPEG 音频 RTP what is no RTP of MPEG audio")
    jitter_ms: float
    sound_seconds: float
    level: LevelBody | None
    loudest_lufs: float | None
    unrecorded_bytes: int
    listeners: int


class MonitorsReply(Reply):
    """Streams that run, then those that are over, latest first."""

    items: list[MonitorBody]


class RecordingBody(Reply):
    """One file."""

    name: str
    bytes: int


class RecordingsReply(Reply):
    """Recordings of one stream, in their order."""

    items: list[RecordingBody]


async def list_monitors(call: Call) -> web.Response:
    """GET /api/v1/monitor."""
    return answer(MonitorsReply(items=list(map(_body, call.rooms.services.monitors.figures))))


async def listen(call: Call) -> web.StreamResponse:
    """GET /api/v1/monitor/{stream}/listen: mp3 as it comes."""
    return await streamed(call, call.rooms.services.monitors.find(call.request.match_info["stream"]).listen())


async def list_recordings(call: Call) -> web.Response:
    """GET /api/v1/monitor/{stream}/recordings."""
    name = call.request.match_info["stream"]
    monitors = call.rooms.services.monitors
    found = [] if "/" in name else await asyncio.to_thread(monitors.shelf.names, f"{name}-")
    if not found and all(one.id != name for one in monitors.figures):
        raise NotFoundError(f"没有此回传 no stream {name[:60]!r} is known")
    return answer(RecordingsReply(items=[RecordingBody(name=one, bytes=size) for one, size in found]))


async def get_recording(call: Call) -> web.StreamResponse:
    """GET /api/v1/monitor/{stream}/recordings/{name}; a part of it where a Range asks for one."""
    info = call.request.match_info
    path = await asyncio.to_thread(call.rooms.services.monitors.shelf.find, info["name"])
    if path is None or not info["name"].startswith(f"{info['stream']}-"):
        raise NotFoundError(f"没有此录音 no recording {info['name'][:60]!r}")
    return web.FileResponse(path, headers=AS_IT_COMES)


def _body(one: MonitorFigures) -> MonitorBody:
    level = one.level
    sent = one.packets - one.useless + one.lost
    return MonitorBody(
        id=one.id,
        link=one.link,
        ebm_id=one.ebm_id,
        state=one.state.value,
        port=one.port,
        opened_at=moment(one.opened_at),
        heard_at=None if one.heard_at is None else moment(one.heard_at),
        closed_at=None if one.closed_at is None else moment(one.closed_at),
        ssrc=one.source,
        packets=one.packets,
        bytes=one.octets,
        lost=one.lost,
        loss_percent=round(100 * one.lost / sent, 2) if sent else 0.0,
        duplicates=one.useless,
        foreign=one.foreign,
        garbage=one.garbage,
        jitter_ms=round(one.jitter * 1000, 2),
        sound_seconds=round(one.sound, 3),
        level=None if level is None else level_body(level),
        loudest_lufs=None if one.loudest is None else round(one.loudest, 1),
        unrecorded_bytes=one.unrecorded,
        listeners=one.listeners,
    )
