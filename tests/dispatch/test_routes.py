"""Messages over bearers: grouping, failover within the message's life, stops on every route used, restarts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.devices.bearer import Errand, ErrandUnsupported, LinkState
from gateway.devices.events import Origin
from gateway.dispatch.errands import LEAD_TO_ASK, LEAD_TO_POLL
from gateway.dispatch.live import LiveMessage, Phase, Sent
from gateway.domain.codes import AreaCode, ResourceCode
from gateway.domain.ladder import Authenticity, EvidenceKind, Standing, StopRung
from gateway.domain.message import Command
from gateway.domain.orders import Receipt
from gateway.domain.receiver import IP_ROUTE, Route, RouteKind, Terminal
from gateway.domain.warning import WarningKind
from gateway.protocols import ip
from gateway.store import queries
from tests.dispatch.lines import Line
from tests.gatewaykit import (
    BareTerminal,
    Gateway,
    alarms_of,
    facts,
    hang_up,
    settings_for,
    submission,
    terminal,
    until,
    warning,
)

TOWN = "350524100000"
BUS, BUS2 = Route(RouteKind.SERIAL, "bus"), Route(RouteKind.SERIAL, "bus2")
HILL, BOX = Route(RouteKind.RDS, "hill"), Route(RouteKind.ADAPTER, "box")
QUICK = {
    "answer_seconds": 0.04,
    "backoff_first_seconds": 0.01,
    "backoff_longest_seconds": 0.02,
    "sessions_for_each_start": 2,
}


def on(route: Route, *more: Route, village: str = "350524100001", number: int = 1) -> Terminal:
    return replace(terminal(village, number), routes=(route, *more))


@asynccontextmanager
async def gateway_with(folder: Path, *terminals: Terminal) -> AsyncIterator[tuple[Gateway, dict[Route, Line]]]:
    """A gateway with a line for every route that the terminals name."""
    async with Gateway(settings_for(folder, dispatch=QUICK)) as gate:
        await gate.terminals.put(terminals, "test")
        lines = {
            route: Line(route, gate.dispatch, carries_frames=route.kind is RouteKind.SERIAL)
            for one in terminals
            for route in one.routes
            if route != IP_ROUTE
        }
        gate.state.bearers.update(lines)
        try:
            yield gate, lines
        finally:
            await hang_up()


async def broadcast(gate: Gateway, name: str = "w1", area: str = TOWN, seconds: float = 60) -> LiveMessage:
    accepted = await gate.dispatch.accept(submission(warning(name)), facts(area, seconds=seconds))
    return gate.state.messages[str(accepted.message_id)]


def phases(live: LiveMessage) -> list[Phase]:
    return [Phase(phase) for phase in live.phase]


def number(gate: Gateway, one: Terminal) -> int:
    entry = gate.state.registry.by_code(one.code)
    assert entry is not None
    return entry.id


def sent_over(live: LiveMessage, command: Command = Command.START) -> list[Route]:
    return [entry.route for entry in live.log if isinstance(entry, Sent) and entry.command is command]


async def test_one_frame_and_one_order_serve_all_terminals_of_all_lines(tmp_path: Path) -> None:
    some = [on(BUS, number=1), on(BUS, number=2), on(BUS2, number=3)]
    async with gateway_with(tmp_path, *some) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD] * 3)
        (first,), (second,) = lines[BUS].errands, lines[BUS2].errands
        assert first.frame is second.frame
        assert len(first.terminals) == 2 and len(second.terminals) == 1
        assert gate.signatures_made == 1
        await until(lambda: len(sent_over(live)) == 2)
        stored = await gate.state.store.read(queries.orders_of, [live.ebm_id])
        assert [order.session for order in stored] == [first.order]


async def test_the_order_is_committed_before_the_bearer_may_let_anything_out(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, on(BOX)) as (gate, lines):
        line = lines[BOX]
        line.hold = asyncio.Event()
        live = await broadcast(gate)
        await until(lambda: live.ways.waiting() == [])
        (order,) = await gate.state.store.read(queries.orders_of, [live.ebm_id])
        assert (order.profile, order.frame_digest) != ("", b"")
        assert line.errands == []
        line.hold.set()
        await until(lambda: [e.order for e in line.errands] == [order.session])


async def test_a_connected_terminal_is_served_by_its_connection_and_another_by_its_line(tmp_path: Path) -> None:
    near, far = on(IP_ROUTE, BUS, number=1), on(IP_ROUTE, BUS, number=2)
    async with gateway_with(tmp_path, near, far) as (gate, lines):
        line = await BareTerminal.connect(gate.ports.terminals, near)
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD] * 2)
        assert len(line.starts) == 1
        assert [known.terminal for errand in lines[BUS].errands for known in errand.terminals] == [far]


async def test_a_connection_without_an_answer_gives_over_to_the_next_route(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        await BareTerminal.connect(gate.ports.terminals, one, answer_with=None)
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        assert len(lines[BUS].errands) == 1
        assert "terminal_unreachable" not in alarms_of(gate)


async def test_a_permanent_refusal_gives_over_to_the_next_route(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        await BareTerminal.connect(gate.ports.terminals, one, answer_with=55)
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        assert len(lines[BUS].errands) == 1


async def test_a_terminal_that_leaves_without_an_answer_is_reached_over_its_next_route(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        line = await BareTerminal.connect(gate.ports.terminals, one, answer_with=None)
        live = await broadcast(gate)
        await until(lambda: line.starts)
        await line.close()
        await until(lambda: phases(live) == [Phase.HELD])
        assert len(lines[BUS].errands) == 1


@pytest.mark.parametrize("how", ["silent", "refused", "broken", "down", "unsupported"])
async def test_what_a_line_could_not_bring_goes_to_the_next(tmp_path: Path, how: str) -> None:
    one = on(BUS, BUS2)
    async with gateway_with(tmp_path, one) as (gate, lines):
        first = lines[BUS]
        if how == "silent":
            first.mute.add(number(gate, one))
        elif how == "refused":
            first.refusing[number(gate, one)] = 55
        elif how == "broken":
            first.broken = "port gone"
        elif how == "down":
            first.turn(LinkState.DOWN)
        else:
            first.on_make = _unsupported
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        assert len(lines[BUS2].errands) == 1
        assert live.ways.now(number(gate, one)) == BUS2


def _unsupported(_errand: Errand) -> None:
    raise ErrandUnsupported("no word for it")


async def test_where_no_route_is_left_a_person_is_told_and_a_link_that_returns_is_used(tmp_path: Path) -> None:
    one = on(BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        lines[BUS].turn(LinkState.DOWN)
        assert "link_down" in alarms_of(gate)
        live = await broadcast(gate)
        await until(lambda: live.ways.adrift())
        lines[BUS].turn(LinkState.UP)
        await until(lambda: phases(live) == [Phase.HELD])
        assert "link_down" not in alarms_of(gate)


async def test_failing_everywhere_raises_the_open_item(tmp_path: Path) -> None:
    one = on(BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        lines[BUS].mute.add(number(gate, one))
        live = await broadcast(gate)
        await until(lambda: "no_route_left" in alarms_of(gate))
        await until(lambda: [e.kind for e in live.log if isinstance(e, Receipt)] == ["silent"])


async def test_what_is_adrift_goes_over_the_connection_that_comes(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        lines[BUS].turn(LinkState.DOWN)
        live = await broadcast(gate)
        line = await BareTerminal.connect(gate.ports.terminals, one)
        await until(lambda: phases(live) == [Phase.HELD])
        assert len(line.starts) == 1


async def test_a_connection_that_comes_while_the_line_delivers_gets_nothing_twice(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS)
    async with gateway_with(tmp_path, one) as (gate, _):
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        line = await BareTerminal.connect(gate.ports.terminals, one)
        line.beat()
        await until(lambda: len(line.answers) == 2)
        assert line.starts == []


async def test_one_way_is_sent_and_a_transmitter_that_fails_gives_over(tmp_path: Path) -> None:
    one = on(HILL, BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: sent_over(live) == [HILL])
        assert phases(live) == [Phase.WAITING]
        lines[HILL].turn(LinkState.DOWN)
        await until(lambda: phases(live) == [Phase.HELD])
        assert len(lines[BUS].errands) == 1


async def test_a_cancel_is_carried_by_every_route_that_was_used(tmp_path: Path) -> None:
    one, two = on(BUS, BUS2, number=1), on(HILL, number=2)
    async with gateway_with(tmp_path, one, two) as (gate, lines):
        lines[BUS].mute.add(number(gate, one))
        live = await broadcast(gate)
        await until(lambda: live.phase[live.index[number(gate, one)]] == Phase.HELD and HILL in sent_over(live))
        await gate.dispatch.cancel(live.ebm_id, "operator", "all clear")
        await until(lambda: all(lines[route].sent(Command.STOP) for route in (BUS, BUS2, HILL)))
        await until(lambda: live.stop[live.index[number(gate, one)]] == StopRung.ACKNOWLEDGED)
        assert live.stop[live.index[number(gate, two)]] == StopRung.SENT


async def test_a_stop_that_a_broken_line_could_not_bring_is_brought_when_it_returns(tmp_path: Path) -> None:
    one = on(BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        lines[BUS].broken = "port gone"
        await gate.dispatch.cancel(live.ebm_id, "operator", "")
        await until(lambda: "stop_unconfirmed" in alarms_of(gate))
        lines[BUS].broken = ""
        lines[BUS].turn(LinkState.UP)
        await until(lambda: live.stop[0] == StopRung.ACKNOWLEDGED)


async def test_a_start_still_with_the_bearer_when_its_cancel_comes_never_leaves(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, on(BUS)) as (gate, lines):
        lines[BUS].hold = hold = asyncio.Event()
        live = await broadcast(gate)
        await until(lambda: live.ways.waiting() == [])
        await gate.dispatch.cancel(live.ebm_id, "operator", "")
        hold.set()
        await asyncio.sleep(0.05)
        assert lines[BUS].errands == []
        assert live.log == []


async def test_silencing_a_part_names_its_terminals_and_wakes_nobody_again(tmp_path: Path) -> None:
    quiet, loud = on(BUS, BUS2, village="350524100001"), on(BUS, BUS2, village="350524100002")
    async with gateway_with(tmp_path, quiet, loud) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD] * 2)
        await gate.dispatch.silence([AreaCode("350524100001")], "operator", "flooded")
        await until(lambda: lines[BUS].sent(Command.STOP))
        (stop,) = lines[BUS].sent(Command.STOP)
        assert stop.targets == (quiet.code,)
        assert [code.code for code in ip.parse(stop.frame).targets] == [quiet.code]


async def test_the_stop_of_what_is_replaced_goes_before_the_new_start(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, on(BUS)) as (gate, lines):
        old = await broadcast(gate)
        await until(lambda: phases(old) == [Phase.HELD])
        await gate.dispatch.accept(submission(warning("w2", WarningKind.UPDATE, ("w1",))), facts(TOWN))
        await until(lambda: len(lines[BUS].errands) == 3)
        assert [errand.command for errand in lines[BUS].errands] == [Command.START, Command.STOP, Command.START]


async def test_a_mute_stop_holds_up_the_new_start_for_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.carriers.STOP_AHEAD", 0.02)
    async with gateway_with(tmp_path, on(BUS)) as (gate, lines):
        old = await broadcast(gate)
        await until(lambda: phases(old) == [Phase.HELD])
        stop = gate.dispatch.carriers.stop
        released = asyncio.Event()

        async def slow(live: LiveMessage, among: tuple[int, ...] | None = None, tries: int = 1) -> None:
            await released.wait()
            await stop(live, among, tries)

        monkeypatch.setattr(gate.dispatch.carriers, "stop", slow)
        await gate.dispatch.accept(submission(warning("w2", WarningKind.UPDATE, ("w1",))), facts(TOWN))
        await until(lambda: len(lines[BUS].sent(Command.START)) == 2)
        assert lines[BUS].sent(Command.STOP) == []
        released.set()
        await until(lambda: lines[BUS].sent(Command.STOP))


async def test_the_word_of_an_adapter_is_a_claim(tmp_path: Path) -> None:
    one = on(BOX)
    async with gateway_with(tmp_path, one) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: sent_over(live) == [BOX])
        (errand,) = lines[BOX].errands
        known = gate.dispatch.find(str(one.code))
        assert known is not None
        gate.dispatch.claimed(
            EvidenceKind.PLAYING,
            live.ebm_id,
            [known],
            origin=Origin("adapter", bound=False, authenticity=Authenticity.SIGNATURE),
            code=0,
            protocol="adapter",
            service_type=0x18,
            raw=b"\x50",
            order=errand.order,
        )
        await until(lambda: any(isinstance(entry, Receipt) for entry in live.log))
        (receipt,) = (entry for entry in live.log if isinstance(entry, Receipt))
        assert (receipt.kind, receipt.standing, receipt.raw) == ("playing", Standing.CLAIMED, b"\x50")
        assert live.phase[0] == Phase.WAITING


async def test_after_a_restart_what_was_not_answered_is_carried_again_and_a_transmitter_too(tmp_path: Path) -> None:
    held, lost, air = on(BUS, number=1), on(BUS, number=2), on(HILL, number=3)
    async with gateway_with(tmp_path, held, lost, air) as (gate, lines):
        lines[BUS].mute.add(number(gate, lost))
        live = await broadcast(gate)
        await until(lambda: len(sent_over(live)) == 2 and any(isinstance(e, Receipt) for e in live.log))
        await until(lambda: any(isinstance(e, Receipt) and e.kind == "silent" for e in live.log))
        ebm_id = live.ebm_id
    async with Gateway(settings_for(tmp_path, dispatch=QUICK)) as gate:
        again = {route: Line(route, gate.dispatch, carries_frames=route is BUS) for route in (BUS, HILL)}
        gate.state.bearers.update(again)
        gate.dispatch.carriers.resume()
        live = gate.state.messages[ebm_id]
        await until(lambda: phases(live)[:2] == [Phase.HELD] * 2 and again[HILL].errands)
        assert [known.terminal.code for e in again[BUS].errands for known in e.terminals] == [lost.code]


async def test_after_a_restart_an_unconfirmed_stop_takes_every_route(tmp_path: Path) -> None:
    one = on(BUS, HILL)
    async with gateway_with(tmp_path, one) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        lines[BUS].broken = "port gone"
        await gate.dispatch.cancel(live.ebm_id, "operator", "")
        await until(lambda: "stop_unconfirmed" in alarms_of(gate))
    async with Gateway(settings_for(tmp_path, dispatch=QUICK)) as gate:
        again = {route: Line(route, gate.dispatch) for route in (BUS, HILL)}
        gate.state.bearers.update(again)
        gate.dispatch.carriers.resume()
        await until(lambda: again[BUS].sent(Command.STOP) and again[HILL].sent(Command.STOP))


async def test_a_terminal_alone_gets_a_frame_with_its_code_and_a_session_of_its_own(tmp_path: Path) -> None:
    one = on(BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        (errand,) = lines[BUS].errands
        alone = await gate.dispatch.errands.unicast(errand, errand.terminals[0])
        packet = ip.parse(alone.frame)
        assert [code.code for code in packet.targets] == [ResourceCode(one.code)]
        assert packet.session == alone.order != errand.order
        assert {order.session for order in await gate.state.store.read(queries.orders_of, [live.ebm_id])} == {
            errand.order,
            alone.order,
        }


@pytest.mark.parametrize(("command", "limit"), [(Command.START, LEAD_TO_POLL), (Command.QUERY, LEAD_TO_ASK)])
async def test_evidence_waits_rather_than_push_sigtime_out_of_the_window(
    tmp_path: Path, command: Command, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.errands._LOOK", 0.01)
    async with gateway_with(tmp_path, on(BUS)) as (gate, lines):
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        (start,) = lines[BUS].errands
        asked = replace(start, command=command, tags=(6,))
        frames, made = gate.state.frames, gate.signatures_made
        frames.newest = int(time.time() + limit) - 5
        await gate.dispatch.errands.unicast(asked, start.terminals[0])
        assert gate.signatures_made == made + 1
        frames.newest = int(time.time() + limit) + 1000
        waiting = asyncio.create_task(gate.dispatch.errands.unicast(asked, start.terminals[0]))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        assert gate.signatures_made == made + 1
        # What sounds never waits for it.
        other = await broadcast(gate, "w2")
        await until(lambda: phases(other) == [Phase.HELD])
        frames.newest = int(time.time())
        await waiting
        assert gate.signatures_made == made + 3


async def test_a_link_that_the_settings_lack_is_told(tmp_path: Path) -> None:
    async with gateway_with(tmp_path, on(BUS)):
        pass
    async with Gateway(settings_for(tmp_path, dispatch=QUICK)) as gate:
        assert "route_unknown" in alarms_of(gate)
        live = await broadcast(gate)
        assert live.ways.adrift()
