"""What lies between the adapter and its terminals 传输通道: a TCP line, an encoder's line, or a multiplexer's UDP.

Each goes through the analyser. Nothing is modulated: encoder and multiplexer stand where the radio part would begin.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Any

from emulator import rds_receiver, ts_receiver
from emulator.air import AirFleet
from emulator.fleet import Fleet
from emulator.registry import Row
from emulator.settings import FleetSettings
from gateway.domain.receiver import Route, RouteKind
from gateway.protocols.rds_frames import split
from gateway.protocols.ts_packets import Packetiser
from gateway.protocols.ts_time import TsTime
from tests.acceptance.analyser import Analyser, DatagramTap, Tap, ip_cutter, rds_cutter
from tests.ports import free_port

#: Where the programme is heard: MHz of the FM transmitter; kHz of the cable channel, service and PID of the sound.
FM_MHZ = "98.50"
CABLE_KHZ, SERVICE, AUDIO_PID = 610_000, 101, 257
#: Of frames brought in from elsewhere (GD/J 085-2018 tables 21, 22): a version far from those of the output.
_COUNTY_LEVEL, _OTHER_VERSION = 4, 5


class Kind(StrEnum):
    """Which adapter is measured: F.1 RDS, F.2 TS, F.3 IP."""

    RDS = "rds"
    TS = "ts"
    IP = "ip"


class Medium(ABC):
    """One output of the adapter under test."""

    #: the output where it is a link of the settings, and those settings
    route: Route | None = None
    links: dict[str, Any]
    #: what the adapter puts out
    output: Analyser

    @abstractmethod
    async def open(self) -> None:
        """Listen; the adapter's settings may be made after this."""

    @abstractmethod
    async def close(self) -> None:
        """Cut every line."""

    @property
    @abstractmethod
    def joined(self) -> bool:
        """Whether what the adapter sends now would arrive."""

    @abstractmethod
    async def inject(self, raw: bytes) -> None:
        """Bring a frame to the terminals that the adapter did not send."""

    @abstractmethod
    def fleet(self, rows: list[Row], settings: FleetSettings) -> Fleet:
        """The terminals at the far side of the analyser."""


class IpMedium(Medium):
    """Terminals dial in; ``gateway_port`` is set once the adapter listens."""

    def __init__(self) -> None:
        self.gateway_port = 0
        self.links = {}
        self._tap = Tap(lambda: self.gateway_port, ip_cutter)
        self.output = self._tap.downward

    async def open(self) -> None:
        self._tap.open()

    async def close(self) -> None:
        await self._tap.close()

    @property
    def joined(self) -> bool:
        return self._tap.joined

    async def inject(self, raw: bytes) -> None:
        self._tap.inject(raw)

    @property
    def port(self) -> int:
        """Where terminals dial."""
        return self._tap.port

    def fleet(self, rows: list[Row], settings: FleetSettings) -> Fleet:
        return Fleet(rows, settings)


class RdsMedium(Medium):
    """The encoder of an FM transmitter, which takes frames of 8 bytes."""

    route = Route(RouteKind.RDS, "hill")

    def __init__(self) -> None:
        self._far = free_port()
        self._tap = Tap(lambda: self._far, rds_cutter)
        self.output = self._tap.upward

    async def open(self) -> None:
        self._tap.open()
        self.links = {
            "hill": {
                "kind": "rds",
                "url": f"tcp://127.0.0.1:{self._tap.port}",
                "frequency": FM_MHZ,
                "frames_per_second": 20_000.0,
                "interval_seconds": 0.05,
                "text_interval_seconds": 0.2,
                "backoff_longest_seconds": 0.05,
            }
        }

    async def close(self) -> None:
        await self._tap.close()

    @property
    def joined(self) -> bool:
        return self._tap.joined

    async def inject(self, raw: bytes) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", self._far)
        writer.write(b"".join(split(raw, _COUNTY_LEVEL, _OTHER_VERSION)))
        writer.close()
        await writer.wait_closed()

    def fleet(self, rows: list[Row], settings: FleetSettings) -> Fleet:
        return AirFleet(rows, settings, rds_receiver.tuner(f"tcp:{self._far}", "frames"), returns=True)


class TsMedium(Medium):
    """A multiplexer of cable television."""

    route = Route(RouteKind.TS, "cable")

    def __init__(self) -> None:
        self._far = free_port(socket.SOCK_DGRAM)
        self._tap = DatagramTap(self._far)
        self.output = self._tap.upward

    async def open(self) -> None:
        await self._tap.open()
        self.links = {
            "cable": {
                "kind": "ts",
                "host": "127.0.0.1",
                "port": self._tap.port,
                "ts_time": "beijing",
                "network_id": 1,
                "ts_id": 2,
                "service_id": SERVICE,
                "audio_pid": AUDIO_PID,
                "frequency": CABLE_KHZ,
                "index_seconds": 0.03,
                "content_seconds": 0.1,
                "other_seconds": 0.1,
            }
        }

    async def close(self) -> None:
        self._tap.close()

    @property
    def joined(self) -> bool:
        return True  # datagrams

    async def inject(self, raw: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"".join(Packetiser().packets(raw)), ("127.0.0.1", self._far))

    def fleet(self, rows: list[Row], settings: FleetSettings) -> Fleet:
        tuner = ts_receiver.tuner(("127.0.0.1", self._far), ts_time=TsTime.BEIJING)
        return AirFleet(rows, settings, tuner, returns=True)


def medium(kind: Kind) -> IpMedium | RdsMedium | TsMedium:
    """The output of the adapter that is measured."""
    if kind is Kind.IP:
        return IpMedium()
    return RdsMedium() if kind is Kind.RDS else TsMedium()
