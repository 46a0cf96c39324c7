"""Approve, reject, cancel, stop."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.apikit import Api, warning
from tests.gatewaykit import terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "/api/v1/warnings"


async def waiting(api: Api) -> str:
    answer = await api.warn(who="careful")
    assert answer.json["state"] == "awaiting_approval"
    return str(answer.json["warning_id"])


async def test_an_operator_lets_a_waiting_message_go_on_air(api: Api) -> None:
    taken = await waiting(api)
    answer = await api.post(f"{URL}/{taken}/approve", "duty")
    assert (answer.status, answer.json["state"]) == (202, "active")
    shown = (await api.get(f"{URL}/{taken}", "duty")).json
    assert (shown["actor"], shown["activated_at"] is not None) == ("duty", True)
    assert (await api.post(f"{URL}/{taken}/approve", "duty")).status == 409


async def test_an_operator_refuses_a_waiting_message_for_a_reason(api: Api) -> None:
    taken = await waiting(api)
    answer = await api.post(f"{URL}/{taken}/reject", "duty", json={"reason": "文字有误"})
    assert (answer.status, answer.json["state"]) == (202, "rejected")
    assert (await api.get(f"{URL}/{taken}", "careful")).json["state_reason"] == "文字有误"
    assert (await api.post(f"{URL}/{taken}/reject", "duty")).status == 200
    assert (await api.post(f"{URL}/{taken}/cancel", "careful")).status == 409


@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_publishers_decide_nothing(api: Api, verb: str) -> None:
    taken = await waiting(api)
    answer = await api.post(f"{URL}/{taken}/{verb}", "careful")
    assert answer.status == 403
    assert answer.codes == ["forbidden_kind"]
    assert (await api.get(f"{URL}/{taken}", "careful")).json["state"] == "awaiting_approval"


async def test_cancel_is_202_then_200_by_either_id(api: Api) -> None:
    taken = (await api.warn()).json
    first = await api.post(f"{URL}/{taken['message_id']}/cancel", json={"reason": "误发"})
    assert (first.status, first.json["state"]) == (202, "cancelled")
    again = await api.post(f"{URL}/{taken['warning_id']}/cancel")
    assert (again.status, again.json["message_id"]) == (200, taken["message_id"])
    shown = (await api.get(f"{URL}/{taken['warning_id']}")).json
    assert (shown["state_reason"], shown["actor"]) == ("误发", "weather")


async def test_many_cancels_at_once_agree(api: Api) -> None:
    taken = (await api.warn()).json
    answers = await asyncio.gather(*(api.post(f"{URL}/{taken['message_id']}/cancel") for _ in range(8)))
    assert {a.status for a in answers} <= {200, 202}
    assert sum(a.status == 202 for a in answers) == 1


async def test_what_is_over_otherwise_cannot_be_cancelled(api: Api) -> None:
    body = warning()
    old = (await api.warn(body)).json
    await api.warn(kind="Update", references=[{"identifier": body["identifier"]}])
    answer = await api.post(f"{URL}/{old['message_id']}/cancel")
    assert answer.status == 409
    assert answer.codes == ["state_conflict"]


async def test_an_operator_acts_only_within_the_areas_of_its_key(api: Api) -> None:
    taken = (await api.warn()).json["warning_id"]
    answer = await api.post(f"{URL}/{taken}/cancel", "county duty")
    assert answer.status == 403
    assert answer.codes == ["forbidden_area"]
    assert (
        await api.post("/api/v1/stop", "county duty", json={"areas": ["350524000000"], "reason": "x"})
    ).status == 403


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"reason": 5}', "application/json", 422),
        (b'{"why": "x"}', "application/json", 422),
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"reason=x", "application/x-www-form-urlencoded", 415),
        (b'{"reason": "' + b"x" * 600 + b'"}', "application/json", 422),
    ],
)
async def test_a_decision_with_a_strange_body(api: Api, body: bytes, media_type: str, status: int) -> None:
    taken = (await api.warn()).json["warning_id"]
    answer = await api.post(f"{URL}/{taken}/cancel", data=body, headers={"Content-Type": media_type})
    assert answer.status == status
    assert (await api.get(f"{URL}/{taken}")).json["state"] == "active"


async def test_stop_silences_every_message_of_an_area(api: Api) -> None:
    await api.register(terminal("350524102001"), terminal("350524102002"))
    areas = [{"code": "350524102", "name": "湖头镇"}]
    taken = [(await api.warn(areas=areas)).json["message_id"] for _ in range(2)]
    answer = await api.post("/api/v1/stop", "duty", json={"areas": ["350524102000"], "reason": "误播"})
    assert answer.status == 202
    concerned = {m["message_id"]: m["terminals"] for m in answer.json["messages"]}
    assert {concerned[message] for message in taken} == {2}
    for message in taken:
        assert (await api.get(f"{URL}/{message}")).json["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"areas": [], "reason": "x"}, "areas"),
        ({"areas": ["350524000000"]}, "reason"),
        ({"areas": ["350524000000"], "reason": " "}, "reason"),
        ({"areas": ["350524000000", "3505"], "reason": "x"}, "areas/1"),
        ({"areas": ["110000000000"], "reason": "x"}, "areas/0"),
        ({"areas": "350524000000", "reason": "x"}, "areas"),
    ],
)
async def test_a_stop_names_known_divisions_and_a_reason(api: Api, body: dict[str, object], path: str) -> None:
    answer = await api.post("/api/v1/stop", "duty", json=body)
    assert answer.status == 422
    assert path in [error["path"] for error in answer.json["errors"]]
    assert (await api.post("/api/v1/stop", "weather", json=body)).status == 403
