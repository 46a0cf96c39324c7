"""People at the console: passwords, codes, lock-out, sessions over a restart, positions."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest

from gateway.console.app import PAGES
from gateway.console.desk import Desk
from gateway.domain.people import Position
from gateway.errors import InvalidValueError
from gateway.security.passwords import hash_password, matching_step, verify_password
from gateway.settings.console import ConsoleSection
from gateway.store import people_queries, queries
from tests.console.consolekit import CITY, PASSWORD, room
from tests.gatewaykit import keep_reference


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


async def test_without_people_the_page_says_how_to_add_one_and_a_stranger_sees_nothing(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        visitor = await duty.browser()
        for method, path, _, _ in PAGES:
            if method == "GET":
                await visitor.get(path.replace("{id}", "1").replace("{code}", "1"))
                assert visitor.path == "/console/login", path
        assert "ebgw people add" in visitor.page
        assert "ebgw people add" in await visitor.get("/login")
        await visitor.get("/live", **{"HX-Request": "true"})
        assert visitor.status == 401


async def test_a_wrong_password_says_nothing_and_five_lock_the_name(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        name, visitor = await duty.person(Position.OPERATOR), await duty.browser()
        said = {await visitor.log_in(who, "wrong password") for who in (name, "nobody")}
        assert visitor.status == 403 and len(said) == 1, "an unknown name must be told nothing else"
        for _ in range(4):
            await visitor.log_in(name, "wrong password")
        await visitor.log_in(name)
        assert visitor.status == 429 and "15" in visitor.page
        other = await duty.person(Position.VIEWER)
        await visitor.log_in(other)
        assert visitor.status == 200, "another name is not locked with it"
        page = await duty.gateway.state.store.read(queries.audit_page)
        failed = [row for row in page.items if row.action == "login_failed" and row.actor == name]
        assert len(failed) == 5 and failed[0].detail == {"peer": "127.0.0.1", "locked": True}


async def test_a_one_time_code_is_asked_for_and_serves_once(tmp_path: Path) -> None:
    secret = pyotp.random_base32()
    async with room(tmp_path) as duty:
        name, visitor = await duty.person(Position.APPROVER, totp=secret), await duty.browser()
        await visitor.log_in(name)
        assert visitor.status == 403
        code = pyotp.TOTP(secret).now()
        await visitor.log_in(name, code=code)
        assert visitor.status == 200
        await (again := await duty.browser()).log_in(name, code=code)
        assert again.status == 403


def test_codes_of_the_steps_around_are_taken_and_no_others() -> None:
    secret, now = pyotp.random_base32(), 1_800_000_000.0
    totp = pyotp.TOTP(secret)
    fits = [matching_step(secret, totp.at(int(now + 30 * off)), now) for off in (-2, -1, 0, 1, 2)]
    step = int(now // 30)
    assert fits == [None, step - 1, step, step + 1, None]


def test_passwords_are_hashed_with_salt_and_short_ones_refused() -> None:
    one, two = hash_password(PASSWORD), hash_password(PASSWORD)
    assert one != two and PASSWORD not in one and one.startswith("$argon2id$")
    assert verify_password(one, PASSWORD) and not verify_password(one, PASSWORD + "x")
    assert not verify_password(None, "nobody") and not verify_password("no hash", PASSWORD)
    for wrong in ("short", "x" * 300):
        with pytest.raises(InvalidValueError):
            hash_password(wrong)


async def test_a_session_lasts_over_a_restart_and_ends_by_logging_out(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        visitor = await duty.visitor(Position.OPERATOR)
        cookies = visitor.client.cookie_jar
        (kept,) = [c for c in cookies if c.key == "ebgw_session"]
        assert kept["httponly"] and kept["samesite"] == "Strict"
        (row,) = await duty.gateway.state.store.read(people_queries.open_sessions)
        assert kept.value not in row.token
    async with room(tmp_path) as duty:
        visitor = await duty.browser()
        visitor.client.cookie_jar.update_cookies({"ebgw_session": kept.value})
        await visitor.get()
        assert visitor.path == "/console"
        await visitor.post("/logout")
        assert visitor.path == "/console/login"
        visitor.client.cookie_jar.update_cookies({"ebgw_session": kept.value})
        await visitor.get()
        assert visitor.path == "/console/login"


async def test_a_disabled_person_is_out(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        store = duty.gateway.state.store
        visitor = await duty.visitor(Position.VIEWER)
        (viewer,) = await store.read(people_queries.people)
        await store.write(replace(viewer, disabled=True))
        deadline = time.monotonic() + 10
        while visitor.path == "/console" and time.monotonic() < deadline:
            await visitor.get()
        assert visitor.path == "/console/login"
        await visitor.log_in(viewer.name)
        assert visitor.status == 403


async def test_idleness_ends_sessions_of_those_who_may_act_and_age_ends_all(tmp_path: Path) -> None:
    now = [1_000_000.0]
    async with room(tmp_path) as duty:
        store = duty.gateway.state.store
        names = [await duty.person(position) for position in (Position.OPERATOR, Position.VIEWER)]
        desk = Desk(store, ConsoleSection(idle_minutes=30, session_hours=2), lambda: now[0])
        tokens = [(await desk.log_in(name, PASSWORD, "", "::1"))[0] for name in names]

        async def there(*, acts: bool) -> list[bool]:
            return [await desk.who(token, acts=acts) is not None for token in tokens]

        now[0] += 20 * 60
        assert await there(acts=True) == [True, True]
        now[0] += 20 * 60
        assert await there(acts=False) == [True, True], "the last act was 20 minutes ago"
        now[0] += 20 * 60
        assert await there(acts=False) == [False, True], "a page that renews itself is no act"
        now[0] += 61 * 60
        assert await there(acts=True) == [False, False]
        assert not await store.read(people_queries.open_sessions)


async def test_each_position_sees_and_does_what_is_its_own(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        for position in Position:
            visitor = await duty.visitor(position)
            for path, may in (
                ("/audit", position.may_read_audit),
                ("/people", position is Position.ADMINISTRATOR),
                ("/compose", position.may_act),
                ("/messages", True),
            ):
                await visitor.get(path)
                assert (visitor.status == 200) is may, (position, path)
                assert visitor.status in (200, 403)


async def test_a_form_from_elsewhere_changes_nothing(tmp_path: Path) -> None:
    async with room(tmp_path) as duty:
        visitor = await duty.visitor(Position.OPERATOR)
        await visitor.get("/compose")
        for csrf in ("", "0" * 64, "é"):
            await visitor.post("/compose", stranger=True, csrf=csrf, kind="exercise", step="send")
            assert visitor.status == 403 and "刷新" in visitor.page
        assert not duty.gateway.state.messages
        assert CITY in duty.gateway.services.gazetteer
