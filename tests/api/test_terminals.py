"""The registry over HTTP, and strangers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway.domain.receiver import Terminal
from tests.api.apikit import CSV_HEAD, Api
from tests.gatewaykit import BareTerminal, terminal, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "/api/v1/terminals"
CSV = {"Content-Type": "text/csv"}


def body(of: Terminal, **fields: Any) -> dict[str, Any]:
    return {"code": of.code, "physical_address": of.physical_address, "name": of.name, "area": of.area, **fields}


async def test_one_terminal_from_birth_to_end(api: Api) -> None:
    of = terminal("350524100001")
    added = await api.post(URL, "duty", json=body(of, lat=25.06, lon=118.18, radius_m=300))
    assert added.status == 201
    assert added.headers["Location"] == f"{URL}/{of.code}"
    shown = (await api.get(f"{URL}/{of.code}", "duty")).json
    assert shown == added.json
    assert (shown["area_name"], shown["lat"], shown["connected"]) == ("安溪县凤城镇下西社区居委会", 25.06, False)
    assert (await api.post(URL, "duty", json=body(of))).status == 409
    changed = await api.call("PUT", f"{URL}/{of.code}", "duty", json=body(of, name="新名", in_service=False))
    assert (changed.status, changed.json["name"], changed.json["in_service"]) == (200, "新名", False)
    assert (await api.call("DELETE", f"{URL}/{of.code}", "duty")).status == 204
    assert (await api.get(f"{URL}/{of.code}", "duty")).status == 404
    assert (await api.call("DELETE", f"{URL}/{of.code}", "duty")).status == 404
    again = await api.call("PUT", f"{URL}/{of.code}", "duty", json=body(of))
    assert again.status == 201


async def test_a_terminal_out_of_service_is_not_counted(api: Api) -> None:
    of = terminal("350524103001")
    await api.post(URL, "duty", json=body(of, in_service=False))
    assert (await api.warn(areas=[{"code": "350524103001"}])).json["targets"]["terminals"] == 0
    await api.call("PUT", f"{URL}/{of.code}", "duty", json=body(of))
    assert (await api.warn(areas=[{"code": "350524103001"}])).json["targets"]["terminals"] == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"code": "1"}, "code"),
        ({"physical_address": "xyz"}, "physical_address"),
        ({"area": "350524100002"}, "area"),
        ({"profile": "unheard"}, "profile"),
        ({"routes": ["rds"]}, "routes"),
        ({"routes": []}, "routes"),
        ({"lat": 91.0, "lon": 0.0}, "lat"),
        ({"radius_m": -1.0}, "radius_m"),
        ({"volume": 3}, "volume"),
        ({"lat": 25.0}, "lat, lon"),
    ],
)
async def test_a_fault_is_named_by_its_field(api: Api, fields: dict[str, Any], path: str) -> None:
    answer = await api.post(URL, "duty", json=body(terminal("350524100003"), **fields))
    assert answer.status == 422
    assert path in [error["path"].split("/")[0] for error in answer.json["errors"]]


async def test_the_code_in_the_path_and_in_the_body_agree(api: Api) -> None:
    of, other = terminal("350524100004"), terminal("350524100004", 2)
    assert (await api.call("PUT", f"{URL}/{of.code}", "duty", json=body(other))).status == 422


async def test_two_terminals_cannot_share_a_physical_address(api: Api) -> None:
    of, other = terminal("350524100005"), terminal("350524100005", 2)
    await api.post(URL, "duty", json=body(of))
    answer = await api.post(URL, "duty", json=body(other, physical_address=of.physical_address))
    assert answer.status == 409
    assert of.code in answer.json["detail"]


async def test_a_registry_file_is_imported_whole(api: Api) -> None:
    many = [terminal("350524100006", number) for number in range(1, 40)]
    rows = "".join(f"{t.code},{t.physical_address},{t.name},{t.area},,,,,,\n" for t in many)
    first = await api.post(URL, "duty", data=("\ufeff" + CSV_HEAD + rows).encode(), headers=CSV)
    assert (first.status, first.json) == (200, {"added": 39, "changed": 0})
    again = await api.post(URL, "duty", data=(CSV_HEAD + rows).encode(), headers=CSV)
    assert again.json == {"added": 0, "changed": 39}
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await api.get(f"{URL}?area=350524100006&limit=10{cursor}", "duty")).json
        seen += [item["code"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(t.code for t in many)


async def test_every_fault_of_a_registry_file_is_named_by_row_and_nothing_is_taken(api: Api) -> None:
    good = terminal("350524100007")
    rows = f"{good.code},{good.physical_address},{good.name},{good.area},,,,,,\n,00,x,350524100007,,,,,,\nx\n"
    answer = await api.post(URL, "duty", data=(CSV_HEAD + rows).encode(), headers=CSV)
    assert answer.status == 422
    paths = [error["path"] for error in answer.json["errors"]]
    assert "row 3/code" in paths
    assert "row 4/code" in paths
    assert (await api.get(f"{URL}/{good.code}", "duty")).status == 404


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", b"", b"code\n1\n", b'code,physical_address,name,area\n"' + b"x" * 200_000, b"\0\0\0"]
)
async def test_a_file_that_is_none(api: Api, data: bytes) -> None:
    answer = await api.post(URL, "duty", data=data, headers=CSV)
    assert answer.status == 422


async def test_other_media_types_are_415(api: Api) -> None:
    answer = await api.post(URL, "duty", data=b"x", headers={"Content-Type": "application/xml"})
    assert answer.status == 415
    assert answer.headers["Accept"] == "application/json, text/csv"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", URL), ("POST", URL), ("GET", f"{URL}/1"), ("PUT", f"{URL}/1"), ("DELETE", f"{URL}/1")],
)
async def test_the_registry_is_for_operators(api: Api, method: str, path: str) -> None:
    assert (await api.call(method, path, "weather")).status == 403
    assert (await api.call(method, path, None)).status == 401


async def test_an_operator_keeps_to_the_areas_of_its_key(api: Api) -> None:
    of = terminal("350524100008")
    assert (await api.post(URL, "county duty", json=body(of))).status == 403
    await api.post(URL, "duty", json=body(of))
    assert (await api.call("DELETE", f"{URL}/{of.code}", "county duty")).status == 403
    rows = f"{of.code},{of.physical_address},{of.name},{of.area},,,,,,\n"
    assert (await api.post(URL, "county duty", data=(CSV_HEAD + rows).encode(), headers=CSV)).status == 403


async def test_a_connected_terminal_shows_so_and_is_dropped_with_its_entry(api: Api) -> None:
    of = terminal("350524100009")
    await api.register(of)
    link = await BareTerminal.connect(api.gateway.ports.terminals, of)
    assert (await api.get(f"{URL}/{of.code}", "duty")).json["connected"] is True
    online = (await api.get("/api/v1/coverage?area=350524100009")).json["area"]
    assert (online["registered"], online["online"]) == (1, 1)
    await api.call("DELETE", f"{URL}/{of.code}", "duty")
    await until(link.reader.at_eof)
    await link.close()


async def test_who_is_not_in_the_registry_is_listed_as_a_stranger(api: Api) -> None:
    nobody = terminal("350524100010", 77)
    link = await BareTerminal.connect(api.gateway.ports.terminals, nobody)
    api.gateway.dispatch._write_strangers()
    deadline = time.monotonic() + 5
    while True:
        items = (await api.get("/api/v1/strangers", "duty")).json["items"]
        found = [item for item in items if item["source"] == nobody.code]
        if found:
            break
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert found[0]["reason"] == "unknown_code"
    assert found[0]["physical_address"] == nobody.physical_address
    assert (await api.get("/api/v1/strangers", "weather")).status == 403
    await link.close()


@pytest.mark.parametrize(("area", "status"), [("3505", 200), ("350524", 200), ("35052", 422), ("11", 404), ("x", 422)])
async def test_standing_coverage_of_a_division(api: Api, area: str, status: int) -> None:
    answer = await api.get(f"/api/v1/coverage?area={area}")
    assert answer.status == status
    if status == 200:
        assert answer.json.keys() == {"as_of", "area", "areas", "drilled_at", "population_source", "estimate"}
        assert answer.json["area"]["registered"] >= 1


async def test_standing_coverage_of_the_whole_region_needs_no_area(api: Api) -> None:
    body = (await api.get("/api/v1/coverage")).json
    assert body["area"]["code"] == "350500000000"
    assert body["area"]["population"] == 8_782_285
