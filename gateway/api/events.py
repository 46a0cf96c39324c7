"""GET /api/v1/events: changes as server-sent events."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from gateway.api.routes import Call

#: A comment goes out after so many quiet looks (seconds), so that proxies keep the stream.
_QUIET: Final = 15
_LOOK_SECONDS: Final = 1.0
MEDIA_TYPE: Final = "text/event-stream"


async def stream_events(call: Call) -> web.StreamResponse:
    """Events ``message``, ``coverage`` and ``alarm``; what is in force comes first, so nothing needs replaying."""
    watch = call.rooms.watch
    listener = watch.join(call.holder)
    response = web.StreamResponse(headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"})
    try:
        await response.prepare(call.request)
        await response.write(b"retry: 2000\n\n")
        quiet = 0
        while (transport := call.request.transport) is not None and not transport.is_closing():
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    event = await listener.queue.get()
            except TimeoutError:
                quiet += 1
                if quiet % _QUIET == 0:
                    await response.write(b": quiet\n\n")
                continue
            if event is None:
                await response.write_eof()
                break
            await response.write(event.encode())
    except ConnectionError:
        # The reader left: nothing to tell anybody.
        pass
    finally:
        watch.leave(listener)
    return response
