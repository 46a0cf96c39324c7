"""Review 审听 of the finished programme of a message, before it goes on air and after (GD/J 088-2018 6.2.4)."""

from __future__ import annotations

from aiohttp import web

from gateway.api.decisions import HEARD, message_in_path
from gateway.api.routes import Call
from gateway.api.sound import AS_IT_COMES
from gateway.store.rows import AuditRow


async def get_programme(call: Call) -> web.Response:
    """GET /api/v1/warnings/{id}/programme: who has heard it is kept."""
    _, row = await message_in_path(call)
    services = call.rooms.services
    _, live = await services.dispatch.book(row.ebm_id)
    sound = await services.dispatch.state.sound.preview(live)
    await services.store.write(AuditRow(services.clock(), call.holder.name, HEARD, row.ebm_id), urgent=True)
    return web.Response(body=sound, headers=AS_IT_COMES)
