"""The port for adapters' reports 适配器上报: 0x18, 0x19 and 0x20 (GD/J 089-2018 A.2).

A report is answered only once what it says is on disk: the answer ends the adapter's own memory of it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable

from gateway.devices.adapter_link import AdapterLink
from gateway.devices.adapter_server import AdapterServer, ServerLimits
from gateway.devices.bearer import BearerEvents, Workshop
from gateway.errors import AnswerMismatch, FrameError, MalformedFrame, SignatureError
from gateway.protocols import adapter
from gateway.protocols.adapter import AdapterPacket, Head
from gateway.protocols.adapter_answers import PlatformAnswer
from gateway.protocols.adapter_reports import AdapterHeartbeat, TaskEnd, TaskStart
from gateway.protocols.adapter_results import ReturnCode
from gateway.protocols.adapter_types import Body


class AdapterPort:
    """Hears all adapters of the settings on one port."""

    def __init__(
        self,
        links: Iterable[AdapterLink],
        events: BearerEvents,
        workshop: Workshop,
        limits: ServerLimits,
        monotonic: Callable[[], float],
    ) -> None:
        self._links = {str(link.code): link for link in links}
        self._events = events
        self._workshop = workshop
        self._server = AdapterServer(self._take, self._refuse, limits, monotonic)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; returns the port's number. Errors: EnvironmentLackingError."""
        return await self._server.open(host, port, tls)

    async def close(self) -> None:
        """Close port and connections; what was not answered is reported again by its adapter."""
        await self._server.close()

    def receipts_committed(self) -> None:
        """More receipts are durable: let the answers go that waited for them."""
        durable = self._events.committed()
        for seq, waiter in self._waiting:
            if seq <= durable and not waiter.done():
                waiter.set_result(None)
        self._waiting = [waiting for waiting in self._waiting if not waiting[1].done()]

    async def _take(self, raw: bytes, peer: str) -> bytes:
        packet = adapter.parse(raw)
        if packet.head != Head.ADAPTER:
            raise AnswerMismatch(f"head: 0x{packet.head:02X} is not that of an adapter (table A.1)")
        body = packet.body
        if not isinstance(body, TaskStart | TaskEnd | AdapterHeartbeat):
            raise MalformedFrame(f"protocol_type: 0x{packet.protocol_type:02X} is no report (table A.4)", offset=3)
        link = self._links.get(body.front_code.text)
        if link is None:
            self._events.stranger(body.front_code.text, "", peer, "unknown_adapter")
            raise MalformedFrame(f"front_code: {body.front_code.text} is no adapter of the settings")
        seq, answer = link.reported(body, raw, link.peer.authenticate(packet, raw), peer)
        await self._durable(seq)
        return await self._signed(answer, packet)

    async def _refuse(self, error: FrameError) -> bytes:
        code = ReturnCode.UNKNOWN
        if isinstance(error, SignatureError):
            code = ReturnCode.SIGNATURE_REFUSED
        elif type(error) is MalformedFrame:
            code = ReturnCode.LENGTH_ERROR
        return await self._signed(PlatformAnswer(code, error.code.encode()))

    async def _durable(self, seq: int) -> None:
        if seq <= self._events.committed():
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((seq, waiter))
        await waiter

    async def _signed(self, body: Body, asked: AdapterPacket | None = None) -> bytes:
        packet = adapter.command(body) if asked is None else adapter.answer_to(asked, body)
        unsigned = adapter.unsigned_part(packet)
        return adapter.assemble(unsigned, await self._workshop.sign(unsigned))
