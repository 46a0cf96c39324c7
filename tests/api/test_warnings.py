"""POST and GET of warnings."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.api.apikit import CAP, COUNTY, Api, cap, warning
from tests.gatewaykit import terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "/api/v1/warnings"


async def test_a_warning_is_taken_with_its_ids_counts_and_links(api: Api) -> None:
    await api.register(terminal("350524100001"))
    answer = await api.warn()
    assert answer.status == 202
    body = answer.json
    assert body.keys() == {"warning_id", "message_id", "state", "targets", "notices", "links"}
    assert len(body["message_id"]) == 35
    assert body["state"] == "active"
    assert body["targets"] == {"areas": 1, "terminals": 1, "population": body["targets"]["population"]}
    assert body["targets"]["population"] > 900_000
    assert body["notices"] == []
    for link in ("self", "deliveries", "coverage"):
        assert (await api.get(body["links"][link])).status == 200


@pytest.mark.parametrize("media_type", [CAP, "application/xml", "text/xml; charset=utf-8"])
async def test_cap_is_taken_under_each_of_its_media_types(api: Api, media_type: str) -> None:
    body = cap(f"cap-{media_type[:9]}-{len(media_type)}")
    answer = await api.post(URL, data=body, headers={"Content-Type": media_type})
    assert answer.status == 202
    assert answer.json["targets"]["areas"] == 1


async def test_the_same_again_is_200_with_the_same_ids_whatever_its_bytes(api: Api) -> None:
    body = warning()
    first = await api.warn(body)
    reordered = json.dumps(dict(reversed(body.items())), indent=3, ensure_ascii=True).encode()
    again = await api.post(URL, data=reordered, headers={"Content-Type": "application/json"})
    assert (first.status, again.status) == (202, 200)
    assert again.json == first.json


async def test_the_same_again_tells_the_present_state(api: Api) -> None:
    body = warning()
    first = await api.warn(body)
    assert (await api.post(f"{URL}/{first.json['warning_id']}/cancel")).status == 202
    again = await api.warn(body)
    assert again.status == 200
    assert again.json["message_id"] == first.json["message_id"]
    assert again.json["state"] == "cancelled"


async def test_the_same_identity_with_other_content_is_a_conflict(api: Api) -> None:
    body = warning()
    assert (await api.warn(body)).status == 202
    answer = await api.warn({**body, "text": "别的内容。"})
    assert answer.status == 409
    assert answer.codes == ["identity_conflict"]


async def test_an_expired_warning_that_came_before_is_the_same_again(api: Api) -> None:
    body = cap("soon-over", expires_in=1)
    headers = {"Content-Type": CAP}
    first = await api.post(URL, data=body, headers=headers)
    assert first.status == 202
    deadline = asyncio.get_running_loop().time() + 5
    while (await api.get(f"{URL}/{first.json['warning_id']}")).json["state"] != "ended":
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)
    again = await api.post(URL, data=body, headers=headers)
    assert again.status == 200
    assert again.json["message_id"] == first.json["message_id"]
    assert again.json["state"] == "ended"


async def test_twenty_identical_posts_at_once_make_one_message(api: Api) -> None:
    body = warning()
    answers = await asyncio.gather(*(api.warn(body) for _ in range(20)))
    assert sorted(a.status for a in answers) == [200] * 19 + [202]
    assert len({a.json["message_id"] for a in answers}) == 1
    assert len({a.json["warning_id"] for a in answers}) == 1


async def test_no_terminal_in_the_area_is_taken_with_a_notice_and_an_alarm(api: Api) -> None:
    answer = await api.warn(areas=[{"code": "350582", "name": "晋江市"}])
    assert answer.status == 202
    assert answer.json["targets"]["terminals"] == 0
    assert [n["code"] for n in answer.json["notices"]] == ["no_terminals"]
    alarms = (await api.get("/api/v1/alarms?open=true", "duty")).json["items"]
    assert ("no_terminals", answer.json["message_id"]) in {(a["kind"], a["subject"]) for a in alarms}


@pytest.mark.parametrize(("name", "code"), [("陈埭镇", "area_name_mismatch"), ("", "area_ambiguous")])
async def test_a_code_with_two_readings_is_refused_with_both_named(api: Api, name: str, code: str) -> None:
    """晋江: 350582101 is 安海 to the bureau and 陈埭 to the ministry."""
    answer = await api.warn(areas=[{"code": "350582101", "name": name}])
    assert answer.status == 422
    assert answer.codes == [code]
    words = answer.json["errors"][0]["message"]
    assert "安海镇" in words
    assert "陈埭镇" in words


async def test_a_code_whose_name_agrees_is_taken(api: Api) -> None:
    answer = await api.warn(areas=[{"code": "350582101", "name": "安海镇"}])
    assert answer.status == 202
    shown = (await api.get(answer.json["links"]["self"])).json
    assert shown["areas"] == [{"code": "350582101000", "name": "晋江市安海镇"}]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": "Draft"}, "draft"),
        ({"scope": "Restricted"}, "scope_not_public"),
        ({"expires": "2020-01-01T00:00:00+08:00"}, "expired"),
        ({"areas": [{"code": "110000"}]}, "outside_region"),
        ({"areas": [{"code": "350599"}]}, "unknown_area"),
        ({"text": "", "headline": ""}, "no_text"),
        ({"severity": "purple"}, "bad_value"),
        ({"unheard": 1}, "unknown_field"),
        ({"sent": "yesterday"}, "bad_value"),
        ({"areas": [{"code": "350524"}] * 2001}, "too_many"),
    ],
)
async def test_what_may_not_be_broadcast_is_422_with_its_rule(api: Api, fields: dict[str, object], code: str) -> None:
    body = warning(**fields)
    answer = await api.warn(body, "anything")
    assert answer.status == 422, answer.raw
    assert code in answer.codes
    listed = (await api.get(f"{URL}?limit=1", "anything")).json["items"]
    assert [item for item in listed if item["identifier"] == body["identifier"]] == []


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1, 2]", "application/json", 422),
        (b"", "application/json", 400),
        (b"<alert", CAP, 400),
        (b"[" * 200_000, "application/json", 400),
        (b"<feed/>", "application/xml", 422),
        (b"x", "text/plain", 415),
        (b"x", "application/octet-stream", 415),
    ],
)
async def test_bodies_that_are_no_warning(api: Api, body: bytes, media_type: str, status: int) -> None:
    answer = await api.post(URL, data=body, headers={"Content-Type": media_type})
    assert answer.status == status, answer.raw
    if status == 415:
        assert CAP in answer.headers["Accept"]


async def test_a_cancel_ends_the_message_and_names_it(api: Api) -> None:
    first = await api.post(URL, data=cap("to-cancel", sent="2026-11-23T14:15:00+08:00"), headers={"Content-Type": CAP})
    assert first.status == 202
    body = cap("the-cancel", kind="Cancel", references="anxi@weather.cn,to-cancel,2026-11-23T14:15:00+08:00")
    answer = await api.post(URL, data=body, headers={"Content-Type": CAP})
    assert answer.status == 202
    assert answer.json["message_id"] == first.json["message_id"]
    assert answer.json["state"] == "cancelled"
    again = await api.post(URL, data=body, headers={"Content-Type": CAP})
    assert again.status == 200
    assert again.json["warning_id"] == answer.json["warning_id"]
    assert (await api.get(f"{URL}/{first.json['warning_id']}")).json["state"] == "cancelled"


async def test_a_cancel_of_nothing_known_is_an_unknown_reference(api: Api) -> None:
    body = cap("lost-cancel", kind="Cancel", references="anxi@weather.cn,never-sent,2026-11-23T14:15:00+08:00")
    answer = await api.post(URL, data=body, headers={"Content-Type": CAP})
    assert answer.status == 422
    assert answer.codes == ["unknown_reference"]


async def test_somebody_elses_warning_is_not_to_be_cancelled_or_seen(api: Api) -> None:
    first = await api.warn()
    taken = first.json["warning_id"]
    body = warning(
        kind="Cancel",
        references=[{"identifier": (await api.get(f"{URL}/{taken}")).json["identifier"]}],
        areas=[],
        status="Actual",
    )
    answer = await api.warn(body, "careful")
    assert answer.status == 403
    assert answer.codes == ["forbidden_reference"]
    for path in ("", "/deliveries", "/coverage"):
        assert (await api.get(f"{URL}/{taken}{path}", "narrow")).status == 403
        assert (await api.get(f"{URL}/{taken}{path}", "duty")).status == 200
    assert (await api.post(f"{URL}/{taken}/cancel", "narrow")).status == 403


async def test_an_update_takes_the_place_of_what_it_names(api: Api) -> None:
    body = warning()
    first = await api.warn(body)
    references = [{"identifier": body["identifier"], "sender": body["sender"], "sent": body["sent"]}]
    second = await api.warn(kind="Update", references=references)
    assert second.status == 202
    assert second.json["message_id"] != first.json["message_id"]
    assert (await api.get(f"{URL}/{first.json['message_id']}")).json["state"] == "superseded"
    assert (await api.get(f"{URL}/{second.json['message_id']}")).json["supersedes"] == first.json["message_id"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": "Actual"}, "forbidden_status"),
        ({"status": "Exercise", "severity": "red"}, "forbidden_severity"),
        ({"status": "Exercise", "severity": "yellow", "event": "11B01"}, "forbidden_event"),
        ({"status": "Exercise", "severity": "yellow", "event": "11B03"}, "forbidden_area"),
    ],
)
async def test_each_right_of_a_key_is_held(api: Api, fields: dict[str, str], code: str) -> None:
    answer = await api.warn(warning(**fields), "narrow")
    assert answer.status == 403
    assert answer.codes == [code]


async def test_within_its_rights_a_narrow_key_is_heard(api: Api) -> None:
    body = warning(status="Exercise", severity="yellow", areas=[{"code": "350521", "name": "惠安县"}])
    answer = await api.warn(body, "narrow")
    assert answer.status == 202


async def test_rights_come_before_rules(api: Api) -> None:
    answer = await api.warn(warning(status="Actual", expires="2020-01-01T00:00:00+08:00"), "narrow")
    assert answer.status == 403


async def test_the_list_pages_to_its_end_newest_first_and_shows_publishers_their_own(api: Api) -> None:
    mine = [(await api.warn()).json["warning_id"] for _ in range(5)]
    theirs = (await api.warn(who="careful")).json["warning_id"]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await api.get(f"{URL}?limit=2{cursor}")).json
        assert len(page["items"]) <= 2
        seen.extend(item["warning_id"] for item in page["items"])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen))
    assert [w for w in seen if w in mine] == list(reversed(mine))
    assert theirs not in seen
    everything = (await api.get(f"{URL}?limit=1000", "duty")).json["items"]
    assert {theirs, *mine} <= {item["warning_id"] for item in everything}


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=%00", "cursor=bm9uZQ", "offset=3"])
async def test_paging_that_makes_no_sense_is_422(api: Api, query: str) -> None:
    assert (await api.get(f"{URL}?{query}")).status == 422


async def test_one_warning_is_shown_by_either_of_its_ids(api: Api) -> None:
    taken = (await api.warn()).json
    by_warning = (await api.get(f"{URL}/{taken['warning_id']}")).json
    by_message = (await api.get(f"{URL}/{taken['message_id']}")).json
    assert by_warning == by_message
    assert by_warning["areas"] == [{"code": COUNTY, "name": "安溪县"}]
    assert by_warning["class"] == 4
    assert by_warning["publisher"] == "weather"


@pytest.mark.parametrize("name", ["nothing", "0" * 35, "%00", "a" * 3000, "%F0%9F%94%94"])
async def test_what_is_not_there_is_404(api: Api, name: str) -> None:
    for path in ("", "/deliveries", "/coverage"):
        assert (await api.get(f"{URL}/{name}{path}")).status in (404, 422)
    assert (await api.post(f"{URL}/{name}/cancel")).status in (404, 422)


async def test_what_the_mapping_made_of_a_warning_is_kept_with_it(api: Api) -> None:
    taken = await api.warn(severity="yellow")
    shown = await api.get(f"/api/v1/warnings/{taken.json['warning_id']}")
    by_rule = {one["rule"]: (one["given"], one["result"]) for one in shown.json["mapping"]}
    assert by_rule["M06"] == ("yellow", "3") and by_rule["M14"] == ("安溪县 (code)", "350524000000")
