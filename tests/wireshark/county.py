"""A real gateway with every bearer that is captured, and what stands at their other ends, all on loopback."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from emulator import rds_receiver, ts_receiver
from emulator.adapter import AdapterSettings, EmulatedAdapter
from emulator.air import AirFleet, Front
from emulator.registry import Row
from emulator.settings import FleetSettings
from gateway.devices.bearer import LinkState
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import CertificateSerial
from gateway.domain.receiver import Route, RouteKind, Terminal
from gateway.protocols.ts_time import TsTime
from gateway.security.keys import load_key_file, new_key_file
from gateway.security.sm2 import default_provider
from gateway.settings import Settings
from tests.adapterkit import ADAPTER_CERTIFICATE, FRONT, adapter_keys
from tests.gatewaykit import (
    TOWN,
    BareTerminal,
    Gateway,
    facts,
    settings_for,
    submission,
    terminal,
    until,
    warning,
)
from tests.ports import free_port

BOX, HILL, CABLE = Route(RouteKind.ADAPTER, "box"), Route(RouteKind.RDS, "hill"), Route(RouteKind.TS, "cable")


def _receiver(number: int, *routes: Route) -> Terminal:
    one = terminal("350524100001", number)
    return replace(one, routes=routes) if routes else one


#: One receiver on each bearer: its own connection, the adapter, FM, cable.
CONNECTED, BEHIND, LISTENING, WATCHING = _receiver(1), _receiver(2, BOX), _receiver(3, HILL), _receiver(4, CABLE)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens: named beforehand, so that a capture can begin before anything is sent."""

    terminals: int = field(default_factory=free_port)
    feedback: int = field(default_factory=free_port)
    reports: int = field(default_factory=free_port)
    adapter: int = field(default_factory=free_port)
    encoder: int = field(default_factory=free_port)
    multiplexer: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))

    @property
    def all(self) -> tuple[int, ...]:
        return astuple(self)

    @property
    def preferences(self) -> tuple[str, ...]:
        """What the dissector must be told, as options of tshark."""
        told = {
            "ports": f"{self.terminals},{self.feedback}",
            "adapter_ports": f"{self.adapter},{self.reports}",
            "rds_ports": self.encoder,
            "ts_ports": self.multiplexer,
        }
        return tuple(word for name, value in told.items() for word in ("-o", f"ebgw.{name}:{value}"))


@dataclass(frozen=True, slots=True)
class County:
    """All that runs."""

    ports: Ports
    gate: Gateway
    adapter: EmulatedAdapter
    receivers: tuple[AirFleet, AirFleet]
    connected: BareTerminal

    async def broadcast(self) -> LiveMessage:
        accepted = await self.gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        return self.gate.state.messages[str(accepted.message_id)]


def _settings(folder: Path, ports: Ports) -> Settings:
    key_file, trust = folder / "signing.json", folder / "trust.toml"
    new_key_file(key_file, CertificateSerial("000000000100"), provider=default_provider(), now=datetime.now(UTC))
    public = adapter_keys().public.hex()
    trust.write_text(f'[[device]]\ncode = "{FRONT}"\nserial = "{ADAPTER_CERTIFICATE}"\npublic_key = "{public}"\n')
    return settings_for(
        folder / "data",
        terminals={"port": ports.terminals},
        feedback={"port": ports.feedback},
        adapters={"port": ports.reports},
        signing={"key_file": key_file, "trust_file": trust},
        links={
            "box": {"kind": "adapter", "code": FRONT, "host": "127.0.0.1", "port": ports.adapter},
            "hill": {
                "kind": "rds",
                "url": f"tcp://127.0.0.1:{ports.encoder}",
                "frames_per_second": 2_000.0,
                "interval_seconds": 0.1,
                "frequency": "98.50",
            },
            "cable": {
                "kind": "ts",
                "host": "127.0.0.1",
                "port": ports.multiplexer,
                "index_seconds": 0.1,
                "content_seconds": 0.2,
            },
        },
    )


@asynccontextmanager
async def county(folder: Path, ports: Ports) -> AsyncIterator[County]:
    """Everything, once all of it is connected."""
    settings = _settings(folder, ports)
    key = load_key_file(settings.key_file, provider=default_provider())
    keys = {key.certificate: key.pair.public}

    async def fleet(one: Terminal, tuner: Callable[[AirFleet], Front]) -> AirFleet:
        fleet_settings = FleetSettings(("127.0.0.1", 9), ("127.0.0.1", ports.feedback), keys)
        made = AirFleet([Row(one.code, one.physical_address)], fleet_settings, tuner, returns=True)
        await made.start()
        running.push_async_callback(made.close)
        return made

    async with AsyncExitStack() as running:
        adapter = EmulatedAdapter(
            AdapterSettings(
                code=FRONT,
                keys=keys,
                platform=("127.0.0.1", ports.reports),
                port=ports.adapter,
                pair=adapter_keys(),
                certificate=ADAPTER_CERTIFICATE,
            ),
            [BEHIND.code],
        )
        await adapter.start()
        running.push_async_callback(adapter.close)
        gate = await running.enter_async_context(Gateway(settings))
        radio = await fleet(LISTENING, rds_receiver.tuner(f"tcp:{ports.encoder}", "frames"))
        television = await fleet(WATCHING, ts_receiver.tuner(("127.0.0.1", ports.multiplexer), ts_time=TsTime.UTC))
        await gate.terminals.put([CONNECTED, BEHIND, LISTENING, WATCHING], "test")
        connected = await BareTerminal.connect(ports.terminals, CONNECTED)
        running.push_async_callback(connected.close)
        await until(lambda: all(gate.state.bearers[one].health.state is LinkState.UP for one in (BOX, HILL, CABLE)), 30)
        yield County(ports, gate, adapter, (radio, television), connected)
