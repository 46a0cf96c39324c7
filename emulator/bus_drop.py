"""A terminal's drop 分支 of a bus: what it hears, and when it may speak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

from emulator.effects import Effect, Note, Report, Send
from emulator.journal import Event
from emulator.line import Line

if TYPE_CHECKING:
    from emulator.bus import BusFleet

#: Where targets stand in a frame of appendix D (table D.3).
COUNT: Final = slice(24, 26)
FIRST_TARGET: Final = slice(26, 38)
ONE: Final = b"\0\1"
QUERY_ANSWER: Final = "query answer"


class Drop(Line):
    """Drives one terminal on the shared wire; it answers only what was sent to it alone."""

    __slots__ = ("may_speak",)
    may_speak: bool

    @property
    def bus(self) -> BusFleet:
        """The wire."""
        return cast("BusFleet", self._fleet)

    def dial(self) -> None:
        """A bus has no connections: who has power is there; on an RS-232 line it registers by a heartbeat."""
        if self.terminal.faults.off or self._fleet.closing:
            return
        self.may_speak = self.bus.bus.alone
        if self.may_speak:
            self.apply(self.terminal.connection_made(self._fleet.now()))
        else:
            self.terminal.connected = self.terminal.registered = True
            self._registered()

    def data_received(self, data: bytes) -> None:
        """Take one whole frame off the wire."""
        if self.terminal.faults.off:
            return
        if not self.bus.bus.alone:
            self.may_speak = data[COUNT] == ONE and data[FIRST_TARGET] == self.terminal.device.wire
        super().data_received(data)

    def apply(self, effects: Iterable[Effect]) -> None:
        """Do what the terminal wants done, but for answers to what was sent to many."""
        if getattr(self, "may_speak", False):
            super().apply(effects)
        else:
            super().apply([effect for effect in effects if not _is_answer(effect)])

    def write_report(self, data: bytes) -> bool:
        """Send a report behind the answer."""
        self._write(data, self._fleet.now())
        return True

    def cut(self) -> None:
        """There is no connection to cut."""

    def _come_back(self) -> None:
        """Nor one to make again."""

    def _write(self, data: bytes, now: float) -> None:
        self.bus.speak(self, data)


class BusReturns:
    """Reports on a bus: only what a query asked for, since nobody may speak unasked; on an RS-232 line all."""

    waiting = 0

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone

    def post(self, line: Line, report: Report) -> None:
        """Send it on the wire, or note that it could not go."""
        if self._alone or report.what == QUERY_ANSWER:
            line.write_report(report.data)
            line.note(Event.REPORTED, report, "")
        else:
            line.note(Event.REPORT_LOST, report, f"{report.what}: nobody speaks unasked on a bus")

    def line_up(self, line: Line) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is under way."""


def _is_answer(effect: Effect) -> bool:
    return (
        isinstance(effect, Send)
        or (isinstance(effect, Note) and effect.event is Event.ANSWERED)
        or (isinstance(effect, Report) and effect.what == QUERY_ANSWER)
    )
