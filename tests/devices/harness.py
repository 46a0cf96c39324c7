"""The hub and its connections without sockets: a clock that the test moves, transports that keep what was written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from gateway.devices.connection import Connection
from gateway.devices.events import Known, Origin
from gateway.devices.hub import Hub, HubLimits
from gateway.domain.codes import ResourceCode
from gateway.domain.receiver import Profile, Terminal
from gateway.protocols import fastpath, feedback, ip
from gateway.protocols.feedback import FeedbackPacket
from gateway.protocols.fields import WireCode
from gateway.protocols.framing import Frame, Kind, StreamFramer
from gateway.protocols.ip_bodies import GeneralAnswer, Heartbeat
from tests.gatewaykit import PLATFORM

BOTH = frozenset({Kind.IP, Kind.FEEDBACK})
ONLY_D = frozenset({Kind.IP})
ONLY_E = frozenset({Kind.FEEDBACK})


class Clock:
    """The part of a loop that connections need."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now


class Socket:
    """Takes the one option that a connection sets."""

    def __init__(self) -> None:
        self.options: list[tuple[Any, ...]] = []

    def setsockopt(self, *option: Any) -> None:
        self.options.append(option)


class Pipe(asyncio.Transport):
    """Keeps what was written; ``stuck`` makes it a peer that does not read."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__({"peername": (host, port), "socket": Socket()})
        self.written = bytearray()
        self.unsent = 0
        self.high = 0
        self.stuck = False
        self.ended = ""
        self.protocol: Connection | None = None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high or 0

    def write(self, data: Any) -> None:
        if self.ended:
            return
        self.written += data
        if self.stuck:
            self.unsent += len(data)
            if self.unsent > self.high:
                assert self.protocol is not None
                self.protocol.pause_writing()

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended = self.ended or "closed"
        if not self.unsent:
            self._lost()

    def abort(self) -> None:
        self.ended = "aborted"
        self._lost()

    def _lost(self) -> None:
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connection_lost(None)


@dataclass
class Told:
    """Stands where dispatch stands, and keeps what it was told."""

    known: dict[str, Known] = field(default_factory=dict)
    log: list[tuple[Any, ...]] = field(default_factory=list)
    durable: int = 0
    receipts: int = 0
    #: raised instead of keeping a receipt
    error: Exception | None = None

    def find(self, code: str) -> Known | None:
        return self.known.get(code)

    def registered(self, known: Known, *, first: bool) -> int:
        self.log.append(("registered", known.id, first))
        return 0

    def lost(self, known: Known) -> None:
        self.log.append(("lost", known.id))

    def _receipt(self) -> int:
        if self.error is not None:
            raise self.error
        self.receipts += 1
        return self.receipts

    def answered(self, known: Known, session: int, service_type: int, result: int, raw: bytes, origin: Origin) -> int:
        self.log.append(("answered", known.id, session, service_type, result, origin))
        return self._receipt()

    def reported(self, known: Known, packet: FeedbackPacket, raw: bytes, origin: Origin) -> int:
        self.log.append(("reported", known.id, packet.service_type, origin))
        return self._receipt()

    def committed(self) -> int:
        return self.durable

    def ask_alive(self, known: Known) -> None:
        self.log.append(("ask_alive", known.id))

    def stranger(self, source: str, physical: str, peer: str, reason: str) -> None:
        self.log.append(("stranger", source, physical, reason))

    def disputed(self, known: Known, *, on: bool) -> None:
        self.log.append(("disputed", known.id, on))

    def of(self, word: str) -> list[tuple[Any, ...]]:
        return [entry for entry in self.log if entry[0] == word]


class Town:
    """A hub with terminals in its registry."""

    def __init__(self, *terminals: Terminal, limits: HubLimits | None = None, profile: Profile | None = None) -> None:
        self.clock = Clock()
        self.told = Told(
            {str(t.code): Known(i, t, profile or Profile("gdj089-2018")) for i, t in enumerate(terminals, start=1)}
        )
        self.hub = Hub(self.told, limits or HubLimits(), PLATFORM)
        self._port = 40000

    def connect(self, host: str = "127.0.0.1", accepts: frozenset[Kind] = BOTH, max_unsent: int = 65536) -> Line:
        self._port += 1
        pipe = Pipe(host, self._port)
        loop = cast(asyncio.AbstractEventLoop, self.clock)
        link = Connection(self.hub, loop, accepts, 4096, max_unsent)
        pipe.protocol = link
        link.connection_made(pipe)
        return Line(self, pipe, link)

    def sweep(self, seconds: float) -> None:
        """Let time pass, then look after the connections."""
        self.clock.now += seconds
        self.hub.sweep(self.clock.now)


@dataclass
class Line:
    """One end of a connection."""

    town: Town
    pipe: Pipe
    link: Connection

    def send(self, *frames: bytes) -> None:
        for frame in frames:
            self.link.data_received(frame)

    @property
    def ended(self) -> str:
        """How the connection ended: "", "closed" in order, or "aborted"."""
        return self.pipe.ended

    @property
    def packets(self) -> list[ip.IpPacket]:
        found = StreamFramer(65535).feed(bytes(self.pipe.written))
        assert all(isinstance(item, Frame) for item in found)
        return [ip.parse(item.raw) for item in found if isinstance(item, Frame)]

    @property
    def results(self) -> list[int]:
        return [p.body.result for p in self.packets if isinstance(p.body, GeneralAnswer)]

    def lose(self) -> None:
        self.pipe.abort()


def beat(
    terminal: Terminal,
    *,
    session: int = 1,
    first: int = 1,
    state: int = 1,
    code: ResourceCode | None = None,
    physical: str | None = None,
) -> bytes:
    """A heartbeat of appendix D."""
    body = Heartbeat(state, first, bytes.fromhex(physical or terminal.physical_address))
    return ip.build(ip.request(session, code or terminal.code, (PLATFORM,), body))


def report_beat(terminal: Terminal, *, state: int = 1, physical: str | None = None) -> bytes:
    """A heartbeat of appendix E."""
    body = Heartbeat(state, 2, bytes.fromhex(physical or terminal.physical_address))
    return feedback.build(feedback.report(1, terminal.code, PLATFORM, body))


def answer(terminal: Terminal, session: int, result: int = 0, service_type: int = 1) -> bytes:
    """A general answer of a terminal."""
    source = WireCode.of(terminal.code).raw
    return fastpath.build_answer(session, service_type, source, WireCode.of(PLATFORM).raw, result)
