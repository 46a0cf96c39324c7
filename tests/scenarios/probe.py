"""A terminal of the test's own that tells the instant at which the first byte of an order arrives."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from gateway.domain.receiver import Terminal
from gateway.protocols import fastpath, ip
from gateway.protocols.fields import WireCode
from gateway.protocols.framing import Frame, StreamFramer
from gateway.protocols.ip_bodies import Heartbeat, PacketType, ServiceType
from tests.gatewaykit import PLATFORM

_PAUSE = 0.02


class Probe:
    """Connects again and again and registers; ``ordered`` is set by each order it hears.

    It answers stops alone: a start that stays without an answer comes again with every connection.
    """

    def __init__(self, terminal: Terminal, port: int) -> None:
        self.ordered = asyncio.Event()
        self._terminal, self._port = terminal, port
        self._source = WireCode.of(terminal.code).raw
        self._session = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    await self._speak(reader, writer)
                finally:
                    writer.transport.abort()
                    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
            await asyncio.sleep(_PAUSE)

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._session += 1
        beat = Heartbeat(1, 2, bytes.fromhex(self._terminal.physical_address))
        writer.write(ip.build(ip.request(self._session, self._terminal.code, (PLATFORM,), beat)))
        framer = StreamFramer(65535)
        while data := await reader.read(65536):
            for item in framer.feed(data):
                assert isinstance(item, Frame)
                packet = ip.parse(item.raw)
                if packet.packet_type != PacketType.REQUEST:
                    continue
                self.ordered.set()
                if packet.service_type == ServiceType.STOP:
                    answer = fastpath.build_answer(
                        packet.session, packet.service_type, self._source, WireCode.of(PLATFORM).raw, 0
                    )
                    writer.write(answer)
