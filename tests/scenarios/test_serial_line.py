"""A warning to a village behind a serial bus: the real daemon, its real bearer, an emulated bus on a pty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from emulator.bus import BusFleet, BusSettings
from emulator.bus_port import PtyPort
from emulator.journal import Event
from emulator.registry import Row
from emulator.settings import FleetSettings, TerminalSettings
from gateway.devices.bearer import LinkState
from gateway.dispatch.live import LiveMessage, Phase
from gateway.domain.ladder import Standing, StopRung
from gateway.domain.orders import Receipt
from gateway.domain.receiver import Route, RouteKind
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from gateway.settings.serial_link import SerialLink
from tests.gatewaykit import TOWN, Gateway, facts, settings_for, submission, terminal, until, warning

BAUD = 230_400
ROUTE = Route(RouteKind.SERIAL, "bus")


def _receipts(live: LiveMessage) -> list[tuple[str, int]]:
    return [(entry.kind, entry.standing) for entry in live.log if isinstance(entry, Receipt)]


async def test_a_village_behind_a_bus_is_started_and_stopped_over_it(tmp_path: Path) -> None:
    terminals = [replace(terminal("350524100001", number), routes=(ROUTE,)) for number in (1, 2, 3)]
    link = SerialLink(kind="serial", url=str(tmp_path / "bus"), baud=BAUD, answer_seconds=0.1)
    settings = settings_for(tmp_path / "data", links={"bus": link.model_dump()})
    async with Gateway(settings) as gate:
        key = load_key_file(settings.key_file, provider=default_provider())
        bus = BusFleet(
            [Row(one.code, one.physical_address) for one in terminals],
            FleetSettings(("127.0.0.1", 9), ("127.0.0.1", 9), {key.certificate: key.pair.public}, TerminalSettings()),
            BusSettings(baud=BAUD),
            lambda receive: PtyPort(tmp_path / "bus", receive),
        )
        await bus.start()
        try:
            await gate.terminals.put(terminals, "test")
            await until(lambda: gate.state.bearers[ROUTE].health.state is LinkState.UP)
            accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
            live = gate.state.messages[str(accepted.message_id)]
            await until(lambda: all(phase >= Phase.HELD for phase in live.phase))
            assert all(line.terminal.broadcast.on_air == live.ebm_id for line in bus.lines)
            # Nobody reports unasked on a bus; asked for its state, each says for itself that it plays.
            await until(lambda: [Phase(phase) for phase in live.phase] == [Phase.PLAYING] * 3)
            await until(
                lambda: (
                    [kind for kind, standing in _receipts(live) if standing == Standing.PROVEN].count("playing") == 3
                )
            )
            await gate.dispatch.cancel(live.ebm_id, "test", "drill")
            await until(lambda: all(rung >= StopRung.ACKNOWLEDGED for rung in live.stop))
            assert not any(line.terminal.broadcast.on_air for line in bus.lines)
            queries = [entry for _, entry in bus.journal.entries() if entry.event is Event.QUERY_RECEIVED]
            assert sorted(entry.terminal for entry in queries) == sorted(one.code for one in terminals)
            open_items = {alarm.kind for alarm in gate.state.alarms.open}
            assert not open_items & {"terminal_unreachable", "stop_unconfirmed", "link_down"}
        finally:
            await bus.close()
