"""A UDP bearer and the emulated terminals that beat towards it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from emulator.fleet import Fleet
from emulator.journal import Event
from emulator.settings import Bearer
from gateway.devices.udp_bearer import UdpBearer
from gateway.settings.udp_link import UdpLink
from tests.devices.bearers import Desk, Ears, fleet_of, known_terminals, unverified
from tests.devices.udp_relay import Relay
from tests.emulator.reference import PLATFORM


class Town:
    """A bearer on a free port, and who beats towards it."""

    def __init__(self, count: int, **settings: Any) -> None:
        self.desk = Desk()
        self.known = known_terminals(count, "udp:hills")
        self.ears = Ears(self.known)
        base: dict[str, Any] = {"kind": "udp", "host": "127.0.0.1", "port": 0, "answer_seconds": 0.15, "tries": 3}
        self.bearer = UdpBearer(
            "hills",
            UdpLink(**{**base, **settings}),
            self.ears,
            self.desk,
            own_code=PLATFORM,
            verified=unverified,
            clock=time.time,
        )
        self.fleets: list[Fleet] = []
        self.relay: Relay | None = None

    async def fleet(self, count: int, *, over: Relay | None = None, **changes: Any) -> Fleet:
        address = self.bearer.address
        if over is not None:
            over.to, self.relay = address, over
            address = await over.open()
        made = fleet_of(count, Bearer.UDP, address, **changes)
        self.fleets.append(made)
        await made.start()
        async with asyncio.timeout(20):
            await made.all_registered.wait()
        return made

    async def close(self) -> None:
        for fleet in self.fleets:
            await fleet.close()
        await self.bearer.close()
        if self.relay is not None:
            await self.relay.close()

    @property
    def ids(self) -> set[int]:
        return {known.id for known in self.known}


def played(fleet: Fleet, ebm_id: str) -> list[str]:
    return sorted(e.terminal for _, e in fleet.journal.entries() if e.event is Event.PLAYING and e.ebm_id == ebm_id)
