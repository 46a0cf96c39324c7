"""Reports 回传 on short connections of appendix E: one report each, closed in order by both sides.

Appendix E has no answer. That the gateway closed after reading to our end is the only word a terminal gets, so a report
is tried again until then. Plain non-blocking sockets: a broadcast makes twelve thousand such connections, and neither a
task nor a transport is worth it for one frame.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from typing import TYPE_CHECKING, Protocol

from emulator.effects import Report
from emulator.journal import Event

if TYPE_CHECKING:
    from emulator.fleet import Fleet
    from emulator.line import Line

_SWEEP = 1.0


class Returns(Protocol):
    """How reports leave; one for the whole fleet."""

    def post(self, line: Line, report: Report) -> None:
        """Deliver ``report`` after those of the same terminal that wait."""
        ...

    def line_up(self, line: Line) -> None:
        """Hear that the terminal is registered (again)."""
        ...

    @property
    def waiting(self) -> int:
        """Terminals with a report on its way or in front of it."""
        ...

    def close(self) -> None:
        """Drop what is under way."""
        ...


class ShortReturns:
    """At most ``limit`` connections at once; each terminal's reports in order, one at a time."""

    def __init__(self, fleet: Fleet, address: tuple[str, int], *, limit: int, tries: int, patience: float) -> None:
        self._fleet, self._address = fleet, address
        self._limit, self._tries, self._patience = limit, tries, patience
        self._ready: deque[Line] = deque()
        self._active: dict[_Exchange, None] = {}
        self._sweeping = False
        self._pumping = False

    @property
    def waiting(self) -> int:
        """Terminals with a report on its way or in front of it."""
        return len(self._ready) + len(self._active)

    def post(self, line: Line, report: Report) -> None:
        """Deliver ``report`` after those of the same terminal that wait."""
        line.reports.append(report)
        if not line.report_busy:
            line.report_busy = True
            self._queue(line)

    def line_up(self, line: Line) -> None:
        """Nothing: these connections do not depend on the line."""

    def close(self) -> None:
        """Drop what is under way."""
        for exchange in list(self._active):
            exchange.end()
        self._active.clear()
        self._ready.clear()

    def _queue(self, line: Line) -> None:
        faults = line.terminal.faults
        wait = faults.delay + faults.jitter * line.dice.unit() if line.report_tries == 0 else 0.0
        if wait:
            self._fleet.at(self._fleet.now() + wait, self._now_ready, line)
        else:
            self._now_ready(line)

    def _now_ready(self, line: Line) -> None:
        self._ready.append(line)
        # Not at once: the answer to the start that made this report goes first.
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pumping = False
        while self._ready and len(self._active) < self._limit and not self._fleet.closing:
            line = self._ready.popleft()
            if not line.reports:
                line.report_busy = False
                line.report_tries = 0
            elif line.dice.hits(line.terminal.faults.loss):
                self._failed(line, line.reports[0], "lost")
            else:
                self._begin(line)

    def _begin(self, line: Line) -> None:
        exchange = _Exchange(self, line, line.reports[0], self._fleet.now() + self._patience)
        self._active[exchange] = None
        if not self._sweeping:
            self._sweeping = True
            self._fleet.at(self._fleet.now() + _SWEEP, self._sweep)
        exchange.begin(self._address_for(line))

    def _address_for(self, line: Line) -> tuple[str, int]:
        """Return the 回传地址 set by table D.9 tag 3, as far as it is an IPv4 one, else that of the run."""
        wanted = line.terminal.device.return_address
        return (wanted.host, wanted.port) if wanted is not None and wanted.kind == 1 else self._address

    def _sweep(self) -> None:
        """Give up exchanges that take too long; they all have the same patience, so the oldest come first."""
        now = self._fleet.now()
        for exchange in [exchange for exchange in self._active if exchange.deadline <= now]:
            exchange.fail("no close in time")
        self._sweeping = bool(self._active)
        if self._sweeping:
            self._fleet.at(now + _SWEEP, self._sweep)

    def done(self, exchange: _Exchange, problem: str) -> None:
        """Take the end of an exchange; no problem means that the gateway closed in order."""
        self._active.pop(exchange, None)
        line, report = exchange.line, exchange.report
        if problem:
            self._failed(line, report, problem)
        else:
            line.note(Event.REPORT_CONFIRMED, report, "")
            self._next(line, report)
        if self._ready:
            self._pump()

    def _failed(self, line: Line, report: Report, problem: str) -> None:
        line.report_tries += 1
        if line.report_tries >= self._tries:
            line.note(Event.REPORT_LOST, report, f"{report.what}: {problem}")
            self._next(line, report)
        else:
            wait = self._fleet.backoff(line.report_tries - 1, line.dice)
            self._fleet.at(self._fleet.now() + wait, self._now_ready, line)

    def _next(self, line: Line, report: Report) -> None:
        line.report_tries = 0
        # A restart may have emptied the queue, or filled it anew, meanwhile.
        if line.reports and line.reports[0] is report:
            line.reports.popleft()
        if line.reports:
            self._queue(line)
        else:
            line.report_busy = False


class _Exchange:
    """One report on one connection: connect, write, close our half, read to the other's end."""

    __slots__ = ("_left", "_loop", "_owner", "_socket", "deadline", "line", "report")

    def __init__(self, owner: ShortReturns, line: Line, report: Report, deadline: float) -> None:
        self._owner, self.line, self.report, self.deadline = owner, line, report, deadline
        self._left = memoryview(report.data)
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None

    def begin(self, address: tuple[str, int]) -> None:
        """Connect; on the same machine the connection is mostly there before the call returns."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            problem = self._socket.connect_ex(address)
        except OSError as error:
            self._later(str(error))
            return
        if problem not in (0, errno.EINPROGRESS):
            self._later(errno.errorcode.get(problem, str(problem)))
            return
        self._loop.add_writer(self._socket, self._writable)

    def _later(self, problem: str) -> None:
        """Fail from the loop, not inside the pump that called."""
        self._loop.call_soon(self.fail, problem)

    def _writable(self) -> None:
        assert self._socket is not None
        try:
            sent = self._socket.send(self._left)
            self._left = self._left[sent:]
            if self._left:
                return
            self._loop.remove_writer(self._socket)
            self._socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(str(error))
            return
        self.line.note(Event.REPORTED, self.report, "")
        self._loop.add_reader(self._socket, self._readable)

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(str(error))
            return
        if not data:
            self.end()
            self._owner.done(self, "")

    def fail(self, problem: str) -> None:
        """End without success."""
        self.end()
        self._owner.done(self, problem)

    def end(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None
