"""The store as the gateway uses it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from itertools import count
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from gateway.domain.orders import Receipt
from gateway.errors import InvalidValueError
from gateway.store import journal
from gateway.store.engines import reader_engine, writer_engine
from gateway.store.migrate import migrate
from gateway.store.reader import Reader
from gateway.store.rows import Row
from gateway.store.settings import StoreSettings
from gateway.store.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """Durable writes by group commit, reads in threads. Made by ``open``; for the loop that opened it."""

    def __init__(self, settings: StoreSettings, node: int, writer: Writer, reader: Reader, first_seq: int) -> None:
        self.settings, self.node = settings, node
        self._writer, self._reader = writer, reader
        #: next free sequence number of a receipt of this node.
        self.next_receipt: Callable[[], int] = count(first_seq).__next__
        #: queue a receipt: an append; never waits. Raise OverloadedError when far too many wait.
        self.add_receipt: Callable[[Receipt], None] = writer.add_receipt

    @classmethod
    async def open(cls, settings: StoreSettings, node: int = 0) -> Store:
        """Bring the schema up to date and start the writer; raise StoreError when the database cannot be used.

        ``node`` (0-255) numbers this gateway among those that share the database.
        """
        if not 0 <= node <= 255:
            raise InvalidValueError("store.node", node, "must be 0-255")
        engine = writer_engine(settings)
        try:
            await asyncio.to_thread(migrate, engine)
        except BaseException:
            engine.dispose()
            raise
        sys.setswitchinterval(min(sys.getswitchinterval(), settings.switch_interval))
        reader = Reader(reader_engine(settings), settings.readers)
        last = await reader.read(journal.last_receipt, node)
        waiting = await reader.read(journal.waiting, node)
        writer = Writer(engine, settings, asyncio.get_running_loop(), node, waiting)
        return cls(settings, node, writer, reader, last + 1)

    async def write(self, *rows: Row, urgent: bool = False) -> None:
        """Commit all rows in one transaction; returns when they are on disk.

        Raise RowRefused (a rule of the schema), NotFoundError (an update that finds nothing), StoreError (the database
        cannot be written), OverloadedError (too much waits).
        """
        await self.submit(*rows, urgent=urgent)

    def submit(self, *rows: Row, urgent: bool = False) -> asyncio.Future[None]:
        """As ``write``, without waiting. Calls are committed in order; urgent ones may overtake others.

        A call with a warning, message or order is urgent by itself (``rows.URGENT``).
        """
        return self._writer.submit(rows, urgent=urgent)

    async def reserve(self, name: str, block: int = 1) -> int:
        """Take ``block`` numbers of counter ``name`` durably; the first of them. Counters begin at 1, never go back."""
        if block < 1:
            raise InvalidValueError("block", block, "must be at least 1")
        return await self._writer.reserve(name, block)

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``query(connection, …)`` in a thread on a query-only connection; see ``gateway.store.queries``."""
        return await self._reader.read(query, *args, **kwargs)

    @property
    def on_receipts(self) -> Callable[[list[Receipt]], None] | None:
        """Called in the loop with the receipts of each commit, after it."""
        return self._writer.on_receipts

    @on_receipts.setter
    def on_receipts(self, told: Callable[[list[Receipt]], None] | None) -> None:
        self._writer.on_receipts = told

    @property
    def healthy(self) -> bool:
        """Whether the last commit succeeded; tried again by itself."""
        return self._writer.healthy

    @property
    def commits(self) -> int:
        """Commits since the store was opened."""
        return self._writer.commits

    @property
    def refused_receipts(self) -> int:
        """Receipts that the schema refused since the store was opened; each was logged."""
        return self._writer.refused_receipts

    @property
    def pending(self) -> tuple[int, int]:
        """Rows of calls, and receipts, that wait for their commit."""
        return self._writer.pending

    @property
    def packed(self) -> int:
        """Receipts of this node that are committed as blocks and wait to become rows."""
        return self._writer.packed

    async def close(self) -> None:
        """Commit what waits and close."""
        await self._writer.close()
        await self._reader.close()
