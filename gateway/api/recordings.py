"""Recorded files 录音库: uploaded and checked, listed, removed."""

from __future__ import annotations

import asyncio

from aiohttp import web
from pydantic import AwareDatetime

from gateway.api.models import Reply, moment
from gateway.api.problems import HttpProblem, lacking
from gateway.api.routes import Call, answer
from gateway.errors import EnvironmentLackingError, NotFoundError, StateConflictError, Violation
from gateway.store.rows import AuditRow


class RecordedBody(Reply):
    """One file of the library."""

    name: str
    bytes: int
    changed_at: AwareDatetime


class RecordedListReply(Reply):
    """The library, by name."""

    items: list[RecordedBody]


class UploadedReply(Reply):
    """What a file is, by its content."""

    name: str
    bytes: int
    container: str
    codec: str
    sample_rate: int
    channels: int
    seconds: float


async def list_recorded(call: Call) -> web.Response:
    """GET /api/v1/recordings."""
    found = await asyncio.to_thread(call.rooms.services.library.names)
    items = [RecordedBody(name=one.name, bytes=one.size, changed_at=moment(one.changed_at)) for one in found]
    return answer(RecordedListReply(items=items))


async def get_recorded(call: Call) -> web.StreamResponse:
    """GET /api/v1/recordings/{name}: operators any, other keys those of programmes that are shared."""
    services, name = call.rooms.services, call.request.match_info["name"]
    if not call.is_operator:
        shared = (p.source for p in services.daily.programmes.values() if p.shared and p.kind == "file")
        if name not in shared:
            raise NotFoundError(f"没有共享的录音 no shared recording {name[:80]!r}")
    path = await asyncio.to_thread(services.library.path, name)
    headers = {"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff"}
    return web.FileResponse(path, headers=headers)


async def put_recorded(call: Call) -> web.Response:
    """PUT /api/v1/recordings/{name}: the file as the body, of any length up to the limit of ``[sound]``."""
    services, name = call.rooms.services, call.request.match_info["name"]
    try:
        await asyncio.to_thread(services.library.path, name)
        status = 200
    except NotFoundError:
        status = 201
    try:
        facts = await services.library.put(name, call.pieces())
    except EnvironmentLackingError as error:
        raise lacking(error) from error
    except TimeoutError:
        raise HttpProblem(408, Violation("", "too_slow", "正文未及时到达 / no body came"), close=True) from None
    await services.store.write(AuditRow(services.clock(), call.holder.name, "recording_put", name))
    reply = UploadedReply(
        name=name,
        bytes=facts.size,
        container=facts.demuxer,
        codec=facts.codec,
        sample_rate=facts.rate,
        channels=facts.channels,
        seconds=round(facts.seconds, 3),
    )
    return answer(reply, status)


async def delete_recorded(call: Call) -> web.Response:
    """DELETE /api/v1/recordings/{name}."""
    services, name = call.rooms.services, call.request.match_info["name"]
    users = [p.id for p in services.daily.programmes.values() if p.kind == "file" and p.source == name]
    if users:
        raise StateConflictError(f"录音仍被节目使用 the recording is played by {', '.join(users[:5])}")
    await asyncio.to_thread(services.library.drop, name)
    await services.store.write(AuditRow(services.clock(), call.holder.name, "recording_removed", name))
    return web.Response(status=204)
