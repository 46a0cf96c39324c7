"""Drills over HTTP: depths, secrets, marks, and the report."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.api.keys import issue_key
from gateway.daemon import Gateway
from gateway.domain.approval import Role
from gateway.domain.codes import AreaCode
from gateway.domain.warning import Status
from gateway.protocols.ip_bodies import StartBroadcast
from gateway.publishers.rights import KeyKind, Publisher
from tests.api.apikit import Answer, Api
from tests.gatewaykit import (
    BareTerminal,
    hang_up,
    keep_reference,
    report,
    result_report,
    settings_for,
    terminal,
    until,
)
from tests.tierkit import below
from tests.upstream.platform.test_downward import pair as pair

HERE, THERE = terminal("350524100001"), terminal("350524100002", 2)
URL = "/api/v1/drills"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def opened(gate: Gateway, client: aiohttp.ClientSession) -> Api:
    """The API with people who may hold drills."""
    api = Api(gate, client)
    for name, role in (("maker", Role.OPERATOR), ("other", Role.OPERATOR), ("chief", Role.ADMINISTRATOR)):
        holder = Publisher(name, KeyKind.OPERATOR, areas=(AreaCode("350500000000"),), role=role)
        api.keys[name], row = issue_key(holder, gate.state.clock())
        await gate.state.store.write(row)
    strict = Publisher("strict", KeyKind.OPERATOR, areas=(AreaCode("350500000000"),), statuses=(Status.ACTUAL,))
    api.keys["strict"], row = issue_key(strict, gate.state.clock())
    await gate.state.store.write(row)
    return api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with Gateway(settings_for(tmp_path)) as gate, aiohttp.ClientSession() as client:
        await gate.terminals.put([HERE, THERE], "test")
        yield await opened(gate, client)
        await hang_up()


async def hold(api: Api, who: str = "maker", **fields: Any) -> Answer:
    body = {
        "depth": "terminal",
        "title": "季度检验",
        "text": "请保持镇静。",
        "areas": ["350524100000"],
        "seconds": 60,
        **fields,
    }
    return await api.post(URL, who, json=body)


@pytest.mark.parametrize(("depth", "ebm_class"), [("front_end", 2), ("terminal", 3)])
async def test_a_drill_is_played_marked_and_reported(api: Api, depth: str, ebm_class: int) -> None:
    line = await BareTerminal.connect(api.gateway.ports.terminals, HERE)
    made = await hold(api, depth=depth)
    assert made.status == 202
    ebm_id = made.json["message_id"]
    await until(lambda: line.starts)
    body = line.starts[0].body
    assert isinstance(body, StartBroadcast) and body.ebm_class == ebm_class
    message = api.gateway.state.messages[ebm_id].message
    assert (message.headline, message.text) == ("【演练】季度检验", "【演练】请保持镇静。")
    await report(api.gateway.ports.feedback, result_report(HERE, ebm_id, 1, int(time.time())))

    async def told() -> dict[str, Any]:
        found: dict[str, Any] = (await api.get(f"{URL}/{ebm_id}", "other")).json
        return found

    deadline = time.monotonic() + 10
    while (await told())["coverage"]["reached"]["proven"]["terminals"] < 1 and time.monotonic() < deadline:
        pass
    found = await told()
    assert (found["depth"], found["state"], found["made_by"]) == (depth, "active", "maker")
    assert found["unreached"] == [str(THERE.code)] and found["unreached_count"] == 1
    assert found["times"]["first_frame"] >= 0 and len(found["times"]["playing"]) == 3
    listed = (await api.get("/api/v1/warnings", "maker")).json["items"]
    assert listed[0]["headline"].startswith("【演练】") and listed[0]["class"] == ebm_class


async def test_a_platform_drill_reaches_no_device(api: Api) -> None:
    line = await BareTerminal.connect(api.gateway.ports.terminals, HERE)
    made = await hold(api, depth="platform")
    found = (await api.get(f"{URL}/{made.json['message_id']}", "maker")).json
    assert (found["depth"], found["state"], found["times"]["first_frame"]) == ("platform", "active", None)
    assert not line.starts


async def test_a_platform_drill_reports_what_platforms_answered(pair: tuple[Gateway, Gateway]) -> None:
    city, _ = pair
    await city.terminals.put([below("350524100001")], "test")
    async with aiohttp.ClientSession() as client:
        api = await opened(city, client)
        made = await hold(api, depth="platform")
        url, deadline = f"{URL}/{made.json['message_id']}", time.monotonic() + 10
        found = (await api.get(url, "maker")).json
        while [one["state"] for one in found["packages"]] != ["delivered"] and time.monotonic() < deadline:
            found = (await api.get(url, "maker")).json
        (package,) = found["packages"]
        assert (package["peer"], package["state"], package["result"]) == ("anxi", "delivered", 1)


async def test_an_unannounced_drill_is_nobodys_business_before_it_begins(api: Api) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    made = await hold(api, announced=False, start=ahead)
    planned = await hold(api, start=ahead)
    ids = {made.json["message_id"], planned.json["message_id"]}

    async def seen(who: str) -> set[str]:
        return {item["message_id"] for item in (await api.get(URL, who)).json["items"]}

    assert await seen("maker") == await seen("chief") == ids
    assert await seen("other") == {planned.json["message_id"]}
    assert (await api.get(f"{URL}/{made.json['message_id']}", "other")).status == 404


async def test_what_is_wrong_is_refused(api: Api) -> None:
    assert (await hold(api, who="strict")).status == 403
    assert (await hold(api, depth="deep")).status == 422
    assert (await hold(api, areas=["999999000000"])).status == 422
    far = (datetime.now(UTC) + timedelta(days=40)).isoformat()
    assert (await hold(api, start=far)).status == 422
    assert (await api.get(f"{URL}/{'3' * 35}", "maker")).status == 404
