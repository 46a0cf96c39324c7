"""Live input from end to end: a source on loopback, a gateway, a terminal's start frame, and an ear at its address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.daemon import Gateway
from gateway.domain.message import EbmClass, Manner, MessageState
from gateway.programmes.signals import Signal, packaged
from gateway.programmes.toolbox import Toolbox
from tests.api.apikit import COUNTY, Answer, Api
from tests.dispatch.ears import Ear, address
from tests.gatewaykit import BareTerminal, alarms_of, hang_up, keep_reference, settings_for, terminal, until
from tests.ports import consecutive_ports, free_port
from tests.programmes.soundkit import tone

VILLAGE = terminal("350524100001")
ALL = {"areas": [COUNTY], "headline": "县长讲话"}


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


class Station:
    """A gateway that sends RTP to one ear, a terminal of it, and a person on duty."""

    def __init__(self, gate: Gateway, api: Api, line: BareTerminal, ear: Ear) -> None:
        self.gate, self.api, self.line, self.ear = gate, api, line, ear

    async def begin(self, source: str, who: str = "duty", **more: Any) -> Answer:
        return await self.api.post("/api/v1/live", who, json={"source": source, **ALL, **more})

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.api.get("/api/v1/live", "duty")).json
        return found

    async def phase(self) -> str:
        messages = (await self.state())["messages"]
        return str(messages[0]["phase"]) if messages else "none"

    async def comes_to(self, phase: str) -> None:
        for _ in range(400):
            if await self.phase() == phase:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never {phase}: {await self.state()}")


@asynccontextmanager
async def station(folder: Path, sources: dict[str, Any], **live: Any) -> AsyncIterator[Station]:
    first = consecutive_ports(2)
    sound = {"enabled": True, "host": "127.0.0.1", "first_port": first, "programmes": 2, "tail_seconds": 0.1}
    keys = {"fallback": "signal", "wait_seconds": 0.5, "fallback_seconds": 0.5, "stall_seconds": 0.3, **live}
    ear = Ear("127.0.0.1", first)
    try:
        async with (
            Gateway(settings_for(folder, sound=sound, live={**keys, "sources": sources})) as gate,
            aiohttp.ClientSession() as client,
        ):
            api = Api(gate, client)
            await api.add_keys()
            await gate.terminals.put((VILLAGE,), "test")
            line = await BareTerminal.connect(gate.ports.terminals, VILLAGE)
            yield Station(gate, api, line, ear)
    finally:
        await hang_up()
        ear.close()


class Microphone:
    """A telephone gateway: a tone as PCMU over RTP, in time."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._task: asyncio.Task[None] | None = None
        self._number = 0

    def speak(self) -> None:
        self._task = asyncio.create_task(self._send())

    async def fall_silent(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        begun, count = loop.time(), 0
        # A square wave of 400 Hz in mu-law, 20 ms a packet.
        half = bytes([0x90] * 10 + [0x10] * 10)
        while True:
            head = bytes([0x80, 0]) + (self._number & 0xFFFF).to_bytes(2, "big")
            stamp = (self._number * 160 & 0xFFFFFFFF).to_bytes(4, "big")
            self._socket.sendto(head + stamp + b"\0\0\0\x07" + half * 8, self._to)
            self._number += 1
            count += 1
            await asyncio.sleep(max(0.0, begun + count * 0.02 - loop.time()))

    async def close(self) -> None:
        await self.fall_silent()
        self._socket.close()


@asynccontextmanager
async def telephone(folder: Path, **live: Any) -> AsyncIterator[tuple[Station, Microphone]]:
    port = free_port(socket.SOCK_DGRAM)
    source = {"kind": "rtp", "title": "电话网关", "port": port, "hosts": ["127.0.0.1"]}
    microphone = Microphone(port)
    try:
        async with station(folder, {"phone": source}, **live) as on:
            yield on, microphone
    finally:
        await microphone.close()


async def test_somebody_on_the_telephone_is_heard_after_the_signal(tmp_path: Path, toolbox: Toolbox) -> None:
    async with telephone(tmp_path, wait_seconds=30) as (on, microphone):
        microphone.speak()
        begun = await on.begin("phone")
        assert begun.status == 202
        await until(lambda: on.line.starts)
        assert address(on.line) == f"rtp://127.0.0.1:{on.ear.socket.getsockname()[1]}"
        live = on.gate.state.messages[begun.json["message_id"]]
        assert (live.message.manner, live.message.ebm_class) == (Manner.LIVE, EbmClass.EMERGENCY)
        await on.comes_to("live")
        state = await on.state()
        (source,) = state["sources"]
        assert (source["message"], source["form"], source["connected"]) == (live.ebm_id, "pcmu", True)
        assert (source["lost"], source["foreign"]) == (0, 0)
        signal = list(packaged(Signal.SIREN))
        heard = on.ear.frames()
        assert heard[: len(signal)] == signal
        turns = Signal.SIREN.turns * len(signal)
        await until(lambda: len(on.ear.frames()) > turns + 40)
        spoken = on.ear.frames()[turns:]
        assert not set(spoken[-10:]) & set(signal)
        # Another message cannot have the same source; the one on the air goes on.
        assert (await on.begin("phone")).status == 409
        await on.api.post(f"/api/v1/warnings/{live.ebm_id}/cancel", "duty")
        await until(lambda: on.gate.state.sound.on_air() == [])
        recordings = list((tmp_path / "live").glob("*.mp3"))
        assert recordings and recordings[0].stat().st_size > 192 * turns
        # Whoever speaks says the end too.
        assert len(on.gate.state.messages) == 1


async def test_a_line_that_dies_is_told_stood_in_for_and_ends_the_message(tmp_path: Path, toolbox: Toolbox) -> None:
    async with telephone(tmp_path, end_seconds=0.5, wait_seconds=30) as (on, microphone):
        microphone.speak()
        begun = await on.begin("phone", severity="blue")
        await on.comes_to("live")
        await microphone.fall_silent()
        await until(lambda: "live_lost" in alarms_of(on.gate))
        await on.comes_to("fallback")
        live = on.gate.state.messages[begun.json["message_id"]]
        await until(lambda: live.state is MessageState.CANCELLED)
        assert "no live input" in live.state_reason
        await until(lambda: on.line.stops)
        await until(lambda: "live_lost" not in alarms_of(on.gate))


async def test_a_line_that_comes_back_goes_on(tmp_path: Path, toolbox: Toolbox) -> None:
    async with telephone(tmp_path, end_seconds=60, wait_seconds=30) as (on, microphone):
        microphone.speak()
        await on.begin("phone", severity="blue")
        await on.comes_to("live")
        await microphone.fall_silent()
        await on.comes_to("fallback")
        microphone.speak()
        await on.comes_to("live")
        await until(lambda: "live_lost" not in alarms_of(on.gate))


async def test_a_source_that_never_speaks_leaves_the_signal_and_its_stand_in(tmp_path: Path, toolbox: Toolbox) -> None:
    async with telephone(tmp_path) as (on, _):
        await on.begin("phone", severity="blue")
        await until(lambda: on.line.starts)
        await until(lambda: "live_lost" in alarms_of(on.gate))
        await on.comes_to("fallback")


async def test_a_page_pushes_what_is_said_and_its_end_ends_the_message(tmp_path: Path, toolbox: Toolbox) -> None:
    async with station(tmp_path, {"page": {"kind": "push"}}, wait_seconds=30) as on:
        path = "/api/v1/live/page/sound"
        nobody = await on.api.post(path, "duty", data=tone(1.0), headers={"Content-Type": "audio/wav"})
        assert nobody.status == 409
        begun = await on.begin("page", severity="blue", drill=True)
        live = on.gate.state.messages[begun.json["message_id"]]
        assert live.message.ebm_class is EbmClass.SIMULATED_DRILL
        pushed = await on.api.post(path, "duty", data=tone(1.5), headers={"Content-Type": "audio/wav"})
        assert (pushed.status, pushed.json) == (200, {"ended": False})
        await until(lambda: live.state is MessageState.CANCELLED)
        assert "has ended" in live.state_reason


async def test_what_is_no_sound_is_refused_and_the_message_goes_on(tmp_path: Path, toolbox: Toolbox) -> None:
    async with station(tmp_path, {"page": {"kind": "push"}}, wait_seconds=30) as on:
        await on.begin("page", severity="blue")
        path = "/api/v1/live/page/sound"
        for data, kind, status in ((b"x" * 5000, "audio/wav", 422), (b"x", "text/plain", 415)):
            refused = await on.api.post(path, "duty", data=data, headers={"Content-Type": kind})
            assert refused.status == status
        assert (await on.api.post("/api/v1/live/none/sound", "duty", data=b"x")).status == 404
        assert len(on.gate.state.sound.on_air()) == 1


async def test_a_stream_is_fetched_while_its_message_is_on_the_air(tmp_path: Path, toolbox: Toolbox) -> None:
    listeners = 0

    async def stream(request: web.Request) -> web.StreamResponse:
        nonlocal listeners
        listeners += 1
        response = web.StreamResponse(headers={"Content-Type": "audio/mpeg"})
        await response.prepare(request)
        try:
            while True:
                for frame in packaged(Signal.CHIME):
                    await response.write(frame)
                    await asyncio.sleep(0.02)
        finally:
            listeners -= 1

    app = web.Application()
    app.router.add_get("/live.mp3", stream)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/live.mp3"
        async with station(tmp_path, {"radio": {"kind": "pull", "url": url}}, wait_seconds=30) as on:
            begun = await on.begin("radio", severity="blue")
            await on.comes_to("live")
            assert listeners == 1
            await on.api.post(f"/api/v1/warnings/{begun.json['message_id']}/cancel", "duty")
            await until(lambda: listeners == 0)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"source": "none"}, 404),
        ({"areas": ["999999000000"]}, 422),
        ({"areas": []}, 422),
        ({"headline": " "}, 422),
        ({"severity": "pink"}, 422),
        ({"seconds": 5}, 422),
        ({"who": "weather"}, 403),
        ({"who": "county duty"}, 403),
    ],
)
async def test_what_is_wrong_or_not_allowed_begins_nothing(
    tmp_path: Path, toolbox: Toolbox, change: dict[str, Any], status: int
) -> None:
    async with station(tmp_path, {"page": {"kind": "push"}}) as on:
        given = {"source": "page", **change}
        assert (await on.begin(given.pop("source"), **given)).status == status
        assert on.gate.state.messages == {}


async def test_without_sound_there_is_no_live_input(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        assert (await api.get("/api/v1/live", "duty")).status == 409
        assert (await api.post("/api/v1/live", "duty", json={"source": "page", **ALL})).status == 409
