"""A platform small enough to be right at sight: signed commands, and a server that takes heartbeats and reports."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import cast

from emulator.device import Device
from emulator.registry import Row
from gateway.domain.codes import AreaCode, CertificateSerial, EbmId, PhysicalAddress, ResourceCode
from gateway.domain.targets import TargetForm, target_codes
from gateway.protocols import feedback, ip
from gateway.protocols.feedback import FeedbackPacket
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.framing import Frame, Kind, StreamFramer
from gateway.protocols.ip_bodies import (
    Auxiliary,
    GeneralAnswer,
    Heartbeat,
    PacketType,
    ServiceType,
    StartBroadcast,
    StopBroadcast,
)
from gateway.protocols.signature import SignatureBlock
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider

PLATFORM = ResourceCode("43505000000000103010101")
CERTIFICATE = CertificateSerial("000000000042")
COUNTY = AreaCode("350582000000")
#: 2024-06-01 08:00:00 UTC.
NOON = 1_717_228_800.0


@cache
def keys() -> KeyPair:
    return default_provider().generate()


def rows(count: int) -> list[Row]:
    """Terminals in villages of one county."""
    return [
        Row(
            ResourceCode.build(6, AreaCode(f"350582{100 + n // 900:03d}{n % 900 + 1:03d}")),
            PhysicalAddress(f"{n + 1:012d}"),
            f"terminal {n}",
        )
        for n in range(count)
    ]


def device(number: int = 0) -> Device:
    row = rows(number + 1)[number]
    return Device.of(row.code, row.physical)


def ebm(sequence: int, platform: ResourceCode = PLATFORM) -> EbmId:
    return EbmId.build(platform, date(2024, 6, 1), sequence)


@dataclass
class Commands:
    """Signed frames of a platform; ``now`` is what it signs with."""

    now: float = NOON
    session: int = 100
    targets: tuple[ResourceCode, ...] = field(default_factory=lambda: target_codes(COUNTY, TargetForm.STD))
    certificate: CertificateSerial = CERTIFICATE

    def request(
        self, body: ip.Body, *, session: int | None = None, targets: Iterable[ResourceCode] | None = None
    ) -> bytes:
        if session is None:
            self.session += 1
            session = self.session
        packet = ip.request(session, PLATFORM, self.targets if targets is None else tuple(targets), body)
        return ip.build_signed(packet, self._sign)

    def start(
        self,
        sequence: int,
        *,
        begin: float = -1.0,
        length: float = 60.0,
        ebm_class: int = 4,
        severity: int = 1,
        volume: int = 80,
        platform: ResourceCode = PLATFORM,
        session: int | None = None,
        targets: Iterable[ResourceCode] | None = None,
        url: str = "rtp://239.1.1.1:5004",
    ) -> bytes:
        """Start from ``begin`` seconds after now, for ``length`` seconds."""
        at = int(self.now + begin)
        body = StartBroadcast(
            WireEbmId.of(ebm(sequence, platform)),
            ebm_class,
            severity,
            "11B06",
            volume,
            at,
            int(at + length),
            (Auxiliary.stream(url),),
        )
        return self.request(body, session=session, targets=targets)

    def stop(self, sequence: int, *, session: int | None = None) -> bytes:
        return self.request(StopBroadcast(WireEbmId.of(ebm(sequence))), session=session)

    def _sign(self, part: bytes) -> SignatureBlock:
        time = int(self.now)
        value = default_provider().sign(keys().private, keys().public, part + time.to_bytes(4, "big"))
        return SignatureBlock(time, self.certificate, value)


class Server:
    """Answers heartbeats on one port, takes reports on another; ``wrap`` may hurt what it sends, segment by segment."""

    def __init__(self, wrap: Callable[[bytes], list[bytes]] = lambda data: [data]) -> None:
        self._wrap = wrap
        self.lines: dict[str, asyncio.Transport] = {}
        self.answers: list[ip.IpPacket] = []
        self.reports: list[FeedbackPacket] = []
        self.heartbeats: list[Heartbeat] = []
        #: reports are read and their connections then reset, as by a process that dies.
        self.resets = False

    async def start(self, port: int = 0, feedback_port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._d = await loop.create_server(lambda: LinePort(self), "127.0.0.1", port, backlog=4096)
        self._e = await loop.create_server(lambda: ReturnPort(self), "127.0.0.1", feedback_port, backlog=4096)

    @property
    def gateway(self) -> tuple[str, int]:
        address: tuple[str, int] = self._d.sockets[0].getsockname()
        return address

    @property
    def feedback(self) -> tuple[str, int]:
        address: tuple[str, int] = self._e.sockets[0].getsockname()
        return address

    def send(self, frame: bytes, codes: Iterable[str] | None = None) -> None:
        for code in list(self.lines) if codes is None else codes:
            for segment in self._wrap(frame):
                self.lines[code].write(segment)

    async def close(self) -> None:
        for line in list(self.lines.values()):
            line.abort()
        for server in (self._d, self._e):
            server.close()
            await server.wait_closed()

    def of(self, kind: int, code: str | None = None) -> list[FeedbackPacket]:
        """Reports of a service type, of one terminal or of all."""
        return [
            report
            for report in self.reports
            if report.service_type == kind and (code is None or report.source.code == code)
        ]


class LinePort(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server, self._framer = server, StreamFramer()
        self._code: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        for found in self._framer.feed(data):
            if not isinstance(found, Frame):
                continue
            if found.kind is Kind.FEEDBACK:
                self._server.reports.append(feedback.parse(found.raw))
                continue
            packet = ip.parse(found.raw)
            if isinstance(packet.body, Heartbeat):
                self._server.heartbeats.append(packet.body)
                self._code = str(packet.source.code)
                self._server.lines[self._code] = self._transport
                own = WireCode.of(PLATFORM)
                for segment in self._server._wrap(ip.build(ip.answer_to(packet, own, 0))):
                    self._transport.write(segment)
            elif isinstance(packet.body, GeneralAnswer) and packet.packet_type == PacketType.ANSWER:
                self._server.answers.append(packet)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._code is not None and self._server.lines.get(self._code) is self._transport:
            del self._server.lines[self._code]


class ReturnPort(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server, self._framer = server, StreamFramer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._server.resets:
            reset = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

    def data_received(self, data: bytes) -> None:
        for found in self._framer.feed(data):
            if isinstance(found, Frame):
                self._server.reports.append(feedback.parse(found.raw))

    def eof_received(self) -> bool:
        return False


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for ``condition``, looking often."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


TASK, RESULT, FAULT, QUERY = ServiceType.TASK, ServiceType.RESULT, ServiceType.FAULT, ServiceType.QUERY
