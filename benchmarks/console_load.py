"""Ten browsers of the duty room in a process of their own: each renews its overview and a message every two seconds."""

from __future__ import annotations

import asyncio
import re
import sys

import aiohttp

#: Seconds between two renewals of a page (``overview.html``, ``message.html``).
_PERIOD = 2.0


async def _read_line() -> str:
    line: str = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return line.strip()


async def _browse(client: aiohttp.ClientSession, base: str, number: int, count: int, on: asyncio.Event) -> None:
    await asyncio.sleep(_PERIOD * number / count)
    while True:
        await on.wait()
        async with client.get(f"{base}/live?poll=1") as answer:
            page = await answer.text()
        for ebm_id in re.findall(r"/console/messages/(\d+)", page)[:1]:
            for part in ("live", "standings", "timeline"):
                async with client.get(f"{base}/messages/{ebm_id}/{part}?poll=1") as answer:
                    await answer.read()
        async with client.get(f"{base}/alarm-bell?poll=1") as answer:
            await answer.read()
        await asyncio.sleep(_PERIOD)


async def _main(port: int, count: int, name: str, password: str) -> None:
    base = f"http://127.0.0.1:{port}/console"
    on = asyncio.Event()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.post(f"{base}/login", data={"name": name, "password": password}) as answer:
            assert answer.status == 200, answer.status
        browsers = [asyncio.create_task(_browse(client, base, number, count, on)) for number in range(count)]
        print("ready", flush=True)
        while line := await _read_line():
            if line == "on":
                on.set()
            else:
                on.clear()
            print(line, flush=True)
        for browser in browsers:
            browser.cancel()
        await asyncio.gather(*browsers, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
