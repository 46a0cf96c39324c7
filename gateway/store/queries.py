"""Reading functions for ``Store.read``: each takes a connection and gives rows of ``gateway.store.rows``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, func, select, tuple_

from gateway.domain.message import Command, MessageState
from gateway.domain.orders import Attempt, Order, Receipt
from gateway.store import journal, rows, schema
from gateway.store.packing import unpack_ids
from gateway.store.paging import Page, fetch_page

R = TypeVar("R")

#: Columns whose lists are tuples in the rows.
_TUPLES = frozenset({"areas", "target_codes", "routes"})


@dataclass(frozen=True, slots=True)
class OpenStop:
    """A stop order and the terminals (ids) that did not acknowledge it, nor a later stop of the same message."""

    order: Order
    unacknowledged: frozenset[int]


@cache
def _fields(row_type: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(row_type))


def _row(row_type: Callable[..., R], found: Any) -> R:
    values = found._mapping
    given = {}
    for name in _fields(row_type):
        value = values[name]
        given[name] = tuple(value) if name in _TUPLES else value
    return row_type(**given)


def all_of(connection: Connection, row_type: Callable[..., R], query: Select[Any]) -> tuple[R, ...]:
    """Every row that a query finds."""
    return tuple(_row(row_type, found) for found in connection.execute(query))


def one_of(connection: Connection, row_type: Callable[..., R], query: Select[Any]) -> R | None:
    """The first row that a query finds, None where there is none."""
    found = connection.execute(query).first()
    return None if found is None else _row(row_type, found)


def page_of(
    connection: Connection,
    row_type: Callable[..., R],
    table: Table,
    names: tuple[str, ...],
    kinds: tuple[type, ...],
    limit: int,
    cursor: str | None,
    *,
    descending: bool = True,
    query: Select[Any] | None = None,
) -> Page[R]:
    """A page of a table, or of what ``query`` finds in it; ``names`` are the columns that order it."""
    key = tuple(table.c[name] for name in names)
    found, rest = fetch_page(
        connection,
        select(table) if query is None else query,
        key,
        kinds,
        limit=limit,
        cursor=cursor,
        descending=descending,
    )
    return Page(tuple(_row(row_type, f) for f in found), rest)


# ---- warnings and messages


def warning_by_identity(connection: Connection, sender: str, identifier: str, sent: str) -> rows.WarningRow | None:
    """The warning with this identity; ``sent`` as it was written."""
    c = schema.warnings.c
    query = select(schema.warnings).where(c.sender == sender, c.identifier == identifier, c.sent == sent)
    return one_of(connection, rows.WarningRow, query)


def warnings_by_identifier(connection: Connection, identifier: str) -> tuple[rows.WarningRow, ...]:
    """All warnings with this identifier, oldest first: a reference of the 12379 dialect names nothing else."""
    c = schema.warnings.c
    query = select(schema.warnings).where(c.identifier == identifier).order_by(c.received_at, c.id)
    return all_of(connection, rows.WarningRow, query)


def identifiers_between(connection: Connection, sender: str, first: str, end: str) -> tuple[str, ...]:
    """Identifiers of a sender's warnings from ``first`` to before ``end``, in the order of their characters."""
    c = schema.warnings.c
    query = select(c.identifier).where(c.sender == sender, c.identifier >= first, c.identifier < end)
    return tuple(connection.execute(query).scalars())


def warning_by_id(connection: Connection, warning_id: str) -> rows.WarningRow | None:
    """The warning with this id of ours."""
    return one_of(connection, rows.WarningRow, select(schema.warnings).where(schema.warnings.c.id == warning_id))


def warnings_page(connection: Connection, limit: int = 100, cursor: str | None = None) -> Page[rows.WarningRow]:
    """Warnings, newest first."""
    return page_of(connection, rows.WarningRow, schema.warnings, ("received_at", "id"), (float, str), limit, cursor)


def message_by_id(connection: Connection, ebm_id: str) -> rows.MessageRow | None:
    """The message with this EBM id."""
    return one_of(connection, rows.MessageRow, select(schema.messages).where(schema.messages.c.ebm_id == ebm_id))


def messages_of_warning(connection: Connection, warning_id: str) -> tuple[rows.MessageRow, ...]:
    """Messages made for a warning, oldest first."""
    c = schema.messages.c
    query = select(schema.messages).where(c.warning_id == warning_id).order_by(c.accepted_at, c.ebm_id)
    return all_of(connection, rows.MessageRow, query)


def messages_in_force(connection: Connection) -> tuple[rows.MessageRow, ...]:
    """Messages that wait for approval, are accepted or active; oldest first."""
    c = schema.messages.c
    states = [state.value for state in MessageState if not state.is_over]
    query = select(schema.messages).where(c.state.in_(states)).order_by(c.accepted_at, c.ebm_id)
    return all_of(connection, rows.MessageRow, query)


def messages_ending_after(connection: Connection, at: float) -> tuple[rows.MessageRow, ...]:
    """Messages of any state whose air time ends after ``at`` (Unix s): a terminal may still hold their start."""
    c = schema.messages.c
    query = select(schema.messages).where(c.end_at > at).order_by(c.accepted_at, c.ebm_id)
    return all_of(connection, rows.MessageRow, query)


# ---- orders, attempts, receipts


def orders_of(connection: Connection, ebm_ids: Iterable[str]) -> tuple[Order, ...]:
    """Orders about these messages, oldest first."""
    c = schema.orders.c
    query = select(schema.orders).where(c.ebm_id.in_(list(ebm_ids))).order_by(c.created_at, c.id)
    return all_of(connection, Order, query)


def order_by_session(connection: Connection, session: int) -> Order | None:
    """The order that used this session id."""
    return one_of(connection, Order, select(schema.orders).where(schema.orders.c.session == session))


def attempts_of(connection: Connection, order_ids: Iterable[int]) -> tuple[Attempt, ...]:
    """Attempts of these orders, in the order they were made."""
    c = schema.attempts.c
    query = select(schema.attempts).where(c.order_id.in_(list(order_ids))).order_by(c.at, c.id)
    return all_of(connection, Attempt, query)


def receipts_of(
    connection: Connection, ebm_id: str, after: tuple[int, int] = (-1, -1), limit: int | None = None
) -> list[Receipt]:
    """Receipts about a message after (node, seq), by (node, seq); ``limit`` None for all of them."""
    query = select(schema.receipts).where(schema.receipts.c.ebm_id == ebm_id)
    return _receipts(connection, query, (ebm_id,), after, limit)


def receipts_after(connection: Connection, after: tuple[int, int], limit: int) -> list[Receipt]:
    """Receipts about anything after (node, seq), by (node, seq)."""
    return _receipts(connection, select(schema.receipts), None, after, limit)


def _receipts(
    connection: Connection, query: Select[Any], about: tuple[str] | None, after: tuple[int, int], limit: int | None
) -> list[Receipt]:
    """Rows and, in the same snapshot, what still waits to become rows."""
    c = schema.receipts.c
    query = query.where(tuple_(c.node, c.seq) > after).order_by(c.node, c.seq).limit(limit)
    found = list(map(Receipt._make, connection.execute(query)))
    if waiting := list(journal.packed(connection, about=about, after=after)):
        found += waiting
        found.sort(key=lambda row: row[:2])
    return found[:limit]


def open_stops(connection: Connection, since: float) -> tuple[OpenStop, ...]:
    """Stop orders made since ``since`` (Unix s) that some terminal has not acknowledged; oldest first.

    A terminal that acknowledged a later stop of the same message owes nothing for the earlier one.
    """
    c, r = schema.orders.c, schema.receipts.c
    query = select(schema.orders).where(c.command == Command.STOP.value, c.created_at >= since)
    orders = all_of(connection, Order, query.order_by(c.created_at, c.id))
    if not orders:
        return ()
    acknowledged: dict[int, set[int]] = {}
    about, said = {order.ebm_id for order in orders if order.ebm_id is not None}, "stop_acknowledged"
    answers = select(r.session, r.terminal_id).where(r.ebm_id.in_(about), r.kind == said)
    waiting = (row for row in journal.packed(connection, about=about) if row.kind == said)
    for session, terminal in chain(connection.execute(answers), ((w.session, w.terminal_id) for w in waiting)):
        if session is not None and terminal is not None:
            acknowledged.setdefault(session, set()).add(terminal)
    still: list[OpenStop] = []
    later: dict[str | None, set[int]] = {}
    for order in reversed(orders):
        known = later.setdefault(order.ebm_id, set())
        known |= acknowledged.get(order.session, set())
        if missing := frozenset(unpack_ids(order.terminals)) - known:
            still.append(OpenStop(order, missing))
    return tuple(reversed(still))


# ---- the registry


def terminals(connection: Connection, *, deleted: bool = False) -> tuple[rows.TerminalRow, ...]:
    """The whole registry by id, without the deleted ones unless asked for."""
    c = schema.terminals.c
    query = select(schema.terminals).order_by(c.id)
    return all_of(connection, rows.TerminalRow, query if deleted else query.where(c.deleted.is_(False)))


def terminals_page(
    connection: Connection, limit: int = 100, cursor: str | None = None, area_prefix: str = ""
) -> Page[rows.TerminalRow]:
    """Terminals that are not deleted and whose area begins with ``area_prefix``, by code."""
    c = schema.terminals.c
    query = select(schema.terminals).where(c.deleted.is_(False))
    if area_prefix:
        query = query.where(c.area.startswith(area_prefix, autoescape=True))
    return page_of(
        connection, rows.TerminalRow, schema.terminals, ("code",), (str,), limit, cursor, descending=False, query=query
    )


def terminal_by_code(connection: Connection, code: str) -> rows.TerminalRow | None:
    """The terminal with this resource code, deleted or not."""
    return one_of(connection, rows.TerminalRow, select(schema.terminals).where(schema.terminals.c.code == code))


def strangers(connection: Connection, limit: int = 1000) -> tuple[rows.StrangerRow, ...]:
    """Who spoke and is not in the registry, latest first."""
    c = schema.strangers.c
    return all_of(
        connection, rows.StrangerRow, select(schema.strangers).order_by(c.last_seen.desc(), c.source).limit(limit)
    )


# ---- keys, alarms, audit, counters, states


def keys(connection: Connection, *, revoked: bool = False) -> tuple[rows.KeyRow, ...]:
    """Keys in force by id, with the revoked ones where asked for."""
    c = schema.publisher_keys.c
    query = select(schema.publisher_keys).order_by(c.id)
    return all_of(connection, rows.KeyRow, query if revoked else query.where(c.revoked_at.is_(None)))


def alarms_page(
    connection: Connection, limit: int = 100, cursor: str | None = None, *, open_only: bool = False
) -> Page[rows.AlarmRow]:
    """Alarms, newest first."""
    query = select(schema.alarms)
    if open_only:
        query = query.where(schema.alarms.c.cleared_at.is_(None))
    return page_of(connection, rows.AlarmRow, schema.alarms, ("id",), (int,), limit, cursor, query=query)


def alarm_by_id(connection: Connection, number: int) -> rows.AlarmRow | None:
    """One alarm by its number."""
    return one_of(connection, rows.AlarmRow, select(schema.alarms).where(schema.alarms.c.id == number))


def audit_page(connection: Connection, limit: int = 100, cursor: str | None = None) -> Page[rows.AuditRow]:
    """What people did, newest first."""
    return page_of(connection, rows.AuditRow, schema.audit, ("id",), (int,), limit, cursor)


def suppressed_page(
    connection: Connection, limit: int = 100, cursor: str | None = None, actor: str | None = None
) -> Page[rows.AuditRow]:
    """Warnings that were not broadcast again, newest first; of one publisher where it is named."""
    c = schema.audit.c
    query = select(schema.audit).where(c.action == "suppressed")
    if actor is not None:
        query = query.where(c.actor == actor)
    return page_of(connection, rows.AuditRow, schema.audit, ("id",), (int,), limit, cursor, query=query)


def acted_page(connection: Connection, action: str, limit: int = 100, cursor: str | None = None) -> Page[rows.AuditRow]:
    """What people did of one kind, newest first."""
    query = select(schema.audit).where(schema.audit.c.action == action)
    return page_of(connection, rows.AuditRow, schema.audit, ("id",), (int,), limit, cursor, query=query)


def acted_on(connection: Connection, action: str, subject: str) -> rows.AuditRow | None:
    """The first thing of a kind that somebody did to something."""
    c = schema.audit.c
    query = select(schema.audit).where(c.action == action, c.subject == subject).order_by(c.id).limit(1)
    return one_of(connection, rows.AuditRow, query)


def has_done(connection: Connection, actor: str, action: str, subject: str) -> bool:
    """Whether the audit says that somebody did this."""
    c = schema.audit.c
    query = select(c.id).where(c.subject == subject, c.action == action, c.actor == actor).limit(1)
    return connection.execute(query).first() is not None


def programmes(connection: Connection) -> tuple[rows.ProgrammeRow, ...]:
    """The programme library, by id."""
    table = schema.programmes
    query = select(table).where(table.c.deleted.is_(False)).order_by(table.c.id)
    return all_of(connection, rows.ProgrammeRow, query)


def schedules(connection: Connection) -> tuple[rows.ScheduleRow, ...]:
    """Every schedule of daily broadcasts, by id."""
    table = schema.schedules
    query = select(table).where(table.c.deleted.is_(False)).order_by(table.c.id)
    return all_of(connection, rows.ScheduleRow, query)


def calendar(connection: Connection) -> tuple[rows.CalendarRow, ...]:
    """Holidays and exchanged working days, by date."""
    table = schema.calendar
    return all_of(connection, rows.CalendarRow, select(table).where(table.c.kind != "").order_by(table.c.day))


def messages_between(connection: Connection, start: float, end: float, limit: int) -> tuple[rows.MessageRow, ...]:
    """The newest messages whose air time touches a period (Unix seconds), oldest first; rejected ones left out."""
    c = schema.messages.c
    query = (
        select(schema.messages)
        .where(c.start_at <= end, c.end_at >= start, c.state != MessageState.REJECTED.value)
        .order_by(c.start_at.desc(), c.ebm_id.desc())
        .limit(limit)
    )
    return all_of(connection, rows.MessageRow, query)[::-1]


def counter(connection: Connection, name: str) -> int:
    """The last number that was reserved, 0 when none was."""
    found = connection.execute(select(schema.counters.c.value).where(schema.counters.c.name == name)).scalar()
    return int(found or 0)


def state(connection: Connection, name: str, default: rows.Json = None) -> rows.Json:
    """The value kept under ``name``."""
    found = connection.execute(select(schema.states.c.value).where(schema.states.c.name == name)).first()
    return default if found is None else found[0]


def counts(connection: Connection) -> dict[str, int]:
    """Rows of each table, and as ``receipts`` all of them, packed or not; for reports and tests, slow on large ones."""
    found = {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in schema.metadata.sorted_tables
    }
    found["receipts"] += sum(1 for _ in journal.packed(connection))
    return found
