"""Keeps the line to an RDS encoder open and feeds it, at the pace of the sub-carrier."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from math import inf
from typing import Final, Protocol

import structlog

from gateway.devices.bearer import LinkState
from gateway.devices.rds_air import Air
from gateway.devices.rds_port import Port, open_port
from gateway.settings.rds_link import RdsLink

log = structlog.get_logger(__name__)

#: First wait after a line was lost, seconds; it doubles up to the setting.
_BACKOFF: Final = 0.5
#: A line that served so long was a good one: the next waits begin small again.
_SERVED: Final = 5.0
#: A writer that was held up catches up by so much at once, seconds: the encoder's buffer has run dry by as much.
_SLACK: Final = 0.2


class Owner(Protocol):
    """Who the line belongs to."""

    def sent(self, key: str) -> None:
        """A packet was handed over, whole."""
        ...

    def stands(self, state: LinkState, detail: str) -> None:
        """The line came or went."""
        ...


class RdsLine:
    """One line. ``monotonic`` in seconds; ``air`` says what is to be written, ``poke`` that it has something new."""

    def __init__(self, link: RdsLink, air: Air, owner: Owner, monotonic: Callable[[], float]) -> None:
        self._link, self._air, self._owner, self._monotonic = link, air, owner, monotonic
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._lost: str | None = None
        self._dice = random.Random()  # noqa: S311 - spreads reconnections, hides nothing

    def poke(self) -> None:
        """Look again at what is on the air."""
        self._wake.set()

    async def drained(self) -> None:
        """Wait until nothing is left on the air."""
        while not self._air.is_idle:
            self._drained.clear()
            await self._drained.wait()

    def freed(self) -> None:
        """The port took all that was written."""
        self._wake.set()

    def lost(self, reason: str) -> None:
        """The port is gone."""
        self._lost = reason
        self._wake.set()

    async def run(self) -> None:
        """Connect, feed, and connect again, until cancelled."""
        failures = 0
        while True:
            self._lost = None
            try:
                port = await open_port(self._link, self)
            except OSError as error:  # TimeoutError is one
                reason = str(error) or type(error).__name__
            else:
                began = self._monotonic()
                self._air.begin_again()
                self._owner.stands(LinkState.UP, f"已连接 connected: {self._link.url}")
                try:
                    reason = await self._feed(port)
                finally:
                    port.close()
                if self._monotonic() - began >= _SERVED:
                    failures = 0
            self._owner.stands(LinkState.DOWN, f"{self._link.url}: {reason}")
            wait = min(self._link.backoff_longest_seconds, _BACKOFF * 2.0 ** min(failures, 16))
            failures += 1
            await asyncio.sleep(wait * self._dice.uniform(0.5, 1.0))

    async def _feed(self, port: Port) -> str:
        """Write until the line is lost; returns why."""
        free_at = self._monotonic()
        written_at = free_at
        while self._lost is None:
            now = self._monotonic()
            if not port.is_free:
                if now - written_at > self._link.stall_seconds:
                    return f"编码器不再接收数据 the encoder has taken nothing for {self._link.stall_seconds:g} s"
                await self._pause(self._link.stall_seconds - (now - written_at) + 0.001)
                continue
            if free_at > now:
                await self._pause(free_at - now)
                continue
            piece = self._air.take(now)
            if piece is None:
                await self._pause(self._air.next_due() - now)
                continue
            port.write(piece.data)
            written_at = now
            free_at = max(free_at, now - _SLACK) + piece.frames / self._link.frames_per_second
            if piece.completes and self._lost is None:
                self._owner.sent(piece.key)
            if self._air.is_idle:
                self._drained.set()
            if free_at <= now:
                await asyncio.sleep(0)
        return self._lost

    async def _pause(self, seconds: float) -> None:
        """Wait, or until something has changed."""
        if seconds == inf:
            await self._wake.wait()
        else:
            try:
                async with asyncio.timeout(max(0.0, seconds)):
                    await self._wake.wait()
            except TimeoutError:
                return
        self._wake.clear()
