"""Changes as they come: messages, coverage, alarms."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from gateway.api import watch as watch_module
from tests.api.apikit import HOLDERS, Api
from tests.gatewaykit import BareTerminal, report, task_report, terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

Events = AsyncIterator[tuple[str, dict[str, Any]]]


@asynccontextmanager
async def listening(api: Api, who: str) -> AsyncIterator[Events]:
    """An open stream of events."""
    async with api.client.get(
        f"{api.base}/api/v1/events", headers={"Authorization": f"Bearer {api.keys[who]}"}
    ) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        yield _events(response)


async def _events(response: aiohttp.ClientResponse) -> Events:
    name = ""
    async for line in response.content:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


async def wait_for(events: Events, name: str, **fields: Any) -> dict[str, Any]:
    """The next event of this name with these fields."""
    async with asyncio.timeout(5):
        async for found, data in events:
            if found == name and all(data.get(key) == value for key, value in fields.items()):
                return data
    raise AssertionError("the stream ended")


async def test_a_message_is_followed_from_start_to_cancel(api: Api) -> None:
    of = terminal("350524100001")
    await api.register(of)
    link = await BareTerminal.connect(api.gateway.ports.terminals, of)
    async with listening(api, "weather") as events:
        message = (await api.warn(areas=[{"code": "350524100001"}])).json["message_id"]
        await wait_for(events, "message", message_id=message, state="active")
        await report(api.gateway.ports.feedback, task_report(of, message, 1, int(time.time())))
        while (told := await wait_for(events, "coverage", message_id=message))["proven"]["terminals"] == 0:
            pass
        assert told["target"]["terminals"] == 1
        assert told["proven"]["share"] == 1.0
        assert told["estimate"] is True
        await api.post(f"/api/v1/warnings/{message}/cancel")
        await wait_for(events, "message", message_id=message, state="cancelled")
    await link.close()


async def test_what_is_in_force_comes_first(api: Api) -> None:
    message = (await api.warn()).json["message_id"]
    for _ in range(2):
        async with listening(api, "duty") as events:
            await wait_for(events, "message", message_id=message, state="active")


async def test_alarms_come_and_go_for_operators_alone(api: Api) -> None:
    alarms = api.gateway.dispatch.state.alarms
    async with listening(api, "duty") as duty, listening(api, "weather") as publisher:
        alarms.raise_("test_alarm", "subject", "某事 something")
        told = await wait_for(duty, "alarm", kind="test_alarm", open=True)
        assert told["text"] == "某事 something"
        alarms.clear("test_alarm", "subject")
        await wait_for(duty, "alarm", kind="test_alarm", open=False)
        mine = (await api.warn()).json["message_id"]
        theirs = (await api.warn(who="careful")).json["message_id"]
        seen: list[tuple[str, str | None]] = []
        async with asyncio.timeout(5):
            async for name, data in publisher:
                seen.append((name, data.get("message_id")))
                if ("coverage", mine) in seen:
                    break
        assert "alarm" not in [name for name, _ in seen]
        await wait_for(duty, "message", message_id=theirs, state="awaiting_approval")
        assert ("message", theirs) not in seen


async def test_there_is_room_for_so_many_listeners(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "MOST_LISTENERS", 1)
    deadline = time.monotonic() + 5
    while b"ebgw_event_listeners 0.0" not in (await api.get("/metrics", None)).raw:
        assert time.monotonic() < deadline, "those who left are still listened for"
        await asyncio.sleep(0.05)
    async with listening(api, "duty"):
        answer = await api.get("/api/v1/events", "weather")
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "30"


async def test_a_listener_that_does_not_read_is_let_go() -> None:
    listener = watch_module.Listener(next(holder for holder in HOLDERS if holder.name == "duty"))
    event = watch_module.Event("alarm", {}, None)
    told = [listener.tell(event) for _ in range(600)]
    assert told.count(True) == 500
    listener.end()
    left = [listener.queue.get_nowait() for _ in range(listener.queue.qsize())]
    assert left[-1] is None
