"""Several warnings in one request: each answered by itself, nothing lost, the whole may be sent again."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from gateway.api.keys import holder_of, issue_key
from gateway.domain.codes import AreaCode
from gateway.publishers.rights import Publisher
from gateway.publishers.wrappers import Wrapper
from tests.api.apikit import CITY, COUNTY, Answer, Api, cap

pytestmark = pytest.mark.asyncio(loop_scope="module")
XML = {"Content-Type": "application/xml"}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def station(api: Api) -> None:
    """A publisher of one county that may send lists of alerts."""
    holder = Publisher("station", areas=(AreaCode(COUNTY),), wrappers=frozenset({Wrapper.ALERTS}), approval_needed=True)
    api.keys["station"], row = issue_key(holder, 0)
    await api.gateway.dispatch.state.store.write(row)


async def post(api: Api, *alerts: bytes, who: str = "station", path: str = "/api/v1/warnings") -> Answer:
    inner = b"".join(alert.partition(b"?>")[2] for alert in alerts)
    return await api.post(path, who, data=b"<alerts>" + inner + b"</alerts>", headers=XML)


def statuses(answer: Answer) -> list[int]:
    assert answer.status == 207, answer.raw
    return [item["status"] for item in answer.json["items"]]


async def test_each_warning_of_a_bundle_has_its_own_answer(api: Api) -> None:
    stranger = cap("B-2", code="350521", name="惠安县")
    answer = await post(api, cap("B-1"), stranger, cap("B-3", expires_in=-60), cap("B-4"))
    assert statuses(answer) == [202, 403, 422, 202]
    said = answer.json
    assert (said["wrapper"], said["taken"], said["known"], said["refused"]) == ("alerts", 2, 0, 2)
    items = said["items"]
    assert [item["identifier"] for item in items] == ["B-1", "B-2", "B-3", "B-4"]
    assert items[0]["acceptance"]["state"] == "awaiting_approval" and items[0]["problem"] is None
    assert items[1]["acceptance"] is None
    assert items[1]["problem"]["errors"][0]["code"] == "forbidden_area"
    assert items[2]["problem"]["errors"][0]["code"] == "expired"
    for item in (items[0], items[3]):
        kept = await api.get(item["acceptance"]["links"]["self"], "station")
        assert kept.json["identifier"] == item["identifier"]


async def test_the_same_bundle_again_gives_the_same_ids_and_takes_nothing_twice(api: Api) -> None:
    alerts = [cap("C-1"), cap("C-2")]
    first = await post(api, *alerts)
    again = await post(api, *alerts, cap("C-3"))
    assert statuses(again) == [200, 200, 202]
    ids = [item["acceptance"]["message_id"] for item in first.json["items"]]
    assert [item["acceptance"]["message_id"] for item in again.json["items"][:2]] == ids
    assert again.json["known"] == 2


async def test_one_of_a_bundle_is_the_same_warning_as_alone(api: Api) -> None:
    alone = cap("D-1")
    first = await api.post("/api/v1/warnings", "station", data=alone, headers=XML)
    assert first.status == 202
    assert statuses(await post(api, alone)) == [200]


async def test_twice_in_one_bundle_and_another_content_under_the_same_identity(api: Api) -> None:
    one = cap("E-1")
    answer = await post(api, one, one, one.replace("请注意防范".encode(), "另一内容".encode()))
    assert statuses(answer) == [202, 200, 409]


async def test_an_update_may_follow_what_it_updates_in_one_bundle(api: Api) -> None:
    first = cap("F-1")
    sent = first.partition(b"<sent>")[2].partition(b"</sent>")[0].decode()
    update = cap("F-2", kind="Update", references=f"anxi@weather.cn,F-1,{sent}")
    answer = await post(api, first, update)
    assert statuses(answer) == [202, 202]
    assert answer.json["items"][1]["acceptance"]["notices"] == answer.json["items"][0]["acceptance"]["notices"]


async def test_what_breaks_the_whole_is_an_ordinary_refusal(api: Api) -> None:
    assert (await post(api, cap("G-1"), who="weather")).codes == ["wrapped"]
    assert (await post(api)).codes == ["empty_bundle"]
    many: Any = await post(api, *[cap(f"G-{n}") for n in range(201)])
    assert (many.status, many.codes) == (422, ["too_many"])
    recording = await post(api, cap("G-1"), path="/api/v1/warnings?recording=x")
    assert recording.status == 422


async def test_the_right_to_wrap_is_kept_with_the_key(api: Api) -> None:
    holder = Publisher("kept", areas=(AreaCode(CITY),), wrappers=frozenset({Wrapper.ATOM}))
    _, row = issue_key(holder, 0)
    assert holder_of(row) == holder
