"""Areas of words alone over HTTP: read and broadcast, or held until a person says which are meant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.apikit import Api, cap, warning
from tests.gatewaykit import terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "/api/v1/warnings"
IN_FENGCHENG, IN_HUTOU = terminal("350524100001"), terminal("350524102001")


def words(*names: str) -> dict[str, Any]:
    return {"areas": [{"name": name} for name in names]}


async def shown(api: Api, warning_id: str) -> Any:
    return (await api.get(f"{URL}/{warning_id}", "duty")).json


def open_alarms(api: Api, subject: str) -> list[str]:
    return [alarm.kind for alarm in api.gateway.state.alarms.open if alarm.subject == subject]


async def test_words_that_are_understood_go_on_air_and_are_kept_with_their_spans(api: Api) -> None:
    await api.register(IN_FENGCHENG, IN_HUTOU)
    answer = await api.warn(**words("安溪县凤城镇、湖头镇"))
    assert (answer.status, answer.json["state"]) == (202, "active")
    assert answer.json["targets"]["areas"] == answer.json["targets"]["terminals"] == 2
    kept = await shown(api, answer.json["warning_id"])
    assert [area["name"] for area in kept["areas"]] == ["安溪县凤城镇", "安溪县湖头镇"]
    [reading] = kept["area_text"]
    assert reading["text"] == "安溪县凤城镇、湖头镇"
    assert [(s["start"], s["end"], s["words"], s["rule"], s["doubt"], s["because"]) for s in reading["spans"]] == [
        (0, 6, "安溪县凤城镇", "parent", None, ""),
        (7, 10, "湖头镇", "inherited", None, ""),
    ]


async def test_a_coded_warning_has_no_reading(api: Api) -> None:
    taken = (await api.warn()).json
    assert (await shown(api, taken["warning_id"]))["area_text"] == []


@pytest.mark.parametrize("severity", ["orange", "red"])
async def test_words_in_doubt_wait_for_a_person_who_gives_the_areas(api: Api, severity: str) -> None:
    answer = await api.warn(**words("泉州中部和南部"), severity=severity, who="anything")
    assert (answer.status, answer.json["state"]) == (202, "awaiting_approval")
    assert answer.json["targets"] == {"areas": 0, "terminals": 0, "population": 0}
    said = [notice["message"] for notice in answer.json["notices"] if notice["code"] == "area_unresolved"]
    assert [("泉州中部" in said[0], "南部" in said[1]), len(said)] == [(True, True), 2]
    one, message = f"{URL}/{answer.json['warning_id']}", answer.json["message_id"]
    assert open_alarms(api, message) == ["areas_open"]
    kept = await shown(api, answer.json["warning_id"])
    assert [(s["doubt"], [a["code"] for a in s["areas"]]) for s in kept["area_text"][0]["spans"]] == [
        ("no_table_of_region", ["350500000000"])
    ] * 2
    assert "areas" in kept["scheme"]["approval"]["reasons"]
    assert (await api.post(f"{one}/approve", "duty")).status == 409

    given = await api.post(f"{one}/areas", "duty", json={"areas": ["350524102000", "350524100000"], "reason": "电话"})
    assert (given.status, given.json["state"]) == (202, "awaiting_approval")
    assert (given.json["targets"]["areas"], given.json["targets"]["terminals"]) == (2, 2)
    assert open_alarms(api, message) == []
    kept = await shown(api, answer.json["warning_id"])
    assert [area["code"] for area in kept["areas"]] == ["350524100000", "350524102000"]
    assert (await api.post(f"{one}/approve", "duty")).json["state"] == "active"
    deliveries = (await api.get(f"{one}/deliveries", "duty")).json["items"]
    assert sorted(item["area"] for item in deliveries) == ["350524100001", "350524102001"]
    late = await api.post(f"{one}/areas", "duty", json={"areas": ["350524000000"]})
    assert late.status == 409


async def test_areas_given_twice_count_as_they_were_given_last(api: Api) -> None:
    taken = (await api.warn(**words("凤城镇等乡镇"))).json
    one = f"{URL}/{taken['warning_id']}"
    assert taken["targets"]["areas"] == 1
    assert (await api.get(f"{one}/coverage", "duty")).json["target"]["terminals"] == 1
    await api.post(f"{one}/areas", "duty", json={"areas": ["350524000000", "350524102000"]})
    assert (await api.get(f"{one}/coverage", "duty")).json["target"]["terminals"] == 2
    await api.post(f"{one}/areas", "duty", json={"areas": ["350524102000"]})
    assert (await api.get(f"{one}/coverage", "duty")).json["target"]["terminals"] == 1
    [left] = (await api.get(f"{one}/deliveries", "duty")).json["items"]
    assert left["area"] == "350524102001"


async def test_what_was_understood_may_be_approved_as_it_is(api: Api) -> None:
    taken = (await api.warn(**words("安溪县凤城镇", "安溪县某某地"))).json
    assert (taken["state"], taken["targets"]["areas"]) == ("awaiting_approval", 1)
    answer = await api.post(f"{URL}/{taken['warning_id']}/approve", "duty")
    assert answer.json["state"] == "active"
    assert open_alarms(api, taken["message_id"]) == []


async def test_a_held_warning_may_be_rejected_and_sent_again_is_the_same(api: Api) -> None:
    body = warning(**words("官桥镇"), sender="office")
    first = (await api.warn(body)).json
    again = await api.warn(body)
    assert (again.status, again.json["warning_id"], again.json["state"]) == (
        200,
        first["warning_id"],
        "awaiting_approval",
    )
    assert [n["code"] for n in again.json["notices"]] == [n["code"] for n in first["notices"]]
    assert (await api.post(f"{URL}/{first['warning_id']}/reject", "duty")).json["state"] == "rejected"
    assert open_alarms(api, first["message_id"]) == []
    assert (
        await api.post(f"{URL}/{first['warning_id']}/areas", "duty", json={"areas": ["350524000000"]})
    ).status == 409


async def test_the_senders_code_settles_which_town(api: Api) -> None:
    taken = (await api.warn(**words("官桥镇"))).json
    kept = await shown(api, taken["warning_id"])
    assert [area["name"] for area in kept["areas"]] == ["安溪县官桥镇"]
    assert kept["area_text"][0]["spans"][0]["rule"] == "sender"


async def test_only_an_operator_of_these_areas_gives_them(api: Api) -> None:
    taken = (await api.warn(**words("安溪县某某地"))).json
    url, body = f"{URL}/{taken['warning_id']}/areas", {"areas": ["350524000000"]}
    assert (await api.post(url, "weather", json=body)).codes == ["forbidden_kind"]
    assert (await api.post(url, "county duty", json=body)).status == 403
    assert (await api.post(url, "duty", json={"areas": ["350524999000"]})).status == 422
    assert (await api.post(url, "duty", json={"areas": []})).status == 422
    assert (await api.post(f"{URL}/nothing/areas", "duty", json=body)).status == 404


async def test_rights_hold_for_areas_of_words_too(api: Api) -> None:
    answer = await api.warn(**words("永春县"))
    assert (answer.status, answer.codes) == (403, ["forbidden_area"])


@pytest.mark.parametrize(
    ("name", "code"), [("Anxi County", "no_area"), ("浙江省北部", "outside_region")], ids=["foreign", "elsewhere"]
)
async def test_words_that_cannot_be_ours_are_refused(api: Api, name: str, code: str) -> None:
    answer = await api.warn(**words(name), who="anything")
    assert (answer.status, answer.codes) == (422, [code])


async def test_an_area_of_our_json_form_has_a_code_or_a_name(api: Api) -> None:
    answer = await api.warn(areas=[{}])
    assert answer.status == 422
    assert answer.json["errors"][0]["path"] == "areas/0"


async def test_cap_without_a_geocode_is_read_too(api: Api) -> None:
    body = cap("text-1", name="安溪县：凤城镇、湖头镇").replace(
        b"<geocode><valueName>division</valueName><value>350524</value></geocode>", b""
    )
    answer = await api.post(URL, data=body, headers={"Content-Type": "application/cap+xml"})
    assert (answer.status, answer.json["state"], answer.json["targets"]["areas"]) == (202, "active", 2)
