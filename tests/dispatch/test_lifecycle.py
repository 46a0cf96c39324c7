"""From acceptance to the end: references, approval, future starts, silence, cancels, and the races between them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.dispatch.live import LiveMessage, Phase, Stopped
from gateway.domain.ladder import StopRung
from gateway.domain.message import EbmClass, MessageState
from gateway.domain.warning import Severity, WarningKind
from gateway.errors import NotFoundError, RightsError, StateConflictError, StoreError, WarningConflict, WarningInvalid
from gateway.protocols.ip_bodies import StartBroadcast
from gateway.store import queries
from gateway.store.rows import MessageStateRow
from tests.dispatch.test_sending import TOWN, A, B, broadcast, on_air
from tests.gatewaykit import BareTerminal, Gateway, alarms_of, facts, settings_for, submission, until, warning

UPDATE, CANCEL = WarningKind.UPDATE, WarningKind.CANCEL


async def row_state(gate: Gateway, ebm_id: object) -> str:
    row = await gate.state.store.read(queries.message_by_id, str(ebm_id))
    assert row is not None
    return row.state


# -- intake


async def test_the_same_again_is_no_second_message_and_other_content_is_a_conflict(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        one = warning("w1")
        answers = await asyncio.gather(*(gate.dispatch.accept(submission(one), facts(TOWN)) for _ in range(5)))
        assert sorted(a.created for a in answers) == [False] * 4 + [True]
        assert len({a.message_id for a in answers}) == len({a.warning_id for a in answers}) == 1
        with pytest.raises(WarningConflict):
            await gate.dispatch.accept(submission(replace(one, event_text="台风")), facts(TOWN))
        assert len(gate.state.messages) == 1
        assert not gate.dispatch._intake._turns


async def test_no_terminal_in_the_area_is_a_notice_and_an_alarm(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        assert accepted.targets.terminals == 0
        assert accepted.targets.population > 0
        assert [notice.code for notice in accepted.notices] == ["no_terminals"]
        assert alarms_of(gate) == ["no_terminals"]


async def test_references_known_unknown_foreign_and_over(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        accept = gate.dispatch.accept
        with pytest.raises(WarningInvalid) as caught:
            await accept(submission(warning("c0", CANCEL, ("nothing",))), None)
        assert caught.value.violations[0].code == "unknown_reference"
        taken = await accept(submission(warning("u0", UPDATE, ("nothing",))), facts(TOWN))
        assert "unknown_reference" in {notice.code for notice in taken.notices}
        first = await accept(submission(warning("w1")), facts(TOWN))
        for kind in (UPDATE, CANCEL):
            with pytest.raises(RightsError):
                foreign = replace(submission(warning(f"x{kind}", kind, ("w1",))), publisher="somebody")
                await accept(foreign, facts(TOWN))
        by_operator = replace(submission(warning("c1", CANCEL, ("w1",))), publisher="duty", operator=True)
        assert (await accept(by_operator, None)).message_id == first.message_id
        assert await row_state(gate, first.message_id) == "cancelled"
        again = await accept(submission(warning("c2", CANCEL, ("w1",))), None)
        assert [notice.code for notice in again.notices] == ["already_over"]
        late = await accept(submission(warning("u1", UPDATE, ("w1",))), facts(TOWN))
        assert "reference_over" in {notice.code for notice in late.notices}


async def test_two_updates_of_one_warning_at_once_leave_one_message_in_force(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, _):
        await broadcast(gate, "w1")
        updates = [submission(warning(f"u{n}", UPDATE, ("w1",))) for n in range(4)]
        await asyncio.gather(*(gate.dispatch.accept(update, facts(TOWN)) for update in updates))
        states = sorted(live.state.value for live in gate.state.messages.values())
        assert states == ["active"] + ["superseded"] * 4


async def test_an_update_whose_reference_ends_meanwhile_goes_on_air_all_the_same(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        old = await broadcast(gate, "w1")
        update = gate.dispatch.accept(submission(warning("u1", UPDATE, ("w1",))), facts(TOWN))
        _, accepted = await asyncio.gather(gate.dispatch.cancel(old.ebm_id, "duty", "over"), update)
        assert accepted.state is MessageState.ACTIVE
        await until(lambda: len(line.starts) == 2)
        await until(lambda: old.stop[0] == StopRung.ACKNOWLEDGED)
        assert await row_state(gate, old.ebm_id) in ("cancelled", "superseded")


async def test_severity_0_goes_out_as_4_and_is_kept_as_it_came(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        unknown = replace(warning("w1"), severity=Severity.UNKNOWN)
        accepted = await gate.dispatch.accept(submission(unknown), replace(facts(TOWN), severity=Severity.UNKNOWN))
        await until(lambda: line.starts)
        body = line.starts[0].body
        assert isinstance(body, StartBroadcast)
        assert body.severity == 4
        row = await gate.state.store.read(queries.message_by_id, str(accepted.message_id))
        assert row is not None
        assert row.severity_received == 0


async def test_a_drill_of_the_system_alone_sends_nothing(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        await gate.dispatch.accept(submission(warning("w1")), replace(facts(TOWN), ebm_class=EbmClass.SYSTEM_DRILL))
        line.beat()
        line.beat(first=True)
        await asyncio.sleep(0.05)
        assert not line.heard


# -- approval and the future


async def test_approval_lets_it_out_and_rejection_does_not(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        waiting = replace(submission(warning("w1")), approval=True)
        yes = await gate.dispatch.accept(waiting, facts(TOWN))
        no = await gate.dispatch.accept(replace(submission(warning("w2")), approval=True), facts(TOWN))
        assert yes.state is no.state is MessageState.AWAITING_APPROVAL
        await asyncio.sleep(0.03)
        assert not line.heard
        await gate.dispatch.approve(str(yes.message_id), "chief")
        await gate.dispatch.reject(str(no.message_id), "chief", "wrong")
        await until(lambda: line.starts)
        assert [await row_state(gate, m) for m in (yes.message_id, no.message_id)] == ["active", "rejected"]
        for call in (gate.dispatch.approve(str(yes.message_id), "x"), gate.dispatch.approve(str(no.message_id), "x")):
            with pytest.raises(StateConflictError):
                await call
        with pytest.raises(StateConflictError):
            await gate.dispatch.reject(str(yes.message_id), "x", "late")
        with pytest.raises(NotFoundError):
            await gate.dispatch.approve("9" * 35, "x")
        assert len(line.starts) == 1


async def test_approval_and_rejection_at_once_agree_in_memory_and_on_disk(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        for number in range(6):
            waiting = replace(submission(warning(f"w{number}")), approval=True)
            ebm_id = str((await gate.dispatch.accept(waiting, facts(TOWN))).message_id)
            calls = [gate.dispatch.approve(ebm_id, "a"), gate.dispatch.reject(ebm_id, "b", "no")]
            done = await asyncio.gather(*(calls if number % 2 else calls[::-1]), return_exceptions=True)
            assert sum(isinstance(d, StateConflictError) for d in done) >= 1
            live = gate.state.messages[ebm_id]
            assert live.state.value == await row_state(gate, ebm_id)
            if live.state is MessageState.ACTIVE:
                assert live.wanted
                await until(lambda now=number: len(line.starts) >= 1)  # type: ignore[misc]


async def test_an_approved_update_ends_what_it_updates_and_not_before(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        old = await broadcast(gate, "w1")
        await until(lambda: old.phase[0] == Phase.HELD)
        waiting = replace(submission(warning("u1", UPDATE, ("w1",))), approval=True)
        new = await gate.dispatch.accept(waiting, facts(TOWN))
        assert old.state is MessageState.ACTIVE
        await gate.dispatch.approve(str(new.message_id), "chief")
        await until(lambda: len(line.heard) == 3)
        assert [type(p.body).__name__ for p in line.heard] == ["StartBroadcast", "StopBroadcast", "StartBroadcast"]
        assert await row_state(gate, old.ebm_id) == "superseded"


async def test_a_start_in_the_future_is_sent_ahead_of_its_time(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, send_ahead_seconds=1) as (gate, (line,)):
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN, start_in=1.2))
        assert accepted.state is MessageState.ACCEPTED
        await asyncio.sleep(0.05)
        assert not line.heard
        await until(lambda: line.starts, 3)
        body = line.starts[0].body
        assert isinstance(body, StartBroadcast)
        live = gate.state.messages[str(accepted.message_id)]
        assert live.activated_at is not None
        assert live.activated_at < body.start
        assert await row_state(gate, accepted.message_id) == "active"


async def test_a_cancel_that_races_the_activation_is_the_last_word(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (_line,)):
        for number in range(5):
            accepted = await gate.dispatch.accept(submission(warning(f"w{number}")), facts(TOWN, start_in=600))
            live = gate.state.messages[str(accepted.message_id)]
            lifecycle = gate.dispatch._lifecycle
            pause = 0 if number < 2 else number * 0.001

            async def later(live: LiveMessage = live, pause: float = pause) -> None:
                await asyncio.sleep(pause)
                await gate.dispatch.cancel(live.ebm_id, "duty", "no")

            await asyncio.gather(lifecycle.activate(live), later())
            assert live.state.value == await row_state(gate, live.ebm_id) == "cancelled"
            await until(lambda here=live: not here.needs_stop(1))  # type: ignore[misc]


async def test_an_activation_that_the_store_refuses_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.lifecycle.AGAIN", 0.02)
    async with on_air(tmp_path, A, send_ahead_seconds=1) as (gate, (line,)):
        write, refused = gate.state.store.write, list[object]()

        async def refusing(*rows: Any, urgent: bool = False) -> None:
            if isinstance(rows[0], MessageStateRow) and len(refused) < 2:
                refused.append(rows)
                raise StoreError("the disk is full")
            await write(*rows, urgent=urgent)

        monkeypatch.setattr(gate.state.store, "write", refusing)
        await gate.dispatch.accept(submission(warning("w1")), facts(TOWN, start_in=1.05))
        await until(lambda: line.starts)
        assert len(refused) == 2


async def test_what_still_waits_when_its_time_is_over_expires_and_what_played_ends(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        soon = datetime.now(UTC) + timedelta(seconds=1)
        waiting = replace(submission(replace(warning("w1"), expires=soon)), approval=True)
        never = await gate.dispatch.accept(waiting, facts(TOWN, seconds=1))
        played = await gate.dispatch.accept(submission(warning("w2")), facts(TOWN, seconds=1))
        one, two = (gate.state.messages[str(a.message_id)] for a in (never, played))
        await until(lambda: two.phase[0] == Phase.HELD)
        await until(lambda: one.state.is_over and two.state.is_over)
        assert (one.state, two.state) == (MessageState.EXPIRED, MessageState.ENDED)
        assert [await row_state(gate, m.ebm_id) for m in (one, two)] == ["expired", "ended"]
        # A yes that comes after the end owes nobody a stop.
        line.answer(line.starts[0], 0)
        await until(lambda: len(two.log) == 3)
        assert not two.needs_stop(1)
        with pytest.raises(StateConflictError):
            await gate.dispatch.cancel(two.ebm_id, "duty", "late")


async def test_an_end_that_the_store_refuses_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.dispatch.lifecycle.STORE_AGAIN", 0.02)
    async with on_air(tmp_path, A) as (gate, _):
        live = await broadcast(gate)
        write, refused = gate.state.store.write, list[object]()

        async def refusing(*rows: Any, urgent: bool = False) -> None:
            if len(refused) < 2:
                refused.append(rows)
                raise StoreError("the disk is full")
            await write(*rows, urgent=urgent)

        monkeypatch.setattr(gate.state.store, "write", refusing)
        with pytest.raises(StoreError):
            await gate.dispatch._lifecycle.finish(live)
        await until(lambda: live.state is MessageState.ENDED)


# -- falling silent


async def test_a_start_still_queued_when_its_stop_comes_is_never_written(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, B, slice=1) as (gate, (a, b)):
        live = await broadcast(gate)
        # One terminal a slice: the queue has begun when the first has its phase, and the loop still has the rest.
        while not any(live.phase):
            await asyncio.sleep(0)
        live.ending = True
        await until(lambda: a.starts or b.starts)
        await asyncio.sleep(0.03)
        assert len(a.starts) + len(b.starts) == 1
        live.ending = False
        await gate.dispatch.cancel(live.ebm_id, "duty", "over")
        await until(lambda: a.stops or b.stops)
        assert bool(a.starts) == bool(a.stops)
        assert bool(b.starts) == bool(b.stops)


async def test_a_part_that_fell_silent_gets_no_start_any_more(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, B, answer_with=None) as (gate, (a, b)):
        live = await broadcast(gate)
        await until(lambda: a.starts and b.starts)
        assert await gate.dispatch.silence((A.area,), "duty", "false alarm") == {live.ebm_id: 1}
        await until(lambda: a.stops)
        heard = len(a.starts)
        await until(lambda: len(b.starts) >= heard + 2)
        assert len(a.starts) == heard
        assert any(isinstance(entry, Stopped) and list(entry.terminals) == [1] for entry in live.log)
        audit = (await gate.state.store.read(queries.audit_page)).items[0]
        assert (audit.action, audit.detail) == ("silence", {"areas": [str(A.area)], "reason": "false alarm"})
        a.beat()
        a.beat(first=True)
        back = await BareTerminal.connect(gate.ports.terminals, A, first=True)
        await asyncio.sleep(0.05)
        assert len(a.starts) == heard
        assert not back.starts
        assert back.stops


async def test_silence_everywhere_is_a_cancel_and_nowhere_is_nothing(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, B) as (gate, (a, b)):
        live = await broadcast(gate)
        await until(lambda: a.starts and b.starts)
        assert await gate.dispatch.silence((replace(A, area=A.area).area.county,), "duty", "x") == {live.ebm_id: 2}
        await until(lambda: a.stops and b.stops)
        assert live.state is MessageState.CANCELLED
        assert await gate.dispatch.silence((A.area,), "duty", "x") == {}


async def test_a_silence_that_cannot_be_stored_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(tmp_path, A, B) as (gate, (a, _)):
        live = await broadcast(gate)
        await until(lambda: Phase.HELD in live.phase)

        async def refusing(*_: Any, urgent: bool = False) -> None:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(gate.state.store, "write", refusing)
            with pytest.raises(StoreError):
                await gate.dispatch.silence((A.area,), "duty", "x")
            with pytest.raises(StoreError):
                await gate.dispatch.cancel(live.ebm_id, "duty", "x")
        assert list(live.stop) == [StopRung.NONE] * 2
        assert live.wanted
        assert not a.stops
        await gate.dispatch.cancel(live.ebm_id, "duty", "again")
        await gate.dispatch.cancel(live.ebm_id, "duty", "and again is no error")
        await until(lambda: a.stops)


async def test_a_terminal_that_connects_while_orders_are_committed_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_air(tmp_path, A) as (gate, (a,)):
        await gate.terminals.put([B], "test")
        write = gate.state.store.write
        late: list[BareTerminal] = []

        async def slowly(*rows: Any, urgent: bool = False) -> None:
            if not late:
                late.append(await BareTerminal.connect(gate.ports.terminals, B))
            await write(*rows, urgent=urgent)

        with monkeypatch.context() as patch:
            patch.setattr(gate.state.store, "write", slowly)
            live = await broadcast(gate)
        await until(lambda: a.starts and late[0].starts)
        await until(lambda: list(live.phase) == [Phase.HELD] * 2)
        await late.pop().close()
        await until(lambda: not gate.hub.is_online(2))
        with monkeypatch.context() as patch:
            patch.setattr(gate.state.store, "write", slowly)
            await gate.dispatch.cancel(live.ebm_id, "duty", "over")
        await until(lambda: a.stops and late[0].stops)


# -- arrivals


async def test_stops_go_before_starts_and_the_most_urgent_start_first(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        gone = await broadcast(gate, "w0")
        await until(lambda: gone.phase[0] == Phase.HELD)
        await line.close()
        await until(lambda: not gate.hub.is_online(1))
        await gate.dispatch.cancel(gone.ebm_id, "duty", "over")
        wanted: dict[str, Any] = {
            "yellow": replace(facts(TOWN), severity=Severity.YELLOW),
            "drill": replace(facts(TOWN), severity=Severity.RED, ebm_class=EbmClass.REAL_DRILL),
            "red": replace(facts(TOWN), severity=Severity.RED),
            # After them: one that is on air when they come falls silent.
            "daily": replace(facts(TOWN), severity=Severity.RED, ebm_class=EbmClass.DAILY),
        }
        names = {}
        for name, what in wanted.items():
            accepted = await gate.dispatch.accept(submission(warning(name)), what)
            names[str(accepted.message_id)] = name
        back = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await until(lambda: len(back.heard) == 5)
        assert len(back.stops) == 1
        assert back.heard[0] is back.stops[0]
        order = [names[p.body.ebm_id.text] for p in back.starts if isinstance(p.body, StartBroadcast)]
        assert order == ["red", "yellow", "drill", "daily"]


async def test_one_message_that_cannot_be_sent_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A], "test")
        one, two = await broadcast(gate, "w1"), await broadcast(gate, "w2")
        serve = gate.dispatch.sender.serve

        async def broken(live: LiveMessage, *rest: Any) -> None:
            if live is one:
                raise RuntimeError("cannot be sent")
            await serve(live, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(gate.dispatch.sender, "serve", broken)
            line = await BareTerminal.connect(gate.ports.terminals, A)
            await until(lambda: line.starts)
            assert two.phase[0] != Phase.IDLE
            assert "arrivals_failed" in alarms_of(gate)
        await until(lambda: len(line.starts) == 2, 3)  # tried again after a second
        assert {p.body.ebm_id.text for p in line.starts} == {one.ebm_id, two.ebm_id}  # type: ignore[union-attr]
        await line.close()


async def test_a_start_comes_again_after_a_power_up_and_not_after_a_mere_reconnection(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: live.phase[0] == Phase.HELD)
        await line.close()
        back = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await asyncio.sleep(0.05)
        assert not back.starts
        await back.close()
        rebooted = await BareTerminal.connect(gate.ports.terminals, A, first=True)
        await until(lambda: rebooted.starts)
        await rebooted.close()


async def test_a_terminal_whose_profile_is_gone_keeps_the_broadcast_from_nobody(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([replace(A, profile="gone"), B], "test")
    async with Gateway(settings_for(tmp_path)) as gate:
        assert "profile_unknown" in alarms_of(gate)
        lines = [await BareTerminal.connect(gate.ports.terminals, one) for one in (A, B)]
        await broadcast(gate)
        await until(lambda: all(line.starts for line in lines))
        for line in lines:
            await line.close()


async def test_what_is_over_leaves_memory_with_its_orders(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: live.phase[0] == Phase.HELD)
        line.answer_with = None
        await gate.dispatch.cancel(live.ebm_id, "duty", "over")
        await until(lambda: line.stops)
        gate.dispatch.forget(live)
        assert not gate.state.messages
        assert not gate.state.orders
        assert "stop_never_confirmed" in alarms_of(gate)
        row, book = await gate.dispatch.book(live.ebm_id)
        assert row.state == "cancelled"
        assert list(book.phase) == [Phase.HELD]


async def test_orders_of_a_failed_commit_do_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):

        async def refusing(*_: Any, urgent: bool = False) -> None:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(gate.state.store, "write", refusing)
            with pytest.raises(StoreError):
                await broadcast(gate)
        assert not gate.state.orders
        assert not gate.state.messages
        assert not line.heard
        await broadcast(gate)  # the publisher tries again
        await until(lambda: line.starts)
