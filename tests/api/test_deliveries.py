"""Deliveries and coverage rise with what terminals say, and with nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.domain.receiver import Terminal
from tests.api.apikit import COUNTY, Answer, Api
from tests.gatewaykit import BareTerminal, report, result_report, task_report, terminal, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TALKER = terminal("350524100001")
MUTE = terminal("350524100001", 2)
AWAY = terminal("350524100201")
ELSEWHERE = terminal("350524101001")
TOWN = [{"code": "350524100", "name": "凤城镇"}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talker(api: Api) -> AsyncIterator[BareTerminal]:
    """A terminal that answers, beside others of the town that are not there."""
    await api.register(TALKER, MUTE, AWAY, ELSEWHERE)
    made = await BareTerminal.connect(api.gateway.ports.terminals, TALKER)
    yield made
    await made.close()


async def rows(api: Api, message: str, query: str = "") -> list[dict[str, object]]:
    answer = await api.get(f"/api/v1/warnings/{message}/deliveries?limit=1000{query}")
    assert answer.status == 200, answer.raw
    items: list[dict[str, object]] = answer.json["items"]
    return items


async def row(api: Api, message: str, of: Terminal) -> dict[str, object]:
    return next(item for item in await rows(api, message) if item["terminal"] == of.code)


async def rises(api: Api, message: str, of: Terminal, key: str, value: object) -> dict[str, object]:
    """Wait until one field of a delivery is as told."""
    deadline = time.monotonic() + 5
    while (found := await row(api, message, of))[key] != value:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.01)
    return found


async def coverage(api: Api, message: str, rule: str = "fraction") -> dict[str, object]:
    answer: Answer = await api.get(f"/api/v1/warnings/{message}/coverage?rule={rule}")
    assert answer.status == 200
    body: dict[str, object] = answer.json
    return body


async def test_a_delivery_climbs_by_what_its_terminal_says(api: Api, talker: BareTerminal) -> None:
    message = (await api.warn(areas=TOWN)).json["message_id"]
    found = await rises(api, message, TALKER, "rung", "acknowledged")
    assert found["outcome"] == "open"
    assert found["route"] == "ip"
    assert found["attempts"] == 1
    assert found["sessions"] == [talker.starts[-1].session]
    times: dict[str, str] = found["times"]  # type: ignore[assignment]
    assert found["starts"] == [{"at": times["sent"], "route": "ip", "session": talker.starts[-1].session}]
    assert found["result"] == {"code": 0, "words": found["result"]["words"]}  # type: ignore[index]
    assert found["connected"] is True
    assert found["reached"] is None
    assert found["stop"] == "none"
    now = int(time.time())
    await report(api.gateway.ports.feedback, task_report(TALKER, message, 1, now))
    found = await rises(api, message, TALKER, "rung", "playing")
    assert found["reached"] == "proven"
    assert found["authenticity"] == "address"
    await report(
        api.gateway.ports.feedback, task_report(TALKER, message, 2, now), result_report(TALKER, message, 1, now)
    )
    found = await rises(api, message, TALKER, "outcome", "done")
    assert found["rung"] == "played"
    times = found["times"]  # type: ignore[assignment]
    assert times["planned"] <= times["sent"] <= times["acknowledged"] <= times["playing"] <= times["played"]
    assert times["ended"] is not None
    evidence = found["evidence"]
    assert isinstance(evidence, list)
    assert [e["kind"] for e in evidence] == ["acknowledged", "playing", "task_ended", "played"]
    assert all(e["raw"].startswith("fefd") for e in evidence)
    away = await row(api, message, AWAY)
    assert (away["rung"], away["connected"], away["evidence"]) == ("planned", False, [])


async def test_coverage_counts_the_proven_and_keeps_the_shape_of_the_contract(api: Api, talker: BareTerminal) -> None:
    message = (await api.warn(areas=TOWN)).json["message_id"]
    before = await coverage(api, message)
    assert before["reached"]["proven"]["population"] == 0  # type: ignore[index]
    await report(api.gateway.ports.feedback, task_report(TALKER, message, 1, int(time.time())))
    body = await coverage(api, message)
    assert body.keys() == {
        "as_of",
        "rule",
        "target",
        "reached",
        "answered",
        "states",
        "outcomes",
        "areas",
        "population_source",
        "estimate",
        "timeline",
    }
    assert body["estimate"] is True
    assert body["target"]["terminals"] == 3  # type: ignore[index]
    proven = body["reached"]["proven"]  # type: ignore[index]
    assert (proven["terminals"], proven["villages"]) == (1, 1)
    lenient = (await coverage(api, message, "any"))["reached"]["proven"]  # type: ignore[index]
    # One of the two terminals of that village plays.
    assert lenient["population"] == pytest.approx(2 * proven["population"], abs=1)
    assert body["states"]["playing"] == 1  # type: ignore[index]
    assert sum(body["outcomes"].values()) == 3  # type: ignore[attr-defined]
    assert body["timeline"][-1]["proven"] == proven["population"]  # type: ignore[index]
    assert [area["code"] for area in body["areas"]] == [COUNTY]  # type: ignore[attr-defined]


async def test_a_cancel_shows_its_stop_until_it_is_answered(api: Api, talker: BareTerminal) -> None:
    message = (await api.warn(areas=TOWN)).json["message_id"]
    await rises(api, message, TALKER, "rung", "acknowledged")
    talker.answer_with = None
    stops = len(talker.stops)
    assert (await api.post(f"/api/v1/warnings/{message}/cancel")).status == 202
    found = await rises(api, message, TALKER, "stop", "sent")
    assert found["outcome"] == "cancelled"
    await until(lambda: len(talker.stops) > stops)
    talker.answer(talker.stops[-1], 0)
    found = await rises(api, message, TALKER, "stop", "acknowledged")
    assert found["stop_sessions"] == [talker.stops[-1].session]
    talker.answer_with = 0
    away = await row(api, message, AWAY)
    assert (away["outcome"], away["stop"]) == ("cancelled", "none")
    outcomes = (await coverage(api, message))["outcomes"]
    assert outcomes["cancelled"] == 3  # type: ignore[index]


async def test_a_silenced_area_is_cancelled_there_and_open_elsewhere(api: Api, talker: BareTerminal) -> None:
    message = (await api.warn()).json["message_id"]
    await rises(api, message, TALKER, "rung", "acknowledged")
    answer = await api.post("/api/v1/stop", "duty", json={"areas": ["350524100001"], "reason": "误播"})
    assert answer.status == 202
    assert {"message_id": message, "terminals": 2} in answer.json["messages"]
    found = await rises(api, message, TALKER, "stop", "acknowledged")
    assert found["outcome"] == "cancelled"
    assert (await row(api, message, MUTE))["outcome"] == "cancelled"
    assert (await row(api, message, AWAY))["outcome"] == "open"
    assert (await coverage(api, message))["outcomes"]["cancelled"] == 2  # type: ignore[index]


async def test_a_refusal_stays_visible_after_the_end(api: Api, talker: BareTerminal) -> None:
    talker.answer_with = 55
    message = (await api.warn(areas=TOWN)).json["message_id"]
    found = await rises(api, message, TALKER, "outcome", "refused")
    assert found["result"]["code"] == 55  # type: ignore[index]
    assert found["result"]["words"]  # type: ignore[index]
    talker.answer_with = 0
    await api.post(f"/api/v1/warnings/{message}/cancel")
    outcomes = (await coverage(api, message))["outcomes"]
    assert (outcomes["refused"], outcomes["cancelled"]) == (1, 2)  # type: ignore[index]


async def test_lists_are_paged_and_filtered(api: Api, talker: BareTerminal) -> None:
    message = (await api.warn()).json["message_id"]
    await rises(api, message, TALKER, "rung", "acknowledged")
    seen, cursor, pages = [], "", 0
    while True:
        page = (await api.get(f"/api/v1/warnings/{message}/deliveries?limit=3{cursor}")).json
        seen += [item["terminal"] for item in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert pages == 2
    assert sorted(seen) == sorted(t.code for t in (TALKER, MUTE, AWAY, ELSEWHERE))
    assert [i["terminal"] for i in await rows(api, message, "&rung=acknowledged")] == [TALKER.code]
    assert len(await rows(api, message, "&rung=planned&outcome=open")) == 3
    assert [i["terminal"] for i in await rows(api, message, "&area=350524101")] == [ELSEWHERE.code]
    assert await rows(api, message, "&outcome=done") == []


@pytest.mark.parametrize("query", ["rung=shouting", "outcome=lost", "area=x", "cursor=WyJhIl0", "limit=5000"])
async def test_a_filter_that_makes_no_sense_is_422(api: Api, query: str) -> None:
    message = (await api.warn(areas=TOWN)).json["message_id"]
    assert (await api.get(f"/api/v1/warnings/{message}/deliveries?{query}")).status == 422


async def test_a_message_that_left_memory_is_shown_from_the_store_as_it_was(api: Api, talker: BareTerminal) -> None:
    message = (await api.warn(areas=TOWN)).json["message_id"]
    await rises(api, message, TALKER, "rung", "acknowledged")
    now = int(time.time())
    await report(api.gateway.ports.feedback, task_report(TALKER, message, 1, now))
    await api.post(f"/api/v1/warnings/{message}/cancel")
    await rises(api, message, TALKER, "stop", "acknowledged")
    before, figures = await rows(api, message), await coverage(api, message)
    # What the lingering time does in the end.
    live = api.gateway.dispatch.state.messages.pop(message)
    try:
        await api.get(f"/api/v1/warnings/{message}/deliveries")
        books = await rows(api, message)
        again = await coverage(api, message)
    finally:
        api.gateway.dispatch.state.messages[message] = live
    assert books == before
    for key in ("target", "reached", "answered", "states", "outcomes", "areas"):
        assert again[key] == figures[key]


async def test_a_terminal_taken_out_of_the_registry_stays_in_the_book(api: Api, talker: BareTerminal) -> None:
    gone = terminal("350524100002")
    await api.register(gone)
    message = (await api.warn(areas=TOWN)).json["message_id"]
    assert (await api.call("DELETE", f"/api/v1/terminals/{gone.code}", "duty")).status == 204
    assert (await row(api, message, gone))["name"] == gone.name
    assert (await coverage(api, message))["target"]["terminals"] == 4  # type: ignore[index]


async def test_a_claim_from_an_unbound_source_is_claimed_and_not_proven(api: Api, talker: BareTerminal) -> None:
    """AWAY has no connection: a report in its name proves nothing."""
    message = (await api.warn(areas=TOWN)).json["message_id"]
    await report(api.gateway.ports.feedback, task_report(AWAY, message, 1, int(time.time())))
    found = await rises(api, message, AWAY, "rung", "playing")
    assert found["reached"] == "claimed"
    assert found["authenticity"] == "none"
    reached = (await coverage(api, message))["reached"]
    assert (reached["proven"]["terminals"], reached["claimed"]["terminals"]) == (0, 1)  # type: ignore[index]


async def test_a_message_waiting_for_approval_is_planned_everywhere(api: Api, talker: BareTerminal) -> None:
    taken = (await api.warn(who="careful", areas=TOWN)).json
    assert taken["state"] == "awaiting_approval"
    page = (await api.get(f"/api/v1/warnings/{taken['message_id']}/deliveries", "careful")).json
    assert {item["rung"] for item in page["items"]} == {"planned"}
