"""Bearers 承载: ways to terminals beside their own TCP connections: adapters, serial lines, RDS, TS, MQTT, UDP.

Dispatch hands a bearer an ``Errand``: one order and whom it concerns. ``make`` encodes and signs, and lets nothing
leave; dispatch commits the order; ``carry`` lets the bytes out and comes back when this bearer has done what it can.
What is heard meanwhile goes to ``BearerEvents`` at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.devices.events import Known, Origin, TerminalEvents
from gateway.devices.trust import Trust
from gateway.domain.codes import ResourceCode
from gateway.domain.ladder import EvidenceKind
from gateway.domain.message import Command, Message
from gateway.domain.receiver import Route
from gateway.errors import GatewayError
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.parameters import Parameter
from gateway.security.coverage import SignatureBlock


class ErrandUnsupported(GatewayError):
    """This bearer's protocol has no word for what is asked; another route may have."""

    code = "errand_unsupported"


class LinkState(StrEnum):
    """How a link 链路 stands."""

    #: nothing was tried yet
    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """State of a link, since when (Unix seconds), and why, in words for the operator (Chinese first)."""

    state: LinkState
    since: float
    detail: str = ""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Errand:
    """One order 指令 for the terminals that a bearer serves.

    ``order`` is its number, which is also the session id 会话标识 of its D frames. ``frame`` is the whole signed D
    frame where the bearer carries appendix D (the same bytes object for every bearer and connection of a profile), else
    empty. ``targets`` are the codes in it. ``message`` is what a start or stop is about; ``parameters`` (table D.9) and
    ``tags`` (table D.8) are what a setting or query asks; ``certificates`` (table D.11) stand in place of parameters.
    ``priority`` sorts, smallest first (``domain.message.frame_priority``); after ``until`` (Unix seconds) it need not
    go out any more, and once ``void`` says so it must not: ask right before the first byte.
    """

    order: int
    command: Command
    terminals: tuple[Known, ...]
    targets: tuple[ResourceCode, ...]
    message: Message | None = None
    frame: bytes = b""
    parameters: tuple[Parameter, ...] = ()
    tags: tuple[int, ...] = ()
    certificates: CertificateAuthorisation | None = None
    priority: tuple[int, ...] = ()
    until: float = float("inf")
    void: Callable[[], bool] = _never


@dataclass(frozen=True, slots=True)
class Parcel:
    """An errand encoded and signed for one bearer; nothing of it has left. ``sig_time`` as in the signature block."""

    errand: Errand
    frames: tuple[bytes, ...]
    sig_time: int

    @property
    def digest(self) -> bytes:
        """SHA-256 over the frames, kept with the order."""
        return hashlib.sha256(b"".join(self.frames)).digest()


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a parcel once its bearer has done what it can.

    ``error``: why nothing left, empty where bytes were handed over. ``silent``: terminals (by number) that can answer
    on this bearer and did not, after all its own tries. ``refused``: what a terminal, or an adapter for it, said
    instead (result code of table D.12, or of the bearer's own protocol).
    """

    error: str = ""
    silent: frozenset[int] = frozenset()
    refused: Mapping[int, int] = field(default_factory=dict)


class Bearer(Protocol):
    """One bearer. It is opened and closed by the daemon; ``make`` and ``carry`` come from dispatch."""

    @property
    def route(self) -> Route:
        """The route that leads over it."""
        ...

    @property
    def carries_frames(self) -> bool:
        """Whether it carries frames of appendix D as they are: then ``Errand.frame`` is made for it."""
        ...

    @property
    def is_exclusive(self) -> bool:
        """Whether a delivery must not be under way on another exclusive route at the same time."""
        ...

    @property
    def speaks_unasked(self) -> bool:
        """Whether terminals on it may report what they play; where nobody speaks unasked, dispatch asks them."""
        ...

    @property
    def health(self) -> LinkHealth:
        """How its link stands now."""
        ...

    async def open(self) -> None:
        """Take up the link, or begin to try; never waits for the far end."""
        ...

    async def close(self) -> None:
        """Let go of the link; what is on air on a repeating bearer goes off."""
        ...

    async def make(self, errand: Errand) -> Parcel:
        """Encode and sign. Errors: ErrandUnsupported; InvalidValueError naming what does not fit this protocol."""
        ...

    async def carry(self, parcel: Parcel) -> Carried:
        """Let the bytes out, gather what can be gathered here, and say what became of it. Raises no GatewayError."""
        ...

    async def probe(self) -> LinkHealth:
        """Test the link now, as far as its protocol has a way, and say how it stands."""
        ...


class BearerEvents(TerminalEvents, Protocol):
    """What a bearer tells dispatch; every call returns at once. Answers and reports of D and E as from connections."""

    def carried(self, order: int, route: Route, terminals: Sequence[int]) -> None:
        """An order's bytes go to a link now, for these terminals (their numbers); told before any answer can come."""
        ...

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
        """Another speaks for terminals (an adapter for what is behind it): evidence of class *claimed*.

        Returns the number of the last receipt, 0 for none; what must not be answered before its commit waits for it.
        """
        ...

    def link(self, route: Route, health: LinkHealth) -> None:
        """The state of a link has changed."""
        ...


class Workshop(Protocol):
    """What a bearer may ask of the layers above while it carries."""

    async def sign(self, data: bytes) -> SignatureBlock:
        """Sign ``data`` with the platform's key (coverage A); in the signing thread."""
        ...

    async def unicast(self, errand: Errand, terminal: Known) -> Errand:
        """The same for one terminal alone: a new order, its frame with exactly one target, signed and committed."""
        ...


class Monitoring(Protocol):
    """Hears what adapters send back of the tasks that they carry out (GD/J 089-2018 table A.38)."""

    def begun(self, link: str, ebm_id: str, hosts: frozenset[str]) -> int:
        """A task has begun at an adapter of ``hosts``: the UDP port for its copy, 0 for none. Again: the same port."""
        ...

    def ended(self, link: str, ebm_id: str) -> None:
        """The task has ended."""
        ...


async def _kept_nothing(_name: str) -> object:
    return None


async def _keep_nothing(_name: str, _value: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Tools:
    """What bearers are made with. ``clock`` gives Unix seconds, ``monotonic`` seconds for time-outs.

    ``members`` are the terminals of the registry whose routes name a link; ``trust`` the keys of devices that sign.
    ``monitoring`` hears the copies that adapters send, None where nobody does.
    ``keep`` stores a small piece of JSON that outlives the process, committed when it returns (GatewayError where the
    store cannot); ``kept`` gives it back, None where there is none. Without them nothing outlives a bearer.
    """

    events: BearerEvents
    workshop: Workshop
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    members: Callable[[Route], Sequence[Known]]
    own_code: ResourceCode
    trust: Trust | None = None
    monitoring: Monitoring | None = None
    keep: Callable[[str, object], Awaitable[None]] = _keep_nothing
    kept: Callable[[str], Awaitable[object]] = _kept_nothing
