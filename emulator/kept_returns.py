"""Reports on connections that stay: one of their own for each terminal, or the line of appendix D.

On these nothing tells whether a report arrived: appendix E has no answer. What was written counts as delivered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from emulator.dialling import Dialable
from emulator.effects import Report
from emulator.journal import Event

if TYPE_CHECKING:
    from emulator.fleet import Fleet
    from emulator.line import Line


class SameReturns:
    """Reports travel on the terminal's own line, and wait while there is none."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._waiting: set[Line] = set()

    @property
    def waiting(self) -> int:
        """Terminals with a report that waits."""
        return len(self._waiting)

    def post(self, line: Line, report: Report) -> None:
        """Send ``report`` after those of the same terminal that wait."""
        line.reports.append(report)
        self.line_up(line)

    def line_up(self, line: Line) -> None:
        """Send what waits, if the terminal is registered."""
        while line.reports:
            report = line.reports[0]
            if not line.write_report(report.data):
                self._waiting.add(line)
                return
            line.reports.popleft()
            line.note(Event.REPORTED, report, "")
        self._waiting.discard(line)

    def close(self) -> None:
        """Nothing is under way."""


class LongReturns:
    """One connection of appendix E for each terminal, opened with its first report and kept."""

    def __init__(self, fleet: Fleet, address: tuple[str, int]) -> None:
        self._fleet, self.address = fleet, address
        self._open: set[_ReturnLine] = set()

    @property
    def waiting(self) -> int:
        """Terminals with a report that waits."""
        return sum(1 for kept in self._open if kept.line.reports)

    def post(self, line: Line, report: Report) -> None:
        """Send ``report`` after those of the same terminal that wait."""
        line.reports.append(report)
        kept = line.returning
        if not isinstance(kept, _ReturnLine):
            kept = line.returning = _ReturnLine(self._fleet, line, self.address)
            self._open.add(kept)
        kept.flush()

    def line_up(self, line: Line) -> None:
        """Nothing: these connections do not depend on the line."""

    def close(self) -> None:
        """Drop all connections."""
        for kept in self._open:
            kept.cut()


class _ReturnLine(Dialable):
    """The kept connection of one terminal."""

    __slots__ = ("_address", "_attempts", "_dialling", "_fleet", "_transport", "line")

    def __init__(self, fleet: Fleet, line: Line, address: tuple[str, int]) -> None:
        self._fleet, self.line, self._address = fleet, line, address
        self._transport: asyncio.Transport | None = None
        self._attempts = 0
        self._dialling = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what waits."""
        # uvloop's transport is none by inheritance
        self._transport = cast(asyncio.Transport, transport)
        self._attempts, self._dialling = 0, False
        if self._fleet.closing:
            self._transport.abort()
            return
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back when there is something to say."""
        self._transport = None
        self.flush()

    def dial_failed(self, reason: str) -> None:
        """Try again after a while."""
        wait = self._fleet.backoff(self._attempts, self.line.dice)
        self._attempts += 1
        self._fleet.at(self._fleet.now() + wait, self._dial_again)

    def flush(self) -> None:
        """Write what waits, or ask for a connection."""
        reports = self.line.reports
        while reports and self._transport is not None:
            report = reports.popleft()
            self._transport.write(report.data)
            self.line.note(Event.REPORTED, report, "")
        if reports and not self._dialling and not self._fleet.closing:
            self._dialling = True
            self._fleet.dial_to(self, self._address)

    def cut(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _dial_again(self) -> None:
        self._dialling = False
        self.flush()
