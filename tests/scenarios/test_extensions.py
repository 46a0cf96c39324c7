"""A warning over MQTT and UDP: the real daemon, a real broker, emulated terminals; and the broker lost in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.fleet import Fleet
from emulator.registry import Row
from emulator.settings import Bearer, FleetSettings, MqttSettings, ReturnMode, TerminalSettings
from gateway.devices.bearer import LinkState
from gateway.devices.udp_bearer import UdpBearer
from gateway.dispatch.live import LiveMessage, Phase
from gateway.domain.ladder import StopRung
from gateway.domain.receiver import Route, RouteKind, Terminal
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from gateway.settings.mqtt_link import MqttLink
from gateway.settings.udp_link import UdpLink
from tests.devices.bearers import Mosquitto
from tests.gatewaykit import TOWN, Gateway, facts, settings_for, submission, terminal, until, warning

MQTT, UDP = Route(RouteKind.MQTT, "town"), Route(RouteKind.UDP, "hills")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path)
    made.start()
    yield made
    made.kill()


def settings(folder: Path, broker: Mosquitto | None) -> Any:
    links: dict[str, Any] = {"hills": UdpLink(kind="udp", port=0, host="127.0.0.1", answer_seconds=0.2).model_dump()}
    if broker is not None:
        mqtt = MqttLink(
            kind="mqtt",
            host="127.0.0.1",
            port=broker.port,
            bound=True,
            answer_seconds=0.3,
            backoff_first_seconds=0.02,
            backoff_longest_seconds=0.1,
        )
        links["town"] = mqtt.model_dump()
    return settings_for(folder / "data", links=links)


def fleet_for(gate: Gateway, terminals: list[Terminal], bearer: Bearer, address: tuple[str, int]) -> Fleet:
    key = load_key_file(gate.settings.key_file, provider=default_provider())
    return Fleet(
        [Row(one.code, one.physical_address) for one in terminals],
        FleetSettings(
            address,
            ("127.0.0.1", 9),
            {key.certificate: key.pair.public},
            TerminalSettings(heartbeat=0.5, registration_retry=0.1, repeating=True),
            bearer=bearer,
            returns=ReturnMode.SAME,
            mqtt=MqttSettings(),
            backoff=0.02,
            backoff_cap=0.1,
        ),
    )


def on(route: Route, *more: Route, number: int) -> Terminal:
    return replace(terminal("350524100001", number), routes=(route, *more))


async def broadcast(gate: Gateway, name: str = "w1") -> LiveMessage:
    accepted = await gate.dispatch.accept(submission(warning(name)), facts(TOWN))
    return gate.state.messages[str(accepted.message_id)]


async def test_both_extensions_prove_what_they_bring_and_fall_silent(tmp_path: Path, broker: Mosquitto) -> None:
    over_mqtt = [on(MQTT, number=n) for n in (1, 2, 3)]
    over_udp = [on(UDP, number=n) for n in (4, 5)]
    async with Gateway(settings(tmp_path, broker)) as gate:
        await gate.terminals.put([*over_mqtt, *over_udp], "test")
        hills = gate.state.bearers[UDP]
        assert isinstance(hills, UdpBearer)
        fleets = [
            fleet_for(gate, over_mqtt, Bearer.MQTT, ("127.0.0.1", broker.port)),
            fleet_for(gate, over_udp, Bearer.UDP, hills.address),
        ]
        try:
            for fleet in fleets:
                await fleet.start()
                await until(fleet.all_registered.is_set)
            live = await broadcast(gate)
            await until(lambda: all(phase >= Phase.HELD for phase in live.phase))
            assert all(line.terminal.broadcast.on_air == live.ebm_id for fleet in fleets for line in fleet.lines)
            await gate.dispatch.cancel(live.ebm_id, "test", "all clear")
            await until(lambda: all(rung == StopRung.ACKNOWLEDGED for rung in live.stop))
            assert not any(line.terminal.broadcast.on_air for fleet in fleets for line in fleet.lines)
        finally:
            for fleet in fleets:
                await fleet.close()


async def test_a_broker_that_is_gone_gives_its_terminals_to_the_next_route(tmp_path: Path, broker: Mosquitto) -> None:
    both = [on(MQTT, UDP, number=n) for n in (1, 2)]
    async with Gateway(settings(tmp_path, broker)) as gate:
        await gate.terminals.put(both, "test")
        hills = gate.state.bearers[UDP]
        assert isinstance(hills, UdpBearer)
        fleet = fleet_for(gate, both, Bearer.UDP, hills.address)
        try:
            await fleet.start()
            await until(fleet.all_registered.is_set)
            await until(lambda: gate.state.bearers[MQTT].health.state is LinkState.UP)
            broker.kill()
            await until(lambda: gate.state.bearers[MQTT].health.state is LinkState.DOWN)
            live = await broadcast(gate)
            await until(lambda: all(phase >= Phase.HELD for phase in live.phase))
            assert {live.ways.now(number) for number in live.terminals} == {UDP}
            assert "link_down" in {alarm.kind for alarm in gate.state.alarms.open}
        finally:
            await fleet.close()


async def test_a_terminal_that_beats_after_the_start_is_served_then(tmp_path: Path) -> None:
    (late,) = terminals = [on(UDP, number=1)]
    async with Gateway(settings(tmp_path, None)) as gate:
        await gate.terminals.put(terminals, "test")
        live = await broadcast(gate)
        await until(lambda: bool(live.ways.adrift()))
        hills = gate.state.bearers[UDP]
        assert isinstance(hills, UdpBearer)
        fleet = fleet_for(gate, terminals, Bearer.UDP, hills.address)
        try:
            await fleet.start()
            await until(lambda: all(phase >= Phase.HELD for phase in live.phase))
            assert late.routes == (UDP,)
        finally:
            await fleet.close()
