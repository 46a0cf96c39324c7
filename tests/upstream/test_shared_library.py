"""A county's gateway keeps what the city's shares: programmes with their files, changes, and what is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.daemon import Gateway
from gateway.dispatch.daily_book import Programme
from gateway.errors import LinkError
from gateway.programmes.toolbox import Toolbox
from gateway.upstream.shared_library import SharedLibrary, Source
from tests.api.apikit import Api
from tests.dispatch.test_daily import schedule
from tests.gatewaykit import alarms_of, keep_reference, settings_for, until
from tests.programmes.soundkit import tone

CITY, COUNTY = "33505000000000103010101", "33505240000000103010101"
NEWS = {"title": "早间新闻", "kind": "stream", "source": "rtp://239.1.1.9:5004", "shared": True}
GONG = {"title": "早操", "kind": "file", "source": "gong", "shared": True}


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@dataclass
class Pair:
    city: Api
    county: Gateway
    shared: SharedLibrary

    async def put(self, name: str, programme: dict[str, Any]) -> None:
        answer = await self.city.call("PUT", f"/api/v1/programmes/{name}", "duty", json=programme)
        assert answer.status in (200, 201), answer.raw

    @property
    def kept(self) -> dict[str, Programme]:
        return self.county.daily.programmes


def shared_with(gate: Gateway, url: str, key: str) -> SharedLibrary:
    source = Source("city", url, key, every=0.05, patience=5.0)
    return SharedLibrary(source, gate.daily, gate.services.library, gate.state.alarms, gate.settings.gateway.code)


@asynccontextmanager
async def pair(folder: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        city = await stack.enter_async_context(Gateway(settings_for(folder / "city", gateway={"code": CITY})))
        api = Api(city, await stack.enter_async_context(aiohttp.ClientSession()))
        await api.add_keys()
        county = await stack.enter_async_context(Gateway(settings_for(folder / "county", gateway={"code": COUNTY})))
        # A publisher's key is enough: to read what is shared asks for no power over the city.
        yield Pair(api, county, shared_with(county, api.base, api.keys["weather"]))


async def test_what_the_city_shares_comes_with_its_owner_and_its_files(tmp_path: Path, toolbox: Toolbox) -> None:
    async with pair(tmp_path) as ends:
        await ends.city.call("PUT", "/api/v1/recordings/gong", "duty", data=tone(1.5))
        await ends.city.call("PUT", "/api/v1/recordings/secret", "duty", data=tone(1.0))
        await ends.put("news", NEWS)
        await ends.put("gym", GONG)
        await ends.put("own", {**NEWS, "shared": False})
        assert await ends.shared.fetch() == 2
        assert ends.kept == {
            "city-news": Programme("city-news", "早间新闻", "stream", "rtp://239.1.1.9:5004", CITY, False),
            "city-gym": Programme("city-gym", "早操", "file", "city-gong", CITY, False),
        }
        path = ends.county.services.library.path("city-gong")
        assert path.read_bytes() == tone(1.5)
        # A change of the file comes, the same file is not fetched again.
        before = path.stat().st_mtime_ns
        await ends.shared.fetch()
        assert path.stat().st_mtime_ns == before
        await ends.city.call("PUT", "/api/v1/recordings/gong", "duty", data=tone(2.0))
        await ends.shared.fetch()
        assert path.read_bytes() == tone(2.0)
        assert (await ends.city.get("/api/v1/recordings/secret", "weather")).status == 404


async def test_what_is_taken_back_goes_unless_it_is_played_here(tmp_path: Path, toolbox: Toolbox) -> None:
    async with pair(tmp_path) as ends:
        await ends.city.call("PUT", "/api/v1/recordings/gong", "duty", data=tone(1.5))
        await ends.put("news", NEWS)
        await ends.put("gym", GONG)
        await ends.shared.fetch()
        own = Programme("city-hall", "本地", "text", "早上好", COUNTY, False)
        await ends.county.daily.put_programme(own, "test")
        await ends.county.daily.put_schedule(replace(schedule(enabled=False), programme="city-news"), "test")
        for name in ("news", "gym"):
            await ends.city.call("DELETE", f"/api/v1/programmes/{name}", "duty")
        assert await ends.shared.fetch() == 0
        assert ends.kept.keys() == {"city-news", "city-hall"}
        assert [one.name for one in ends.county.services.library.names()] == []


async def test_what_is_ours_does_not_come_back_to_us(tmp_path: Path) -> None:
    async with pair(tmp_path) as ends:
        await ends.put("theirs", {**NEWS, "owner": COUNTY})
        assert await ends.shared.fetch() == 0
        assert ends.kept == {}


async def test_it_is_fetched_again_and_again_from_the_settings(tmp_path: Path) -> None:
    async with pair(tmp_path) as ends:
        (tmp_path / "key").write_text(ends.city.keys["weather"] + "\n")
        source = {"url": ends.city.base, "key_file": tmp_path / "key", "every_seconds": 0.05}
        settings = settings_for(tmp_path / "other", gateway={"code": COUNTY}, library={"city": source})
        async with Gateway(settings) as gate:
            await ends.put("news", NEWS)
            await until(lambda: "city-news" in gate.daily.programmes)
            await ends.put("news", {**NEWS, "title": "晚间新闻"})
            await until(lambda: gate.daily.programmes["city-news"].title == "晚间新闻")
        async with Gateway(settings_for(tmp_path / "other", gateway={"code": COUNTY})) as gate:
            assert gate.daily.programmes["city-news"].title == "晚间新闻"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no list of programmes"),
        (b"<html>", "no list of programmes"),
        (b'{"items": [{"id": 7}]}', "items.0"),
        (b'{"items": "' + b"x" * (5 << 20) + b'"}', "longer than"),
        (None, "HTTP 500"),
    ],
)
async def test_a_source_that_answers_nonsense_changes_nothing(tmp_path: Path, body: bytes | None, says: str) -> None:
    async def nonsense(request: web.Request) -> web.Response:
        return web.Response(status=500) if body is None else web.Response(body=body)

    app = web.Application()
    app.router.add_get("/api/v1/programmes", nonsense)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with Gateway(settings_for(tmp_path)) as gate:
            await gate.daily.put_programme(Programme("city-old", "旧", "text", "x", CITY, False), "test")
            assert runner.addresses
            shared = shared_with(gate, f"http://127.0.0.1:{runner.addresses[0][1]}", "key")
            with pytest.raises(LinkError, match=says):
                await shared.fetch()
            assert gate.daily.programmes.keys() == {"city-old"}
    finally:
        await runner.cleanup()


async def test_a_source_that_is_away_is_told_and_forgotten_when_it_is_back(tmp_path: Path) -> None:
    async with pair(tmp_path) as ends:
        gone = shared_with(ends.county, "http://127.0.0.1:9", "key")
        task = asyncio.create_task(gone.run())
        await until(lambda: "library_source" in alarms_of(ends.county))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        task = asyncio.create_task(ends.shared.run())
        await until(lambda: "library_source" not in alarms_of(ends.county))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
