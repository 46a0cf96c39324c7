"""Settings and queries over HTTP, to terminals that are really there."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.protocols.ip_bodies import ParameterSetting, StatusQuery
from gateway.protocols.parameters import LocalAddress, Parameter, ResourceCodeSetting, ReturnAddress
from tests.api.apikit import Api
from tests.gatewaykit import BareTerminal, hang_up, terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "/api/v1/requests"


async def test_one_terminal_is_set_and_says_so(api: Api) -> None:
    one = terminal("350524100005")
    await api.register(one)
    line = await BareTerminal.connect(api.gateway.ports.terminals, one)
    body = {
        "volume": 70,
        "network": {"ip": "10.1.2.3", "mask": "255.255.255.0", "gateway": "10.1.2.1"},
        "return_address": {"kind": "domain", "host": "eb.example.cn", "port": 7000},
        "resource_code": one.code,
        "amplifier": "on",
        "return_period_s": 60,
    }
    done = await api.post(f"/api/v1/terminals/{one.code}/parameters", "duty", json=body)
    assert (done.status, done.json["status"], done.json["counts"]) == (200, "done", {"done": 1})
    (device,) = done.json["devices"]
    assert (device["code"], device["route"], device["standing"]) == (one.code, "ip", "proven")
    (packet,) = line.heard
    assert isinstance(packet.body, ParameterSetting)
    assert packet.session == device["session"]
    volume, network, address, code, amplifier, period = packet.body.params
    assert (volume, amplifier, period) == (Parameter(1, 70), Parameter(5, 2), Parameter(7, 60))
    assert network.value == LocalAddress("10.1.2.3", "255.255.255.0", "10.1.2.1")
    assert address.value == ReturnAddress(2, "eb.example.cn", 7000)
    assert isinstance(code.value, ResourceCodeSetting)
    assert code.value.code.code == one.code
    await hang_up()


async def test_a_region_answers_one_by_one(api: Api) -> None:
    here, gone = terminal("350524105001"), terminal("350524105002")
    await api.register(here, gone)
    line = await BareTerminal.connect(api.gateway.ports.terminals, here)
    done = await api.post(URL, "duty", json={"areas": ["350524105000"], "parameters": {"clock": "now"}})
    assert (done.json["status"], done.json["counts"]) == ("partial", {"done": 1, "unreachable": 1})
    assert isinstance(line.heard[0].body, ParameterSetting)
    await hang_up()


async def test_a_query_that_is_refused_is_told_as_such(api: Api) -> None:
    one = terminal("350524100006")
    await api.register(one)
    line = await BareTerminal.connect(api.gateway.ports.terminals, one, answer_with=54)
    done = await api.post(f"/api/v1/terminals/{one.code}/query", "duty", json={"items": ["volume", "software"]})
    assert [(d["status"], d["result"]) for d in done.json["devices"]] == [("refused", 54)]
    (packet,) = line.heard
    assert packet.body == StatusQuery((1, 10))
    await hang_up()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"areas": ["350524000000"]}, 422),
        ({"parameters": {"volume": 1}}, 422),
        ({"areas": ["350524000000"], "terminals": ["1"], "parameters": {"volume": 1}}, 422),
        ({"areas": ["350524000000"], "parameters": {"resource_code": "63505241000050314010401"}}, 422),
        ({"areas": ["350524000000"], "parameters": {}}, 422),
        ({"areas": ["350524000000"], "parameters": {"volume": 101}}, 422),
        ({"areas": ["350524000000"], "parameters": {"return_address": {"kind": "ip", "host": "10.1.2.3"}}}, 422),
        ({"areas": ["350524000000"], "query": {"items": ["mood"]}}, 422),
        ({"areas": ["999999000000"], "query": {"items": ["volume"]}}, 422),
        ({"terminals": ["63505249990010314010401"], "query": {"items": ["volume"]}}, 422),
        ({"areas": ["350526000000"], "query": {"items": ["volume"]}}, 404),
    ],
)
async def test_bad_requests_go_to_nobody(api: Api, body: dict[str, Any], status: int) -> None:
    assert (await api.post(URL, "duty", json=body)).status == status


async def test_whoever_holds_no_key_for_an_area_sets_nothing_there(api: Api) -> None:
    one = terminal("350582104001")
    await api.register(one)
    done = await api.post(f"/api/v1/terminals/{one.code}/parameters", "county duty", json={"volume": 70})
    assert done.status == 403
    assert (await api.post(f"/api/v1/terminals/{one.code}/query", "weather", json={"items": ["volume"]})).status == 403
    assert (await api.post("/api/v1/terminals/1/query", "duty", json={"items": ["volume"]})).status == 404
