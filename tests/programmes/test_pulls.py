"""HTTP pull: over a real connection, and a listener that does not read."""

from __future__ import annotations

import asyncio

from aiohttp import ClientSession, web

from gateway.programmes.pulls import Pull, PullOutlet
from tests.programmes.soundkit import frame, numbers


def outlet(seconds: float = 10.0) -> tuple[PullOutlet, list[int]]:
    dropped: list[int] = []
    return PullOutlet(64, seconds, lambda: dropped.append(1)), dropped


async def heard(pull: Pull) -> list[int]:
    return numbers(b"".join([chunk async for chunk in pull]))


async def test_a_listener_hears_what_comes_from_now_to_the_end() -> None:
    made, _ = outlet()
    first = made.pull()
    for number in range(7):
        made.push(frame(number))
    second = made.pull()
    for number in range(7, 17):
        made.push(frame(number))
    assert made.listeners == 2
    made.finish()
    assert await heard(first) == list(range(17))
    assert await heard(second) == list(range(7, 17))
    assert made.listeners == 0


async def test_a_listener_that_waits_is_woken() -> None:
    made, _ = outlet()
    task = asyncio.create_task(heard(made.pull()))
    await asyncio.sleep(0)
    for number in range(7):
        made.push(frame(number))
    await asyncio.sleep(0)
    made.finish()
    assert await task == list(range(7))


async def test_who_does_not_read_is_dropped_and_the_others_hear_on() -> None:
    made, dropped = outlet(seconds=1.0)
    slow, quick = made.pull(), made.pull()
    chunks: list[bytes] = []

    async def read() -> None:
        chunks.extend([chunk async for chunk in quick])

    task = asyncio.create_task(read())
    for number in range(140):
        made.push(frame(number))
        await asyncio.sleep(0)
    assert dropped == [1]
    assert slow.dropped
    assert await heard(slow) == []
    made.finish()
    await task
    assert numbers(b"".join(chunks)) == list(range(140))
    assert not quick.dropped


async def test_a_listener_that_goes_is_forgotten() -> None:
    made, dropped = outlet()
    pull = made.pull()
    pull.close()
    pull.close()
    made.push(frame(0))
    assert (made.listeners, dropped, await heard(pull)) == (0, [], [])


async def test_a_stream_over_http_is_the_frames_and_nothing_else() -> None:
    made, _ = outlet()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "audio/mpeg"})
        await response.prepare(request)
        pull = made.pull()
        try:
            async for chunk in pull:
                await response.write(chunk)
        finally:
            pull.close()
        return response

    application = web.Application()
    application.router.add_get("/", stream)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with ClientSession() as session, session.get(f"http://{host}:{port}/") as response:
        assert response.content_type == "audio/mpeg"
        for number in range(21):
            made.push(frame(number))
        made.finish()
        assert numbers(await response.read()) == list(range(21))
    await runner.cleanup()
