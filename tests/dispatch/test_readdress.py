"""A person says which areas a held message is for: it goes there only, by the plan of these areas, over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.dispatch.planner import AREAS, Planner
from gateway.domain.codes import AreaCode
from gateway.domain.message import MessageState
from gateway.domain.plans import Plan
from gateway.errors import StateConflictError
from gateway.store import queries
from tests.gatewaykit import BareTerminal, Gateway, facts, settings_for, submission, terminal, until, warning

A, B = terminal("350524100001"), terminal("350524102001")
FENGCHENG, HUTOU = AreaCode("350524100000"), AreaCode("350524102000")
READING = [{"text": "官桥镇", "spans": [], "codes": []}]
PLANS = Planner((Plan("any"), Plan("hutou", areas=(HUTOU,), volume=35, air_seconds=20)))


async def held(gate: Gateway, name: str, *areas: str) -> str:
    taken = await gate.dispatch.accept(
        submission(warning(name), areas_open=True, area_text=READING), facts(*areas, seconds=600)
    )
    assert taken.state is MessageState.AWAITING_APPROVAL
    return str(taken.message_id)


async def test_it_goes_where_the_person_says_by_the_plan_of_these_areas(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A, B], "test")
        a, b = [await BareTerminal.connect(gate.ports.terminals, one) for one in (A, B)]
        gate.state.planner = PLANS
        ebm_id = await held(gate, "w1", FENGCHENG)
        live = gate.state.messages[ebm_id]
        assert (live.scheme.plan, list(live.terminals)) == ("any", [1])
        await gate.dispatch.set_areas(ebm_id, [HUTOU], "duty", "by telephone")
        assert (live.scheme.plan, live.message.volume, list(live.terminals)) == ("hutou", 35, [2])
        assert AREAS in live.scheme.ruling.reasons
        assert (live.message.end - live.message.start).total_seconds() == 20
        await gate.dispatch.approve(ebm_id, "chief")
        await until(lambda: b.starts)
        assert not a.starts
        row = await gate.state.store.read(queries.message_by_id, ebm_id)
        assert row is not None
        assert (row.areas, row.volume, row.end_at) == ((HUTOU,), 35, live.message.end.timestamp())
        await a.close()
        await b.close()


async def test_what_a_person_said_holds_after_a_restart(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A, B], "test")
        ebm_id = await held(gate, "w1")
        with pytest.raises(StateConflictError, match="no areas"):
            await gate.dispatch.approve(ebm_id, "chief")
        unsaid = await held(gate, "w2")
        await gate.dispatch.set_areas(ebm_id, [HUTOU, HUTOU], "duty", "")
    async with Gateway(settings_for(tmp_path)) as gate:
        live = gate.state.messages[ebm_id]
        assert (live.state, live.message.areas) == (MessageState.AWAITING_APPROVAL, (HUTOU,))
        assert list(live.terminals) == [2]
        with pytest.raises(StateConflictError, match="no areas"):
            await gate.dispatch.approve(unsaid, "chief")
        assert [a.kind for a in gate.state.alarms.open if a.subject == unsaid] == ["areas_open"]
        row = await gate.state.store.read(queries.warning_by_id, live.message.warning_id)
        assert row is not None
        assert row.area_text == READING
        await gate.dispatch.approve(ebm_id, "chief")
        assert live.state is MessageState.ACTIVE
        with pytest.raises(StateConflictError):
            await gate.dispatch.set_areas(ebm_id, [FENGCHENG], "duty", "")


async def test_areas_without_terminals_are_told_to_the_duty_room(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        await gate.terminals.put([A], "test")
        ebm_id = await held(gate, "w1", FENGCHENG)
        await gate.dispatch.set_areas(ebm_id, [HUTOU], "duty", "")
        assert [a.kind for a in gate.state.alarms.open if a.subject == ebm_id] == ["no_terminals"]
        await gate.dispatch.set_areas(ebm_id, [FENGCHENG], "duty", "")
        assert [a.kind for a in gate.state.alarms.open if a.subject == ebm_id] == []
