"""The port itself: what is no HTTP, ports that are taken, TLS, closing."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import time
from pathlib import Path

import aiohttp
import pytest

from gateway.daemon import Gateway
from gateway.errors import EnvironmentLackingError
from tests.api.apikit import Api
from tests.gatewaykit import settings_for


async def said(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "raw",
    [
        b"\xfe\xfd\x01\x00" * 20 + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["frames", "cut", "length", "two lengths", "long header", "long path"],
)
async def test_what_is_no_http_is_refused_in_our_form(api: Api, raw: bytes) -> None:
    head, _, body = (await said(api.gateway.ports.http, raw)).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"400"
    assert b"application/problem+json" in head
    assert json.loads(body)["errors"][0]["code"] == "bad_request"
    assert (await api.get("/healthz", None)).status == 200


async def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentLackingError, match=str(port)):
            async with Gateway(settings_for(tmp_path, http={"port": port})):
                pass


async def test_connections_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.server.MOST_CONNECTIONS", 2)
    async with Gateway(settings_for(tmp_path)) as gateway:
        port = gateway.ports.http
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        head, _, body = (await said(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).partition(b"\r\n\r\n")
        assert head.split(b" ")[1] == b"503"
        assert b"Retry-After: 5" in head
        assert json.loads(body)["errors"][0]["code"] == "too_many_connections"
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        deadline = time.monotonic() + 5
        while b" 200 " not in await said(port, request):
            assert time.monotonic() < deadline


async def test_the_port_speaks_tls_where_the_settings_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    shutil.copytree(Path(__file__).parent.parent / "security" / "tls", folder)
    (folder / "server.key").chmod(0o600)
    tls = {"certificate": folder / "server.pem", "key": folder / "server.key"}
    async with Gateway(settings_for(tmp_path, http={"port": 0, "tls": tls})) as gateway:
        context = ssl.create_default_context(cafile=folder / "ca.pem")
        context.check_hostname = False
        async with aiohttp.ClientSession() as client:
            url = f"https://127.0.0.1:{gateway.ports.http}/healthz"
            async with client.get(url, ssl=context) as response:
                assert response.status == 200


async def test_closing_ends_open_streams_and_lets_no_task_linger(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as client:
        async with Gateway(settings_for(tmp_path)) as gateway:
            api = Api(gateway, client)
            await api.add_keys()
            headers = {"Authorization": f"Bearer {api.keys['duty']}"}
            stream = await client.get(f"{api.base}/api/v1/events", headers=headers)
            assert await stream.content.readline() == b"retry: 2000\n"
            loop = asyncio.get_running_loop()
            began = loop.time()
        assert loop.time() - began < 3
        assert b"event" not in await stream.content.read()
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() - before == set()
