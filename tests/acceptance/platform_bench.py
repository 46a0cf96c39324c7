"""The bench of figures B.1-B.3: an emulated superior, our gateway as a county's platform, a station, two terminals.

Superior and station hold every package against the schemas; the analyser stands in the line to the terminals.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from emulator.fleet import Fleet
from emulator.line import Line
from emulator.registry import Row
from emulator.settings import FleetSettings
from emulator.superior import Superior, SuperiorSettings
from gateway.daemon import Gateway, signing_key, sm2_provider
from gateway.domain.receiver import Route, RouteKind, Terminal
from gateway.protocols.platform.ids import PlatformCode
from gateway.protocols.platform.states import EbmStateResponse
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider
from gateway.store import queries
from tests.acceptance.analyser import Analyser
from tests.acceptance.media import IpMedium
from tests.api.apikit import Api
from tests.gatewaykit import settings_for, terminal, until
from tests.peerkit import CITY, COUNTY
from tests.ports import free_port

STATION = PlatformCode("43505240000000201010101")
#: A receiver of the station: one terminal that only its route reaches.
BEHIND_STATION = Route(RouteKind.PLATFORM, "radio")
QUICK: dict[str, Any] = {"heartbeat_seconds": 0.5, "retry_seconds": [0.2, 0.5], "connect_seconds": 2.0}


@dataclass(eq=False)
class PlatformBench:
    """All of a figure; ``output`` reads what goes to the terminals."""

    gate: Gateway
    superior: Superior
    station: Superior
    fleet: Fleet
    terminals: tuple[Terminal, Terminal]
    output: Analyser
    api: Api

    def states(self, ebm_id: str) -> list[EbmStateResponse]:
        """What the superior was told of a message."""
        bodies = [one.ebd.body for one in self.superior.of("EBMStateResponse") if one.ebd is not None]
        return [body for body in bodies if isinstance(body, EbmStateResponse) and body.ebm_id == ebm_id]

    def codes(self, ebm_id: str) -> list[int]:
        """BrdStateCodes in their order, each change once."""
        found: list[int] = []
        for one in self.states(ebm_id):
            if found[-1:] != [one.state]:
                found.append(one.state)
        return found

    def line(self, number: int) -> Line:
        """The emulated terminal at this place."""
        return next(line for line in self.fleet.lines if line.code == self.terminals[number].code)

    def plays(self, number: int) -> str | None:
        """What is audible there."""
        return self.line(number).terminal.broadcast.on_air

    def items(self, kind: str) -> list[Any]:
        """Items of all reports of a kind, in their order."""
        bodies = [one.ebd.body for one in self.superior.of(kind) if one.ebd is not None]
        return [item for body in bodies for item in getattr(body, "items", ())]

    async def shown(self, ebm_id: str) -> dict[str, Any] | None:
        """What the person on duty is shown of a message."""
        items = (await self.api.get("/api/v1/warnings", "duty")).json["items"]
        return next((item for item in items if item["message_id"] == ebm_id), None)


def strict(code: PlatformCode, serial: str, ours: bytes, heartbeat: float) -> Superior:
    """A platform with a key of its own, for which ours is registered."""
    pair = default_provider().generate()
    return Superior(
        SuperiorSettings(code=code, serial=serial, pair=pair, peer_code=COUNTY, peer_key=ours, heartbeat=heartbeat)
    )


def _trusted(one: Superior) -> str:
    public = one.settings.pair.public.hex().upper()
    return f'[[peer]]\ncode = "{one.settings.code}"\nserial = "{one.settings.serial}"\npublic_key = "{public}"\n'


@asynccontextmanager
async def platform_bench(folder: Path, **sections: Any) -> AsyncIterator[PlatformBench]:
    """A bench with two terminals in two towns that are ready; ``platform`` changes that section, others are added."""
    ours = {"code": COUNTY, "region": "350524000000"}
    port = free_port()
    base = settings_for(folder, gateway=ours)
    key = signing_key(base, sm2_provider("auto"))
    pair = key.pair
    assert isinstance(pair, KeyPair)
    superior = strict(CITY, "0000000C1001", pair.public, 0.5)
    station = strict(STATION, "0000000C1003", pair.public, 0.0)
    trust = folder / "trust.toml"
    trust.write_text(_trusted(superior) + _trusted(station) + sections.pop("trusted", ""))
    between = IpMedium()
    async with AsyncExitStack() as stack:
        for one in (superior, station):
            one.peer_url = f"http://127.0.0.1:{port}/ebd"
            await one.open()
            stack.push_async_callback(one.close)
        await between.open()
        stack.push_async_callback(between.close)
        platform = {"settle_seconds": 0.3, "progress_seconds": 0.5, **sections.pop("platform", {})}
        peers = {
            "city": {
                "role": "superior",
                "code": CITY,
                "url": superior.url(),
                "standby_url": superior.url("standby"),
                **QUICK,
            },
            "radio": {"role": "station", "code": STATION, "url": station.url(), **QUICK},
        }
        made = settings_for(
            folder,
            gateway=ours,
            platform={"enabled": True, "port": port, **platform},
            peers=peers,
            signing={"trust_file": trust},
            **sections,
        )
        gate = await stack.enter_async_context(Gateway(made))
        first, second = terminal("350524100001"), terminal("350524101001", 2)
        await gate.terminals.put([first, second], "test")
        between.gateway_port = gate.ports.terminals
        between.output.expect(pair.public)
        keys, back = {key.certificate: pair.public}, ("127.0.0.1", gate.ports.feedback)
        settings = FleetSettings(("127.0.0.1", between.port), back, keys, backoff=0.02)
        fleet = between.fleet([Row(one.code, one.physical_address) for one in (first, second)], settings)
        await fleet.start()
        stack.push_async_callback(fleet.close)
        await until(lambda: all(line.terminal.registered for line in fleet.lines))
        api = Api(gate, await stack.enter_async_context(aiohttp.ClientSession()))
        if not await gate.state.store.read(queries.keys):
            await api.add_keys()
        await until(lambda: superior.beats and superior.of("EBRPSInfo"))
        yield PlatformBench(gate, superior, station, fleet, (first, second), between.output, api)
