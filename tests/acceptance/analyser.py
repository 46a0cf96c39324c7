"""The protocol analyser 协议分析系统 of figures F.1-F.43: lines pass through it unchanged, and it reads what passes.

It reads with ``decode`` and checks signatures with gmssl, which signs nothing here: the gateway and the emulated
terminals use libcrypto.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from emulator.adapter_accept import Port
from gateway.protocols.decode import decode
from gateway.protocols.framing import Frame, StreamFramer
from gateway.protocols.rds_frames import FRAME_SIZE, Assembled, FrameAssembler
from gateway.protocols.ts_packets import PACKET_SIZE
from gateway.protocols.ts_sections import Found, SectionFinder
from gateway.security.gmssl import GmsslProvider

#: Takes bytes of one direction of one line, gives whole frames.
Cutter = Callable[[bytes], list[bytes]]


class Passed(NamedTuple):
    """One different frame that went by, as ``ebgw decode`` shows it."""

    raw: bytes
    shown: dict[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        found: dict[str, Any] = self.shown["fields"]
        return found

    @property
    def is_right(self) -> bool:
        """Whole, without fault, and to be built again to the same bytes."""
        return self.shown["error"] is None and self.shown["rebuilt"] == self.raw.hex().upper()

    @property
    def is_signed(self) -> bool:
        """Signed by the key that is expected, over data ‖ SigTime (GD/J 081-2018 figure 3)."""
        signature = self.shown["signature"]
        return signature["valid"] is True and signature["coverage"] == "A"

    def __str__(self) -> str:
        signature = self.shown["signature"]
        said = f"{self.shown['protocol']} {self.shown['kind']} {len(self.raw)} B {self.raw[:8].hex().upper()}…"
        if signature is None or not signature["present"]:
            return f"{said} 无签名 unsigned"
        valid = {True: "有效 valid", False: "无效 invalid", None: "未验 not checked"}[signature["valid"]]
        return f"{said} 证书 certificate {signature['certificate']} 签名{valid}"


class Analyser:
    """Keeps each different frame once, in the order of their first passing."""

    def __init__(self) -> None:
        self.passed: list[Passed] = []
        self._seen: set[bytes] = set()
        self._key: bytes | None = None

    def expect(self, public_key: bytes) -> None:
        """Hold signatures against this key from now on."""
        self._key = public_key

    def take(self, raw: bytes) -> None:
        if raw not in self._seen:
            self._seen.add(raw)
            self.passed.append(Passed(raw, decode(raw, self._key, GmsslProvider().verify)))

    def of(self, kind: str) -> list[Passed]:
        """What passed of this kind."""
        return [one for one in self.passed if one.shown["kind"] == kind]


def ip_cutter() -> Cutter:
    """Frames of appendices D and E."""
    framer = StreamFramer(65535)
    return lambda data: [item.raw for item in framer.feed(data) if isinstance(item, Frame)]


def adapter_cutter() -> Cutter:
    """Packets of appendix A."""
    framer = StreamFramer(65535, 65535, adapters=True)
    return lambda data: [item.raw for item in framer.feed(data) if isinstance(item, Frame)]


def rds_cutter() -> Cutter:
    """Packets out of RDS frames of 8 bytes (GD/J 085-2018 table 21)."""
    assembler, held = FrameAssembler(), bytearray()

    def cut(data: bytes) -> list[bytes]:
        held.extend(data)
        found = []
        while len(held) >= FRAME_SIZE:
            done = assembler.take(bytes(held[:FRAME_SIZE]))
            del held[:FRAME_SIZE]
            if isinstance(done, Assembled):
                found.append(done.raw)
        return found

    return cut


class Tap:
    """A TCP line with the analyser in the middle; ``downward`` is what comes from the far end, ``upward`` goes there.

    ``far`` is asked for each connection; where it listens to nobody, the near end is closed.
    """

    def __init__(self, far: Callable[[], int], cutter: Callable[[], Cutter]) -> None:
        self.upward, self.downward = Analyser(), Analyser()
        self.port = 0
        self._far, self._cutter = far, cutter
        self._listener = Port(self._serve)
        self._near: set[asyncio.StreamWriter] = set()

    @property
    def joined(self) -> bool:
        """Whether a line goes through to its far end."""
        return bool(self._near)

    def inject(self, raw: bytes) -> None:
        """Write to every near end as if it came from the far one."""
        for writer in self._near:
            writer.write(raw)

    def open(self) -> None:
        self.port = self._listener.open("127.0.0.1", 0)

    async def close(self) -> None:
        await self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, far = await asyncio.open_connection("127.0.0.1", self._far())
        self._near.add(writer)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(reader, far, self.upward))
                ways.create_task(self._pass(back, writer, self.downward))
        except* OSError:
            pass
        finally:
            self._near.discard(writer)
            far.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, analyser: Analyser) -> None:
        cut = self._cutter()
        while data := await source.read(65536):
            for raw in cut(data):
                analyser.take(raw)
            target.write(data)
        target.write_eof()


class DatagramTap(asyncio.DatagramProtocol):
    """Transport stream packets over UDP, handed on to where the receivers listen."""

    def __init__(self, far: int) -> None:
        self.upward = Analyser()
        self.port = 0
        self._far = far
        self._finder = SectionFinder()
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        for at in range(0, len(data), PACKET_SIZE):
            for event in self._finder.feed(data[at : at + PACKET_SIZE]):
                if isinstance(event, Found):
                    self.upward.take(event.raw)
        if self._transport is not None:
            self._transport.sendto(data, ("127.0.0.1", self._far))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens yet."""
