"""What consoles cost: a broadcast with ten of them open against one without, and pages with 50,000 deliveries."""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
from aiohttp import web

from benchmarks.broadcasts import CITY, TERMINALS, Rig, operator_key, request_for, rig
from benchmarks.harness import Result, Sample, compare
from gateway.console.desk import row_of
from gateway.domain.people import Person, Position
from gateway.protocols.ip_bodies import ServiceType
from gateway.security.passwords import hash_password

_NAME, _PASSWORD = "bench", "a password of the bench"
_CONSOLES = 10


async def _broadcast(both: Rig, key: str, number: int) -> Sample:
    """From a warning's request to the last answer of its terminals."""
    state = both.gateway.state
    session = await state.sessions.peek()
    await both.generator.arm(session, ServiceType.START)
    answered = state.counters.answers_by_result.get(0, 0)
    cpu, start = time.process_time(), time.perf_counter()
    await both.generator.post(both.gateway.ports.http, request_for(key, number))
    while state.counters.answers_by_result.get(0, 0) < answered + TERMINALS:
        if time.perf_counter() - start > 30:
            raise TimeoutError("a broadcast did not come to its end")
        await asyncio.sleep(0.001)
    return Sample(time.perf_counter() - start, time.process_time() - cpu)


async def console(passes: int = 40) -> Result:
    """A broadcast while ten consoles renew themselves, in turn with one while nobody looks."""
    async with rig(TERMINALS, bare=False) as both:
        key = await operator_key(both.gateway)
        person = Person(_NAME, Position.VIEWER, (CITY,), hash_password(_PASSWORD))
        await both.gateway.state.store.write(row_of(person, time.time()))
        port = str(both.gateway.ports.http)
        arguments = ("-m", "benchmarks.console_load", port, str(_CONSOLES), _NAME, _PASSWORD)
        pipe = asyncio.subprocess.PIPE
        browsers = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
        assert browsers.stdin is not None and browsers.stdout is not None

        async def tell(word: str) -> None:
            assert browsers.stdin is not None and browsers.stdout is not None
            browsers.stdin.write(f"{word}\n".encode())
            await browsers.stdout.readline()

        await browsers.stdout.readline()
        pairs = []
        for number in range(1, passes + 2):
            samples = []
            for turn, word in enumerate(("on", "off")):
                await tell(word)
                await asyncio.sleep(0.3)
                samples.append(await _broadcast(both, key, 2 * number + turn))
                for live in list(both.gateway.state.messages.values())[:-1]:
                    both.gateway.dispatch.forget(live)
            if number > 1:
                pairs.append((samples[0], samples[1]))
        browsers.stdin.close()
        await browsers.wait()
    return compare("console", pairs, baseline_name="the same broadcast, no console open", n=TERMINALS, goal=1.1)


async def console_pages(messages: int = 13, passes: int = 30) -> Result:
    """The overview and a message's page with 52,000 deliveries in memory ÷ an empty handler of aiohttp."""
    async with rig(TERMINALS, bare=False) as both:
        key = await operator_key(both.gateway)
        person = Person(_NAME, Position.VIEWER, (CITY,), hash_password(_PASSWORD))
        await both.gateway.state.store.write(row_of(person, time.time()))
        state = both.gateway.state
        for number in range(1, messages + 1):
            await _broadcast(both, key, number)
        base = f"http://127.0.0.1:{both.gateway.ports.http}/console"
        ebm_id = next(iter(state.messages))
        empty = web.Application()
        empty.router.add_get("/", _nothing)
        runner = web.AppRunner(empty, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        plain = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            async with client.post(f"{base}/login", data={"name": _NAME, "password": _PASSWORD}) as answer:
                assert answer.status == 200
            pairs = []
            for number in range(passes + 3):
                path = base if number % 2 else f"{base}/messages/{ebm_id}"
                ours, bare = await _get(client, path), await _get(client, plain)
                if number > 2:
                    pairs.append((ours, bare))
        await runner.cleanup()
    return compare("console_pages", pairs, baseline_name="aiohttp's empty handler", n=messages * TERMINALS, goal=100)


async def _nothing(request: web.Request) -> web.Response:
    return web.Response()


async def _get(client: aiohttp.ClientSession, path: str) -> Sample:
    cpu, start = time.process_time(), time.perf_counter()
    async with client.get(path) as answer:
        await answer.read()
        assert answer.status == 200, answer.status
    return Sample(time.perf_counter() - start, time.process_time() - cpu)
