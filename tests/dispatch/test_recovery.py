"""After a crash at the worst moment, and the book that is rebuilt from rows: it says what memory said."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from gateway.dispatch.book import read_book
from gateway.dispatch.live import LiveMessage, LogEntry, Phase, Sent, Stopped
from gateway.domain.ladder import StopRung
from gateway.domain.message import Command, MessageState
from gateway.domain.orders import Receipt
from gateway.store import queries
from tests.dispatch.test_sending import TOWN, A, B, broadcast, on_air
from tests.gatewaykit import (
    BareTerminal,
    Gateway,
    facts,
    hang_up,
    report,
    result_report,
    settings_for,
    submission,
    task_report,
    terminal,
    until,
    warning,
)

C = terminal("350524100003")


@pytest.fixture
def attempts_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies each time after its frames are out and before it has stored that they are."""
    monkeypatch.setattr("gateway.dispatch.sender.Sender.commit_attempt", lambda *_: None)


async def killed(folder: Path) -> str:
    """A gateway that wrote a start to A, and to B who came later and shares it; nobody has answered; C is away."""
    async with on_air(folder, A, answer_with=None, answer_seconds=5) as (gate, (a,)):
        await gate.terminals.put([B, C], "test")
        live = await broadcast(gate)
        await until(lambda: a.starts)
        b = await BareTerminal.connect(gate.ports.terminals, B, answer_with=None)
        await until(lambda: b.starts)
        assert a.raw[-1] == b.raw[-1]
        await gate.terminals.put([A, B, C], "test")
        return live.ebm_id


@pytest.mark.usefixtures("attempts_lost")
async def test_whose_attempt_was_never_stored_gets_its_stop_after_a_cancel(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A, B, C], "test")
    ebm_id = await killed(tmp_path)
    async with Gateway(settings_for(tmp_path)) as gate:
        assert list(gate.state.messages[ebm_id].may_hold()) == [1, 2]
        await gate.dispatch.cancel(ebm_id, "duty", "over")
        lines = [await BareTerminal.connect(gate.ports.terminals, one, first=False) for one in (A, B, C)]
        await until(lambda: lines[0].stops and lines[1].stops)
        await asyncio.sleep(0.03)
        assert not any(line.starts for line in lines)
        assert not lines[2].heard
        await hang_up()


@pytest.mark.usefixtures("attempts_lost")
async def test_whose_attempt_was_never_stored_gets_its_start_again_while_it_is_in_force(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A, B, C], "test")
    ebm_id = await killed(tmp_path)
    async with Gateway(settings_for(tmp_path)) as gate:
        lines = [await BareTerminal.connect(gate.ports.terminals, one, first=False) for one in (A, B, C)]
        await until(lambda: all(line.starts for line in lines))
        assert {p.body.ebm_id.text for line in lines for p in line.starts} == {ebm_id}  # type: ignore[union-attr]
        assert gate.signatures_made == 1
        await hang_up()


async def test_a_cancel_committed_before_the_crash_reaches_who_returns_after_it(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, answer_with=0) as (gate, (a,)):
        live = await broadcast(gate)
        await until(lambda: live.phase[0] == Phase.HELD)
        await a.close()
        await until(lambda: not gate.hub.is_online(1))
        await gate.dispatch.cancel(live.ebm_id, "duty", "over")
    async with Gateway(settings_for(tmp_path)) as gate:
        again = gate.state.messages[live.ebm_id]
        assert again.state is MessageState.CANCELLED
        a = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await until(lambda: a.stops)
        await until(lambda: again.stop[0] == StopRung.ACKNOWLEDGED)
        assert not a.starts
        await a.close()
    async with Gateway(settings_for(tmp_path)) as gate:
        a = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await asyncio.sleep(0.05)
        assert not a.heard
        await a.close()


async def test_states_before_and_after_the_air_are_taken_up(tmp_path: Path) -> None:
    from dataclasses import replace

    async with Gateway(settings_for(tmp_path, dispatch={"send_ahead_seconds": 0.2})) as gate:
        await gate.terminals.put([A], "test")
        waiting = await gate.dispatch.accept(replace(submission(warning("w1")), approval=True), facts(TOWN))
        future = await gate.dispatch.accept(submission(warning("w2")), facts(TOWN, start_in=1.2))
        short = await gate.dispatch.accept(submission(warning("w3")), facts(TOWN, seconds=0.1))
    async with Gateway(settings_for(tmp_path, dispatch={"send_ahead_seconds": 0.2})) as gate:
        line = await BareTerminal.connect(gate.ports.terminals, A)
        states = gate.state.messages
        assert states[str(waiting.message_id)].state is MessageState.AWAITING_APPROVAL
        await until(lambda: states[str(future.message_id)].state is MessageState.ACTIVE)
        await until(lambda: states[str(short.message_id)].state is MessageState.ENDED)
        await gate.dispatch.approve(str(waiting.message_id), "chief")
        await until(lambda: len({p.session for p in line.starts}) >= 2)
        await line.close()


async def test_an_answer_to_a_frame_from_before_the_crash_still_counts(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, answer_with=None) as (gate, (a,)):
        live = await broadcast(gate)
        await until(lambda: a.starts)
        start = a.starts[0]
    async with Gateway(settings_for(tmp_path)) as gate:
        again = gate.state.messages[live.ebm_id]
        line = await BareTerminal.connect(gate.ports.terminals, A, first=False, answer_with=None)
        line.answer(start, 0)
        await until(lambda: again.phase[0] == Phase.HELD)
        assert gate.state.counters.answers_unknown_session == 0
        await line.close()


# -- the book


def key(entry: LogEntry) -> tuple[Any, ...]:
    if isinstance(entry, Receipt):
        return ("receipt", entry.seq, entry.kind, entry.attempt, entry.standing, entry.late)
    if isinstance(entry, Sent):
        return ("sent", entry.order, entry.attempt, entry.command.value, tuple(entry.terminals), entry.at)
    assert isinstance(entry, Stopped)
    return ("stopped", tuple(sorted(entry.terminals)))


async def settled(gate: Gateway) -> None:
    """Wait until nothing is awaited, paced soon, or uncommitted."""
    quiet = 0
    while quiet < 8:
        await asyncio.sleep(0.01)
        busy = any(gate.state.store.pending) or any(order.waiting for order in gate.state.orders.values())
        quiet = 0 if busy or gate.dispatch.sender._tasks else quiet + 1


async def act(gate: Gateway, dice: random.Random, lines: list[BareTerminal], live: LiveMessage) -> None:
    number = dice.randrange(3)
    one, line = (A, B, C)[number], lines[number]
    what = dice.choice(["answer", "answer", "report", "report", "claim", "away", "back", "power", "silence", "cancel"])
    if what == "answer":
        line.answer_with = dice.choice([0, 0, 0, 31, 15, 54, None])
        if line.starts and dice.random() < 0.7:
            line.answer(line.starts[-1], dice.choice([0, 0, 54, 31]))
    elif what in ("report", "claim"):
        frames = [task_report(one, live.ebm_id, dice.choice([1, 2]), 1)]
        if dice.random() < 0.5:
            frames.append(result_report(one, live.ebm_id, dice.choice([0, 1]), 1))
        how = {"local_addr": ("127.0.0.2", 0)} if what == "claim" else {}
        await report(gate.ports.feedback, *frames, **how)
    elif what == "away":
        await line.close()
    elif what == "back":
        await line.close()
        lines[number] = await BareTerminal.connect(gate.ports.terminals, one, first=False)
    elif what == "power":
        await line.close()
        lines[number] = await BareTerminal.connect(gate.ports.terminals, one, first=True)
    elif what == "silence" and not live.state.is_over and dice.random() < 0.5:
        await gate.dispatch.silence((one.area,), "duty", "dice")
    elif what == "cancel" and not live.state.is_over and dice.random() < 0.3:
        await gate.dispatch.cancel(live.ebm_id, "duty", "dice")
    await asyncio.sleep(0.02 * dice.random())


async def test_the_book_rebuilt_from_rows_is_what_memory_says(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, B, C, answer_seconds=0.02) as (gate, lines):
        for seed in range(8):
            dice = random.Random(seed)
            live = await broadcast(gate, f"w{seed}")
            for _ in range(dice.randrange(2, 9)):
                await act(gate, dice, lines, live)
            for number, one in enumerate((A, B, C)):
                # All come home and say yes, so that nothing is left to memory alone.
                await lines[number].close()
                lines[number] = await BareTerminal.connect(gate.ports.terminals, one, first=False)
            await settled(gate)
            row = await gate.state.store.read(queries.message_by_id, live.ebm_id)
            assert row is not None
            book, _ = await gate.state.store.read(read_book, row)
            why = f"seed {seed}"
            assert book.state is live.state, why
            assert book.start_orders == live.start_orders, why
            assert sorted(map(key, book.log)) == sorted(map(key, live.log)), why
            # Memory counts a session again when a terminal comes back to the same one.
            for kept, held in ((book.sessions, live.sessions), (book.stop_sessions, live.stop_sessions)):
                assert all(bool(x) == bool(y) and x <= y for x, y in zip(kept, held, strict=True)), why
            written = {t for e in live.log if isinstance(e, Sent) and e.command is Command.START for t in e.terminals}
            for position, number in enumerate(live.terminals):
                if number not in written and book.phase[position] == Phase.WAITING:
                    # Named by a committed order whose frame it never got: the rows alone cannot say so.
                    assert live.phase[position] == Phase.IDLE, why
                    continue
                assert book.phase[position] == live.phase[position], why
                if book.stop[position] != live.stop[position]:
                    # It refused, or was done, while the stop that names it was committed: one stop too many is safe.
                    assert live.phase[position] in (Phase.REFUSED, Phase.DONE), why
                    assert book.stop[position] == StopRung.PLANNED, why
                    continue
                assert book.needs_start(number) == live.needs_start(number), why
                assert book.needs_stop(number) == live.needs_stop(number), why
            if not live.state.is_over:
                await gate.dispatch.cancel(live.ebm_id, "duty", "next")
                await settled(gate)
            gate.dispatch.forget(live)
