"""The one thread that writes: what queued while the last commit ran goes into the next one.

The loop appends and goes on; the thread commits and tells the loop once a batch. What it promises:

- all rows of one call are in one transaction, and a call's future is resolved after that transaction is on disk;
- a row that the schema refuses fails its own call and no other;
- while the database cannot be written, calls fail at once, receipts stay in memory and are tried again with back-off;
- bursts of receipts are committed packed, and made into rows when nothing else wants the store.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential_jitter

from gateway.domain.orders import Receipt
from gateway.errors import OverloadedError, StoreError
from gateway.store.batch import Batch, Call, Outcomes, commit
from gateway.store.journal import unfold
from gateway.store.rows import URGENT, Row
from gateway.store.settings import StoreSettings
from gateway.store.statements import reserve_block

log = structlog.get_logger(__name__)

#: Seconds between two blocks: whoever else works then, the loop above all, has the machine most of the time.
BREATH = 0.005
#: Seconds until blocks are tried again that could not be made into rows.
UNFOLD_AGAIN = 60.0
_BACK_OFF = wait_exponential_jitter(multiplier=0.05, max=5.0, jitter=0.05)


class Writer:
    """Queue, thread and group commit. All public methods are for the thread of ``loop``.

    ``waiting`` receipts of this ``node`` are packed in the database already.
    """

    def __init__(
        self, engine: Engine, settings: StoreSettings, loop: asyncio.AbstractEventLoop, node: int, waiting: int
    ) -> None:
        self.on_receipts: Callable[[list[Receipt]], None] | None = None
        #: commits that reached the disk; for metrics and tests.
        self.commits = 0
        #: receipts that the schema refused; each was logged.
        self.refused_receipts = 0
        self.healthy = True
        self._engine, self._settings, self._loop, self._node = engine, settings, loop, node
        self._urgent: deque[Call] = deque()
        self._calls: deque[Call] = deque()
        self._receipts: list[Receipt] = []
        self._queued = 0
        self._wake = threading.Event()
        self._idle = False
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._connection: Connection | None = None
        self._to_checkpoint = False
        self._packed = waiting
        self._pause = settings.idle
        #: so many receipts in front may be on disk already: the commit that held them broke
        self._doubtful = 0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def packed(self) -> int:
        """Receipts of this node that are committed and no rows yet."""
        return self._packed

    @property
    def pending(self) -> tuple[int, int]:
        """Rows of calls, and receipts, that are not committed."""
        return self._queued, len(self._receipts)

    def submit(self, rows: Sequence[Row], *, urgent: bool = False) -> asyncio.Future[None]:
        """Queue rows as one call; the future is resolved after the commit. Raise OverloadedError when too many wait."""
        urgent = urgent or any(type(row) in URGENT for row in rows)
        return self._queue(Call(self._loop.create_future(), rows=tuple(rows)), urgent)

    def reserve(self, name: str, block: int) -> asyncio.Future[int]:
        """Queue a reservation; the future gives the first number of the block."""
        future = self._loop.create_future()
        return self._queue(Call(future, work=lambda connection: reserve_block(connection, name, block)), True)

    def _queue(self, call: Call, urgent: bool) -> asyncio.Future[Any]:
        if self._closing:
            raise StoreError("the store is closed")
        if self._queued + call.size > self._settings.queue_rows and self._queued:
            raise OverloadedError(f"{self._queued} rows wait for the store")
        self._queued += call.size
        (self._urgent if urgent else self._calls).append(call)
        self._wake.set()
        return call.future

    def add_receipt(self, row: Receipt) -> None:
        """Queue a receipt; raise OverloadedError when too many wait."""
        if self._closing:
            raise StoreError("the store is closed")
        if len(self._receipts) >= self._settings.receipt_rows:
            raise OverloadedError(f"{len(self._receipts)} receipts wait for the store")
        self._receipts.append(row)
        if self._idle:
            self._idle = False
            self._wake.set()

    async def close(self) -> None:
        """Commit what waits, as far as the database lets us, and end the thread."""
        self._closing = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join)

    # ---- below: the writer's thread

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            self._commit(batch)
        if self._receipts:
            log.error("store.receipts_lost", count=len(self._receipts))
        self._disconnect()
        self._engine.dispose()

    def _next(self) -> Batch | None:
        """Wait for work; None when the store closes and nothing is left that could still be written."""
        while True:
            self._wake.clear()
            if self._urgent or self._calls:
                return self._take()
            if self._due():
                self._gather()
                return self._take()
            if self._closing:
                return None
            self._idle = True
            if self._due() or self._urgent or self._calls:
                self._idle = False
                continue
            if not self._wake.wait(self._patience()) and self.healthy:
                self._tidy()
            self._idle = False

    def _gather(self) -> None:
        """Wait while receipts keep coming: few large commits leave the loop alone more than many small ones."""
        settings = self._settings
        waited, seen = 0.0, 0
        while not self._closing and waited < settings.receipt_linger_longest:
            held = len(self._receipts)
            if held == seen or held >= settings.batch_rows:
                return
            seen = held
            if self._wake.wait(settings.receipt_linger):
                return
            waited += settings.receipt_linger

    def _due(self) -> bool:
        """Whether receipts, or the question if the database is back, want a transaction now."""
        if self.healthy:
            return bool(self._receipts)
        return not self._closing and time.monotonic() >= self._retry_at

    def _patience(self) -> float | None:
        if not self.healthy:
            return max(0.0, self._retry_at - time.monotonic())
        return self._pause if self._packed or self._to_checkpoint else None

    def _take(self) -> Batch:
        self._pause = self._settings.idle
        batch = Batch(again=not self.healthy or self._doubtful > 0, waiting=self._packed)
        room = self._settings.batch_rows
        for lane in (self._urgent, self._calls):
            while lane and (room >= lane[0].size or not batch.calls):
                call = lane.popleft()
                batch.calls.append(call)
                room -= call.size
        if room > 0 and (self.healthy or time.monotonic() >= self._retry_at):
            batch.receipts = self._receipts[:room]
        batch.pack = len(batch.receipts) >= self._settings.pack_from and self._packed < self._settings.packed_rows
        return batch

    def _commit(self, batch: Batch) -> None:
        try:
            outcomes = self._try(batch)
        except Exception as error:  # the thread outlives whatever a database or its driver can raise
            self._failed(batch, error)
            return
        # Receipts leave memory only now; the loop has meanwhile appended behind them.
        del self._receipts[: len(batch.receipts)]
        self._doubtful = max(0, self._doubtful - len(batch.receipts))
        self._packed = outcomes.waiting
        self.commits += 1
        self._to_checkpoint = True
        if not self.healthy:
            log.info("store.healthy", failures=self._failures)
        self.healthy, self._failures, self._retry_at = True, 0, 0.0
        self._tell(outcomes)

    def _try(self, batch: Batch) -> Outcomes:
        if self._connection is not None:
            try:
                return commit(self._connection, batch)
            except DBAPIError as error:
                # A server that was restarted while we were idle is no reason to turn a warning away.
                if not error.connection_invalidated:
                    raise
                self._disconnect()
                batch.again = True
        self._connection = self._engine.connect()
        return commit(self._connection, batch)

    def _failed(self, batch: Batch, error: Exception) -> None:
        self._disconnect()
        self.healthy = False
        self._doubtful = max(self._doubtful, len(batch.receipts))
        self._failures += 1
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = self._failures
        self._retry_at = time.monotonic() + _BACK_OFF(state)
        text = str(getattr(error, "orig", None) or error)
        log.error("store.commit_failed", error=text, failures=self._failures, receipts_waiting=len(self._receipts))
        refusal = StoreError(f"the database cannot be written: {text}")
        self._tell(Outcomes(results=[(call, None, refusal) for call in batch.calls]))

    def _tell(self, outcomes: Outcomes) -> None:
        if not outcomes.results and not outcomes.receipts and not outcomes.refused:
            return
        try:
            self._loop.call_soon_threadsafe(self._resolve, outcomes)
        except RuntimeError:
            # The loop is closed: nobody is left who could wait for this.
            log.warning("store.nobody_waits", calls=len(outcomes.results))

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except Exception as error:
                log.warning("store.disconnect", error=str(error))

    def _tidy(self) -> None:
        """Nothing was to be done for a while: make rows of one block, or copy the log back."""
        if self._packed:
            self._unfold()
        elif self._to_checkpoint:
            self._checkpoint()

    def _unfold(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                left = unfold(self._connection, self._node, limit=1)
        except Exception as error:  # what is packed stays evidence; only the next commit tells whether the disk is ill
            log.error("store.unfold_failed", error=str(getattr(error, "orig", None) or error), packed=self._packed)
            if not isinstance(error, StoreError):
                self._disconnect()
            self._pause = UNFOLD_AGAIN
            return
        self._packed = left
        self._to_checkpoint = True
        self._pause = BREATH if self._packed else self._settings.idle

    def _checkpoint(self) -> None:
        self._to_checkpoint = False
        if self._engine.dialect.name != "sqlite" or self._connection is None:
            return
        try:
            raw = self._connection.connection.dbapi_connection
            assert raw is not None
            raw.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        except Exception as error:
            log.warning("store.checkpoint", error=str(error))

    # ---- below: the loop's thread again

    def _resolve(self, outcomes: Outcomes) -> None:
        for call, value, error in outcomes.results:
            self._queued -= call.size
            if call.future.done():
                continue
            if error is None:
                call.future.set_result(value)
            else:
                call.future.set_exception(error)
        self.refused_receipts += len(outcomes.refused)
        for row, reason in outcomes.refused:
            log.error("store.receipt_refused", seq=row.seq, source=row.source, reason=reason)
        if outcomes.receipts and self.on_receipts is not None:
            self.on_receipts(outcomes.receipts)
