"""Run in a network of its own with the name of a scenario: a UDP bearer speaks to a group, real sockets hear it."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from emulator.faults import Faults
from emulator.journal import Event
from gateway.devices.bearer import LinkState
from gateway.devices.events import Known
from gateway.domain.ladder import Authenticity
from gateway.protocols import ip
from tests.devices.bearers import message
from tests.devices.harness import answer, beat
from tests.devices.netns import leave_the_network
from tests.devices.udp_town import Town, played
from tests.emulator.reference import until

GROUP, PORT, WAY = "239.192.10.1", 9002, "127.0.0.1"
_IP_RECVTTL = 12
#: Seconds that a scenario waits for at most.
_PATIENCE = 30.0


class Ear:
    """A socket in the group: what it hears, with how many hops were left to it; ``take`` hears of each as well."""

    def __init__(self, take: Callable[[bytes], None] = lambda data: None) -> None:
        self.heard: list[tuple[bytes, int]] = []
        self._take = take
        self._sock = sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        sock.bind((GROUP, PORT))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(WAY))
        asyncio.get_running_loop().add_reader(sock, self._readable)

    def _readable(self) -> None:
        data, ancillary, _, _ = self._sock.recvmsg(65535, socket.CMSG_SPACE(4))
        self.heard.append((data, struct.unpack("i", ancillary[0][2])[0]))
        self._take(data)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()


@asynccontextmanager
async def town(count: int, **settings: Any) -> AsyncIterator[Town]:
    base: dict[str, Any] = {"group": GROUP, "group_port": PORT, "interface": WAY, "interval_seconds": 0.05}
    made = Town(count, **{**base, **settings})
    await made.bearer.open()
    try:
        yield made
    finally:
        await made.close()


async def one_datagram_serves_all() -> None:
    """No second one follows where all have answered the first, though the settings allow it."""
    async with town(6, ttl=3, repeats=20, interval_seconds=_PATIENCE, answer_seconds=_PATIENCE) as hills:
        ear = Ear()
        try:
            fleet = await hills.fleet(6, group=(GROUP, PORT), interface=WAY)
            one = message(1)
            for errand in (hills.desk.start(one, hills.known), hills.desk.stop(one, hills.known)):
                done = await hills.bearer.carry(await hills.bearer.make(errand))
                assert (done.error, done.silent, done.refused) == ("", frozenset(), {})
                assert hills.ears.yes(errand.order) == hills.ears.handed(errand.order) == hills.ids
                await until(lambda errand=errand: bool(ear.heard))  # type: ignore[misc]
                assert ear.heard == [(errand.frame, 3)]
                ear.heard.clear()
            origins = {(entry[5].bound, entry[5].authenticity) for entry in hills.ears.of("answered")}
            assert origins == {(True, Authenticity.ADDRESS)}
            assert played(fleet, str(one.ebm_id)) == sorted(known.source for known in hills.known)
            assert hills.desk.unicasts == []
        finally:
            ear.close()


async def repeats_reach_who_heard_nothing() -> None:
    """A third of all frames vanish, either way: all hear it in the end, and play it once."""
    async with town(12, tries=10, answer_seconds=0.1) as hills:
        fleet = await hills.fleet(12, group=(GROUP, PORT), interface=WAY, faults=Faults(loss=0.3))
        start = hills.desk.start(message(1), hills.known)
        done = await hills.bearer.carry(await hills.bearer.make(start))
        assert (done.error, done.silent) == ("", frozenset())
        assert hills.ears.yes(start.order) == hills.ids
        codes = sorted(known.source for known in hills.known)
        await until(lambda: played(fleet, str(start.message.ebm_id)) == codes)  # type: ignore[union-attr]


class Sleeper:
    """A terminal that does not beat, and answers only what is for it alone."""

    def __init__(self, known: Known, gateway: tuple[str, int]) -> None:
        self._known, self._gateway = known, gateway
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.asked: list[int] = []

    def take(self, data: bytes) -> None:
        packet = ip.parse(data)
        if [target.text for target in packet.targets] == [self._known.source]:
            self.asked.append(packet.session)
            for frame in (beat(self._known.terminal), answer(self._known.terminal, packet.session)):
                self._sock.sendto(frame, self._gateway)

    def close(self) -> None:
        self._sock.close()


async def without_an_address_it_is_asked_through_the_group() -> None:
    """In a frame with one target and an order of its own, that nobody else acts on."""
    async with town(2, repeats=1, answer_seconds=2.0) as hills:
        awake, asleep = hills.known
        sleeper = Sleeper(asleep, hills.bearer.address)
        ear = Ear(sleeper.take)
        try:
            fleet = await hills.fleet(1, group=(GROUP, PORT), interface=WAY)
            start = hills.desk.start(message(1), hills.known)
            done = await hills.bearer.carry(await hills.bearer.make(start))
            assert (done.error, done.silent) == ("", frozenset())
            assert [terminal for _, terminal in hills.desk.unicasts] == [asleep.id]
            ((order, _),) = hills.desk.unicasts
            assert sleeper.asked == [order]
            assert hills.ears.yes(start.order) == {awake.id}
            assert hills.ears.yes(order) == hills.ears.handed(order) == {asleep.id}
            starts = [entry.session for _, entry in fleet.journal.entries() if entry.event is Event.START_RECEIVED]
            assert starts == [start.order]
        finally:
            ear.close()
            sleeper.close()


async def a_group_that_no_way_leads_to_is_told() -> None:
    """So that the next route is taken: this network has no route to it, and the settings name no interface."""
    async with town(1, interface="", host="0.0.0.0") as hills:
        start = hills.desk.start(message(1), hills.known)
        done = await hills.bearer.carry(await hills.bearer.make(start))
        assert "无法发送" in done.error
        assert done.silent == hills.ids
        assert hills.bearer.health.state is LinkState.DOWN
        assert hills.ears.of("carried") == []


SCENARIOS: dict[str, Callable[[], Awaitable[None]]] = {
    scenario.__name__: scenario
    for scenario in (
        one_datagram_serves_all,
        repeats_reach_who_heard_nothing,
        without_an_address_it_is_asked_through_the_group,
        a_group_that_no_way_leads_to_is_told,
    )
}


if __name__ == "__main__":
    leave_the_network()
    asyncio.run(SCENARIOS[sys.argv[1]]())  # type: ignore[arg-type]  # all are coroutines
    sys.stdout.write("heard\n")
