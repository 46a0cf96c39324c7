"""Packages to and from peers, as operators read them: over HTTP, by the command, on the console."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.daemon import Gateway
from gateway.domain.people import Position
from tests.api.apikit import Api
from tests.console.consolekit import Room
from tests.gatewaykit import hang_up, keep_reference
from tests.peerkit import Neighbour, county, ebm


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def test_both_ways_are_listed_with_what_was_answered(tmp_path: Path) -> None:
    city = Neighbour()
    async with Gateway(county(tmp_path, city)) as gate, aiohttp.ClientSession() as client:
        city.port = gate.ports.platform
        api = Api(gate, client)
        await api.add_keys()
        assert (await city.send(ebm(1))).result == 1
        assert (await city.send(ebm(2))).result == 1
        path = "/api/v1/platform/packages"
        came = (await api.get(path, "duty")).json["items"]
        assert [one["kind"] for one in came] == ["EBM", "EBM"] and {one["peer"] for one in came} == {"n0"}
        assert {one["result"] for one in came} >= {1} and all(one["message_id"] for one in came if one["result"] == 1)
        first = (await api.get(f"{path}?limit=1", "duty")).json
        rest = (await api.get(f"{path}?limit=1&cursor={first['next']}", "duty")).json
        assert [*first["items"], *rest["items"]] == came
        assert (await api.get(path, "weather")).status == 403
        assert (await api.get(f"{path}?direction=up", "duty")).status == 422
        arguments = ["packages", "--url", api.base, "--key", api.keys["duty"]]
        done = await asyncio.to_thread(CliRunner().invoke, main, [*arguments, "--json"])
        # The gateway of this test logs to the same place.
        told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert [one["ebd_id"] for one in told] == [one["ebd_id"] for one in came]
        shown = await asyncio.to_thread(CliRunner().invoke, main, arguments)
        assert shown.exit_code == 0 and "EBM" in shown.stdout
        duty = Room(gate, [])
        visitor = await duty.visitor(Position.VIEWER)
        page = await visitor.get("/links")
        assert "收到 received" in page and "n0" in page
        for browser in duty.browsers:
            await browser.close()
        await hang_up()
