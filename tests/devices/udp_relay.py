"""A bad network between UDP terminals and their bearer: loses, doubles and reorders datagrams by a fixed seed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

Address = tuple[str, int]


class _Inner(asyncio.DatagramProtocol):
    """Stands for one terminal on the bearer's side."""

    def __init__(self, relay: Relay, peer: Address) -> None:
        self._relay, self._peer = relay, peer

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._relay.pass_on(data, lambda part: self._relay.outside.sendto(part, self._peer))


@dataclass(eq=False)
class Relay(asyncio.DatagramProtocol):
    """``loss``, ``double`` and ``late`` are chances for each datagram, in both directions."""

    to: Address
    loss: float = 0.0
    double: float = 0.0
    late: float = 0.0
    seed: int = 7
    lost: int = 0
    inner: dict[Address, asyncio.DatagramTransport] = field(default_factory=dict)

    async def open(self) -> Address:
        self._dice = random.Random(self.seed)
        self._loop = asyncio.get_running_loop()
        self._held: dict[Address, list[bytes]] = {}
        self.outside, _ = await self._loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        address: Address = self.outside.get_extra_info("sockname")
        return address

    def datagram_received(self, data: bytes, addr: Address) -> None:
        there = self.inner.get(addr)
        if there is not None:
            self.pass_on(data, there.sendto)
            return
        waiting = self._held.setdefault(addr, [])
        waiting.append(data)
        if len(waiting) == 1:
            self._task = self._loop.create_task(self._meet(addr))

    async def _meet(self, addr: Address) -> None:
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Inner(self, addr), local_addr=("127.0.0.1", 0), remote_addr=self.to
        )
        self.inner[addr] = transport
        for data in self._held.pop(addr):
            self.pass_on(data, transport.sendto)

    def pass_on(self, data: bytes, send: object) -> None:
        assert callable(send)
        if self._dice.random() < self.loss:
            self.lost += 1
            return
        for _ in range(2 if self._dice.random() < self.double else 1):
            if self._dice.random() < self.late:
                self._loop.call_later(0.01, self._send, send, data)
            else:
                self._send(send, data)

    def _send(self, send: object, data: bytes) -> None:
        assert callable(send)
        if not self.outside.is_closing():
            send(data)

    async def close(self) -> None:
        self.outside.close()
        for transport in self.inner.values():
            transport.close()
        await asyncio.sleep(0)
