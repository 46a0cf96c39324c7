"""The lane 总线占用: which frame goes next on a serial line, and who is listened to; a clock drives it.

Three ranks: what all terminals must hear, then answers to terminals that asked, then polls 轮询. Within a rank the
order's priority, then the order of coming. On a bus one exchange is finished before the next begins, since a terminal
that answers into a frame of ours would spoil it for all; a full-duplex line listens while it sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

from gateway.devices.serial_timing import LONGEST_ANSWER, Timing


class Rank(IntEnum):
    """What goes before what."""

    #: a frame for many: sound begins or ends with it
    ALL = 0
    #: our answer to a terminal's own request
    ANSWER = 1
    #: a frame for one, so that it answers
    POLL = 2


class Outcome(Enum):
    """What became of a frame."""

    #: it left whole, and no answer was asked for
    SENT = "sent"
    ANSWERED = "answered"
    SILENT = "silent"
    #: something was heard and was no answer: two at once, or noise; or our own echo came back hurt
    GARBLED = "garbled"
    #: its time passed, or nobody wanted it any more: it was never written
    WITHDRAWN = "withdrawn"
    #: the port went away before it was out, or before its answer
    DOWN = "down"


@dataclass(slots=True, eq=False)
class Ticket:
    """One frame that waits for its turn; ``until`` on the lane's clock; ``source`` and ``session``: the answer awaited.

    ``sent`` is called when its last byte is out, ``done`` once with the outcome.
    """

    frame: bytes
    rank: Rank
    done: Callable[[Outcome], None]
    priority: tuple[int, ...] = ()
    until: float = inf
    source: str = ""
    session: int = 0
    sent: Callable[[], None] | None = None
    #: asked right before the first byte: whether nobody wants it any more
    void: Callable[[], bool] | None = None
    #: whether our own bytes came back whole
    echoed: bool = False
    garbled: bool = False
    deadline: float = field(default=inf, init=False)
    last_chance: float = field(default=inf, init=False)
    #: whether its last byte was out
    left: bool = field(default=False, init=False)
    over: bool = field(default=False, init=False)

    def finish(self, outcome: Outcome) -> None:
        """Tell the outcome, once."""
        if not self.over:
            self.over = True
            self.done(outcome)


class Lane:
    """Times on any monotonic clock, in seconds. Call ``advance`` at ``due``, and after ``push`` and ``heard``."""

    def __init__(self, timing: Timing, *, half_duplex: bool, echo: bool) -> None:
        self._timing = timing
        self._half_duplex = half_duplex
        self._echo = echo
        self._queue: list[tuple[Rank, tuple[int, ...], int, Ticket]] = []
        self._numbers = count()
        self._sending: Ticket | None = None
        self._send_end = -inf
        self._awaited: list[Ticket] = []
        #: until when what is heard goes on, as far as can be told
        self._busy_until = -inf
        #: since when a frame could have gone, were the line quiet
        self._held_since = inf

    @property
    def sending(self) -> Ticket | None:
        """What is on the wire."""
        return self._sending

    @property
    def waiting(self) -> int:
        """Frames in the queue."""
        return len(self._queue)

    @property
    def is_urgent(self) -> bool:
        """Whether what goes next is more than a question to one terminal."""
        return bool(self._queue) and self._queue[0][0] is not Rank.POLL

    @property
    def listening(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._awaited)

    @property
    def due(self) -> float:
        """When ``advance`` has something to do, unless something happens before."""
        if self._sending is not None:
            return self._send_end
        due = min(ticket.deadline for ticket in self._awaited) if self._awaited else inf
        if self._queue and not (self._half_duplex and self._awaited):
            due = min(due, self._free_at())
        return due

    def is_overdue(self, now: float) -> bool:
        """Whether an awaited answer has not come in time."""
        return bool(self._awaited) and any(ticket.deadline <= now for ticket in self._awaited)

    def push(self, ticket: Ticket) -> None:
        """Queue a frame."""
        heappush(self._queue, (ticket.rank, ticket.priority, next(self._numbers), ticket))

    def withdraw(self, unwanted: Callable[[Ticket], bool]) -> None:
        """Take frames out of the queue that nobody wants any more; what is on the wire stays there."""
        gone = [entry for entry in self._queue if unwanted(entry[3])]
        if gone:
            self._queue = [entry for entry in self._queue if entry not in gone]
            heapify(self._queue)
            for *_, ticket in gone:
                ticket.finish(Outcome.WITHDRAWN)

    def advance(self, now: float) -> Ticket | None:
        """End what has ended by ``now``; return the frame to write now, if one may go."""
        if self._sending is not None and not self._end_sending(now):
            return None
        if self.is_overdue(now):
            for ticket in [ticket for ticket in self._awaited if ticket.deadline <= now]:
                self._awaited.remove(ticket)
                ticket.finish(Outcome.GARBLED if ticket.garbled else Outcome.SILENT)
        while self._queue and not (self._half_duplex and self._awaited):
            ticket = self._queue[0][3]
            if not ticket.over and ticket.until > now and not (ticket.void is not None and ticket.void()):
                if self._held_since > now:
                    self._held_since = now
                if now < self._free_at():
                    return None
                heappop(self._queue)
                self._held_since = inf
                self._sending, self._send_end = ticket, now + self._timing.wire(len(ticket.frame))
                return ticket
            heappop(self._queue)
            ticket.finish(Outcome.WITHDRAWN)
        return None

    def settle(self, now: float) -> None:
        """End what we send, if its time has passed: before anything that came meanwhile is looked at."""
        if self._sending is not None and not self._echo:
            self._end_sending(now)

    def heard(self, now: float, wanted: int) -> None:
        """Bytes came; ``wanted`` more must come before anything can be told, 0 when no frame has begun."""
        self._busy_until = now + self._timing.wire(wanted)
        if wanted:
            for ticket in self._awaited:
                ticket.deadline = min(self._busy_until + self._timing.broken, ticket.last_chance)

    def garbled(self) -> None:
        """What was heard is no frame: whoever is listened to may have been hit."""
        for ticket in self._awaited:
            ticket.garbled = True

    def own_echo(self, frame: bytes, now: float) -> bool:
        """Whether a frame heard is one of ours, come back."""
        sending = self._sending
        if sending is not None and sending.frame == frame:
            sending.echoed = True
            if self._echo:
                self._send_end = min(self._send_end, now)
            return True
        return any(ticket.frame == frame for ticket in self._awaited)

    def answered(self, source: str, session: int) -> bool:
        """The answer of this terminal in this session came; whether it was awaited."""
        for ticket in self._awaited:
            if ticket.source == source and ticket.session == session:
                self._awaited.remove(ticket)
                ticket.finish(Outcome.ANSWERED)
                return True
        return False

    def more_follows(self, source: str, session: int, now: float) -> None:
        """The answer came, and a report of the same terminal comes behind it: the line is still its."""
        for ticket in self._awaited:
            if ticket.source == source and ticket.session == session:
                ticket.deadline = now + self._timing.answer
                ticket.last_chance = ticket.deadline + self._timing.wire(LONGEST_ANSWER)

    def down(self) -> None:
        """The port is gone: nothing that is queued or awaited will come to its end."""
        tickets = [*([self._sending] if self._sending else ()), *self._awaited, *(entry[3] for entry in self._queue)]
        self._sending, self._send_end, self._busy_until, self._held_since = None, -inf, -inf, inf
        self._awaited, self._queue = [], []
        for ticket in tickets:
            ticket.finish(Outcome.DOWN)

    def _end_sending(self, now: float) -> bool:
        """Whether the wire is free of our own frame by ``now``."""
        ticket = self._sending
        assert ticket is not None
        if now < self._send_end:
            return False
        hurt = self._echo and not ticket.echoed
        if hurt and not ticket.garbled:
            # The last bytes may still be on their way back to us.
            ticket.garbled = True
            self._send_end = now + self._timing.broken
            return False
        ticket.garbled = False
        self._sending = None
        ticket.left = True
        if ticket.sent is not None:
            ticket.sent()
        if ticket.source:
            ticket.deadline = self._send_end + self._timing.answer
            ticket.last_chance = ticket.deadline + self._timing.wire(LONGEST_ANSWER)
            self._awaited.append(ticket)
        else:
            ticket.finish(Outcome.GARBLED if hurt else Outcome.SENT)
        return True

    def _free_at(self) -> float:
        """When the line is quiet for long enough; one that never is must not hold a warning for ever."""
        gap = self._timing.gap
        if not self._half_duplex:
            return self._send_end + gap
        return max(self._send_end + gap, min(self._busy_until + gap, self._held_since + self._timing.answer))
