"""Schemes on the wire: a plan steers routes, volume, air time and what sounds; it is kept, also over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.dispatch.live import Phase
from gateway.dispatch.planner import Planner
from gateway.domain.approval import Asks
from gateway.domain.message import MessageState
from gateway.domain.plans import Plan, Scheme, Siren
from gateway.domain.receiver import IP_ROUTE
from gateway.programmes.signals import Signal, packaged
from gateway.protocols.ip_bodies import StartBroadcast
from gateway.protocols.mpeg_audio import silent_frame
from gateway.store import queries
from tests.dispatch.test_routes import BUS, HILL, TOWN, broadcast, gateway_with, number, on, phases
from tests.dispatch.test_sounding import sounding
from tests.gatewaykit import BareTerminal, Gateway, facts, settings_for, submission, terminal, until, warning


def planned(gate: Gateway, *plans: Plan) -> None:
    gate.state.planner = Planner(plans)


async def test_a_plan_puts_another_route_first_and_sets_volume_and_air_time(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        line = await BareTerminal.connect(gate.ports.terminals, one)
        planned(gate, Plan("rain", events=("11B03",), routes=("serial",), volume=35, air_seconds=20))
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        (errand,) = lines[BUS].errands
        assert errand.message is not None
        assert (line.starts, errand.message.volume) == ([], 35)
        assert (live.message.end - live.message.start).total_seconds() == 20
        assert (live.scheme.plan, live.scheme.carriers) == ("rain", {"serial:bus": 1})


async def test_the_route_that_a_plan_put_last_still_takes_over(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        line = await BareTerminal.connect(gate.ports.terminals, one)
        planned(gate, Plan("rain", routes=("serial",)))
        lines[BUS].broken = "the line is cut"
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.HELD])
        assert len(line.starts) == 1


async def test_terminals_without_a_route_of_a_strict_plan_are_left_out_and_told(tmp_path: Path) -> None:
    by_ip, by_bus = on(IP_ROUTE, number=1), on(BUS, HILL, number=2)
    async with gateway_with(tmp_path, by_ip, by_bus) as (gate, lines):
        line = await BareTerminal.connect(gate.ports.terminals, by_ip)
        planned(gate, Plan("radio", routes=("rds",), only_routes=True))
        taken = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        live = gate.state.messages[str(taken.message_id)]
        await until(lambda: lines[HILL].errands)
        assert (line.starts, lines[BUS].errands) == ([], [])
        assert list(live.terminals) == [number(gate, by_bus)]
        assert (taken.targets.terminals, live.scheme.left_out) == (1, 1)
        assert "plan_leaves_out" in {notice.code for notice in taken.notices}


async def test_a_scheme_is_stored_and_holds_after_a_restart(tmp_path: Path) -> None:
    one = terminal("350524100001")
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put((one,), "test")
        planned(gate, Plan("rain", routes=("ip",), repeats=2, siren=Siren.CHIME), Plan("zzz"))
        taken = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        scheme = gate.state.messages[str(taken.message_id)].scheme
        assert (scheme.plan, scheme.others) == ("rain", ("zzz",))
    async with Gateway(settings_for(tmp_path)) as gate:
        assert gate.state.messages[str(taken.message_id)].scheme == scheme
        row = await gate.state.store.read(queries.message_by_id, str(taken.message_id))
        assert row is not None
        assert Scheme.from_facts(row.scheme) == scheme  # type: ignore[arg-type]


async def test_a_plan_that_asks_for_a_second_person_holds_the_message(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        planned(gate, Plan("rain", approval=Asks.SECOND))
        taken = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        assert taken.state is MessageState.AWAITING_APPROVAL
        live = await gate.dispatch.approve(str(taken.message_id), "duty")
        assert live.state is MessageState.ACTIVE


@pytest.mark.parametrize(("siren", "first"), [(Siren.CHIME, packaged(Signal.CHIME)[0]), (Siren.NONE, silent_frame(64))])
async def test_the_siren_of_the_plan_is_what_sounds(tmp_path: Path, siren: Siren, first: bytes) -> None:
    async with sounding(tmp_path) as (gate, line, ears):
        planned(gate, Plan("rain", siren=siren, volume=20))
        await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: ears[0].frames())
        assert ears[0].frames()[0] == first
        await until(lambda: line.starts)
        body = line.starts[0].body
        assert isinstance(body, StartBroadcast)
        assert body.volume == 20
