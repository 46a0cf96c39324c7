"""Messages and orders in memory 在播态: what pacing and resending need to know, an array entry for each terminal.

What is *shown* comes from committed evidence alone (``LiveMessage.log``); the phases here may be a moment ahead of it.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from gateway.dispatch.ways import Ways
from gateway.domain.ladder import StopRung
from gateway.domain.message import Command, Message, MessageState
from gateway.domain.orders import Receipt
from gateway.domain.plans import Scheme
from gateway.domain.receiver import Route
from gateway.protocols.ip_bodies import ServiceType

#: Route of an attempt row that was committed before its bytes leave: these terminals may hold the order from now on.
#: Only for those whom the order's own row does not name, since they came later and share its frame.
INTENDED: Final = "intended"


class Phase(IntEnum):
    """Where one terminal stands with a start, for pacing."""

    #: nothing was ever written to it
    IDLE = 0
    #: written; it may hold the start, no answer yet
    WAITING = 1
    #: it said yes
    HELD = 2
    PLAYING = 3
    #: it reported the result
    DONE = 4
    #: every try stayed without an answer; its next connection begins anew
    SILENT = 5
    #: it said no for good; its next power-up begins anew
    REFUSED = 6


class Sent(NamedTuple):
    """Committed evidence that one order's frame was handed to the links of these terminals."""

    at: float
    order: int
    attempt: int
    command: Command
    route: Route
    terminals: array[int]


class Stopped(NamedTuple):
    """Committed: these terminals were ordered silent before the message's own end."""

    at: float
    terminals: array[int]


#: Service type of a command's frame and of its answers (GD/J 089-2018 table D.3).
_SERVICE_TYPES = {
    Command.START: ServiceType.START,
    Command.STOP: ServiceType.STOP,
    Command.QUERY: ServiceType.QUERY,
    Command.SET: ServiceType.SET,
}

LogEntry = Receipt | Sent | Stopped


@dataclass(slots=True, eq=False)
class Wave:
    """One write of an order to some terminals, known by itself: its time-out concerns those who still wait in it."""

    #: how often the bytes were written to them, this time included
    tries: int


@dataclass(slots=True, eq=False)
class LiveOrder:
    """An order 指令 whose answers may still come. ``frame`` is empty for one recovered after a restart."""

    session: int
    message: LiveMessage | None
    command: Command
    profile: str
    frame: bytes
    created: float
    ordinal: int = 1
    #: who has not answered yet, and its newest write
    waiting: dict[int, Wave] = field(default_factory=dict)
    #: whom a committed row ties to this order: a crash cannot hide that they may hold it
    named: set[int] = field(default_factory=set)
    #: whether it is about to leave memory
    leaving: bool = False
    #: what its answers carry (GD/J 089-2018 table D.3) and are kept as, worked out once
    service_type: int = field(init=False)
    ebm_id: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.service_type = int(_SERVICE_TYPES[self.command])
        self.ebm_id = None if self.message is None else self.message.ebm_id

    @property
    def void(self) -> bool:
        """Whether its frame must not be written any more: a start whose message is over."""
        return self.command is Command.START and self.message is not None and not self.message.wanted


@dataclass(slots=True, eq=False)
class LiveMessage:
    """A message in force, or over so recently that evidence may still come."""

    message: Message
    state: MessageState
    state_at: float
    state_reason: str
    terminals: array[int]
    population: int
    accepted_at: float
    activated_at: float | None = None
    ended_at: float | None = None
    supersedes: str | None = None
    #: how it is broadcast 调度方案
    scheme: Scheme = field(default_factory=Scheme)
    #: routes of those terminals that have another than their own connection
    ways: Ways = field(default_factory=Ways)
    #: set before the commit that ends it: no start is written from then on
    ending: bool = False
    start_orders: int = 0
    #: one move from state to state at a time, so that rows of two moves never overtake each other
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    #: whether some of its terminals were ordered silent
    stopped: bool = False
    index: dict[int, int] = field(init=False)
    phase: bytearray = field(init=False)
    sessions: bytearray = field(init=False)
    stop_sessions: bytearray = field(init=False)
    stop: bytearray = field(init=False)
    #: committed evidence in the order of its commits; readers keep a cursor
    log: list[LogEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = len(self.terminals)
        self.index = {terminal: position for position, terminal in enumerate(self.terminals)}
        self.phase = bytearray(count)
        self.sessions = bytearray(count)
        self.stop_sessions = bytearray(count)
        self.stop = bytearray(count)

    def address(self, message: Message, terminals: Iterable[int], population: int, scheme: Scheme, ways: Ways) -> None:
        """Before its first start: it is for these terminals, whomever it was for."""
        self.message, self.population, self.scheme, self.ways = message, population, scheme, ways
        self.terminals = array("I", terminals)
        self.__post_init__()

    def widen(self, message: Message, terminals: Iterable[int], population: int) -> None:
        """It is for more terminals than it was; those that it was for keep their places. None of them is known yet."""
        self.message, self.population = message, population
        for terminal in terminals:
            self.index[terminal] = len(self.terminals)
            self.terminals.append(terminal)
            for places in (self.phase, self.sessions, self.stop_sessions, self.stop):
                places.append(0)

    @property
    def ebm_id(self) -> str:
        """EBM id as plain text."""
        return str(self.message.ebm_id)

    @property
    def wanted(self) -> bool:
        """Whether starts may be written for it."""
        return self.state is MessageState.ACTIVE and not self.ending

    def may_hold(self) -> Iterator[int]:
        """Terminals that may hold the start: something was written, and no stop was confirmed."""
        for terminal, position in self.index.items():
            held = self.phase[position] in (Phase.WAITING, Phase.HELD, Phase.PLAYING, Phase.SILENT)
            if held and self.stop[position] < StopRung.ACKNOWLEDGED:
                yield terminal

    def want_stop(self, terminals: Iterable[int]) -> list[int]:
        """From now on these must be silent; returns those of whom this is new."""
        news = []
        for terminal in terminals:
            position = self.index.get(terminal)
            if position is not None and self.stop[position] == StopRung.NONE:
                self.stop[position] = StopRung.PLANNED
                news.append(terminal)
        self.stopped = self.stopped or bool(news)
        return news

    def unwant_stop(self, terminals: Iterable[int]) -> None:
        """Take a planned stop back: it could not be committed."""
        for terminal in terminals:
            position = self.index[terminal]
            if self.stop[position] == StopRung.PLANNED:
                self.stop[position] = StopRung.NONE

    def may_start(self, terminal: int) -> bool:
        """Whether nobody ordered this terminal silent."""
        position = self.index.get(terminal)
        return position is None or self.stop[position] == StopRung.NONE

    def needs_start(self, terminal: int) -> bool:
        """Whether a connected terminal should be sent the start now, over its own connection."""
        position = self.index.get(terminal)
        if position is None or not self.wanted or self.stop[position] != StopRung.NONE:
            return False
        if self.ways and not self.ways.on_ip(terminal):
            return False
        return self.phase[position] in (Phase.IDLE, Phase.WAITING, Phase.SILENT)

    def needs_stop(self, terminal: int) -> bool:
        """Whether a connected terminal still has to be sent the stop."""
        position = self.index.get(terminal)
        return (
            position is not None
            and self.stop[position] in (StopRung.PLANNED, StopRung.SENT)
            and self.phase[position] not in (Phase.IDLE, Phase.DONE)
        )

    def rise(self, terminal: int, phase: Phase) -> None:
        """Note news that can only make things better."""
        position = self.index.get(terminal)
        if position is not None and (
            self.phase[position] < phase or self.phase[position] in (Phase.SILENT, Phase.REFUSED)
        ):
            self.phase[position] = phase

    def may_forget(self, terminal: int) -> bool:
        """Whether a power-up changes what we know of a terminal: it held the start, or had refused it."""
        position = self.index.get(terminal)
        return position is not None and self.phase[position] in (Phase.HELD, Phase.PLAYING, Phase.REFUSED)

    def forget(self, terminal: int) -> None:
        """A power-up: whatever the terminal held is gone, and what it refused may be taken now."""
        if self.may_forget(terminal):
            self.phase[self.index[terminal]] = Phase.WAITING

    def refuse(self, terminal: int) -> None:
        """It said no; what it said yes to before, or plays, it still holds."""
        self._unless_held(terminal, Phase.REFUSED)

    def give_up(self, terminal: int) -> None:
        """It said nothing; nor may it have said otherwise that it plays."""
        self._unless_held(terminal, Phase.SILENT)

    def _unless_held(self, terminal: int, phase: Phase) -> None:
        position = self.index.get(terminal)
        if position is not None and not Phase.HELD <= self.phase[position] <= Phase.DONE:
            self.phase[position] = phase

    def session_count(self, terminal: int, command: Command = Command.START) -> int:
        """Sessions used for a terminal by its starts, or by its stops."""
        position = self.index.get(terminal)
        if position is None:
            return 0
        return (self.sessions if command is Command.START else self.stop_sessions)[position]
