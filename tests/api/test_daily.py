"""Programmes, schedules and the calendar over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.apikit import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEWS = {"title": "早间新闻", "kind": "stream", "source": "rtp://239.1.1.9:5004", "shared": True}


def plan(**fields: Any) -> dict[str, Any]:
    return {
        "title": "早间新闻",
        "programme": "news",
        "areas": ["350524000000"],
        "at": "06:30",
        "seconds": 1800,
        **fields,
    }


async def test_a_programme_and_its_schedule_from_birth_to_end(api: Api) -> None:
    added = await api.call("PUT", "/api/v1/programmes/news", "duty", json=NEWS)
    assert (added.status, added.json["owner"]) == (201, "33505000000000103010101")
    assert (await api.call("PUT", "/api/v1/programmes/news", "duty", json=NEWS)).status == 200
    await api.call("PUT", "/api/v1/programmes/own", "duty", json={**NEWS, "shared": False, "kind": "text"})
    shared = await api.get("/api/v1/programmes?shared=true", "duty")
    assert [item["id"] for item in shared.json["items"]] == ["news"]
    made = await api.call("PUT", "/api/v1/schedules/dawn", "duty", json=plan(enabled=True))
    assert made.status == 201
    assert made.json["next_start"].endswith("22:30:00Z")
    assert (await api.get("/api/v1/schedules", "duty")).json["items"] == [made.json]
    assert (await api.call("DELETE", "/api/v1/programmes/news", "duty")).status == 409
    assert (await api.call("DELETE", "/api/v1/schedules/dawn", "duty")).status == 204
    assert (await api.call("DELETE", "/api/v1/schedules/dawn", "duty")).status == 404
    assert (await api.call("DELETE", "/api/v1/programmes/news", "duty")).status == 204


async def test_the_calendar_keeps_what_was_said_before(api: Api) -> None:
    url = "/api/v1/calendar"
    days = [{"day": "2027-10-01", "kind": "holiday", "name": "国庆节"}, {"day": "2027-09-26", "kind": "workday"}]
    assert (await api.call("PUT", url, "duty", json={"days": days})).status == 200
    await api.call("PUT", url, "duty", json={"days": [{"day": "2027-09-26", "kind": None}]})
    assert (await api.get(url, "duty")).json["days"] == [{"day": "2027-10-01", "kind": "holiday", "name": "国庆节"}]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"areas": ["999999000000"]}, "areas"),
        ({"areas": ["1"]}, "area"),
        ({"areas": []}, "areas"),
        ({"at": "25:00"}, "at"),
        ({"weekdays": [0]}, "weekdays"),
        ({"seconds": 0}, "seconds"),
        ({"holidays": "sometimes"}, "holidays"),
        ({"loud": True}, "loud"),
    ],
)
async def test_a_fault_is_named_by_its_field(api: Api, fields: dict[str, Any], path: str) -> None:
    await api.call("PUT", "/api/v1/programmes/news", "duty", json=NEWS)
    answer = await api.call("PUT", "/api/v1/schedules/dawn", "duty", json=plan(**fields))
    assert answer.status == 422
    assert any(path in error["path"] for error in answer.json["errors"])


async def test_a_schedule_without_its_programme_and_a_stream_without_an_address(api: Api) -> None:
    assert (await api.call("PUT", "/api/v1/schedules/dawn", "duty", json=plan(programme="none"))).status == 404
    bad = await api.call("PUT", "/api/v1/programmes/bad", "duty", json={**NEWS, "source": "file:///etc/passwd"})
    assert bad.status == 422
    assert (await api.call("PUT", "/api/v1/programmes/Upper", "duty", json=NEWS)).status == 404


async def test_publishers_have_no_business_here(api: Api) -> None:
    assert (await api.get("/api/v1/schedules", "weather")).status == 403
