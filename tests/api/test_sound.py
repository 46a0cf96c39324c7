"""Sound over HTTP: programmes that terminals fetch, what is on the air, and the library of recorded files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.daemon import Gateway
from gateway.domain.message import Manner
from gateway.programmes.signals import Signal, packaged
from gateway.programmes.toolbox import Toolbox
from gateway.protocols.mpeg_audio import split
from tests.api.apikit import COUNTY, Api, warning
from tests.gatewaykit import keep_reference, settings_for, terminal, until
from tests.programmes.soundkit import tone

VILLAGE = terminal("350524100001")
RED: dict[str, Any] = {"severity": "red", "areas": [{"code": COUNTY, "name": "安溪县"}]}


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@asynccontextmanager
async def station(folder: Path, **sound: Any) -> AsyncIterator[Api]:
    keys = {"enabled": True, "form": "pull", "pull_base": "http://gateway.example", "tail_seconds": 0.1, **sound}
    async with Gateway(settings_for(folder, sound=keys)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        await api.register(VILLAGE)
        yield api


async def test_a_terminal_fetches_its_programme_without_a_key_until_it_is_over(tmp_path: Path) -> None:
    async with station(tmp_path, espeak="/nonexistent/espeak-ng", pull_listeners=1, all_clear=False) as api:
        accepted = (await api.warn(**RED)).json
        path = f"/sound/{accepted['message_id']}.mp3"
        detail = (await api.get(f"/api/v1/warnings/{accepted['warning_id']}")).json
        assert detail["programme_url"] == f"http://gateway.example{path}"
        async with api.client.get(api.base + path) as response:
            assert (response.status, response.content_type) == (200, "audio/mpeg")
            first = await response.content.readexactly(192 * 7)
            frames = [frame.rstrip(b"\0") for frame in split(first)]
            signal = [frame.rstrip(b"\0") for frame in packaged(Signal.SIREN)] * 2
            assert any(signal[at : at + 7] == frames for at in range(len(signal) - 7))
            (shown,) = (await api.get("/api/v1/sound", "duty")).json["items"]
            assert (shown["listeners"], shown["words"], shown["message_id"]) == (1, "none", accepted["message_id"])
            assert "espeak-ng" in shown["problem"]
            # The second listener is beyond the limit; the first hears on.
            refused = await api.get(path, None)
            assert refused.status == 503 and refused.headers["Retry-After"]
            await api.post(f"/api/v1/warnings/{accepted['warning_id']}/cancel")
            rest = await response.content.read()
            assert len(rest) % 192 == 0
        await until(lambda: not api.gateway.state.sound.on_air())
        assert (await api.get(path, None)).status == 404
        assert (await api.get("/api/v1/sound", "weather")).status == 403


async def test_a_gateway_without_sound_says_so(tmp_path: Path) -> None:
    async with station(tmp_path, enabled=False) as api:
        accepted = (await api.warn(**RED)).json
        assert (await api.get(f"/sound/{accepted['message_id']}.mp3", None)).status == 404
        assert (await api.get("/api/v1/sound", "duty")).json == {"items": []}
        names = [check["name"] for check in (await api.get("/readyz", None)).json["checks"]]
        assert "speech" not in names


async def test_missing_programs_are_shown_and_the_gateway_is_ready_all_the_same(tmp_path: Path) -> None:
    async with station(tmp_path, espeak="/nonexistent/espeak-ng", ffmpeg="/nonexistent/ffmpeg") as api:
        ready = await api.get("/readyz", None)
        assert ready.status == 200
        checks = {check["name"]: check for check in ready.json["checks"]}
        assert not checks["speech"]["ok"] and "apt install" in checks["speech"]["words"]
        refused = await api.call("PUT", "/api/v1/recordings/gong", "duty", data=tone(1.0))
        assert refused.status == 503 and "ffmpeg" in refused.json["detail"]


async def test_a_recorded_file_is_taken_in_whole_checked_and_broadcast(tmp_path: Path, toolbox: Toolbox) -> None:
    async with station(tmp_path) as api:
        taken = await api.call("PUT", "/api/v1/recordings/gong", "duty", data=tone(1.5))
        assert taken.status == 201
        assert taken.json == {
            "name": "gong", "bytes": len(tone(1.5)), "container": "wav", "codec": "pcm_s16le", "sample_rate": 48000,
            "channels": 1, "seconds": 1.5,
        }  # fmt: skip
        assert (await api.call("PUT", "/api/v1/recordings/gong", "duty", data=tone(2.0))).status == 200
        (shown,) = (await api.get("/api/v1/recordings", "duty")).json["items"]
        assert (shown["name"], shown["bytes"]) == ("gong", len(tone(2.0)))
        posted = await api.post("/api/v1/warnings?recording=gong", "duty", json=warning(**RED))
        assert posted.status == 202
        live = api.gateway.state.messages[posted.json["message_id"]]
        assert (live.message.manner, live.message.recording) == (Manner.RECORDING, "gong")
        sound = api.gateway.state.sound
        await until(lambda: sound.on_air()[0].words == "ready")
        assert (await api.post("/api/v1/warnings?recording=none", "duty", json=warning(**RED))).status == 404
        assert (await api.post("/api/v1/warnings?recording=gong", "anything", json=warning(**RED))).status == 403


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("gong", b"", "size"),
        ("gong", b"#EXTM3U\nfile:///etc/passwd\n" * 50, "type"),
        ("gong", tone(0.05), "duration"),
        ("Gong!", tone(1.5), "name"),
        ("gong", tone(6.0), "size"),
        ("gong", tone(1.5, rate=4000), "sample rate"),
    ],
)
async def test_what_is_no_good_recording_has_no_name_afterwards(
    tmp_path: Path, toolbox: Toolbox, name: str, body: bytes, path: str
) -> None:
    async with station(tmp_path, max_file_bytes=500_000) as api:
        refused = await api.call("PUT", f"/api/v1/recordings/{name}", "duty", data=body)
        assert refused.status == 422
        assert [error["path"] for error in refused.json["errors"]] == [path]
        assert (await api.get("/api/v1/recordings", "duty")).json == {"items": []}
        assert list((tmp_path / "recordings").iterdir()) == []


async def test_a_recording_that_a_programme_plays_stays(tmp_path: Path, toolbox: Toolbox) -> None:
    async with station(tmp_path) as api:
        programme = {"title": "早操", "kind": "file", "source": "gong"}
        assert (await api.call("PUT", "/api/v1/programmes/morning", "duty", json=programme)).status == 404
        await api.call("PUT", "/api/v1/recordings/gong", "duty", data=tone(1.5))
        assert (await api.call("PUT", "/api/v1/programmes/morning", "duty", json=programme)).status == 201
        assert (await api.call("DELETE", "/api/v1/recordings/gong", "duty")).status == 409
        await api.call("DELETE", "/api/v1/programmes/morning", "duty")
        assert (await api.call("DELETE", "/api/v1/recordings/gong", "duty")).status == 204
        assert (await api.call("DELETE", "/api/v1/recordings/gong", "duty")).status == 404


async def test_what_a_crash_left_half_is_gone_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / ".part-0123").write_bytes(b"half")
    async with station(tmp_path):
        assert list((tmp_path / "recordings").iterdir()) == []


async def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path, toolbox: Toolbox) -> None:
    async with station(tmp_path) as api:
        body, port = tone(1.5), api.gateway.ports.http
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"PUT /api/v1/recordings/gong HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.keys['duty']}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:70_000])
        folder = tmp_path / "recordings"
        await until(lambda: list(folder.iterdir()))
        writer.close()
        await until(lambda: list(folder.iterdir()) == [])
        assert (await api.get("/api/v1/recordings", "duty")).json == {"items": []}
