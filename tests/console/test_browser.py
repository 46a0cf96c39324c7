"""The duty room in a browser: a typhoon red warning and a drill, against the real gateway and the emulator."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.dispatch.registry_file import COLUMNS
from gateway.domain.people import Position
from gateway.domain.receiver import Terminal
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from tests.console.browserkit import DESKTOP, PHONE, Browser, browser
from tests.console.consolekit import PASSWORD, Room, room
from tests.gatewaykit import TOWN, BareTerminal, keep_reference, report, result_report, task_report, terminal, until

SECONDS = 90


def town(duty: Room) -> list[Terminal]:
    """One terminal for each village of 凤城镇; one will be mute, one dead, the rest is played by the emulator."""
    villages = duty.gateway.services.gazetteer.villages_in([TOWN])
    return [
        replace(terminal(str(village.code)), lat=25.05 + 0.004 * number, lon=118.15 + 0.006 * (number % 7))
        for number, village in enumerate(villages)
    ]


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


def _rows(terminals: list[Terminal]) -> str:
    lines = [",".join(COLUMNS)]
    for one in terminals:
        known = {"code": one.code, "physical_address": one.physical_address, "name": one.name, "area": one.area}
        row = {**dict.fromkeys(COLUMNS, ""), **known, "profile": one.profile, "routes": "ip", "in_service": "1"}
        lines.append(",".join(str(row[name]) for name in COLUMNS))
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def emulated(duty: Room, folder: Path, terminals: list[Terminal]) -> AsyncIterator[None]:
    """The emulator, in a process of its own, for these terminals."""
    registry = folder / "emulated.csv"
    registry.write_text(_rows(terminals), encoding="utf-8")
    ports = duty.gateway.ports
    facts = load_key_file(duty.gateway.settings.key_file, provider=default_provider()).facts()
    arguments = [
        *("--registry", str(registry), "--gateway", f"127.0.0.1:{ports.terminals}"),
        *("--feedback", f"127.0.0.1:{ports.feedback}", "--scale", "150", "--linger", "1"),
        *("--public-key", str(facts["public_key"]), "--certificate", str(facts["certificate"])),
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "emulator",
        *arguments,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _compose(window: Browser, *, kind: str, severity: str, headline: str) -> None:
    window.go("/compose")
    window.pick("kind", kind)
    window.pick("severity", severity)
    window.fill("event", "11B01 台风")
    window.fill("headline", headline)
    window.fill("text", "台风即将登陆，请立即转移到安全地带。")
    window.fill("where", "安溪县凤城镇")
    window.click("预览")
    window.see("预览 Preview —")


@pytest.mark.timeout(SECONDS)
async def test_a_typhoon_red_warning_from_the_first_word_to_the_last_village(tmp_path: Path) -> None:
    async with room(tmp_path, approval={"red_automatic": False, "severities": ["red"]}) as duty:
        gate = duty.gateway
        places = town(duty)
        mute, dead = places[0], places[1]
        await gate.terminals.put(places, "test")
        writer, approver = await duty.person(Position.OPERATOR), await duty.person(Position.APPROVER)
        base = f"http://127.0.0.1:{gate.ports.http}"
        async with emulated(duty, tmp_path, places[2:]):
            line = await BareTerminal.connect(gate.ports.terminals, mute, answer_with=33)
            await until(lambda: len(gate.hub.current) == len(places) - 1, 30)

            def write() -> None:
                with browser(base) as window:
                    window.log_in(writer, PASSWORD)
                    _compose(window, kind="actual", severity="red", headline="台风红色预警")
                    assert "安溪县凤城镇" in window.text and "级别 severity" in window.text
                    window.click("提交，实际播出")
                    window.see("待审核 awaiting approval")
                    assert "第二人" in window.text
                    assert not window.complaints()

            await asyncio.to_thread(write)
            (live,) = gate.state.messages.values()

            def approve_and_watch() -> None:
                with browser(base) as window:
                    window.log_in(approver, PASSWORD)
                    window.see("待审核 awaiting approval")
                    window.go(f"/messages/{live.ebm_id}")
                    window.click("批准播出")
                    window.see("播出中 on air")
                    window.see("未到达的村 Villages not reached: ")
                    # It fills up by itself, down to the two.
                    window.see("Villages not reached: 2", 30)
                    window.see("终端拒绝 it refused")
                    window.see("离线 offline")
                    line.answer_with = 0
                    window.click("补发 Try again")
                    window.see("已补发：直连 1")
                    assert not window.complaints()

            await asyncio.to_thread(approve_and_watch)
            await until(lambda: len(line.starts) >= 2)
            now = int(gate.state.clock())
            await report(
                gate.ports.feedback, task_report(mute, live.ebm_id, 1, now), result_report(mute, live.ebm_id, 1, now)
            )

            def see_the_last() -> None:
                with browser(base) as window:
                    window.log_in(approver, PASSWORD)
                    window.go(f"/messages/{live.ebm_id}")
                    window.see("未到达的村 Villages not reached: ")
                    window.wait(lambda: "终端拒绝" not in window.text, 15)
                    assert window.text.count("离线 offline") == 1
                    assert window.find(f'a[href="/console/terminals/{dead.code}"]')
                    window.go(f"/messages/{live.ebm_id}/report?format=html")
                    window.see("未到达的村 Villages not reached: 1")
                    assert str(dead.area) in window.text and not window.serious()

            await asyncio.to_thread(see_the_last)


@pytest.mark.timeout(SECONDS)
async def test_a_drill_looks_like_one_and_every_page_is_fit_for_all(tmp_path: Path) -> None:
    """Both widths, dark and light: axe-core finds nothing serious, nothing is wider than its window."""
    pictures = os.environ.get("EBGW_SCREENSHOTS")
    async with room(tmp_path, dispatch={"exercise_class": 3}) as duty:
        gate = duty.gateway
        places = town(duty)
        await gate.terminals.put(places, "test")
        boss = await duty.person(Position.ADMINISTRATOR, name="值班主任")
        base = f"http://127.0.0.1:{gate.ports.http}"
        async with emulated(duty, tmp_path, places[1:]):
            await until(lambda: len(gate.hub.current) == len(places) - 1, 30)

            def look() -> None:
                with browser(base) as window:
                    assert not _faults(window, "/login")
                    if pictures:
                        window.picture(Path(pictures) / "login.png", DESKTOP)
                        window.picture(Path(pictures) / "login-phone.png", PHONE)
                        window.driver.set_window_size(*DESKTOP)
                    window.log_in(boss, PASSWORD)
                    _compose(window, kind="exercise", severity="blue", headline="台风演练")
                    assert not _faults(window, None)
                    assert window.find("body.page-drill")
                    window.click("提交演练")
                    window.see("演练 DRILL — 非实际预警")
                    message = window.driver.current_url.partition("/console")[2].partition("?")[0]
                    window.see("台风演练")
                    pages = [
                        "", message, "/messages", "/messages?list=past", "/compose", "/drills", "/terminals",
                        f"/terminals/{places[0].code}", "/links", "/plans", "/alarms", "/audit", "/people",
                    ]  # fmt: skip
                    for path in pages:
                        faults = _faults(window, path)
                        assert not faults, (path, faults)
                        window.driver.set_window_size(*PHONE)
                        assert not window.overflowing(), path
                        window.driver.set_window_size(*DESKTOP)
                        assert not window.overflowing(), path
                        if pictures:
                            name = path.strip("/").partition("?")[0].replace("/", "-") or "overview"
                            name = "message" if path == message else "terminal" if "/terminals/" in path else name
                            name += "-past" if "past" in path else ""
                            window.picture(Path(pictures) / f"{name}.png", DESKTOP)
                            window.picture(Path(pictures) / f"{name}-phone.png", PHONE)
                            window.driver.set_window_size(*DESKTOP)
                    assert not window.complaints()
                with browser(base, dark=True) as window:
                    window.log_in(boss, PASSWORD)
                    for path in ("", message, "/compose"):
                        faults = _faults(window, path)
                        assert not faults, (path, faults)

            await asyncio.to_thread(look)


def _faults(window: Browser, path: str | None) -> list[str]:
    if path is not None:
        window.go(path)
    return window.serious()
