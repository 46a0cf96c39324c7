"""Arrivals 上线处理: what a terminal is owed when it connects: first stops it may have missed, then starts in force."""

from __future__ import annotations

import asyncio

import structlog

from gateway.devices.events import Known
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.sender import Sender
from gateway.dispatch.state import State
from gateway.domain.message import Command, EbmClass

log = structlog.get_logger(__name__)


class Arrivals:
    """Serves terminals in the batches in which they arrive, so that thousands share one frame."""

    def __init__(self, state: State, sender: Sender) -> None:
        self._state = state
        self._sender = sender
        self._waiting: set[int] = set()
        self._wake = asyncio.Event()

    def registered(self, known: Known) -> None:
        """A terminal is bound to a connection."""
        self._waiting.add(known.id)
        self._wake.set()

    async def run(self) -> None:
        """Serve for ever; the daemon owns the task."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, set()
            try:
                failed = await self._serve(batch)
            except Exception as error:
                failed = error
            if failed is not None:
                # The terminals of this batch are tried again: nobody else would remember what they are owed; those who
                # were served need nothing any more.
                self._state.alarms.raise_("arrivals_failed", type(failed).__name__, str(failed), AlarmLevel.CRITICAL)
                self._waiting |= batch
                self._state.pacer.after(1.0, self._wake.set)

    async def _serve(self, batch: set[int]) -> Exception | None:
        """Serve a batch; one message that cannot be sent does not hold up the others. Returns the last error."""
        in_force = [live for live in self._state.in_force() if live.message.ebm_class is not EbmClass.SYSTEM_DRILL]
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
