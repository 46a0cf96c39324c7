"""What it costs to take a warning: durable, checked and waiting for approval, against aiohttp's empty handler."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from benchmarks.broadcasts import CITY, TERMINALS
from benchmarks.harness import Result, Sample, compare
from benchmarks.loadgen import terminals
from gateway.api.keys import issue_key
from gateway.daemon import Gateway
from gateway.domain.zone import BEIJING
from gateway.publishers.rights import Publisher
from gateway.settings import load_settings

#: Publishers at once, each with one request under way; they seldom warn, so each request has a connection of its own.
CONNECTIONS = 50
#: Publishers with a key each.
_KEYS = 10
#: Warnings of one pass, and passes.
_EACH, _PASSES = 200, 9
_TOWN, _NAME = "350524100000", "凤城镇"


@dataclass(slots=True)
class _Load:
    """The publishers' process."""

    process: asyncio.subprocess.Process
    folder: Path

    async def run(self, port: int, requests: Sequence[bytes], expected: int) -> None:
        """Send all, and hold the answers to one status."""
        file = self.folder / "requests"
        file.write_bytes(b"".join(len(one).to_bytes(4, "big") + one for one in requests))
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"run {port} {file}\n".encode())
        await self.process.stdin.drain()
        said = (await asyncio.wait_for(self.process.stdout.readline(), 120)).decode().split()
        if said != ["done", f"{expected}:{len(requests)}"]:
            raise RuntimeError(f"publishers heard {said}")


@asynccontextmanager
async def _load(folder: Path) -> AsyncIterator[_Load]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.httpload",
        str(CONNECTIONS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdin is not None
    await process.stdout.readline()
    try:
        yield _Load(process, folder)
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 30)


@asynccontextmanager
async def _empty() -> AsyncIterator[int]:
    """aiohttp with a handler that does nothing; its port."""

    async def nothing(_request: web.Request) -> web.Response:
        return web.Response()

    application = web.Application()
    application.router.add_post("/api/v1/warnings", nothing)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _json(number: int, now: datetime) -> tuple[bytes, str]:
    body = {
        "sender": "35052441600000",
        "identifier": f"bench-{number}",
        "sent": now.isoformat(),
        "status": "Actual",
        "event": "11B03",
        "severity": "orange",
        "headline": "安溪县气象台发布暴雨橙色预警",
        "text": "预计未来三小时凤城镇等地降雨量将达五十毫米以上，请注意防范。",
        "areas": [{"code": _TOWN, "name": _NAME}],
        "expires": (now + timedelta(hours=2)).isoformat(),
    }
    return json.dumps(body, ensure_ascii=False).encode(), "application/json"


def _cap(number: int, now: datetime) -> tuple[bytes, str]:
    at, until = now.isoformat(), (now + timedelta(hours=2)).isoformat()
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>bench-{number}</identifier><sender>35052441600000</sender><sent>{at}</sent>
  <status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info>
    <language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Immediate</urgency>
    <severity>Severe</severity><certainty>Likely</certainty>
    <eventCode><valueName>12379</valueName><value>11B03</value></eventCode>
    <effective>{at}</effective><expires>{until}</expires><senderName>安溪县气象台</senderName>
    <headline>安溪县气象台发布暴雨橙色预警</headline>
    <description>预计未来三小时凤城镇等地降雨量将达五十毫米以上，请注意防范。</description>
    <instruction>切断低洼地带室外电源，停止露天集体活动。</instruction>
    <area><areaDesc>{_NAME}</areaDesc><geocode><valueName>GB/T 2260</valueName><value>{_TOWN}</value></geocode></area>
  </info>
</alert>
"""
    return text.encode(), "application/cap+xml"


def _request(key: str, body: bytes, media_type: str) -> bytes:
    head = (
        f"POST /api/v1/warnings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def _ingest(name: str, write: Callable[[int, datetime], tuple[bytes, str]], goal: float) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            None,
            gateway={"data_dir": Path(folder)},
            http={"port": 0},
            terminals={"port": 0},
            feedback={"port": 0},
            log={"level": "ERROR"},
        )
        async with Gateway(settings) as gateway, _empty() as empty, _load(Path(folder)) as load:
            await gateway.terminals.put(terminals(TERMINALS), "bench")
            keys = []
            for number in range(_KEYS):
                key, row = issue_key(Publisher(f"bench{number}", areas=(CITY,), approval_needed=True), time.time())
                await gateway.state.store.write(row)
                keys.append(key)
            pairs = []
            for turn in range(_PASSES + 1):
                now = datetime.now(BEIJING).replace(microsecond=0)
                first = turn * _EACH
                requests = [
                    _request(keys[number % _KEYS], *write(number, now)) for number in range(first, first + _EACH)
                ]
                ours = await _pass(load, gateway.ports.http, requests, 202)
                base = await _pass(load, empty, requests, 200)
                for live in list(gateway.state.messages.values()):
                    gateway.dispatch.forget(live)
                if turn:  # the first pair warms both sides up
                    pairs.append((ours, base))
    return compare(name, pairs, baseline_name="aiohttp's empty handler", n=_EACH, goal=goal)


async def _pass(load: _Load, port: int, requests: Sequence[bytes], status: int) -> Sample:
    cpu, start = time.process_time(), time.perf_counter()
    await load.run(port, requests, status)
    return Sample(time.perf_counter() - start, time.process_time() - cpu)


async def ingest_cap() -> Result:
    """CAP 1.2 alerts over HTTP, each on disk before its 202."""
    return await _ingest("ingest_cap", _cap, 6.0)


async def ingest_json() -> Result:
    """The same in our JSON form."""
    return await _ingest("ingest_json", _json, 3.0)
