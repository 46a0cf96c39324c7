"""Run in a network of its own: a message over a multicast group from a real output to emulated receivers."""

from __future__ import annotations

import asyncio
import sys

from emulator import ts_receiver
from emulator.air import AirFleet
from emulator.settings import FleetSettings
from gateway.devices.ts_bearer import TsBearer
from gateway.domain.receiver import Route, RouteKind
from gateway.settings.ts_link import TsLink
from tests.devices.airkit import Desk, known_terminals, message
from tests.devices.netns import leave_the_network
from tests.emulator.reference import CERTIFICATE, keys, rows
from tests.gatewaykit import until

GROUP, PORT, WAY = "239.255.0.1", 5086, "127.0.0.1"


async def broadcast() -> None:
    desk, terminals = Desk(), known_terminals(2, "ts:cable")
    settings = FleetSettings(("127.0.0.1", 1), ("127.0.0.1", 1), {CERTIFICATE: keys().public})
    tuner = ts_receiver.tuner((GROUP, PORT), WAY)
    fleet = AirFleet(rows(2), settings, tuner, returns=False)
    link = TsLink(kind="ts", host=GROUP, port=PORT, interface=WAY, index_seconds=0.05)
    bearer = TsBearer(Route(RouteKind.TS, "cable"), link, desk.tools())
    await fleet.start()
    await bearer.open()
    try:
        front = fleet.front
        assert isinstance(front, ts_receiver.TsReceiver)
        await until(lambda: front.sections >= 3)
        done = await bearer.carry(await bearer.make(desk.start(message(), terminals)))
        assert not done.error, done.error
        await until(lambda: front.messages == 1)
    finally:
        await bearer.close()
        await until(lambda: fleet.front.messages == 0)  # type: ignore[attr-defined]
        await fleet.close()


if __name__ == "__main__":
    leave_the_network()
    asyncio.run(broadcast())
    sys.stdout.write("heard over the group\n")
