"""One broadcast over real sockets and a real store: start, answers, reports, cancel, update, return, restart."""

from __future__ import annotations

import time
from pathlib import Path

from gateway.dispatch.live import Phase
from gateway.domain.ladder import StopRung
from gateway.domain.message import MessageState
from gateway.domain.orders import Receipt
from gateway.domain.warning import WarningKind
from tests.gatewaykit import (
    BareTerminal,
    Gateway,
    facts,
    report,
    result_report,
    settings_for,
    submission,
    task_report,
    terminal,
    until,
    warning,
)

VILLAGES = ("350524100001", "350524100002", "350524100003")


async def test_a_start_reaches_the_terminals_of_its_area_and_their_word_is_proof(tmp_path: Path) -> None:
    inside, outside = terminal("350524100001"), terminal("350524101001")
    async with Gateway(settings_for(tmp_path)) as gateway:
        await gateway.terminals.put([inside, outside], "test")
        a = await BareTerminal.connect(gateway.ports.terminals, inside)
        b = await BareTerminal.connect(gateway.ports.terminals, outside)
        accepted = await gateway.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        await until(lambda: a.starts)
        ebm_id = str(accepted.message_id)
        assert a.starts[0].body.ebm_id.text == ebm_id  # type: ignore[union-attr]
        assert a.starts[0].signature is not None
        live = gateway.state.messages[ebm_id]
        await until(lambda: any(getattr(e, "kind", "") == "acknowledged" for e in live.log))
        now = int(time.time())
        await report(gateway.ports.feedback, task_report(inside, ebm_id, 1, now), result_report(inside, ebm_id, 1, now))
        # the short connection was closed in order, so both are durable and shown
        assert {"playing", "played"} <= {e.kind for e in live.log if isinstance(e, Receipt)}
        assert not b.heard
        await a.close()
        await b.close()


async def test_a_cancel_is_written_to_who_may_hold_the_start_and_to_who_returns(tmp_path: Path) -> None:
    first, second = terminal(VILLAGES[0]), terminal(VILLAGES[1])
    async with Gateway(settings_for(tmp_path)) as gateway:
        await gateway.terminals.put([first, second], "test")
        a = await BareTerminal.connect(gateway.ports.terminals, first)
        b = await BareTerminal.connect(gateway.ports.terminals, second)
        accepted = await gateway.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        await until(lambda: a.starts and b.starts)
        await b.close()
        live = gateway.state.messages[str(accepted.message_id)]
        await until(lambda: len(gateway.hub.current) == 1)
        cancel = warning("w2", WarningKind.CANCEL, ("w1",))
        answer = await gateway.dispatch.accept(submission(cancel), None)
        assert answer.message_id == accepted.message_id
        assert live.state is MessageState.CANCELLED
        await until(lambda: a.stops)
        b = await BareTerminal.connect(gateway.ports.terminals, second, first=False)
        await until(lambda: b.stops)
        assert not b.starts
        await until(lambda: list(live.stop) == [StopRung.ACKNOWLEDGED] * 2)
        await a.close()
        await b.close()


async def test_after_an_update_stop_and_start_come_back_to_back_in_this_order(tmp_path: Path) -> None:
    both, old_only = terminal("350524100001"), terminal("350524101001")
    async with Gateway(settings_for(tmp_path)) as gateway:
        await gateway.terminals.put([both, old_only], "test")
        a = await BareTerminal.connect(gateway.ports.terminals, both)
        b = await BareTerminal.connect(gateway.ports.terminals, old_only)
        old = await gateway.dispatch.accept(submission(warning("w1")), facts("350524000000"))
        await until(lambda: a.starts and b.starts)
        new = await gateway.dispatch.accept(
            submission(warning("w2", WarningKind.UPDATE, ("w1",))), facts("350524100000")
        )
        await until(lambda: len(a.heard) == 3 and len(b.heard) == 2)
        assert [type(p.body).__name__ for p in a.heard] == ["StartBroadcast", "StopBroadcast", "StartBroadcast"]
        assert a.heard[1].body.ebm_id.text == old.message_id  # type: ignore[union-attr]
        assert a.heard[2].body.ebm_id.text == new.message_id  # type: ignore[union-attr]
        assert [type(p.body).__name__ for p in b.heard] == ["StartBroadcast", "StopBroadcast"]
        assert gateway.state.messages[str(old.message_id)].state is MessageState.SUPERSEDED
        await a.close()
        await b.close()


async def test_who_was_offline_gets_the_start_when_it_connects(tmp_path: Path) -> None:
    late = terminal(VILLAGES[0])
    async with Gateway(settings_for(tmp_path)) as gateway:
        await gateway.terminals.put([late], "test")
        accepted = await gateway.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        assert accepted.targets.terminals == 1
        a = await BareTerminal.connect(gateway.ports.terminals, late)
        await until(lambda: a.starts)
        await a.close()


async def test_a_restart_takes_up_what_is_in_force(tmp_path: Path) -> None:
    held, waiting = terminal(VILLAGES[0]), terminal(VILLAGES[1])
    async with Gateway(settings_for(tmp_path)) as gateway:
        await gateway.terminals.put([held, waiting], "test")
        a = await BareTerminal.connect(gateway.ports.terminals, held)
        accepted = await gateway.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        live = gateway.state.messages[str(accepted.message_id)]
        await until(lambda: Phase.HELD in live.phase)
        await a.close()
    async with Gateway(settings_for(tmp_path)) as gateway:
        again = gateway.state.messages[str(accepted.message_id)]
        assert again.state is MessageState.ACTIVE
        a = await BareTerminal.connect(gateway.ports.terminals, held, first=False)
        b = await BareTerminal.connect(gateway.ports.terminals, waiting, first=False)
        await until(lambda: b.starts)
        assert not a.heard  # it said yes before the restart
        same = await gateway.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        assert (same.created, same.message_id) == (False, accepted.message_id)
        await a.close()
        await b.close()


async def test_an_area_falls_silent_and_the_rest_plays_on(tmp_path: Path) -> None:
    here, there = terminal(VILLAGES[0]), terminal(VILLAGES[1])
    async with Gateway(settings_for(tmp_path)) as gateway:
        await gateway.terminals.put([here, there], "test")
        a = await BareTerminal.connect(gateway.ports.terminals, here)
        b = await BareTerminal.connect(gateway.ports.terminals, there)
        accepted = await gateway.dispatch.accept(submission(warning("w1")), facts("350524100000"))
        await until(lambda: a.starts and b.starts)
        concerned = await gateway.dispatch.silence((here.area,), "duty", "false alarm")
        assert concerned == {str(accepted.message_id): 1}
        await until(lambda: a.stops)
        assert not b.stops
        assert gateway.state.messages[str(accepted.message_id)].state is MessageState.ACTIVE
        await a.close()
        await b.close()
