"""Arrivals 上线处理: what a terminal is owed when it connects: first stops it may have missed, then starts in force."""

from __future__ import annotations

import asyncio

import structlog

from gateway.devices.events import Known
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage, Phase
from gateway.dispatch.sender import Sender
from gateway.dispatch.state import State
from gateway.domain.message import Command, EbmClass

log = structlog.get_logger(__name__)


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
                failed = await self._serve(batch)
            except Exception as error:
                failed = error
            if failed is not None:
                # The terminals of this batch are tried again: nobody else would remember what they are owed. What they
                # forgot is noted by now; those who were served need nothing any more.
                self._state.alarms.raise_("arrivals_failed", type(failed).__name__, str(failed), AlarmLevel.CRITICAL)
                for terminal in batch:
                    self._waiting.setdefault(terminal, False)
                self._state.pacer.after(1.0, self._wake.set)

    async def _serve(self, batch: dict[int, bool]) -> Exception | None:
        """Serve a batch; one message that cannot be sent does not hold up the others. Returns the last error."""
        forgetful = [terminal for terminal, first in batch.items() if first]
        in_force = [live for live in self._state.in_force() if live.message.ebm_class is not EbmClass.SYSTEM_DRILL]
        for live in in_force:
            for terminal in forgetful:
                self._forgot(live, terminal)
        failed: Exception | None = None
        stops = [(live, Command.STOP) for live in self._state.messages.values()]
        for live, command in [*stops, *((live, Command.START) for live in in_force)]:
            needs = live.needs_stop if command is Command.STOP else live.needs_start
            owed = [terminal for terminal in batch if needs(terminal)]
            try:
                await self._sender.serve(live, command, owed)
            except Exception as error:
                log.error("arrivals not served", message_id=live.ebm_id, command=command.value, error=str(error))
                failed = error
        return failed

    @staticmethod
    def _forgot(live: LiveMessage, terminal: int) -> None:
        """A power-up: whatever the terminal held is gone, and what it refused may be taken now."""
        position = live.index.get(terminal)
        if position is not None and live.phase[position] in (Phase.HELD, Phase.PLAYING, Phase.REFUSED):
            live.phase[position] = Phase.WAITING
