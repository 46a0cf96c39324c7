"""One serial line 串行线 at work: its port kept, bytes to frames, frames to the wire when the lane says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf
from typing import Final

from gateway.devices.serial_keeper import Keeper, Phase
from gateway.devices.serial_lane import Lane, Outcome, Rank, Ticket
from gateway.devices.serial_port import Port, open_port
from gateway.devices.serial_timing import Timing
from gateway.protocols.framing import Fault, Frame, StreamFramer
from gateway.settings.serial_link import SerialLink

#: Characters after which a line is looked at again while a frame comes in: a false length must not make us deaf.
_LOOK_AFTER: Final = 48
#: No general answer is shorter (GD/J 089-2018 table D.10, one target, unsigned): until so many bytes are there, an
#: awaited answer need not be looked at, and the commonest frame comes to the framer in one piece.
_SHORTEST_ANSWER: Final = 50
#: Terminals of one line answer in one form, so the size of the last answer is where the next one is looked for; more
#: than this is no ordinary answer.
_LONGEST_ANSWER: Final = 80
#: Seconds by which a look is late, so that the last piece of a frame is there too: one look is cheaper than two. The
#: longest is what a USB adapter keeps bytes back.
_SHORTEST_SLACK: Final = 0.004
_LONGEST_SLACK: Final = 0.016
#: Characters that a look came too early for, at most: more than these are missing because nothing was said in time.
_NEARLY: Final = 16
#: Below this many seconds it is not worth to stop listening.
_SHORTEST_REST: Final = 0.003
#: Timers of event loops count milliseconds and may fire half of one early: a timer too early costs another.
_GRAIN: Final = 0.0006
#: Characters between two moments at which timers fire: lines of one speed share them, and so wake the process together.
_TICK: Final = 8


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
        #: until when nothing that comes can matter: the driver keeps it, and one look takes it all
        self._rest_until = -inf
        self._resting = False
        self._slack = _SHORTEST_SLACK
        self._usual = _SHORTEST_ANSWER
        #: whether on this line nobody speaks while we do, ourselves included
        self._quiet = link.mode == "rs485" and not link.echo
        self._by_rts = link.direction == "rts"
        self._tick = _TICK * self.timing.character
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
        if ticket.rank is not Rank.POLL or not (self._resting and self._quiet):
            self._pump()

    # -- the port's side

    def received(self, data: bytes) -> None:
        """Take bytes."""
        self.counters.bytes_in += len(data)
        now = self._loop.time()
        self.lane.settle(now)
        if self._early:
            data, self._early = self._early + data, b""
        if len(data) < _SHORTEST_ANSWER and self.lane.listening and not self._framer.pending:
            self._early = data
            wanted = self._usual - len(data)
            items = []
        else:
            items = self._framer.feed(data)
            wanted = min(self._framer.wanted, _LOOK_AFTER)
        self.lane.heard(now, wanted)
        if wanted:
            if self._resting and wanted <= _NEARLY:
                self._slack = min(1.5 * self._slack, _LONGEST_SLACK)
            rest = self.timing.wire(wanted)
            self._rest_until, self._broken_at = now + rest + self._slack, now + rest + self.timing.broken
        else:
            # Nothing is written before the gap is over, so what comes in it can wait as long.
            self._rest_until, self._broken_at = now + self.timing.gap, inf
            self._slack = max(0.99 * self._slack, _SHORTEST_SLACK)
            if items and len(items) == 1 and isinstance(items[0], Frame):
                self._usual = min(max(len(items[0].raw), _SHORTEST_ANSWER), _LONGEST_ANSWER)
        self._take(items, now)
        if self._quiet:
            self._arm(now)
        else:
            self._pump()

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
            self._broken_at, self._rest_until, self._early = inf, -inf, b""
            self._resting = self._driving = False
            self.lane.settle(self._loop.time())
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
            if self._quiet and ticket.source:
                self._rest_until = lane.due + self.timing.wire(self._usual) + self._slack
            port.write(ticket.frame)
            port = self.keeper.port
        self._arm(now)

    def _arm(self, now: float) -> None:
        """Set the timer for what comes next; listen, unless nothing that comes before it can matter."""
        due = min(self.lane.due, self._broken_at)
        resting = self._rest_until - now >= (0.0 if self._resting else _SHORTEST_REST)
        if resting:
            # On a bus all that could be due before is to tell that our frame has left; the driver's line cannot wait.
            due = self._rest_until if self._quiet and not self._by_rts else min(due, self._rest_until)
        if resting is not self._resting and self.keeper.port is not None:
            self._resting = resting
            self.keeper.port.listen(on=not resting)
        at = max(due, now) + _GRAIN
        if at < inf and not self._by_rts and not self.lane.is_urgent:
            at = ceil(at / self._tick) * self._tick
        if at >= self._timer_at:
            # It fires too early, finds nothing to do, and is set again: cheaper than to take it back each time.
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at, self._timer = at, self._loop.call_at(at, self._due)

    def _due(self) -> None:
        self._timer, self._timer_at = None, inf
        port, now = self.keeper.port, self._loop.time()
        # At the end of a rest, and where the loop was held up, what the silence is to be judged by may lie unread.
        looks = self._rest_until <= now or self._broken_at <= now or self.lane.is_overdue(now)
        if port is None or not looks or not port.look():
            self._pump()
