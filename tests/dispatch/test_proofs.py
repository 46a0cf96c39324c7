"""Who never speaks unasked is asked whether it plays, behind everything else, a few times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.devices.bearer import Carried, Parcel
from gateway.devices.events import Origin
from gateway.dispatch import proofs
from gateway.dispatch.live import LiveMessage, Phase
from gateway.domain.codes import ResourceCode
from gateway.domain.ladder import Authenticity, EvidenceKind, Standing
from gateway.domain.message import Command
from gateway.domain.orders import Receipt
from gateway.domain.receiver import Route, RouteKind, Terminal
from gateway.protocols import feedback, ip
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.parameters import WORK_STATE, Parameter
from tests.dispatch.lines import Line
from tests.dispatch.test_routes import QUICK, broadcast, on, phases
from tests.gatewaykit import Gateway, settings_for, until

PLATFORM = ResourceCode("33505000000000103010101")
BUS = Route(RouteKind.SERIAL, "bus")
IDLE, WORKING = 1, 2


@dataclass(eq=False)
class Bus(Line):
    """Its terminals say the next of ``states`` each time they are asked, the last for ever; ``bound`` as its origin."""

    speaks_unasked: bool = False
    states: list[int] = field(default_factory=lambda: [WORKING])
    bound: bool = True
    may_ask: asyncio.Event = field(default_factory=asyncio.Event)
    asking: int = 0

    def __post_init__(self) -> None:
        self.may_ask.set()

    async def carry(self, parcel: Parcel) -> Carried:
        if parcel.errand.command is not Command.QUERY:
            return await super().carry(parcel)
        self.asking += 1
        await self.may_ask.wait()
        done = await self._ask(parcel)
        self.asking -= 1
        return done

    async def _ask(self, parcel: Parcel) -> Carried:
        done = await super().carry(parcel)
        errand = parcel.errand
        if not done.error:
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            session = ip.parse(errand.frame).session
            for known in errand.terminals:
                body = QueryAnswer(0, b"", (Parameter(WORK_STATE, state),))
                packet = feedback.report(session, known.terminal.code, PLATFORM, body, 2)
                authenticity = Authenticity.ADDRESS if self.bound else Authenticity.NONE
                origin = Origin(str(self.route), bound=self.bound, authenticity=authenticity)
                self.dispatch.reported(known, packet, feedback.build(packet), origin)
        return done


@asynccontextmanager
async def bus_of(folder: Path, *terminals: Terminal) -> AsyncIterator[tuple[Gateway, Bus]]:
    async with Gateway(settings_for(folder, dispatch=QUICK)) as gate:
        await gate.terminals.put(terminals, "test")
        bus = Bus(BUS, gate.dispatch)
        gate.state.bearers[BUS] = bus
        yield gate, bus


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "PAUSES", (0.0, 0.01, 0.02))


def playing(live: LiveMessage) -> list[int]:
    return [e.standing for e in live.log if isinstance(e, Receipt) and e.kind == EvidenceKind.PLAYING.value]


async def test_who_answered_is_asked_and_proves_that_it_plays(tmp_path: Path) -> None:
    async with bus_of(tmp_path, on(BUS, number=1), on(BUS, number=2)) as (gate, bus):
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.PLAYING] * 2)
        await until(lambda: playing(live) == [Standing.PROVEN] * 2)
        (asked,) = bus.sent(Command.QUERY)
        (started,) = bus.sent(Command.START)
        assert asked.tags == (WORK_STATE,)
        assert asked.priority > started.priority
        assert {known.id for known in asked.terminals} == set(live.terminals)


async def test_who_is_idle_yet_is_asked_again_and_not_for_ever(tmp_path: Path) -> None:
    async with bus_of(tmp_path, on(BUS)) as (gate, bus):
        bus.states = [IDLE, WORKING]
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.PLAYING])
        assert len(bus.sent(Command.QUERY)) == 2
        bus.states = [IDLE]
        other = await broadcast(gate, "w2")
        await until(lambda: len(bus.sent(Command.QUERY)) == 2 + len(proofs.PAUSES))
        assert phases(other) == [Phase.HELD]
        assert playing(other) == []


async def test_while_two_messages_are_in_force_working_proves_neither(tmp_path: Path) -> None:
    async with bus_of(tmp_path, on(BUS)) as (gate, bus):
        bus.states = [IDLE]
        first = await broadcast(gate)
        await until(lambda: phases(first) == [Phase.HELD])
        await until(lambda: len(bus.sent(Command.QUERY)) == len(proofs.PAUSES))
        bus.states = [WORKING]
        second = await broadcast(gate, "w2")
        await until(lambda: len(bus.sent(Command.QUERY)) == 2 * len(proofs.PAUSES))
        assert phases(first) == phases(second) == [Phase.HELD]
        assert playing(first) == playing(second) == []


async def test_the_word_of_another_line_is_a_claim(tmp_path: Path) -> None:
    async with bus_of(tmp_path, on(BUS)) as (gate, bus):
        bus.bound = False
        live = await broadcast(gate)
        await until(lambda: Standing.CLAIMED in playing(live))
        assert Standing.PROVEN not in playing(live)
        assert phases(live) == [Phase.HELD]


async def test_who_was_silent_is_not_asked(tmp_path: Path) -> None:
    async with bus_of(tmp_path, on(BUS, number=1), on(BUS, number=2)) as (gate, bus):
        mute = gate.state.registry.by_code(on(BUS, number=2).code)
        assert mute is not None
        bus.mute = {mute.id}
        live = await broadcast(gate)
        await until(lambda: len(playing(live)) == 1)
        assert all(mute.id not in {known.id for known in asked.terminals} for asked in bus.sent(Command.QUERY))


async def test_a_question_about_a_message_that_was_cancelled_does_not_leave(tmp_path: Path) -> None:
    async with bus_of(tmp_path, on(BUS)) as (gate, bus):
        bus.may_ask = asyncio.Event()
        live = await broadcast(gate)
        await until(lambda: bus.asking == 1)
        await gate.dispatch.cancel(live.ebm_id, "test", "all clear")
        bus.may_ask.set()
        await until(lambda: bus.asking == 0)
        assert bus.sent(Command.QUERY) == []
        assert playing(live) == []
