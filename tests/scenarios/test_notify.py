"""Alarms told to a real HTTP server and through an emulated modem: once, again until acknowledged, and their end."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from emulator.modem import EmulatedModem
from gateway.daemon import Gateway
from gateway.daemon.notify import Notifier
from gateway.dispatch.alarms import AlarmLevel, Alarms
from gateway.errors import EnvironmentLackingError, SettingsError
from gateway.settings.notify import NotifySection
from gateway.store import queries
from tests.api.apikit import Api
from tests.gatewaykit import alarms_of, keep_reference, settings_for, until

SECRET = b"a secret of the duty room"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


class Office:
    """A webhook's server: keeps what came, refuses while told to."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.refusals = 0
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        mark = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        assert request.headers["Ebgw-Signature-256"] == f"sha256={mark}"
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        self.heard.append(json.loads(body))
        return web.Response()

    def events(self, kind: str) -> list[str]:
        return [one["event"] for one in self.heard if one["kind"] == kind]


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    made = Office()
    app = web.Application()
    app.router.add_post("/alarms", made.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/alarms"
    try:
        yield made
    finally:
        await runner.cleanup()


def section(folder: Path, **more: Any) -> dict[str, Any]:
    (folder / "secret").write_bytes(SECRET + b"\n")
    return {"secret_file": folder / "secret", "kinds": ["link_*"], **more}


async def test_a_webhook_hears_of_an_alarm_once_signed_and_of_its_end(tmp_path: Path) -> None:
    async with office() as duty:
        duty.refusals = 2
        async with Gateway(settings_for(tmp_path, notify={"duty": section(tmp_path, webhook=duty.url)})) as gate:
            alarms = gate.state.alarms
            alarms.raise_("link_down", "serial:bus", "链路中断", AlarmLevel.CRITICAL)
            alarms.raise_("link_slow", "serial:bus", "不够危急", AlarmLevel.WARNING)
            alarms.raise_("other", "x", "不在其列", AlarmLevel.CRITICAL)
            await until(lambda: duty.heard)
            alarms.raise_("link_down", "serial:bus", "链路中断", AlarmLevel.CRITICAL)
            alarms.clear("link_down", "serial:bus")
            await until(lambda: len(duty.heard) == 2)
            assert duty.events("link_down") == ["raised", "cleared"]
            first = duty.heard[0]
            assert (first["text"], first["level"], first["gateway"]) == (
                "链路中断",
                "critical",
                gate.settings.gateway.name,
            )


async def test_a_server_that_refuses_is_an_alarm_for_others(tmp_path: Path) -> None:
    async with office() as duty, office() as other:
        duty.refusals = 1000
        both = {
            "deaf": section(tmp_path, webhook=duty.url),
            "other": section(tmp_path, webhook=other.url, kinds=["*"], levels=["critical", "warning"]),
        }
        async with Gateway(settings_for(tmp_path, notify=both)) as gate:
            gate.state.alarms.raise_("link_down", "serial:bus", "链路中断", AlarmLevel.CRITICAL)
            await until(lambda: "notify_failed" in alarms_of(gate))
            await until(lambda: other.events("notify_failed") == ["raised"])


async def test_it_is_told_again_until_acknowledged_and_again_when_it_lasts(tmp_path: Path) -> None:
    now = [1_000_000.0]
    alarms = Alarms(lambda *_: None, lambda: now[0])
    async with office() as duty:
        wants = NotifySection(webhook=duty.url, **section(tmp_path, repeat_minutes=10, after_seconds=60))

        async def looks(minutes: float) -> list[str]:
            """What is told at one look, so many minutes later."""
            now[0] += minutes * 60
            before = len(duty.heard)
            await look()
            return [one["event"] for one in duty.heard[before:]]

        notifier = Notifier(alarms, {"duty": wants}, "town", 1800, lambda: now[0])

        async def look() -> None:
            class Enough(Exception):
                pass

            async def once(_: float) -> None:
                raise Enough

            with pytest.raises(Enough):
                await notifier.run(once)

        alarms.raise_("link_down", "a", "链路中断", AlarmLevel.CRITICAL)
        assert await looks(0.5) == [], "it has not lasted a minute"
        assert await looks(0.5) == ["raised"]
        assert await looks(9) == [] and await looks(1) == ["repeated"]
        assert alarms.acknowledge("link_down", "a", "张三")
        assert await looks(10) == [] and await looks(15) == []
        assert await looks(6) == ["repeated"], "31 minutes after the acknowledgement it lasts"
        alarms.clear("link_down", "a")
        assert await looks(0) == ["cleared"]
        assert not alarms.acknowledge("link_down", "a", "张三")


async def test_telephones_hear_through_the_modem(tmp_path: Path) -> None:
    modem = EmulatedModem()
    port = modem.open()
    sms = {"port": port, "every_seconds": 0.3}
    notify = {"phone": {"sms": ["+8613800138000"], "kinds": ["link_down"]}}
    async with Gateway(settings_for(tmp_path, sms=sms, notify=notify)) as gate:
        await until(lambda: "AT+CMGL=4" in modem.commands)
        gate.state.alarms.raise_("link_down", "serial:bus", "链路中断：" + "长" * 100, AlarmLevel.CRITICAL)
        await until(lambda: modem.sent)
        pdu = bytes.fromhex(modem.sent[0])
        text = pdu[5 + (pdu[3] + 1) // 2 + 3 :].decode("utf-16-be")
        assert text.startswith(f"{gate.settings.gateway.name}危急告警：链路中断") and len(text) == 70
    modem.close()


async def test_acknowledging_over_http_by_number(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate, aiohttp.ClientSession() as client:
        api = Api(gate, client)
        await api.add_keys()
        gate.state.alarms.raise_("link_down", "a", "链路中断", AlarmLevel.CRITICAL)
        await until(lambda: gate.state.alarms.open)
        await gate.state.store.read(queries.alarms_page)
        items: list[dict[str, Any]] = []
        for _ in range(100):
            items = (await api.get("/api/v1/alarms?open=1", "duty")).json["items"]
            if any(item["kind"] == "link_down" for item in items):
                break
        (number,) = [item["number"] for item in items if item["kind"] == "link_down"]
        assert (await api.post(f"/api/v1/alarms/{number}/acknowledge", "weather")).status == 403
        assert (await api.post(f"/api/v1/alarms/{number}/acknowledge", "duty")).status == 204
        for wrong in ("999999", "x", "9" * 40):
            assert (await api.post(f"/api/v1/alarms/{wrong}/acknowledge", "duty")).status == 404
        (alarm,) = [a for a in gate.state.alarms.open if a.kind == "link_down"]
        assert gate.state.alarms.seen_by(alarm, 60) == "duty"
        page = await gate.state.store.read(queries.alarms_page, open_only=True)
        assert {row.acknowledged_by for row in page.items if row.kind == "link_down"} == {"duty"}


def test_settings_that_tell_nobody_are_refused(tmp_path: Path) -> None:
    for wrong in ({"kinds": ["*"]}, {"webhook": "http://x/"}, {"webhook": "ftp://x"}, {"sms": ["abc"]}):
        with pytest.raises(SettingsError):
            settings_for(tmp_path, notify={"duty": wrong})
    (tmp_path / "short").write_text("short")
    with pytest.raises(EnvironmentLackingError):
        Notifier(
            Alarms(lambda *_: None, lambda: 0.0),
            {"duty": NotifySection(webhook="http://127.0.0.1/", secret_file=tmp_path / "short")},
            "town",
            1.0,
        )
