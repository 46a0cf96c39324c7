"""Warnings over an FM transmitter and a multiplexer: the real daemon, its real outputs, receivers on loopback."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator import rds_receiver, ts_receiver
from emulator.air import AirFaults, AirFleet
from emulator.journal import Event
from emulator.registry import Row
from emulator.settings import FleetSettings
from gateway.devices.bearer import LinkState
from gateway.dispatch.live import LiveMessage, Phase, Sent
from gateway.domain.ladder import Standing
from gateway.domain.orders import Receipt
from gateway.domain.receiver import Route, RouteKind, Terminal
from gateway.protocols.ts_time import TsTime
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from gateway.store import queries
from tests.gatewaykit import TOWN, Gateway, alarms_of, facts, settings_for, submission, terminal, until, warning
from tests.ports import free_port

HILL, CABLE = Route(RouteKind.RDS, "hill"), Route(RouteKind.TS, "cable")


def on(*routes: Route, number: int = 1) -> Terminal:
    return replace(terminal("350524100001", number), routes=routes)


class Town:
    """A gateway with both outputs, and where their receivers listen."""

    def __init__(self, folder: Path) -> None:
        self.line = folder / "rds"
        self.port = free_port(socket.SOCK_DGRAM)
        links: dict[str, Any] = {
            "hill": {
                "kind": "rds",
                "url": str(self.line),
                "frames_per_second": 20_000.0,
                "interval_seconds": 0.05,
                "backoff_longest_seconds": 0.1,
            },
            "cable": {
                "kind": "ts",
                "host": "127.0.0.1",
                "port": self.port,
                "index_seconds": 0.03,
                "content_seconds": 0.1,
                "ts_time": "beijing",
            },
        }
        self.settings = settings_for(folder / "data", links=links)

    @asynccontextmanager
    async def receivers(
        self, gate: Gateway, route: Route, *terminals: Terminal, returns: bool = True
    ) -> AsyncIterator[AirFleet]:
        """Receivers of one output, once it feeds them."""
        key = load_key_file(self.settings.key_file, provider=default_provider())
        tuner = (
            rds_receiver.tuner(f"pty:{self.line}", "frames")
            if route == HILL
            else ts_receiver.tuner(("127.0.0.1", self.port), ts_time=TsTime.BEIJING)
        )
        settings = FleetSettings(
            ("127.0.0.1", 9), ("127.0.0.1", gate.ports.feedback), {key.certificate: key.pair.public}
        )
        rows = [Row(one.code, one.physical_address) for one in terminals]
        fleet = AirFleet(rows, settings, tuner, returns=returns)
        await fleet.start()
        try:
            await until(lambda: gate.state.bearers[route].health.state is LinkState.UP)
            yield fleet
        finally:
            await fleet.close()


async def broadcast(gate: Gateway, name: str = "w1", seconds: float = 60) -> LiveMessage:
    accepted = await gate.dispatch.accept(submission(warning(name)), facts(TOWN, seconds=seconds))
    return gate.state.messages[str(accepted.message_id)]


def phases(live: LiveMessage) -> list[Phase]:
    return [Phase(phase) for phase in live.phase]


def playing(fleet: AirFleet, live: LiveMessage) -> int:
    return sum(seat.terminal.broadcast.on_air == live.ebm_id for seat in fleet.seats)


def proofs(live: LiveMessage) -> int:
    return sum(isinstance(e, Receipt) and e.standing == Standing.PROVEN for e in live.log)


async def test_receivers_of_both_outputs_play_prove_it_by_e_and_stop(tmp_path: Path) -> None:
    town = Town(tmp_path)
    heard = [on(HILL, number=1), on(HILL, number=2)], [on(CABLE, number=3), on(CABLE, number=4)]
    async with (
        Gateway(town.settings) as gate,
        town.receivers(gate, HILL, *heard[0]) as hill,
        town.receivers(gate, CABLE, *heard[1]) as cable,
    ):
        await gate.terminals.put([*heard[0], *heard[1]], "test")
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.PLAYING] * 4, 30)
        assert playing(hill, live) == playing(cable, live) == 2
        await until(lambda: proofs(live) >= 4)
        await gate.dispatch.cancel(live.ebm_id, "test", "all clear")
        await until(lambda: not playing(hill, live) and not playing(cable, live))
        for fleet in (hill, cable):
            kinds = [entry.event for _, entry in fleet.journal.entries()]
            assert kinds.count(Event.PLAYING) == kinds.count(Event.STOPPED) == 2
            assert fleet.refused == {}
        await until(lambda: phases(live) == [Phase.DONE] * 4)


async def test_without_a_way_back_a_message_is_sent_and_no_more(tmp_path: Path) -> None:
    town, one = Town(tmp_path), on(HILL)
    async with Gateway(town.settings) as gate, town.receivers(gate, HILL, one, returns=False) as fleet:
        await gate.terminals.put([one], "test")
        live = await broadcast(gate)
        await until(lambda: playing(fleet, live))
        await until(lambda: [e.route for e in live.log if isinstance(e, Sent)] == [HILL])
        assert phases(live) == [Phase.WAITING]
        assert proofs(live) == 0


async def test_a_transmitter_that_fails_gives_over_to_the_multiplexer(tmp_path: Path) -> None:
    town, one = Town(tmp_path), on(HILL, CABLE)
    async with Gateway(town.settings) as gate, town.receivers(gate, CABLE, one) as cable:
        await gate.terminals.put([one], "test")
        async with town.receivers(gate, HILL, one, returns=False) as hill:
            live = await broadcast(gate)
            await until(lambda: playing(hill, live))
            assert not playing(cable, live)
        await until(lambda: gate.state.bearers[HILL].health.state is LinkState.DOWN)
        await until(lambda: playing(cable, live) and phases(live) == [Phase.PLAYING])
        assert "link_down" in alarms_of(gate)


async def test_an_end_of_air_time_is_heard_on_both(tmp_path: Path) -> None:
    town, first, second = Town(tmp_path), on(HILL, number=1), on(CABLE, number=2)
    async with (
        Gateway(town.settings) as gate,
        town.receivers(gate, HILL, first) as hill,
        town.receivers(gate, CABLE, second) as cable,
    ):
        await gate.terminals.put([first, second], "test")
        live = await broadcast(gate, seconds=4)
        await until(lambda: playing(hill, live) and playing(cable, live))
        await until(lambda: not playing(hill, live) and not playing(cable, live), 15)


async def test_loss_and_noise_on_the_air_are_overcome(tmp_path: Path) -> None:
    town = Town(tmp_path)
    first, second = on(HILL, number=1), on(CABLE, number=2)
    async with (
        Gateway(town.settings) as gate,
        town.receivers(gate, HILL, first) as hill,
        town.receivers(gate, CABLE, second) as cable,
    ):
        hill.air_faults = cable.air_faults = AirFaults(loss=0.05, noise=0.02)
        await gate.terminals.put([first, second], "test")
        live = await broadcast(gate)
        await until(lambda: phases(live) == [Phase.PLAYING] * 2, 30)
        await gate.dispatch.cancel(live.ebm_id, "test", "all clear")
        await until(lambda: not playing(hill, live) and not playing(cable, live))


async def test_a_restart_of_the_gateway_uses_no_version_twice(tmp_path: Path) -> None:
    town, one = Town(tmp_path), on(CABLE)
    async with Gateway(town.settings) as gate:
        await gate.terminals.put([one], "test")
    seen = []
    for name in ("w1", "w2"):
        async with Gateway(town.settings) as gate, town.receivers(gate, CABLE, one) as fleet:
            live = await broadcast(gate, name)
            (seat,) = fleet.seats
            await until(lambda live=live, seat=seat: live.ebm_id in seat.terminal.broadcast.live)  # type: ignore[misc]
            kept = await gate.state.store.read(queries.state, "link ts cable")
            assert isinstance(kept, dict)
            seen.append(kept["253.0"])
    assert seen[0] < seen[1]
