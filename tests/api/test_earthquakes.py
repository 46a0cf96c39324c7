"""Earthquake warnings over HTTP: whoever may is heard at once; reports of one event replace one another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.api.keys import issue_key
from gateway.daemon import Gateway
from gateway.domain.codes import AreaCode
from gateway.domain.message import EbmClass, MessageState
from gateway.domain.warning import Status
from gateway.protocols.ip_bodies import StartBroadcast
from gateway.publishers.rights import Publisher
from gateway.settings import Settings
from tests.api.apikit import Answer, Api
from tests.gatewaykit import BareTerminal, hang_up, keep_reference, settings_for, terminal, until

VILLAGE = terminal("350524100001")
URL = "/api/v1/earthquakes"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


def quick(folder: Path) -> Settings:
    return settings_for(folder, earthquake={"hold_seconds": 2.0})


async def opened(gate: Gateway, client: aiohttp.ClientSession, *, fresh: bool = True) -> Api:
    """The API with a key of the earthquake office, and one of somebody else."""
    api = Api(gate, client)
    if fresh:
        await api.add_keys()
        office = Publisher("seismic", areas=(AreaCode("350500000000"),), statuses=tuple(Status), earthquake=True)
        api.keys["seismic"], row = issue_key(office, gate.state.clock())
        await gate.state.store.write(row)
        await gate.terminals.put([VILLAGE], "test")
    return api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with Gateway(quick(tmp_path)) as gate, aiohttp.ClientSession() as client:
        yield await opened(gate, client)
        await hang_up()


def report(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A report of an event under 安溪 two seconds ago."""
    now = datetime.now(UTC)
    return {
        "event_id": "FJ1",
        "report": number,
        "sent": now.isoformat(),
        "origin": (now - timedelta(seconds=2)).isoformat(),
        "lat": 25.06,
        "lon": 118.19,
        "depth_km": 12,
        "magnitude": 5.8,
        "where": "福建安溪",
        **fields,
    }


async def send(api: Api, who: str = "seismic", **fields: Any) -> Answer:
    return await api.post(URL, who, json=report(**fields))


async def test_it_is_on_air_at_once_with_a_countdown_and_ends_by_itself(api: Api) -> None:
    line = await BareTerminal.connect(api.gateway.ports.terminals, VILLAGE)
    answer = await send(api)
    assert answer.status == 202
    areas = {area["name"]: area for area in answer.json["areas"]}
    assert areas["安溪县"]["seconds"] < areas["石狮市"]["seconds"] and areas["安溪县"]["intensity"] > 6
    await until(lambda: line.starts)
    body = line.starts[0].body
    assert isinstance(body, StartBroadcast) and (body.ebm_class, body.event, body.volume) == (4, "11C02", 100)
    (live,) = api.gateway.state.messages.values()
    assert live.message.text.startswith("地震预警！福建安溪发生5.8级地震。") and "秒后地震波到达" in live.message.text
    last = max(datetime.fromisoformat(area["arrival"]) for area in areas.values())
    assert abs((live.message.end - last).total_seconds() - 2.0) < 1.5
    await until(lambda: live.state is MessageState.ENDED, 30)


async def test_a_further_report_takes_the_place_of_the_one_before(api: Api) -> None:
    line = await BareTerminal.connect(api.gateway.ports.terminals, VILLAGE)
    first = (await send(api)).json["acceptance"]["message_id"]
    second = (await send(api, number=2, magnitude=6.4)).json["acceptance"]["message_id"]
    third = (await send(api, number=4, magnitude=6.1)).json["acceptance"]["message_id"]
    messages = api.gateway.state.messages
    assert [messages[m].state for m in (first, second, third)] == [
        MessageState.SUPERSEDED,
        MessageState.SUPERSEDED,
        MessageState.ACTIVE,
    ]
    await until(lambda: len(line.starts) == 3)
    late = await send(api, number=3, magnitude=7.5)
    assert (late.status, late.json["acceptance"]) == (200, None) and "4" in late.json["notices"][0]
    assert messages[third].state is MessageState.ACTIVE and len(messages) == 3


async def test_the_same_report_again_is_the_same(api: Api) -> None:
    body = report()
    first = await api.post(URL, "seismic", json=body)
    again = await api.post(URL, "seismic", json=body)
    assert (first.status, again.status) == (202, 200)
    assert first.json["acceptance"]["message_id"] == again.json["acceptance"]["message_id"]
    other = await api.post(URL, "seismic", json={**body, "magnitude": 7.0})
    assert other.status == 409


async def test_a_false_alarm_is_off_the_air(api: Api) -> None:
    line = await BareTerminal.connect(api.gateway.ports.terminals, VILLAGE)
    await send(api)
    await until(lambda: line.starts)
    gone = await send(api, number=2, kind="Cancel")
    assert gone.status == 202
    await until(lambda: line.stops)
    (live,) = api.gateway.state.messages.values()
    assert live.state is MessageState.CANCELLED
    assert (await send(api, event_id="FJ2", kind="Cancel")).codes == ["unknown_event"]


async def test_a_drill_is_no_emergency_and_says_so(api: Api) -> None:
    assert (await send(api, status="Exercise")).status == 202
    (live,) = api.gateway.state.messages.values()
    assert live.message.ebm_class is EbmClass.SIMULATED_DRILL and live.message.text.startswith("【演练】")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"magnitude": 1.0}, 422, "nobody_shaken"),
        ({"lat": 60.0}, 422, "nobody_shaken"),
        ({"origin": "2026-01-01T00:00:00+08:00"}, 422, "stale"),
        ({"report": 0}, 422, "bad_value"),
        ({"depth": 3}, 422, "unknown_field"),
        ({"origin": "2026-01-01T00:00:00"}, 422, "bad_value"),
        ({"areas": [{"code": "999999", "intensity": 6}]}, 422, "nobody_shaken"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, fields: dict[str, Any], status: int, code: str) -> None:
    answer = await api.post(URL, "seismic", json={**report(), **fields})
    assert (answer.status, answer.codes[0]) == (status, code)
    assert not api.gateway.state.messages


async def test_whoever_has_no_right_is_refused(api: Api) -> None:
    assert (await send(api, who="weather")).status == 403
    assert not api.gateway.state.messages


async def test_what_the_publisher_says_of_a_division_goes_over_what_is_computed(api: Api) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    areas = [{"code": "350526", "intensity": 7.2, "arrival": at}, {"code": "350524", "intensity": 2.0}]
    answer = await send(api, areas=areas)
    (area,) = answer.json["areas"]
    assert (area["name"], area["intensity"]) == ("德化县", 7.2) and 17 <= area["seconds"] <= 20


async def test_after_a_restart_older_reports_stay_older(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as client:
        async with Gateway(quick(tmp_path)) as gate:
            api = await opened(gate, client)
            assert (await send(api, number=5)).status == 202
            keys = api.keys
        async with Gateway(quick(tmp_path)) as gate:
            api = await opened(gate, client, fresh=False)
            api.keys = keys
            assert (await send(api, number=4)).json["acceptance"] is None
            newer = await send(api, number=6)
            assert newer.json["acceptance"]["state"] == "active"
            states = {live.state for live in gate.state.messages.values()}
            assert states == {MessageState.SUPERSEDED, MessageState.ACTIVE}


async def test_its_frames_go_before_all_others(api: Api) -> None:
    await api.warn(severity="red", headline="台风红色预警", event="11B01")
    await send(api)
    first = api.gateway.state.in_force()[0]
    assert first.message.event == "11C02"
