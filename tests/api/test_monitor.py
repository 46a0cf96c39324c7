"""Monitoring from end to end: a gateway, an emulated adapter that is told where to send, and a listener over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.protocols.adapter_answers import TaskStartAnswer
from gateway.protocols.mpeg_audio import split
from tests.adapterkit import Pair, behind, pair, receipts
from tests.api.apikit import Api
from tests.gatewaykit import keep_reference, until
from tests.programmes.soundkit import frame, numbers

SOUND = tuple(frame(number) for number in range(1000))


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@asynccontextmanager
async def town(folder: Path, **more: Any) -> AsyncIterator[tuple[Pair, Api]]:
    link = {"monitor_ip": "127.0.0.1", **more.pop("link", {})}
    monitor = {"first_port": 0, **more.pop("monitor", {})}
    async with (
        pair(folder, behind(), link=link, monitor=monitor, sound=SOUND, **more) as ends,
        aiohttp.ClientSession() as client,
    ):
        api = Api(ends.gate, client)
        await api.add_keys()
        yield ends, api


async def streams(api: Api) -> list[dict[str, Any]]:
    answer = await api.get("/api/v1/monitor", "duty")
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json["items"]
    return found


async def test_what_an_adapter_plays_is_counted_heard_recorded_and_no_proof(tmp_path: Path) -> None:
    async with town(tmp_path) as (ends, api):
        live = await ends.broadcast(seconds=60)
        await until(lambda: ends.gate.monitors.figures and ends.gate.monitors.figures[0].packets >= 2)
        [shown] = await streams(api)
        assert (shown["link"], shown["ebm_id"], shown["state"]) == ("box", live.ebm_id, "sounding")
        assert (shown["lost"], shown["foreign"], shown["garbage"]) == (0, 0, 0)
        headers = {"Authorization": f"Bearer {api.keys['duty']}"}
        async with api.client.get(f"{api.base}/api/v1/monitor/{shown['id']}/listen", headers=headers) as response:
            assert (response.status, response.content_type) == (200, "audio/mpeg")
            chunk = await response.content.readexactly(192 * 7)
            heard = numbers(chunk)
            assert heard == list(range(heard[0], heard[0] + 7))
        await until(lambda: ends.gate.monitors.find(shown["id"]).figures.listeners == 0)
        # The adapter said that it plays: a claim. Its sound adds nothing to that.
        await until(lambda: len(receipts(live)) >= 2)
        assert {standing for _, standing in receipts(live)} == {1}
        await ends.gate.dispatch.cancel(live.ebm_id, "duty", "over")
        # Its task ends, 0x19 comes, and what was on its way is heard still.
        await until(lambda: ends.gate.monitors.figures[0].closed_at)
        [over] = await streams(api)
        assert (over["state"], over["lost"], over["foreign"]) == ("ended", 0, 0)
        assert (await api.get(f"/api/v1/monitor/{shown['id']}/listen", "duty")).status == 404
        files = (await api.get(f"/api/v1/monitor/{shown['id']}/recordings", "duty")).json["items"]
        [name] = [one["name"] for one in files]
        recorded = await api.get(f"/api/v1/monitor/{shown['id']}/recordings/{name}", "duty")
        assert (recorded.status, recorded.headers["Content-Type"]) == (200, "audio/mpeg")
        # The last frame waited for one behind it.
        assert numbers(recorded.raw) == [number % 1000 for number in range(over["packets"] * 7 - 1)]
        assert len(split(recorded.raw)) * 0.024 == pytest.approx(over["sound_seconds"], abs=0.01)
        await until(lambda: ends.adapter.tally.copied)
        assert ends.adapter.tally.copied == over["packets"]
        assert {standing for _, standing in receipts(live)} == {1}


async def test_an_adapter_without_monitor_ip_is_told_to_send_nothing(tmp_path: Path) -> None:
    async with town(tmp_path, link={"monitor_ip": ""}) as (ends, api):
        live = await ends.broadcast(seconds=60)
        await until(lambda: ("playing", 1) in [(kind, standing) for kind, standing in receipts(live)])
        await until(lambda: ends.adapter.tally.confirmed)
        assert list(ends.adapter.answers) == [TaskStartAnswer(0, "0.0.0.0", 0)]
        assert await streams(api) == []


async def test_more_tasks_than_ports_are_played_and_answered_all_the_same(tmp_path: Path) -> None:
    async with town(tmp_path, monitor={"ports": 1}) as (ends, api):
        await ends.broadcast("w1", seconds=60)
        await until(lambda: ends.adapter.tally.confirmed == 1)
        await ends.broadcast("w2", seconds=60)
        await until(lambda: ends.adapter.tally.confirmed == 2)
        await until(lambda: "monitor_no_port" in [alarm.kind for alarm in ends.gate.state.alarms.open])
        first, second = ends.adapter.answers
        assert isinstance(first, TaskStartAnswer)
        assert first.port > 0
        assert second == TaskStartAnswer(0, "0.0.0.0", 0)
        assert len(await streams(api)) == 1


@pytest.mark.parametrize("path", ["", "/x/listen", "/x/recordings", "/x/recordings/x.mp3"])
async def test_only_operators_listen(tmp_path: Path, path: str) -> None:
    async with town(tmp_path) as (_, api):
        assert (await api.get(f"/api/v1/monitor{path}", "weather")).status == 403
        assert (await api.get(f"/api/v1/monitor{path}", None)).status == 401
        assert (await api.get(f"/api/v1/monitor{path}", "duty")).status == (404 if path else 200)


async def test_recordings_of_another_stream_or_folder_are_not_given_away(tmp_path: Path) -> None:
    async with town(tmp_path) as (ends, api):
        shelf = ends.gate.monitors.shelf
        await asyncio.to_thread(shelf.append, "box-20260101T000000Z-1-000.mp3", frame(1))
        (tmp_path / "secret.mp3").write_bytes(b"x")
        for name in ("..%2Fsecret.mp3", "secret.mp3", "%2e%2e%2fsecret.mp3"):
            assert (await api.get(f"/api/v1/monitor/box-20260101T000000Z-1/recordings/{name}", "duty")).status == 404
        other = "/api/v1/monitor/box-2026/recordings/box-20260101T000000Z-1-000.mp3"
        assert (await api.get(other, "duty")).status == 404
        kept = "/api/v1/monitor/box-20260101T000000Z-1/recordings"
        assert (await api.get(kept, "duty")).json["items"] == [{"name": "box-20260101T000000Z-1-000.mp3", "bytes": 192}]
        assert (await api.get(f"{kept}/box-20260101T000000Z-1-000.mp3", "duty")).raw == frame(1)
