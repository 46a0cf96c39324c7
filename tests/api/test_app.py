"""The frame around every call: keys, forms, limits, and one form of refusal."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from gateway.api.app import Places, all_routes, check_accept
from gateway.api.problems import HttpProblem
from gateway.api.routes import Need, Route
from gateway.daemon import Gateway
from gateway.errors import OverloadedError
from tests.api.apikit import CAP, Api
from tests.gatewaykit import settings_for

KEYED = [route for route in all_routes() if route.need is not Need.NOBODY]
OPERATORS = [route for route in all_routes() if route.need is Need.OPERATOR]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def path_of(route: Route) -> str:
    return re.sub(r"\{\w+\}", "x", route.path)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", KEYED, ids=name)
async def test_every_keyed_call_asks_for_a_key(api: Api, route: Route) -> None:
    for who in (None, "ebgw_unknown"):
        answer = await api.call(route.method, path_of(route), who)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", OPERATORS, ids=name)
async def test_calls_of_operators_are_closed_to_publishers(api: Api, route: Route) -> None:
    answer = await api.call(route.method, path_of(route), "weather")
    assert answer.status == 403
    assert answer.codes == ["forbidden_kind"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", all_routes(), ids=name)
async def test_a_method_that_is_not_there_is_405_with_those_that_are(api: Api, route: Route) -> None:
    answer = await api.call("PATCH", path_of(route))
    assert answer.status == 405
    assert route.method in answer.headers["Allow"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", ["/api/v2/warnings", "/api/v1/warnings/", "/favicon.ico", "/api/v1/%2e%2e"])
async def test_a_path_that_is_not_there_is_404(api: Api, path: str) -> None:
    assert (await api.get(path)).status == 404


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", [r for r in all_routes() if r.replies[0].status != 204], ids=name)
async def test_a_form_that_we_do_not_answer_in_is_406(api: Api, route: Route) -> None:
    answer = await api.call(route.method, path_of(route), headers={"Accept": "image/png"})
    assert answer.status == 406
    assert answer.codes == ["not_acceptable"]


@pytest.mark.parametrize(
    ("accept", "fits"),
    [
        ("", True),
        ("*/*", True),
        ("application/json", True),
        ("application/*;q=0.1, image/png", True),
        ("TEXT/HTML, */*;q=0.8", True),
        ("text/html", False),
        ("application/json;q=0", False),
        ("*/*;q=0.0", False),
        ("image/png, text/*", False),
    ],
)
def test_accept_headers(accept: str, fits: bool) -> None:
    if fits:
        check_accept(accept, frozenset({"application/json"}))
        return
    with pytest.raises(HttpProblem) as raised:
        check_accept(accept, frozenset({"application/json"}))
    assert raised.value.status == 406


def test_places_are_given_back_and_no_key_takes_more_than_half() -> None:
    places = Places(4)
    with places.place("a"), places.place("a"):
        with pytest.raises(HttpProblem) as raised, places.place("a"):
            pass
        assert raised.value.status == 429
        assert raised.value.headers["Retry-After"] == "1"
        with places.place("b"), places.place("b"), pytest.raises(OverloadedError), places.place("c"):
            pass
    with places.place("a"), places.place("b"):
        pass


async def test_too_many_requests_at_once_are_429_and_503(tmp_path: Path) -> None:
    """Half-sent bodies hold the places."""
    settings = settings_for(tmp_path, http={"port": 0, "max_requests_at_once": 2})
    async with Gateway(settings) as gateway, aiohttp.ClientSession() as client:
        api = Api(gateway, client)
        await api.add_keys()
        writers = []
        for number, who in enumerate(("weather", "duty")):
            _, writer = await asyncio.open_connection("127.0.0.1", gateway.ports.http)
            writer.write(
                f"POST /api/v1/warnings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.keys[who]}\r\n"
                f"Content-Type: {CAP}\r\nContent-Length: 10\r\n\r\n<".encode()
            )
            writers.append(writer)
            expected = 429 if number == 0 else 503
            loop = asyncio.get_running_loop()
            deadline = loop.time() + 5
            while (answer := await api.get("/api/v1/warnings")).status != expected:
                assert loop.time() < deadline
                await asyncio.sleep(0.01)
            assert answer.headers["Retry-After"] == "1"
        assert (await api.get("/healthz", None)).status == 200
        for writer in writers:
            writer.close()
            await writer.wait_closed()
        deadline = loop.time() + 5
        while (await api.get("/api/v1/warnings")).status != 200:
            assert loop.time() < deadline
            await asyncio.sleep(0.01)


async def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.routes.BODY_SECONDS", 0.05)
    async with Gateway(settings_for(tmp_path)) as gateway, aiohttp.ClientSession() as client:
        api = Api(gateway, client)
        await api.add_keys()
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.ports.http)
        writer.write(
            f"POST /api/v1/warnings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.keys['weather']}\r\n"
            f"Content-Type: {CAP}\r\nContent-Length: 10\r\n\r\n<".encode()
        )
        head = await reader.readline()
        assert head.split()[1] == b"408"
        writer.close()
        await writer.wait_closed()
