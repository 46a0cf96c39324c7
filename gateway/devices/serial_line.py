"""One serial line 串行线 at work: its port kept, bytes to frames, frames to the wire when the lane says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from gateway.devices.serial_keeper import Keeper, Phase
from gateway.devices.serial_lane import Lane, Outcome, Ticket
from gateway.devices.serial_port import Port, open_port
from gateway.devices.serial_timing import Timing
from gateway.protocols.framing import Fault, Frame, StreamFramer
from gateway.settings.serial_link import SerialLink

#: Characters after which a line is looked at again while a frame comes in: a false length must not make us deaf.
_LOOK_AFTER: Final = 48
#: No general answer is shorter (GD/J 089-2018 table D.10, one target, unsigned): until so many bytes are there, an
#: awaited answer need not be looked at, and the commonest frame comes to the framer in one piece.
_SHORTEST_ANSWER: Final = 50
#: Seconds by which a look is late, so that the last piece of a frame is there too: one look is cheaper than two.
_SLACK: Final = 0.005
#: Timers of event loops count milliseconds and may fire half of one early: a timer too early costs another.
_GRAIN: Final = 0.0006


@dataclass(slots=True)
class SerialCounters:
    """What happened on a line, beside what every link counts."""

    written: int = 0
    bytes_in: int = 0
    #: garbage while an answer was awaited: two answered at once, or noise
    collisions: int = 0
    echoes: int = 0
    port_losses: int = 0


class SerialLine:
    """Give it tickets by ``send``; ``on_item`` gets what is heard and is not our own echo."""

    def __init__(
        self, link: SerialLink, on_item: Callable[[Frame | Fault], None], on_phase: Callable[[Phase, str], None]
    ) -> None:
        self._link = link
        self._on_item, self._on_phase = on_item, on_phase
        self.timing = Timing.of(link)
        self.lane = Lane(self.timing, half_duplex=link.mode == "rs485", echo=link.echo)
        self.counters = SerialCounters()
        self.keeper = Keeper(self._open, self._phase)
        self._framer = StreamFramer()
        self._broken_at = inf
        #: the first bytes of what may be an answer, not yet looked at
        self._early = b""
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self._driving = False

    def now(self) -> float:
        """Seconds of the lane's clock."""
        return self._loop.time()

    def start(self) -> None:
        """Begin to keep the port."""
        self.keeper.start()

    async def stop(self) -> None:
        """Let go; what waits is told that the line is down."""
        await self.keeper.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, inf

    def send(self, ticket: Ticket) -> None:
        """Queue a frame; without a port it is down at once."""
        if self.keeper.port is None:
            ticket.finish(Outcome.DOWN)
            return
        self.lane.push(ticket)
        self._pump()

    # -- the port's side

    def received(self, data: bytes) -> float:
        """Take bytes; returns for how many seconds nothing that comes can matter."""
        self.counters.bytes_in += len(data)
        now = self._loop.time()
        self.lane.settle(now)
        if self._early:
            data, self._early = self._early + data, b""
        if len(data) < _SHORTEST_ANSWER and self.lane.listening and not self._framer.pending:
            self._early = data
            wanted = _SHORTEST_ANSWER - len(data)
            items = []
        else:
            items = self._framer.feed(data)
            wanted = min(self._framer.wanted, _LOOK_AFTER)
        self.lane.heard(now, wanted)
        rest = self.timing.wire(wanted)
        self._broken_at = now + rest + self.timing.broken if wanted else inf
        if rest:
            rest += _SLACK
        if items or not wanted:
            self._take(items, now)
            self._pump()
        else:
            self._arm(min(self.lane.due, self._broken_at), now)
        return rest

    def lost(self, reason: str) -> None:
        """The port is gone."""
        self.counters.port_losses += 1
        self.keeper.lost(reason)

    # -- inside

    async def _open(self) -> Port:
        return await open_port(self._link, self)

    def _phase(self, phase: Phase, reason: str) -> None:
        if phase is not Phase.OPEN:
            self._framer = StreamFramer()
            self._broken_at, self._early, self._driving = inf, b"", False
            self.lane.down()
        self._on_phase(phase, reason)

    def _take(self, items: list[Frame | Fault], now: float) -> None:
        for item in items:
            if isinstance(item, Fault):
                if self.lane.listening:
                    self.counters.collisions += 1
                self.lane.garbled()
            elif self.lane.own_echo(item.raw, now):
                self.counters.echoes += 1
                continue
            self._on_item(item)

    def _pump(self) -> None:
        now = self._loop.time()
        if self._broken_at <= now:
            self._broken_at = inf
            early, self._early = self._early, b""
            self._take([*self._framer.feed(early), *self._framer.finish()], now)
        port, lane = self.keeper.port, self.lane
        while port is not None:
            ticket = lane.advance(now)
            if self._driving and lane.sending is None:
                self._driving = False
                port.drive(on=False)
            if ticket is None:
                break
            if not self._driving:
                self._driving = True
                port.drive(on=True)
            self.counters.written += 1
            port.write(ticket.frame)
            port = self.keeper.port
        self._arm(min(lane.due, self._broken_at), now)

    def _arm(self, due: float, now: float) -> None:
        if due >= self._timer_at:
            # It fires too early, finds nothing to do, and is set again: cheaper than to take it back each time.
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = due
        if due < inf:
            self._timer = self._loop.call_at(max(due, now) + _GRAIN, self._due)

    def _due(self) -> None:
        self._timer, self._timer_at = None, inf
        port, now = self.keeper.port, self._loop.time()
        if port is not None and (self._broken_at <= now or self.lane.is_overdue(now)):
            # Where the loop was held up, what the silence is to be judged by may lie unread.
            port.look()
        self._pump()
