"""Sound 声音: what is on the air, and the programme itself for terminals that fetch it."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from pydantic import Field

from gateway.api.models import Reply
from gateway.api.routes import Call, answer
from gateway.programmes.pulls import Pull

AUDIO: Final = "audio/mpeg"
#: Headers of sound that comes as it is made, or must not be kept.
AS_IT_COMES: Final = {"Content-Type": AUDIO, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
#: Seconds for which a listener may take nothing.
_STUCK: Final = 30.0


class OnAirBody(Reply):
    """A programme on the air. ``words``: pending, ready, or none with the ``problem``; then a person must speak."""

    message_id: str
    address: str = Field(description="节目地址 the address that start frames carry")
    words: str = Field(description="pending 制作中, ready 已就绪, none 无 (见 problem)")
    problem: str
    streams: int = Field(description="单播流数 datagram streams")
    left_out: int = Field(description="超出上限而无声的终端 terminals beyond the limit, which hear nothing")
    listeners: int = Field(description="HTTP 收听数 listeners over HTTP")
    seconds: float
    missed_seconds: float = Field(description="因停顿缺失的秒数 lost to standstills of this machine")


class OnAirReply(Reply):
    """Programmes on the air, oldest first."""

    items: list[OnAirBody]


async def list_on_air(call: Call) -> web.Response:
    """GET /api/v1/sound."""
    items = [
        OnAirBody(
            message_id=one.ebm_id,
            address=one.address,
            words=one.words,
            problem=one.problem,
            streams=one.streams,
            left_out=one.left_out,
            listeners=one.listeners,
            seconds=round(one.seconds, 3),
            missed_seconds=round(one.missed, 3),
        )
        for one in call.rooms.services.dispatch.state.sound.on_air()
    ]
    return answer(OnAirReply(items=items))


async def pull_programme(call: Call) -> web.StreamResponse:
    """GET /sound/{ebm_id}.mp3: the programme from now on, until its message is over; no key, for it is public."""
    return await streamed(call, call.rooms.services.dispatch.state.sound.pull(call.request.match_info["ebm_id"]))


async def streamed(call: Call, pull: Pull) -> web.StreamResponse:
    """Write what a listener hears as it comes, until it ends or the listener leaves."""
    response = web.StreamResponse(headers=AS_IT_COMES)
    try:
        await response.prepare(call.request)
        async for chunk in pull:
            async with asyncio.timeout(_STUCK):
                await response.write(chunk)
        await response.write_eof()
    except (ConnectionError, TimeoutError):
        # The listener left, or takes nothing any more.
        pass
    finally:
        pull.close()
    return response
