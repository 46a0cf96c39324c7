"""Approval by a second person, roles, override, escalation, quiet hours, hours of keys, heartbeats, suppressions."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.api.keys import issue_key
from gateway.daemon import Gateway
from gateway.domain.approval import Role
from gateway.domain.codes import AreaCode
from gateway.domain.hours import Hours
from gateway.domain.message import MessageState
from gateway.domain.zone import BEIJING
from gateway.programmes.toolbox import Toolbox
from gateway.publishers.rights import KeyKind, Publisher
from gateway.store import queries
from tests.api.apikit import Api, warning
from tests.gatewaykit import alarms_of, hang_up, keep_reference, settings_for, until
from tests.ports import consecutive_ports

CITY = (AreaCode("350500000000"),)


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@asynccontextmanager
async def office(
    folder: Path, *, fresh: bool = True, keys: dict[str, str] | None = None, **more: Any
) -> AsyncIterator[Api]:
    """A gateway with people of each role; ``approval`` and other sections by keyword."""
    async with Gateway(settings_for(folder, **more)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client, dict(keys or {}))
        if fresh:
            await api.add_keys()
            for role in Role:
                holder = Publisher(role.value, KeyKind.OPERATOR, areas=CITY, role=role)
                api.keys[role.value], row = issue_key(holder, gate.state.clock())
                await gate.state.store.write(row)
        yield api
        await hang_up()


async def waiting(api: Api, who: str = "careful", **fields: Any) -> str:
    """A warning that waits; its EBM id."""
    answer = await api.warn(who=who, **fields)
    assert answer.json["state"] == "awaiting_approval", answer.raw
    return str(answer.json["message_id"])


async def approve(api: Api, ebm_id: str, who: str, **body: Any) -> int:
    return (await api.post(f"/api/v1/warnings/{ebm_id}/approve", who, json=body)).status


async def test_nobody_approves_what_he_published_but_another_does(tmp_path: Path) -> None:
    async with office(tmp_path, approval={"severities": ["orange"]}) as api:
        own = await waiting(api, who="operator")
        refused = await api.post(f"/api/v1/warnings/{own}/approve", "operator", json={})
        assert refused.status == 403 and "own_message" in refused.json["errors"][0]["message"]
        assert await approve(api, own, "approver") == 202
        assert api.gateway.state.messages[own].state is MessageState.ACTIVE


async def test_a_role_that_does_not_suffice_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path, approval={"role": "approver"}) as api:
        one = await waiting(api)
        assert await approve(api, one, "operator") == 403
        assert await approve(api, one, "approver") == 202
    async with office(tmp_path / "two", approval={"role": "台长"}) as api:
        # A role of which nobody knows the rank asks for the highest.
        two = await waiting(api)
        assert await approve(api, two, "approver") == 403
        assert await approve(api, two, "administrator") == 202


async def test_an_administrator_overrides_with_a_reason_that_is_kept(tmp_path: Path) -> None:
    async with office(tmp_path, approval={"severities": ["orange"]}) as api:
        own = await waiting(api, who="administrator")
        assert await approve(api, own, "administrator") == 403
        assert await approve(api, own, "administrator", override=True) == 422
        assert await approve(api, own, "administrator", override=True, reason="夜间仅一人在岗") == 202
        page = await api.gateway.state.store.read(queries.audit_page)
        (row,) = [row for row in page.items if row.action == "approve_override"]
        assert (row.actor, row.subject) == ("administrator", own)
        assert row.detail == {"rule": "own_message", "reason": "夜间仅一人在岗"}
        other = await waiting(api)
        assert await approve(api, other, "operator", override=True, reason="急") == 202


async def test_a_waiting_message_is_told_again_and_higher_and_then_no_more(tmp_path: Path) -> None:
    rules = {"escalate_seconds": [0.2, 0.5]}
    async with office(tmp_path, approval=rules) as api:
        one = await waiting(api)

        def words() -> str:
            return next((a.text for a in api.gateway.state.alarms.open if a.kind == "approval_waiting"), "")

        await until(lambda: "operator" in words())
        await until(lambda: "approver" in words())
        assert await approve(api, one, "approver") == 202
        await until(lambda: "approval_waiting" not in alarms_of(api.gateway))


async def test_what_nobody_decides_goes_on_air_by_rule_and_over_a_restart(tmp_path: Path) -> None:
    rules = {"automatic": ["orange"], "automatic_seconds": 1.5, "severities": ["orange", "yellow"]}
    async with office(tmp_path, approval=rules) as api:
        soon, never = await waiting(api), await waiting(api, severity="yellow")
        keys = api.keys
    async with office(tmp_path, fresh=False, keys=keys, approval=rules) as api:
        messages = api.gateway.state.messages
        await until(lambda: messages[soon].state is MessageState.ACTIVE)
        assert messages[never].state is MessageState.AWAITING_APPROVAL


async def test_a_message_that_lapses_unseen_is_an_alarm(tmp_path: Path) -> None:
    async with office(tmp_path) as api:
        soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
        one = await waiting(api, expires=soon)
        await until(lambda: "approval_lapsed" in alarms_of(api.gateway), 15)
        assert api.gateway.state.messages[one].state is MessageState.EXPIRED


async def test_air_time_is_counted_from_the_approval_and_waiting_ends_with_the_warning(tmp_path: Path) -> None:
    async with office(tmp_path, air_time={"orange": 600}) as api:
        later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        one, two = await waiting(api, expires=later.isoformat()), await waiting(api)
        state = api.gateway.state
        before = state.messages[one].message
        for minutes, length in ((30, timedelta(minutes=10)), (55, timedelta(minutes=5))):
            then = before.start.replace(microsecond=0) + timedelta(minutes=minutes)
            off = before.put_off(then, then + timedelta(minutes=60 - minutes))
            assert (off.start, off.end - off.start) == (then, length)
        state.clock = lambda: time.time() + 1800
        assert await approve(api, one, "approver") == 202
        on_air = state.messages[one].message
        assert before.end < on_air.start and on_air.end - on_air.start == timedelta(minutes=10)
        row = await state.store.read(queries.message_by_id, one)
        assert row is not None and (row.start_at, row.end_at) == (on_air.start.timestamp(), on_air.end.timestamp())
        scheme = state.messages[two].scheme.facts()
        # A warning that names no expiry waits for a day.
        assert datetime.fromisoformat(scheme["valid_until"]) - before.start >= timedelta(hours=23)


def _around(now: datetime) -> str:
    """Hours that hold now, and end in two hours."""
    here = now.astimezone(BEIJING)
    return f"{here - timedelta(hours=1):%H:%M}-{here + timedelta(hours=2):%H:%M}"


async def test_quiet_hours_hold_low_levels_and_no_others(tmp_path: Path) -> None:
    quiet = {"hours": [_around(datetime.now(UTC))], "severities": ["blue", "yellow"]}
    async with office(tmp_path, quiet_hours=quiet) as api:
        low = await api.warn(severity="blue")
        assert (low.status, low.json["state"]) == (202, "accepted")
        assert [n["code"] for n in low.json["notices"] if n["code"] == "quiet_hours"] == ["quiet_hours"]
        live = api.gateway.state.messages[low.json["message_id"]]
        ahead = (live.message.start - datetime.now(UTC)).total_seconds()
        assert 3600 < ahead <= 7200 and live.message.end > live.message.start
        assert "held" in live.scheme.quiet
        high = await api.warn(severity="orange")
        assert high.json["state"] == "active"
        # One that is over before they end is played softly instead.
        soon = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
        short = await api.warn(severity="blue", expires=soon)
        assert short.json["state"] == "active"
        assert api.gateway.state.messages[short.json["message_id"]].message.volume == 30


async def test_quiet_hours_may_soften_instead(tmp_path: Path) -> None:
    quiet = {"hours": [_around(datetime.now(UTC))], "mode": "soft", "volume": 20}
    async with office(tmp_path, quiet_hours=quiet) as api:
        low = await api.warn(severity="blue")
        assert api.gateway.state.messages[low.json["message_id"]].message.volume == 20


async def test_a_key_publishes_within_its_hours_and_cancels_always(tmp_path: Path) -> None:
    now = datetime.now(BEIJING)
    span = f"{now - timedelta(hours=3):%H:%M}-{now - timedelta(hours=2):%H:%M}"
    async with office(tmp_path) as api:
        for name, hours in (("village", Hours.parse([span])), ("town", Hours.parse([_around(now)]))):
            holder = Publisher(name, areas=CITY, hours=hours)
            api.keys[name], row = issue_key(holder, api.gateway.state.clock())
            await api.gateway.state.store.write(row)
        refused = await api.warn(who="village")
        assert refused.status == 403 and span in refused.json["errors"][0]["message"]
        assert (await api.warn(who="town")).status == 202


async def test_silence_of_a_publisher_is_an_alarm_until_it_is_heard(tmp_path: Path) -> None:
    async with office(tmp_path, publishers={"weather": {"heartbeat_seconds": 0.5}}) as api:
        await until(lambda: "publisher_silent" in alarms_of(api.gateway))
        assert (await api.post("/api/v1/heartbeat", "weather")).status == 204
        await until(lambda: "publisher_silent" not in alarms_of(api.gateway))


async def test_each_suppression_is_listed_with_its_rule(tmp_path: Path) -> None:
    async with office(tmp_path) as api:
        body = warning()
        first = await api.warn(body)
        assert (await api.warn(body)).status == 200
        await api.warn(warning(), who="weather")

        async def listed(who: str) -> list[dict[str, Any]]:
            return list((await api.get("/api/v1/suppressions", who)).json["items"])

        (item,) = await listed("duty")
        assert (item["rule"], item["publisher"]) == ("same_identity", "weather")
        assert (item["warning_id"], item["identifier"]) == (first.json["warning_id"], body["identifier"])
        assert await listed("weather") == [item] and await listed("narrow") == []


async def test_the_finished_programme_is_heard_before_approval(tmp_path: Path, toolbox: Toolbox) -> None:
    sound = {"enabled": True, "host": "127.0.0.1", "first_port": consecutive_ports(2), "programmes": 2}
    async with office(tmp_path, approval={"listen": True}, sound=sound) as api:
        one = await waiting(api)
        unheard = await api.post(f"/api/v1/warnings/{one}/approve", "approver", json={})
        assert unheard.status == 403 and "unheard" in unheard.json["errors"][0]["message"]
        sound_ = await api.get(f"/api/v1/warnings/{one}/programme", "approver")
        assert sound_.status == 200 and sound_.headers["Content-Type"] == "audio/mpeg"
        # MPEG frames of 64 kbit/s: signal and words take more than five seconds.
        assert sound_.raw[:1] == b"\xff" and len(sound_.raw) > 5 * 8000
        assert await approve(api, one, "operator") == 403
        assert await approve(api, one, "approver") == 202


async def test_without_sound_there_is_nothing_to_hear(tmp_path: Path) -> None:
    async with office(tmp_path) as api:
        one = await waiting(api)
        assert (await api.get(f"/api/v1/warnings/{one}/programme", "approver")).status == 404
