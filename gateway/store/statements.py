"""One statement for each kind of row, built once; what differs between the databases is in here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    Boolean,
    Connection,
    Executable,
    LargeBinary,
    Table,
    bindparam,
    case,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from gateway.domain.orders import Attempt, Order, Receipt
from gateway.errors import NotFoundError
from gateway.store import rows, schema

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True)
class Statement:
    """An executable and how a row becomes its parameters; ``must_match``: each row has to change a row."""

    executable: Executable
    parameters: Callable[[Any], dict[str, Any]]
    must_match: bool = False


def _taker(row_type: type, *, prefix: str = "", without: Sequence[str] = ()) -> Callable[[Any], dict[str, Any]]:
    names = [f.name for f in fields(row_type) if f.name not in without]
    keys = [(prefix + name, name) for name in names]
    return lambda row: {key: getattr(row, name) for key, name in keys}


def _insert(dialect: str, table: Table) -> Any:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _plain(table: Table, row_type: type) -> Callable[[str], Statement]:
    without = ("id",) if table.c.get("id") is not None and row_type in _NUMBERED else ()
    return lambda dialect: Statement(_insert(dialect, table), _taker(row_type, without=without))


#: Rows whose id the database gives.
_NUMBERED = frozenset({Attempt, rows.KeyRow, rows.AuditRow, rows.SentPackageRow})


def _message_state(_dialect: str) -> Statement:
    table = schema.messages
    statement = (
        update(table)
        .where(table.c.ebm_id == bindparam("p_ebm_id"))
        .values(
            state=bindparam("p_state"),
            state_at=bindparam("p_state_at"),
            state_reason=bindparam("p_state_reason"),
            actor=bindparam("p_actor"),
            activated_at=func.coalesce(
                bindparam("p_activated_at", type_=table.c.activated_at.type), table.c.activated_at
            ),
            ended_at=func.coalesce(bindparam("p_ended_at", type_=table.c.ended_at.type), table.c.ended_at),
        )
    )
    return Statement(statement, _taker(rows.MessageStateRow, prefix="p_"), must_match=True)


def _message_update(row_type: type) -> Callable[[str], Statement]:
    """Set the columns that the row names."""

    def build(_dialect: str) -> Statement:
        table = schema.messages
        names = [item.name for item in fields(row_type) if item.name != "ebm_id"]
        statement = (
            update(table)
            .where(table.c.ebm_id == bindparam("p_ebm_id"))
            .values({name: bindparam(f"p_{name}", type_=table.c[name].type) for name in names})
        )
        return Statement(statement, _taker(row_type, prefix="p_"), must_match=True)

    return build


def _terminal(dialect: str) -> Statement:
    table = schema.terminals
    # A number of our own, since a database sequence leaves gaps at every upsert and ids index packed arrays.
    number = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
    new: dict[str, Any] = {f.name: bindparam(f.name) for f in fields(rows.TerminalRow) if f.name != "id"}
    statement = _insert(dialect, table).values(id=number, **new)
    changed = {name: statement.excluded[name] for name in new if name != "code"}
    return Statement(
        statement.on_conflict_do_update(index_elements=[table.c.code], set_=changed),
        _taker(rows.TerminalRow, without=("id",)),
    )


def _stranger(dialect: str) -> Statement:
    table = schema.strangers
    statement = _insert(dialect, table)
    new = statement.excluded
    changed = {
        "peer": new.peer,
        "reason": new.reason,
        "last_seen": new.last_seen,
        "count": table.c.count + new["count"],
    }
    upsert = statement.on_conflict_do_update(index_elements=[table.c.source, table.c.physical_address], set_=changed)
    return Statement(upsert, _taker(rows.StrangerRow))


def _alarm(dialect: str) -> Statement:
    table = schema.alarms
    statement = _insert(dialect, table)
    new = statement.excluded
    changed = {
        "text": new.text,
        "level": new.level,
        "last_at": new.last_at,
        "count": table.c.count + new["count"],
        "cleared_at": new.cleared_at,
    }
    upsert = statement.on_conflict_do_update(
        index_elements=[table.c.kind, table.c.subject], index_where=schema.OPEN_ALARM, set_=changed
    )
    return Statement(upsert, _taker(rows.AlarmRow, without=("id",)))


def _alarm_cleared(_dialect: str) -> Statement:
    table = schema.alarms
    statement = (
        update(table)
        .where(table.c.kind == bindparam("p_kind"), table.c.subject == bindparam("p_subject"))
        .where(table.c.cleared_at.is_(None))
        .values(cleared_at=bindparam("p_cleared_at"))
    )
    return Statement(statement, _taker(rows.AlarmClearedRow, prefix="p_"))


def _alarm_acknowledged(_dialect: str) -> Statement:
    table = schema.alarms
    statement = (
        update(table).where(table.c.id == bindparam("p_id")).values(acknowledged_by=bindparam("p_acknowledged_by"))
    )
    return Statement(statement, _taker(rows.AlarmAcknowledgedRow, prefix="p_"), must_match=True)


def _key_revoked(_dialect: str) -> Statement:
    table = schema.publisher_keys
    statement = update(table).where(table.c.name == bindparam("p_name")).values(revoked_at=bindparam("p_revoked_at"))
    return Statement(statement, _taker(rows.KeyRevokedRow, prefix="p_"), must_match=True)


def _package_fate(_dialect: str) -> Statement:
    table = schema.sent_packages
    emptied = bindparam("p_emptied", type_=Boolean)
    kept = case((emptied, literal(b"", LargeBinary)), else_=table.c.package)
    statement = (
        update(table)
        .where(table.c.source == bindparam("p_source"), table.c.ebd_id == bindparam("p_ebd_id"))
        .values(
            state=bindparam("p_state"),
            tries=bindparam("p_tries"),
            words=bindparam("p_words"),
            done_at=bindparam("p_done_at"),
            result=bindparam("p_result"),
            package=kept,
        )
    )
    return Statement(statement, _taker(rows.PackageFateRow, prefix="p_"), must_match=True)


def _upsert(table: Table, row_type: type) -> Callable[[str], Statement]:
    """A row that replaces the one with its key."""

    def build(dialect: str) -> Statement:
        statement = _insert(dialect, table)
        keys = [column.name for column in table.primary_key]
        changed = {f.name: statement.excluded[f.name] for f in fields(row_type) if f.name not in keys}
        return Statement(statement.on_conflict_do_update(index_elements=keys, set_=changed), _taker(row_type))

    return build


_BUILDERS: dict[type, Callable[[str], Statement]] = {
    rows.WarningRow: _plain(schema.warnings, rows.WarningRow),
    rows.MessageRow: _plain(schema.messages, rows.MessageRow),
    rows.MessageStateRow: _message_state,
    rows.MessagePlanRow: _message_update(rows.MessagePlanRow),
    rows.MessageAreasRow: _message_update(rows.MessageAreasRow),
    rows.MessageTimesRow: _message_update(rows.MessageTimesRow),
    Order: _plain(schema.orders, Order),
    Attempt: _plain(schema.attempts, Attempt),
    rows.TerminalRow: _terminal,
    rows.StrangerRow: _stranger,
    rows.KeyRow: _plain(schema.publisher_keys, rows.KeyRow),
    rows.KeyRevokedRow: _key_revoked,
    rows.AlarmRow: _alarm,
    rows.AlarmClearedRow: _alarm_cleared,
    rows.AlarmAcknowledgedRow: _alarm_acknowledged,
    rows.AuditRow: _plain(schema.audit, rows.AuditRow),
    rows.CoverageDayRow: _upsert(schema.coverage_days, rows.CoverageDayRow),
    rows.PersonRow: _upsert(schema.people, rows.PersonRow),
    rows.SessionRow: _upsert(schema.console_sessions, rows.SessionRow),
    rows.StateRow: _upsert(schema.states, rows.StateRow),
    rows.ProgrammeRow: _upsert(schema.programmes, rows.ProgrammeRow),
    rows.ScheduleRow: _upsert(schema.schedules, rows.ScheduleRow),
    rows.CalendarRow: _upsert(schema.calendar, rows.CalendarRow),
    rows.ReceivedPackageRow: _plain(schema.received_packages, rows.ReceivedPackageRow),
    rows.SentPackageRow: _plain(schema.sent_packages, rows.SentPackageRow),
    rows.PackageFateRow: _package_fate,
}


@cache
def _statement(dialect: str, row_type: type) -> Statement:
    return _BUILDERS[row_type](dialect)


def execute_rows(connection: Connection, row_type: type, group: Sequence[Any]) -> None:
    """Write rows of one type in the open transaction; raise NotFoundError when an update finds nothing to change."""
    if row_type is Receipt:
        insert_receipts(connection, group)
        return
    statement = _statement(connection.dialect.name, row_type)
    result = connection.execute(statement.executable, [statement.parameters(row) for row in group])
    if statement.must_match and result.rowcount != len(group):
        raise NotFoundError(f"{row_type.__name__}: no such row to change")


#: Rows of one receipts statement. sqlite3 lets other threads run at each step and may wait a whole switch interval to
#: come back while the loop is busy, so a dozen long statements beat 4,021 short ones by far.
_CHUNKS = (1024, 256, 64, 16, 4, 1)


def placeholder(dialect: str) -> str:
    """What stands for a parameter in SQL that is handed to the driver as it is."""
    return "%s" if dialect == "postgresql" else "?"


@cache
def _receipt_sql(dialect: str, count: int, again: bool) -> str:
    one = "(" + ",".join([placeholder(dialect)] * len(Receipt._fields)) + ")"
    ignore = " ON CONFLICT (node, seq) DO NOTHING" if again else ""
    columns = ",".join(Receipt._fields)
    return f"INSERT INTO receipts ({columns}) VALUES {','.join([one] * count)}{ignore}"  # noqa: S608 - our own names


def _slices(count: int) -> Iterator[tuple[int, int]]:
    start = 0
    for size in _CHUNKS:
        while count - start >= size:
            yield start, size
            start += size


def insert_receipts(connection: Connection, receipts: Sequence[Receipt], *, again: bool = False) -> None:
    """Insert receipts in the open transaction; ``again`` passes over those that an earlier, broken commit kept."""
    dialect = connection.dialect.name
    if dialect == "postgresql" and not again:
        _copy_receipts(connection, receipts)
        return
    for start, size in _slices(len(receipts)):
        flat = tuple(chain.from_iterable(receipts[start : start + size]))
        connection.exec_driver_sql(_receipt_sql(dialect, size, again), flat)


def _copy_receipts(connection: Connection, receipts: Sequence[Receipt]) -> None:
    """COPY holds the interpreter a ninth of the time that INSERT does."""
    import psycopg  # only where the database is PostgreSQL

    if not receipts:
        return
    statement = f"COPY receipts ({','.join(Receipt._fields)}) FROM STDIN"
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    try:
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in receipts:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, connection_invalidated=driver.closed, dialect=connection.dialect
        ) from error


def reserve_block(connection: Connection, name: str, block: int) -> int:
    """Raise counter ``name`` by ``block``; the first number of the block, 1 for a new counter."""
    table = schema.counters
    statement = _insert(connection.dialect.name, table).values(name=name, value=block)
    upsert = statement.on_conflict_do_update(
        index_elements=[table.c.name], set_={"value": table.c.value + statement.excluded.value}
    ).returning(table.c.value)
    last: int = connection.execute(upsert).scalar_one()
    return last - block + 1
