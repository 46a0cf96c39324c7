"""Keeping a port 串口维持: opened, told when it is gone, opened again after capped, jittered waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final

from gateway.devices.serial_port import Port

FIRST_WAIT: Final = 0.25
LONGEST_WAIT: Final = 10.0


class Phase(Enum):
    """Where a port stands in its life."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    #: until the next attempt
    WAITING = "waiting"


def wait_before(attempt: int, chance: float) -> float:
    """Seconds before attempt number ``attempt`` (1 …): doubling and capped, shortened by ``chance`` (0-1) to a half."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 16)) * (1 - 0.5 * chance))


class Keeper:
    """One port's life. ``on_change`` hears every phase with its reason; ``wait`` is replaced by tests."""

    def __init__(
        self,
        opener: Callable[[], Awaitable[Port]],
        on_change: Callable[[Phase, str], None],
        wait: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self._opener, self._on_change = opener, on_change
        self._wait = wait or _wait
        self._task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._reason = ""
        self.phase = Phase.CLOSED
        self.port: Port | None = None
        #: set once the first attempt came to an end, good or bad
        self.tried = asyncio.Event()

    def start(self) -> None:
        """Begin to try."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="serial port")

    async def stop(self) -> None:
        """Let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._let_go()
        self._become(Phase.CLOSED, "")

    def lost(self, reason: str) -> None:
        """Hear that the port is gone."""
        self._let_go()
        self._reason = reason
        self._gone.set()
        self._become(Phase.WAITING, reason)

    async def _run(self) -> None:
        attempt = 0
        while True:
            self._become(Phase.OPENING, self._reason)
            self._gone.clear()
            try:
                port = await self._opener()
            except Exception as error:
                # Drivers raise OSError, termios.error, ValueError and more: whatever it is, the line is tried again.
                self._reason = str(error) or type(error).__name__
                self._become(Phase.WAITING, self._reason)
            else:
                if not self._gone.is_set():
                    attempt, self.port = 0, port
                    self._become(Phase.OPEN, "")
                    self.tried.set()
                    await self._gone.wait()
            self.tried.set()
            attempt += 1
            await self._wait(attempt)

    def _let_go(self) -> None:
        if self.port is not None:
            port, self.port = self.port, None
            port.close()

    def _become(self, phase: Phase, reason: str) -> None:
        if phase is not self.phase:
            self.phase = phase
            self._on_change(phase, reason)


async def _wait(attempt: int) -> None:
    await asyncio.sleep(wait_before(attempt, random.random()))  # noqa: S311 - spreads attempts, hides nothing
