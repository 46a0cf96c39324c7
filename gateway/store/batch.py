"""One transaction of the writer: the fast way for all, and the careful way when a row of it was refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, StatementError

from gateway.domain.orders import Receipt
from gateway.errors import NotFoundError, RowRefused
from gateway.store import journal
from gateway.store.rows import Row
from gateway.store.statements import execute_rows, insert_receipts, reserve_block

#: Counter that is raised to learn if the database can be written again.
PROBE = "store-probe"


@dataclass(slots=True, eq=False)
class Call:
    """What one caller wants in one transaction: rows, or work of its own whose value he waits for."""

    future: asyncio.Future[Any]
    rows: tuple[Row, ...] = ()
    work: Callable[[Connection], Any] | None = None

    @property
    def size(self) -> int:
        """Rows, at least 1."""
        return len(self.rows) or 1


@dataclass(slots=True)
class Batch:
    """What goes into one transaction.

    ``again``: an earlier commit broke and may have kept some of the receipts. ``pack``: the receipts may wait as
    blocks; ``waiting`` of them do already.
    """

    calls: list[Call] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    again: bool = False
    pack: bool = False
    waiting: int = 0


@dataclass(slots=True)
class Outcomes:
    """What became of a batch: value or error of each call, receipts kept, receipts refused and why.

    ``waiting``: how many receipts are packed now.
    """

    results: list[tuple[Call, Any, Exception | None]] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    waiting: int = 0
    refused: list[tuple[Receipt, str]] = field(default_factory=list)


class CommitBroken(Exception):
    """COMMIT itself failed: whether the batch is on disk is not known. Stays within the writer."""


def commit(connection: Connection, batch: Batch) -> Outcomes:
    """Write the batch and commit it.

    What it raises concerns the database as a whole. Nothing was written then, unless it is CommitBroken.
    """
    try:
        return _transaction(connection, batch, _together)
    except Exception as error:
        if not is_row_fault(error):
            raise
    return _transaction(connection, batch, _one_by_one)


def _transaction(connection: Connection, batch: Batch, way: Callable[[Connection, Batch], Outcomes]) -> Outcomes:
    transaction = connection.begin()
    try:
        outcomes = way(connection, batch)
    except BaseException:
        transaction.rollback()
        raise
    try:
        transaction.commit()
    except Exception as error:
        raise CommitBroken(str(getattr(error, "orig", None) or error)) from error
    return outcomes


def is_row_fault(error: Exception) -> bool:
    """Whether a row is to blame, and not the database or the way to it."""
    if isinstance(error, DBAPIError):
        return isinstance(error, IntegrityError | DataError | ProgrammingError) and not error.connection_invalidated
    return isinstance(error, NotFoundError | StatementError | ValueError | TypeError | OverflowError | AttributeError)


def _together(connection: Connection, batch: Batch) -> Outcomes:
    outcomes = Outcomes(receipts=batch.receipts, waiting=batch.waiting)
    for shape, calls in groupby(batch.calls, _shape):
        if shape is None:
            outcomes.results.extend((call, call.work(connection), None) for call in calls if call.work is not None)
            continue
        alike = list(calls)
        if len(alike) > len(shape):
            # A warning stands before its message: calls of one shape go a kind at a time, each in the calls' order.
            for place in zip(*(call.rows for call in alike), strict=True):
                execute_rows(connection, type(place[0]), list(place))
        else:
            for call in alike:
                _write(connection, call.rows)
        outcomes.results.extend((call, None, None) for call in alike)
    if batch.pack and not batch.again:
        journal.keep(connection, batch.receipts)
        outcomes.waiting += len(batch.receipts)
    else:
        _unfold_again(connection, batch, outcomes)
        insert_receipts(connection, batch.receipts, again=batch.again)
    if batch.again and not batch.calls and not batch.receipts:
        # Nothing waits, but somebody must find out that the disk has room again: an empty transaction writes nothing.
        reserve_block(connection, PROBE, 1)
    return outcomes


def _unfold_again(connection: Connection, batch: Batch, outcomes: Outcomes) -> None:
    """Blocks that a broken commit kept after all become rows, which the same receipts then pass over."""
    if batch.again and batch.receipts:
        oldest = min(row.seq for row in batch.receipts)
        outcomes.waiting = journal.unfold(connection, batch.receipts[0].node, since=oldest)


def _shape(call: Call) -> tuple[type, ...] | None:
    """Kinds of a call's rows in their order; None where it has other work."""
    return None if call.work is not None else tuple(map(type, call.rows))


def _write(connection: Connection, rows: list[Row] | tuple[Row, ...]) -> None:
    # Only neighbours are joined: the order of the rows is the caller's (a warning stands before its message).
    for row_type, group in groupby(rows, type):
        execute_rows(connection, row_type, list(group))


def _one_by_one(connection: Connection, batch: Batch) -> Outcomes:
    outcomes = Outcomes(waiting=batch.waiting)
    for call in batch.calls:
        try:
            with connection.begin_nested():
                value = None
                if call.work is None:
                    _write(connection, call.rows)
                else:
                    value = call.work(connection)
        except Exception as error:
            if not is_row_fault(error):
                raise
            outcomes.results.append((call, None, _refusal(error)))
        else:
            outcomes.results.append((call, value, None))
    _unfold_again(connection, batch, outcomes)
    _receipts_by_halves(connection, batch.receipts, batch.again, outcomes)
    return outcomes


def _receipts_by_halves(connection: Connection, rows: list[Receipt], again: bool, outcomes: Outcomes) -> None:
    """Find a refused receipt among n others in about log2 n tries."""
    if not rows:
        return
    try:
        with connection.begin_nested():
            insert_receipts(connection, rows, again=again)
    except Exception as error:
        if not is_row_fault(error):
            raise
        if len(rows) == 1:
            outcomes.refused.append((rows[0], str(_refusal(error))))
            return
        half = len(rows) // 2
        _receipts_by_halves(connection, rows[:half], again, outcomes)
        _receipts_by_halves(connection, rows[half:], again, outcomes)
    else:
        outcomes.receipts.extend(rows)


def _refusal(error: Exception) -> Exception:
    if isinstance(error, NotFoundError):
        return error
    return RowRefused(str(getattr(error, "orig", None) or error))
