"""A real serial bearer at an emulated bus; what stands above it is a notebook that makes frames."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from emulator.bus import BusFleet, BusSettings
from emulator.bus_port import BusPort, PtyPort
from emulator.settings import FleetSettings, TerminalSettings
from gateway.devices.bearer import Carried, Errand, LinkHealth, LinkState, Tools
from gateway.devices.events import Known, Origin
from gateway.devices.serial_bearer import SerialBearer
from gateway.domain.codes import ResourceCode
from gateway.domain.events import EventType
from gateway.domain.ladder import EvidenceKind
from gateway.domain.message import Command, EbmClass, Message
from gateway.domain.receiver import Profile, Route, RouteKind, Terminal
from gateway.domain.warning import Severity
from gateway.protocols.feedback import FeedbackPacket
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import ParameterSetting, StatusQuery, StopBroadcast
from gateway.security.coverage import SignatureBlock
from gateway.settings.serial_link import SerialLink
from tests.emulator.reference import CERTIFICATE, COUNTY, PLATFORM, Commands, ebm, keys, rows

ROUTE = Route(RouteKind.SERIAL, "bus")
BAUD = 460_800
#: A fleet without TCP: nobody listens there.
NOWHERE = ("127.0.0.1", 9)


def knowns(count: int, route: Route = ROUTE) -> list[Known]:
    """The emulator's terminals as the registry knows them."""
    return [
        Known(
            number + 1,
            Terminal(row.code, row.physical, row.name, COUNTY, routes=(route,)),
            Profile("gdj089-2018"),
        )
        for number, row in enumerate(rows(count))
    ]


def message(sequence: int = 1, severity: Severity = Severity.RED) -> Message:
    """A message of the reference platform."""
    now = datetime.now(UTC)
    return Message(
        ebm_id=ebm(sequence),
        warning_id=f"w{sequence}",
        ebm_class=EbmClass.EMERGENCY,
        severity=severity,
        event=EventType("11B01"),
        volume=80,
        start=now,
        end=now + timedelta(hours=1),
        programme_url="rtp://239.1.1.1:5004",
        areas=(COUNTY,),
        headline="",
        text="",
    )


@dataclass
class Notebook:
    """BearerEvents and Workshop: writes down what it hears, and makes signed frames."""

    terminals: list[Known]
    answers: list[tuple[int, int, int, int, Origin]] = field(default_factory=list)
    reports: list[tuple[int, FeedbackPacket, Origin]] = field(default_factory=list)
    handed: list[tuple[int, tuple[int, ...], float]] = field(default_factory=list)
    strangers: list[tuple[str, str, str]] = field(default_factory=list)
    registrations: list[tuple[int, bool]] = field(default_factory=list)
    links: list[LinkHealth] = field(default_factory=list)
    unicasts: list[Errand] = field(default_factory=list)
    durable: int = 0
    receipt: int = 0
    commands: Commands = field(default_factory=lambda: Commands(now=time.time()))
    numbers: Any = field(default_factory=lambda: itertools.count(1000))

    def __post_init__(self) -> None:
        self._by_code = {known.source: known for known in self.terminals}

    # -- BearerEvents

    def find(self, code: str) -> Known | None:
        return self._by_code.get(code)

    def registered(self, known: Known, *, first: bool) -> int:
        self.registrations.append((known.id, first))
        return self.receipt

    def lost(self, known: Known) -> None:
        raise AssertionError("a line loses no terminal")

    def answered(self, known: Known, session: int, service_type: int, result: int, raw: bytes, origin: Origin) -> int:
        self.answers.append((known.id, session, service_type, result, origin))
        return 0

    def reported(self, known: Known, packet: FeedbackPacket, raw: bytes, origin: Origin) -> int:
        self.reports.append((known.id, packet, origin))
        return 0

    def committed(self) -> int:
        return self.durable

    def ask_alive(self, known: Known) -> None:
        raise AssertionError("a line has no rival connections")

    def stranger(self, source: str, physical: str, peer: str, reason: str) -> None:
        self.strangers.append((source, physical, reason))

    def disputed(self, known: Known, *, on: bool) -> None:
        raise AssertionError("a line has no rival connections")

    def carried(self, order: int, route: Route, terminals: Sequence[int]) -> None:
        self.handed.append((order, tuple(terminals), time.monotonic()))

    def claimed(
        self,
        kind: EvidenceKind,
        ebm_id: str,
        terminals: Sequence[Known],
        *,
        origin: Origin,
        code: int,
        protocol: str,
        service_type: int,
        raw: bytes,
        order: int | None = None,
    ) -> int:
        raise AssertionError("terminals on a line speak for themselves")

    def link(self, route: Route, health: LinkHealth) -> None:
        self.links.append(health)

    # -- Workshop

    async def sign(self, data: bytes) -> SignatureBlock:
        raise AssertionError("frames are signed above")

    async def unicast(self, errand: Errand, terminal: Known) -> Errand:
        single = self.errand(
            errand.command, [terminal], errand.message, targets=(terminal.terminal.code,),
            parameters=errand.parameters, tags=errand.tags, priority=errand.priority, until=errand.until,
        )  # fmt: skip
        self.unicasts.append(single)
        return single

    # -- frames

    def errand(
        self,
        command: Command,
        terminals: Sequence[Known],
        message: Message | None = None,
        targets: tuple[ResourceCode, ...] | None = None,
        **more: Any,
    ) -> Errand:
        """An errand with its signed frame, as dispatch makes it."""
        number = next(self.numbers)
        targets = self.commands.targets if targets is None else targets
        make: dict[str, Any] = {"session": number, "targets": targets}
        if command is Command.START:
            assert message is not None
            frame = self.commands.start(int(message.warning_id[1:]), **make)
        elif command is Command.STOP:
            assert message is not None
            frame = self.commands.request(StopBroadcast(WireEbmId.of(message.ebm_id)), **make)
        elif command is Command.SET:
            frame = self.commands.request(ParameterSetting(more["parameters"]), **make)
        else:
            frame = self.commands.request(StatusQuery(more["tags"]), **make)
        return Errand(number, command, tuple(terminals), targets, message, frame, **more)


@dataclass
class Rig:
    """Both ends of one line."""

    bearer: SerialBearer
    bus: BusFleet
    notes: Notebook

    async def carry(self, errand: Errand) -> Carried:
        return await self.bearer.carry(await self.bearer.make(errand))

    async def start(self, sequence: int = 1, **more: Any) -> Carried:
        return await self.carry(self.notes.errand(Command.START, self.notes.terminals, message(sequence), **more))

    def heard(self, event: str) -> list[str]:
        """Terminals at which something happened, in order."""
        return [entry.terminal for _, entry in self.bus.journal.entries() if entry.event == event]


def link_for(url: str, **more: Any) -> SerialLink:
    """Settings of a fast line."""
    return SerialLink(**{"kind": "serial", "url": url, "baud": BAUD, "answer_seconds": 0.05, **more})


def bearer_for(link: SerialLink, notes: Notebook) -> SerialBearer:
    """A bearer below a notebook."""
    tools = Tools(notes, notes, time.time, time.monotonic, lambda route: notes.terminals, PLATFORM)
    return SerialBearer(ROUTE, link, tools)


@asynccontextmanager
async def bus(
    count: int,
    folder: Path,
    *,
    port: Callable[[Callable[[bytes], None]], BusPort] | None = None,
    settings: BusSettings | None = None,
    **fleet: Any,
) -> AsyncIterator[BusFleet]:
    """An emulated bus, by default on a pty."""
    made = BusFleet(
        rows(count),
        FleetSettings(NOWHERE, NOWHERE, {CERTIFICATE: keys().public}, TerminalSettings(heartbeat=60, scale=1), **fleet),
        settings or BusSettings(baud=BAUD),
        port or (lambda receive: PtyPort(folder / "bus", receive)),
    )
    await made.start()
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def rig(
    count: int, folder: Path, *, open_wait: bool = True, link: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[Rig]:
    """A bearer at a bus, connected."""
    async with bus(count, folder, **more) as there:
        notes = Notebook(knowns(count))
        bearer = bearer_for(link_for(there.port.url, **(link or {})), notes)
        await bearer.open()
        try:
            if open_wait:
                for _ in range(1000):
                    if bearer.health.state is LinkState.UP:
                        break
                    await asyncio.sleep(0.005)
                else:
                    raise AssertionError(bearer.health.detail)
            yield Rig(bearer, there, notes)
        finally:
            await bearer.close()
