"""Books 台账 of messages for readers: folded once, kept while the message lives, brought up to date at each look."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.coverage.evidence import MessageBook
from gateway.coverage.model import MessageCoverage
from gateway.dispatch.live import LiveMessage, LogEntry
from gateway.dispatch.service import Dispatch
from gateway.dispatch.terminals import terminal_of
from gateway.domain.codes import AreaCode
from gateway.domain.message import MessageState
from gateway.domain.orders import Receipt
from gateway.domain.receiver import Terminal
from gateway.store import queries
from gateway.store.rows import MessageRow

#: Pieces of evidence folded before others get the loop (about 2 ms).
_SLICE: Final = 256
#: Messages that left memory are rebuilt from the store; so many are kept for so long, in seconds, for the next page.
_PAST_KEPT: Final = 4
_PAST_SECONDS: Final = 10.0


@dataclass(slots=True)
class OpenBook:
    """A message with its folded evidence, up to date when it was handed out."""

    row: MessageRow
    live: LiveMessage
    book: MessageBook
    read_at: float
    #: whom it was for when its evidence was folded: one that was widened or given other areas is folded anew
    reach: tuple[int, tuple[AreaCode, ...]]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def state(self) -> MessageState:
        """The committed state."""
        return MessageState(self.row.state)


def slice_end(log: Sequence[LogEntry], start: int) -> int:
    """Where to pause after ``start``: one sending to many terminals weighs as much as a receipt from each."""
    weight, end = 0, start
    while end < len(log) and weight < _SLICE:
        entry = log[end]
        weight += 1 if isinstance(entry, Receipt) else len(entry.terminals)
        end += 1
    return end


def _reach(live: LiveMessage) -> tuple[int, tuple[AreaCode, ...]]:
    return len(live.terminals), live.message.areas


class Books:
    """Books by EBM id."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._open: dict[str, OpenBook] = {}
        self._past: dict[int, Terminal] = {}

    async def open(self, ebm_id: str) -> OpenBook:
        """The book of a message with everything that is committed. Errors: NotFoundError."""
        living, monotonic = self._dispatch.state.messages, self._dispatch.state.monotonic
        known = self._open.get(ebm_id)
        if known is not None and ebm_id not in living and monotonic() - known.read_at < _PAST_SECONDS:
            return known
        row, live = await self._dispatch.book(ebm_id)
        known = self._open.get(ebm_id)
        if known is None or known.live is not live or known.reach != _reach(live):
            await self.know(live.terminals)
            coverage = await asyncio.to_thread(self._coverage, live)
            self._tidy()
            known = self._open[ebm_id] = OpenBook(row, live, MessageBook(coverage), monotonic(), _reach(live))
        known.row = row
        await self._catch_up(known)
        return known

    async def _catch_up(self, known: OpenBook) -> None:
        async with known.lock:
            book, log = known.book, known.live.log
            while book.position < len(log):
                book.feed(log[book.position : slice_end(log, book.position)])
                await asyncio.sleep(0)

    def _coverage(self, live: LiveMessage) -> MessageCoverage:
        gazetteer = self._dispatch.state.gazetteer
        areas: dict[int, AreaCode] = {}
        for terminal in live.terminals:
            found = self.terminal(terminal)
            if found is not None:
                areas[terminal] = found.area
        villages = gazetteer.villages_in(live.message.areas)
        return MessageCoverage(villages, areas, gazetteer, planned_at=live.accepted_at)

    def _tidy(self) -> None:
        """Forget books of messages that left memory, but for the newest few."""
        living = self._dispatch.state.messages
        past = sorted((b.read_at, ebm_id) for ebm_id, b in self._open.items() if living.get(ebm_id) is not b.live)
        for _, ebm_id in past[: max(0, len(past) - _PAST_KEPT + 1)]:
            del self._open[ebm_id]

    # -- terminals, also those that left the registry since

    def terminal(self, number: int) -> Terminal | None:
        """A terminal by its number, deleted or not; None when ``know`` was not asked, or nobody has it."""
        entry = self._dispatch.state.registry.get(number)
        return entry.terminal if entry is not None else self._past.get(number)

    async def know(self, numbers: Iterable[int]) -> None:
        """Make sure that ``terminal`` knows these, reading deleted ones from the store."""
        if any(self.terminal(number) is None for number in numbers):
            for row in await self._dispatch.state.store.read(queries.terminals, deleted=True):
                self._past[row.id] = terminal_of(row)
