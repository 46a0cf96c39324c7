"""The fleet 终端群: thousands of terminals in one process, one loop, one heap of due times."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

from emulator.agenda import Agenda
from emulator.device import Device
from emulator.dialling import Dialable, Dialler
from emulator.dice import Dice, seed_of, standing
from emulator.faults import HEALTHY, Faults
from emulator.hearing import Ears
from emulator.journal import Journal
from emulator.kept_returns import LongReturns, SameReturns
from emulator.line import Line
from emulator.listening import Listening
from emulator.mqtt import MqttDialler
from emulator.registry import Row
from emulator.returns import Returns, ShortReturns
from emulator.settings import Bearer, FleetSettings, ReturnMode
from emulator.terminal import Terminal
from emulator.udp import UdpDialler
from gateway.errors import EnvironmentLackingError, InvalidValueError
from gateway.security.sm2 import Sm2Provider, default_provider

#: What opens the lines.
Diallers = Dialler | MqttDialler | UdpDialler
#: Due calls made before the sockets are looked at again.
_SLICE = 200
#: Timers of event loops count milliseconds and may fire a little early: never ask for less than this, in seconds.
_GRAIN = 0.002
#: Seconds between writes of the journal's file.
_FLUSH = 0.05


class Fleet:
    """All terminals of a run. Begin with ``start``, end with ``close``, both in a running loop."""

    def __init__(self, rows: Sequence[Row], settings: FleetSettings, provider: Sm2Provider | None = None) -> None:
        self.settings = settings
        self.journal = Journal(file=settings.journal)
        self.ears = Ears(settings.keys, provider or default_provider())
        self.closing = False
        #: who hears what; None without players.
        self.listening: Listening | None = None
        #: set once every terminal with power has registered.
        self.all_registered = asyncio.Event()
        self._agenda = Agenda()
        self._wake: asyncio.TimerHandle | None = None
        self._wake_at = inf
        self._registered = self._awaited = 0
        self._lines = {row.code: self._line(row) for row in rows}

    def _line(self, row: Row) -> Line:
        seed = seed_of(self.settings.seed, row.code)
        device = Device.of(row.code, row.physical)
        terminal = Terminal(device, self.ears, self.settings.terminal, Dice(seed))
        return Line(self, row.code, terminal, Dice(seed ^ 0x5DEECE66D))

    @property
    def lines(self) -> Iterable[Line]:
        """Every terminal's line, in the order of the registry."""
        return self._lines.values()

    def __len__(self) -> int:
        return len(self._lines)

    async def start(self) -> None:
        """Power on all terminals and begin to connect them, at the rate of the settings."""
        self._loop = asyncio.get_running_loop()
        self._epoch = time.time() - self._loop.time()
        self._gateway = await self._resolve(self.settings.gateway)
        self.returns: Returns = self._make_returns(await self._resolve(self.settings.feedback))
        self._dialler = self._make_dialler()
        if self.settings.player is not None:
            self.listening = Listening(self, self.settings.player)
        now = self.now()
        for number, line in enumerate(self.lines):
            hit = standing(self.settings.seed, line.code) < self.settings.share
            line.terminal.set_faults(self.settings.faults if hit else HEALTHY)
            line.terminal.power_on(now)
            self.at(now + number / self.settings.connect_rate, line.dial)
        if self.settings.journal is not None:
            self.at(now + _FLUSH, self._flush)
        self._count_powered()

    async def close(self) -> None:
        """Cut every line and write the rest of the journal."""
        self.closing = True
        if self._wake is not None:
            self._wake.cancel()
        await self._dialler.close()
        self.returns.close()
        for line in self.lines:
            line.cut()
        if self.listening is not None:
            await self.listening.close()
        # Transports tell their protocols in a later turn of the loop.
        for _ in range(3):
            await asyncio.sleep(0)
        self.journal.close()

    # --- what lines and returns use -----------------------------------------------------------------------------

    def now(self) -> float:
        """Unix time in seconds that never jumps while we run."""
        return self._epoch + self._loop.time()

    def at(self, due: float, call: Callable[..., None], *arguments: Any) -> None:
        """Make a call when it is due."""
        self._agenda.at(due, call, *arguments)
        if due < self._wake_at:
            self._arm(due)

    def dial(self, line: Line) -> None:
        """Open the line to the gateway."""
        self._dialler.want(line, self._gateway)

    def dial_to(self, protocol: Dialable, address: tuple[str, int]) -> None:
        """Open any other connection: of TCP, whatever carries the lines."""
        assert isinstance(self._dialler, Dialler)
        self._dialler.want(protocol, address)

    def backoff(self, attempt: int, dice: Dice) -> float:
        """Seconds to wait after ``attempt`` failures: doubling, capped, shortened by chance by up to a half."""
        settings = self.settings
        wait = min(settings.backoff_cap, settings.backoff * 2.0 ** min(attempt, 16))
        return wait * (0.5 + 0.5 * dice.unit())

    def first_registered(self) -> None:
        """Count a terminal that registered for the first time in this run."""
        self._registered += 1
        self._look_round()

    # --- what the control uses ----------------------------------------------------------------------------------

    def select(self, terminals: Sequence[str] | None, share: float | None, purpose: str = "share") -> list[Line]:
        """Return the lines named, or a share of all that depends on seed and ``purpose``, or all.

        Raises InvalidValueError for a code that is not in the fleet or a share outside 0-1.
        """
        if terminals is not None:
            unknown = [code for code in terminals if code not in self._lines]
            if unknown:
                raise InvalidValueError("terminals", unknown[0], "is not in this fleet")
            return [self._lines[code] for code in terminals]  # type: ignore[index]
        if share is None:
            return list(self.lines)
        if not 0.0 <= share <= 1.0:
            raise InvalidValueError("share", share, "must be 0-1")
        return [line for line in self.lines if standing(self.settings.seed, line.code, purpose) < share]

    def set_faults(self, lines: Iterable[Line], change: Callable[[Faults], Faults]) -> int:
        """Change the faults of some; equal sets are shared. Return how many."""
        known: dict[Faults, Faults] = {HEALTHY: HEALTHY}
        count = 0
        for line in lines:
            wanted = change(line.terminal.faults)
            line.set_faults(known.setdefault(wanted, wanted))
            count += 1
        self._count_powered()
        return count

    # --- inside -------------------------------------------------------------------------------------------------

    def _count_powered(self) -> None:
        """Count whose registration is awaited."""
        self._awaited = sum(1 for line in self.lines if line.was_registered or not line.terminal.faults.off)
        self._look_round()

    def _look_round(self) -> None:
        """Tell when all who have power are registered."""
        if self._registered >= self._awaited:
            self.all_registered.set()

    def _arm(self, due: float) -> None:
        if self.closing:
            return
        if self._wake is not None:
            self._wake.cancel()
        self._wake_at = due
        self._wake = self._loop.call_at(max(due - self._epoch, self._loop.time() + _GRAIN), self._work)

    def _work(self) -> None:
        """Make calls that are due, a slice at a time so that sockets are not starved."""
        self._wake_at = -inf  # nothing arms while we run
        try:
            self._agenda.run(self.now(), _SLICE)
        finally:
            self._wake_at = inf
            if self._agenda.next_due < inf:
                self._arm(self._agenda.next_due)

    def _flush(self) -> None:
        self.journal.flush()
        self.at(self.now() + _FLUSH, self._flush)

    def _make_returns(self, feedback: tuple[str, int]) -> Returns:
        settings = self.settings
        match settings.returns:
            case ReturnMode.SAME:
                return SameReturns(self)
            case ReturnMode.LONG:
                return LongReturns(self, feedback)
            case ReturnMode.SHORT:
                return ShortReturns(
                    self,
                    feedback,
                    limit=settings.return_limit,
                    tries=settings.return_tries,
                    patience=settings.return_patience,
                )

    def _make_dialler(self) -> Diallers:
        settings = self.settings
        match settings.bearer:
            case Bearer.TCP:
                return Dialler(settings.dialling)
            case Bearer.UDP:
                return UdpDialler(settings.group, settings.interface)
            case Bearer.MQTT:
                return MqttDialler(settings.mqtt)

    async def _resolve(self, address: tuple[str, int]) -> tuple[str, int]:
        """Look a name up once, not for every connection."""
        try:
            found = await self._loop.getaddrinfo(*address, type=socket.SOCK_STREAM)
        except OSError as error:
            raise EnvironmentLackingError(f"{address[0]}: {error}") from error
        sockaddr = found[0][4]
        return str(sockaddr[0]), int(sockaddr[1])
