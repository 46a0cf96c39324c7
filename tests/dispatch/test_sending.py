"""What an answer, or silence, brings about on the wire: repeats, new sessions, ends, and one signature for all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.dispatch.live import LiveMessage, Phase
from gateway.domain.ladder import StopRung
from gateway.domain.orders import Attempt, Receipt
from gateway.domain.receiver import Terminal
from gateway.errors import StoreError
from gateway.protocols import ip
from gateway.store import queries
from tests.gatewaykit import (
    BareTerminal,
    Gateway,
    alarms_of,
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

A, B = terminal("350524100001"), terminal("350524100002")
TOWN = "350524100000"
QUICK = {
    "answer_seconds": 0.04,
    "backoff_first_seconds": 0.01,
    "backoff_longest_seconds": 0.02,
    "sessions_for_each_start": 2,
}


@asynccontextmanager
async def on_air(
    folder: Path, *terminals: Terminal, answer_with: int | None = 0, **dispatch: Any
) -> AsyncIterator[tuple[Gateway, list[BareTerminal]]]:
    """A gateway with connected terminals that answer all alike."""
    async with Gateway(settings_for(folder, dispatch={**QUICK, **dispatch})) as gate:
        await gate.terminals.put(terminals, "test")
        lines = [await BareTerminal.connect(gate.ports.terminals, one, answer_with=answer_with) for one in terminals]
        try:
            yield gate, lines
        finally:
            await hang_up()


async def broadcast(gate: Gateway, name: str = "w1", area: str = TOWN) -> LiveMessage:
    accepted = await gate.dispatch.accept(submission(warning(name)), facts(area))
    return gate.state.messages[str(accepted.message_id)]


def kinds(live: LiveMessage) -> list[str]:
    return [entry.kind for entry in live.log if isinstance(entry, Receipt)]


def times(packets: list[ip.IpPacket]) -> list[int]:
    return [p.signature.sig_time for p in packets if p.signature is not None]


async def test_silence_gets_the_same_bytes_three_times_and_then_a_new_session_with_a_new_time(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, answer_with=None) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: "silent" in kinds(live))
        assert list(Counter(line.raw).values()) == [3, 3]
        first, second = line.starts[0], line.starts[3]
        assert line.raw[0] == line.raw[2] != line.raw[3] == line.raw[5]
        assert first.session < second.session
        assert times([first]) < times([second])
        assert live.phase[0] == Phase.SILENT
        assert alarms_of(gate) == ["terminal_unreachable"]
        assert gate.state.counters.repeats == 4
        await asyncio.sleep(0.1)
        assert len(line.raw) == 6
        # its next connection begins anew
        again = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await until(lambda: live.phase[0] == Phase.HELD)
        assert again.starts
        await again.close()


@pytest.mark.parametrize("result", [11, 31, 53, 73])
async def test_busy_terminals_get_new_sessions_after_a_pause(tmp_path: Path, result: int) -> None:
    async with on_air(tmp_path, A, answer_with=result) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: "refused" in kinds(live))
        assert len(line.starts) == 2
        assert line.starts[0].session < line.starts[1].session
        assert times(line.starts)[0] < times(line.starts)[1]
        assert kinds(live) == ["answered", "refused"]
        assert alarms_of(gate) == ["start_refused"]


@pytest.mark.parametrize("result", [13, 15])
async def test_frames_hurt_on_the_way_are_repeated(tmp_path: Path, result: int) -> None:
    async with on_air(tmp_path, A, answer_with=result) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: len(line.raw) == 2)
        line.answer_with = 0
        await until(lambda: "acknowledged" in kinds(live))
        assert len(set(line.raw)) == 1
        assert not alarms_of(gate)


@pytest.mark.parametrize("result", [12, 52, 54, 55, 59, 71, 200])
async def test_permanent_refusals_end_it_with_evidence_and_an_open_item(tmp_path: Path, result: int) -> None:
    async with on_air(tmp_path, A, answer_with=result) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: "refused" in kinds(live))
        await asyncio.sleep(0.1)
        assert len(line.raw) == 1
        assert live.phase[0] == Phase.REFUSED
        assert alarms_of(gate) == ["start_refused"]
        assert gate.state.counters.given_up == 1
        # not at a mere reconnection, but after a power-up
        back = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await asyncio.sleep(0.05)
        assert not back.starts
        back.beat(first=True)
        back.beat(first=True)
        await until(lambda: back.starts)
        await back.close()


async def test_thousands_that_are_busy_at_once_share_the_next_session(tmp_path: Path) -> None:
    terminals = [terminal(TOWN[:-3] + f"{n:03d}") for n in range(1, 31)]
    async with on_air(tmp_path, *terminals, answer_with=31) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: all(line.starts for line in lines))
        for line in lines:
            line.answer_with = 0
        await until(lambda: kinds(live).count("acknowledged") == 30)
        assert len({p.session for line in lines for p in line.starts}) == 2
        assert gate.signatures_made == 2


async def test_one_signature_serves_all_who_need_it_within_an_epoch(tmp_path: Path) -> None:
    terminals = [terminal(TOWN[:-3] + f"{n:03d}") for n in range(1, 21)]
    async with on_air(tmp_path, *terminals[:10]) as (gate, lines):
        live = await broadcast(gate)
        await gate.terminals.put(terminals[10:], "test")
        await until(lambda: kinds(live).count("acknowledged") == 10)
        await until(lambda: gate.signatures_made == 1)
        for line in lines:
            line.beat()
            line.beat(first=True)  # all lose their power
        await until(lambda: all(len(line.starts) == 2 for line in lines))
        assert gate.signatures_made == 1
        assert len({p.session for line in lines for p in line.starts}) == 1


async def test_the_timer_of_an_order_is_that_of_each_terminal(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, B, answer_with=None, answer_seconds=0.15) as (gate, (a, b)):
        live = await broadcast(gate)
        await until(lambda: a.starts and b.starts)
        await b.close()
        await until(lambda: not gate.hub.is_online(2))
        await asyncio.sleep(0.1)
        b2 = await BareTerminal.connect(gate.ports.terminals, B, first=False, answer_with=None)
        await until(lambda: len(a.raw) == 2)  # the first time-out was a's
        assert len(b2.raw) == 1
        await until(lambda: len(b2.raw) == 2)
        assert b2.raw[0] == a.raw[0]
        a.answer(a.starts[0], 0)
        b2.answer(b2.starts[0], 0)
        await until(lambda: list(live.phase) == [Phase.HELD] * 2)
        assert Counter(a.raw)[a.raw[0]] <= 3
        await b2.close()


async def test_a_report_that_it_plays_ends_the_repeats_of_a_start_without_answer(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, answer_with=None) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: line.starts)
        await report(gate.ports.feedback, result_report(A, live.ebm_id, 1, 1))
        heard = len(line.raw)
        await asyncio.sleep(0.15)
        assert len(line.raw) <= heard + 1
        assert live.phase[0] == Phase.DONE
        assert "silent" not in kinds(live)
        back = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await asyncio.sleep(0.05)
        assert not back.heard  # it would play twice
        await back.close()


async def test_a_refused_repeat_does_not_hide_that_it_plays_from_the_cancel(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: live.phase[0] == Phase.HELD)
        line.answer(line.starts[0], 54)
        await until(lambda: "refused" in kinds(live))
        await gate.dispatch.cancel(live.ebm_id, "duty", "over")
        await until(lambda: line.stops)


async def test_a_claim_does_not_spare_a_terminal_its_stop(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: live.phase[0] == Phase.HELD)
        stranger = {"local_addr": ("127.0.0.2", 0)}
        await report(gate.ports.feedback, result_report(A, live.ebm_id, 1, 1), **stranger)
        assert [e.standing for e in live.log if isinstance(e, Receipt) and e.kind == "played"] == [1]
        await gate.dispatch.cancel(live.ebm_id, "duty", "over")
        await until(lambda: line.stops)


async def test_a_stop_without_answer_is_repeated_and_then_said_loudly(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: live.phase[0] == Phase.HELD)
        line.answer_with = None
        await gate.dispatch.cancel(live.ebm_id, "duty", "over")
        await until(lambda: any(a.kind == "stop_unconfirmed" for a in gate.state.alarms.open))
        assert len(line.stops) == 6
        assert len({p.session for p in line.stops}) == 2
        assert live.stop[0] == StopRung.SENT
        assert live.needs_stop(1)


async def test_a_refused_stop_is_critical_and_comes_again_at_the_next_connection(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: live.phase[0] == Phase.HELD)
        line.answer_with = 54
        await gate.dispatch.cancel(live.ebm_id, "duty", "over")
        await until(lambda: any(a.kind == "stop_refused" for a in gate.state.alarms.open))
        assert [a.level for a in gate.state.alarms.open if a.kind == "stop_refused"] == ["critical"]
        back = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await until(lambda: back.stops)
        await until(lambda: live.stop[0] == StopRung.ACKNOWLEDGED)
        await back.close()


async def test_a_terminal_that_refused_and_plays_all_the_same_gets_its_stop_after_the_cancel(tmp_path: Path) -> None:
    async with on_air(tmp_path, A, answer_with=54) as (gate, (line,)):
        live = await broadcast(gate)
        await until(lambda: live.phase[0] == Phase.REFUSED)
        line.answer_with = 0
        await gate.dispatch.cancel(live.ebm_id, "duty", "over")
        await asyncio.sleep(0.03)
        assert not line.stops
        await report(gate.ports.feedback, task_report(A, live.ebm_id, 1, 1))
        await until(lambda: live.stop[0] == StopRung.ACKNOWLEDGED)
        assert len(line.stops) == 1


async def test_working_counts_as_playing_only_where_no_other_message_can_be_meant(tmp_path: Path) -> None:
    from tests.devices.harness import report_beat

    async with on_air(tmp_path, A) as (gate, (line,)):
        one = await broadcast(gate, "w1")
        await until(lambda: one.phase[0] == Phase.HELD)
        line.answer_with = None
        await gate.dispatch.cancel(one.ebm_id, "duty", "over")
        await until(lambda: line.stops)
        two = await broadcast(gate, "w2")
        await until(lambda: len(line.starts) == 2)
        line.answer(line.starts[1], 0)
        await until(lambda: two.phase[0] == Phase.HELD)
        await report(gate.ports.feedback, report_beat(A, state=2))
        assert two.phase[0] == Phase.HELD  # it may still play the cancelled one
        line.answer(line.stops[0], 0)
        await until(lambda: one.stop[0] == StopRung.ACKNOWLEDGED)
        await report(gate.ports.feedback, report_beat(A, state=1), report_beat(A, state=2))
        assert two.phase[0] == Phase.PLAYING
        assert kinds(two)[-1] == "playing"


async def test_both_of_two_rivals_get_every_frame_and_prove_nothing(tmp_path: Path) -> None:
    async with on_air(tmp_path, A) as (gate, (older,)):
        newer = await BareTerminal.connect(gate.ports.terminals, A, first=False)
        await until(lambda: any(type(p.body).__name__ == "StatusQuery" for p in older.heard))
        asked = await gate.state.store.read(queries.order_by_session, older.heard[0].session)
        assert asked is not None
        assert asked.command == "query"
        await until(lambda: gate.hub.is_disputed(1))
        assert alarms_of(gate) == ["terminal_disputed"]
        live = await broadcast(gate)
        await until(lambda: older.starts and newer.starts)
        await until(lambda: "acknowledged" in kinds(live))
        await report(gate.ports.feedback, task_report(A, live.ebm_id, 1, 1))
        assert {e.standing for e in live.log if isinstance(e, Receipt)} == {1}
        await older.close()
        await until(lambda: "terminal_disputed" not in alarms_of(gate))
        await report(gate.ports.feedback, task_report(A, live.ebm_id, 1, 1))
        assert [e.standing for e in live.log if isinstance(e, Receipt)][-1] == 2
        await newer.close()


async def test_what_was_sent_is_told_even_if_the_store_could_not_take_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.sender.STORE_AGAIN", 0.02)
    async with on_air(tmp_path, A, answer_with=None) as (gate, (line,)):
        submit: Callable[..., Any] = gate.state.store.submit
        failures: list[object] = []

        def refusing(*rows: Any, urgent: bool = False) -> Any:
            if isinstance(rows[0], Attempt) and len(failures) < 2:
                failures.append(rows)
                raise StoreError("the disk is full")
            return submit(*rows, urgent=urgent)

        monkeypatch.setattr(gate.state.store, "submit", refusing)
        live = await broadcast(gate)
        await until(lambda: any(type(e).__name__ == "Sent" for e in live.log))
        assert len(failures) == 2
        await until(lambda: len(line.raw) >= 2)  # and it was still repeated in time
        rows = await gate.state.store.read(queries.orders_of, [live.ebm_id])
        assert await gate.state.store.read(queries.attempts_of, [rows[0].id])
