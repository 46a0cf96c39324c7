"""Arrivals 上线处理: what a terminal is owed when it connects: first stops it may have missed, then starts in force."""

from __future__ import annotations

import asyncio

from gateway.devices.events import Known
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage, Phase
from gateway.dispatch.sender import Sender
from gateway.dispatch.state import State
from gateway.domain.message import Command, EbmClass


class Arrivals:
    """Serves terminals in the batches in which they arrive, so that thousands share one frame."""

    def __init__(self, state: State, sender: Sender) -> None:
        self._state = state
        self._sender = sender
        self._waiting: dict[int, bool] = {}
        self._wake = asyncio.Event()

    def registered(self, known: Known, *, first: bool) -> None:
        """A terminal is bound to a connection; ``first`` means that it lost its memory."""
        self._waiting[known.id] = self._waiting.get(known.id, False) or first
        self._wake.set()

    async def run(self) -> None:
        """Serve for ever; the daemon owns the task."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, {}
            try:
                await self._serve(batch)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # The terminals of this batch are tried again: nobody else would remember what they are owed.
                self._state.alarms.raise_("arrivals_failed", type(error).__name__, str(error), AlarmLevel.CRITICAL)
                for terminal, first in batch.items():
                    self._waiting.setdefault(terminal, first)
                self._state.pacer.after(1.0, self._wake.set)

    async def _serve(self, batch: dict[int, bool]) -> None:
        for live in tuple(self._state.messages.values()):
            owed = [t for t in batch if live.needs_stop(t)]
            await self._send(live, Command.STOP, owed)
        for live in self._state.in_force():
            if live.message.ebm_class is EbmClass.SYSTEM_DRILL:
                continue
            for terminal, first in batch.items():
                if first:
                    self._forgot(live, terminal)
            await self._send(live, Command.START, [t for t in batch if live.needs_start(t)])

    async def _send(self, live: LiveMessage, command: Command, terminals: list[int]) -> None:
        if not terminals:
            return
        for group_ in self._sender.groups(live, terminals):
            order = await self._sender.order_for(live, command, group_)
            wanted = live.needs_start if command is Command.START else live.needs_stop
            self._sender.write_now(order, [t for t in group_.terminals if wanted(t)])

    @staticmethod
    def _forgot(live: LiveMessage, terminal: int) -> None:
        """A power-up: whatever the terminal held is gone, and what it refused may be taken now."""
        position = live.index.get(terminal)
        if position is not None and live.phase[position] in (Phase.HELD, Phase.PLAYING, Phase.REFUSED):
            live.phase[position] = Phase.WAITING
