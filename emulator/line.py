"""The line 线路 of one terminal: a connection that comes back, or what stands for one, and what faults do to bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from math import inf
from typing import TYPE_CHECKING, cast

from emulator.dialling import Dialable
from emulator.dice import Dice
from emulator.effects import Effect, HangUp, Hush, Note, Report, Send, Tune
from emulator.faults import HEALTHY, Faults, shape
from emulator.journal import Entry, Event
from emulator.terminal import Terminal
from gateway.domain.codes import ResourceCode

if TYPE_CHECKING:
    from emulator.fleet import Fleet

#: Seconds between the pieces of a frame that is split, so that each is a segment of its own.
_PIECE_GAP = 0.002


class Line(Dialable):
    """Drives one terminal; the fleet has one for each, for as long as it runs."""

    __slots__ = (
        "_attempts",
        "_fleet",
        "_free_at",
        "_held",
        "_scheduled",
        "_transport",
        "code",
        "dice",
        "report_busy",
        "report_tries",
        "reports",
        "returning",
        "terminal",
        "was_registered",
    )

    def __init__(self, fleet: Fleet, code: ResourceCode, terminal: Terminal, dice: Dice) -> None:
        self._fleet, self.code, self.terminal, self.dice = fleet, code, terminal, dice
        self._transport: asyncio.Transport | None = None
        self._attempts = 0
        self._scheduled = inf
        self._free_at = 0.0
        self._held: list[bytes] = []
        self.was_registered = False
        #: reports not yet delivered, in order; owned by the fleet's returns.
        self.reports: deque[Report] = deque()
        self.report_tries = 0
        self.report_busy = False
        self.returning: object | None = None

    # --- asyncio's side -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register."""
        line = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        if self.terminal.faults.off or self._fleet.closing:
            line.abort()
            return
        self._transport = line
        self._free_at = 0.0
        self.apply(self.terminal.connection_made(self._fleet.now()))

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the terminal."""
        self.apply(self.terminal.receive(data, self._fleet.now()))

    def message_received(self, data: bytes) -> None:
        """Hand a whole datagram or message to the terminal."""
        self.apply(self.terminal.receive_whole(data, self._fleet.now()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it and come back after a while."""
        self._transport = None
        self._held.clear()
        self.apply(self.terminal.connection_lost(str(exc) if exc else "closed by peer"))
        self._come_back()

    def dial_failed(self, reason: str) -> None:
        """Try again after a while."""
        self._come_back()

    # --- the fleet's side ---------------------------------------------------------------------------------------

    def dial(self) -> None:
        """Ask for a connection, unless there is one or no power."""
        if self._transport is None and not self.terminal.faults.off and not self._fleet.closing:
            self._fleet.dial(self)

    def set_faults(self, faults: Faults) -> None:
        """Suffer other faults from now on; power that goes or comes takes effect at once."""
        was_off = self.terminal.faults.off
        self.terminal.set_faults(faults)
        if faults.off and not was_off:
            self.lose_power("off")
        elif was_off and not faults.off:
            self.terminal.power_on(self._fleet.now())
            self.dial()

    def reboot(self, reason: str) -> None:
        """Restart: memory and line are lost, and the terminal registers as for the first time."""
        if self.terminal.faults.off:
            return
        self.lose_power(reason)
        self.terminal.power_on(self._fleet.now())

    def lose_power(self, reason: str) -> None:
        """Go dark; reports not yet delivered are lost with everything else in memory."""
        self.reports.clear()
        self.apply(self.terminal.power_off(self._fleet.now(), reason))
        self.cut()

    def cut(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def apply(self, effects: Iterable[Effect]) -> None:
        """Do what the terminal wants done."""
        now = self._fleet.now()
        add = self._fleet.journal.add
        for effect in effects:
            if isinstance(effect, Note):
                add(Entry(now, self.code, *effect))
                if effect.event is Event.REGISTERED:
                    self._registered()
            elif isinstance(effect, Send):
                self._write(effect.data, now)
            elif isinstance(effect, Report):
                self._fleet.returns.post(self, effect)
            elif isinstance(effect, HangUp):
                self._hang_up(effect)
            else:
                self._listen(effect)
        due = self.terminal.due
        if due < self._scheduled:
            self._scheduled = due
            self._fleet.at(due, self._due)

    def note(self, event: Event, report: Report, reason: str) -> None:
        """Write of a report into the journal."""
        self._fleet.journal.add(
            Entry(self._fleet.now(), self.code, event, report.ebm_id, report.session, reason or report.what)
        )

    def write_report(self, data: bytes) -> bool:
        """Send a report on this line, where the gateway takes both on one port; False when there is no line now."""
        if self._transport is None or not self.terminal.registered:
            return False
        self._write(data, self._fleet.now())
        return True

    # --- inside -------------------------------------------------------------------------------------------------

    def _registered(self) -> None:
        self._attempts = 0
        if not self.was_registered:
            self.was_registered = True
            self._fleet.first_registered()
        self._fleet.returns.line_up(self)

    def _due(self) -> None:
        self._scheduled = inf
        self.apply(self.terminal.advance(self._fleet.now()))

    def _listen(self, wish: Tune | Hush) -> None:
        listening = self._fleet.listening
        assert listening is not None  # FleetSettings: terminals have players where the fleet has
        if isinstance(wish, Tune):
            listening.tune(self, wish)
        else:
            listening.hush(self, wish)

    def _come_back(self) -> None:
        if self._fleet.closing or self.terminal.faults.off:
            return
        wait = self._fleet.backoff(self._attempts, self.dice)
        self._attempts += 1
        self._fleet.at(self._fleet.now() + wait, self.dial)

    def _hang_up(self, wish: HangUp) -> None:
        if wish.reboot:
            self.reboot(wish.reason)
        else:
            self.apply(self.terminal.connection_lost(wish.reason))
            self.cut()

    def _write(self, data: bytes, now: float) -> None:
        transport = self._transport
        if transport is None:
            return
        faults = self.terminal.faults
        if faults is HEALTHY or not faults.bends_line:
            transport.write(data)
            return
        pieces = shape(data, faults, self.dice)
        if faults.merge:
            if not self._held:
                self._fleet.at(now + faults.merge, self._release, transport)
            self._held += pieces
            return
        # Later frames never overtake earlier ones: it is one TCP stream.
        due = max(self._free_at, now + faults.delay + faults.jitter * self.dice.unit())
        for piece in pieces:
            self._fleet.at(due, self._late, transport, piece)
            due += _PIECE_GAP
        self._free_at = due

    def _late(self, transport: asyncio.Transport, piece: bytes) -> None:
        if transport is self._transport:
            transport.write(piece)

    def _release(self, transport: asyncio.Transport) -> None:
        if transport is self._transport:
            transport.write(b"".join(self._held))
            self._held.clear()
