"""Recovery 崩溃恢复: after a restart, take up every message whose start a terminal may still hold or be owed."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from gateway.dispatch.alarms import Alarm, AlarmLevel
from gateway.dispatch.book import read_book
from gateway.dispatch.lifecycle import Lifecycle
from gateway.dispatch.live import LiveMessage, LiveOrder
from gateway.dispatch.state import State
from gateway.store import queries

log = structlog.get_logger(__name__)


def _books(connection: Connection, now: float) -> list[tuple[LiveMessage, list[LiveOrder]]]:
    rows = {row.ebm_id: row for row in queries.messages_ending_after(connection, now)}
    rows.update({row.ebm_id: row for row in queries.messages_in_force(connection)})
    return [read_book(connection, row) for row in rows.values()]


async def recover(state: State, lifecycle: Lifecycle) -> int:
    """Load what is in force, and what was stopped before its time; returns how many messages."""
    cursor: str | None = None
    while True:
        page = await state.store.read(queries.alarms_page, limit=1000, cursor=cursor, open_only=True)
        for row in page.items:
            state.alarms.restore(
                Alarm(row.kind, row.subject, row.text, AlarmLevel(row.level), row.raised_at, row.last_at, row.count),
                row.acknowledged_by,
            )
        cursor = page.next
        if cursor is None:
            break
    books = await state.store.read(_books, state.clock())
    for live, orders in books:
        for order in orders:
            state.orders[order.session] = order
        lifecycle.enter(live)
        log.info("message recovered", message_id=live.ebm_id, state=live.state.value, orders=len(orders))
    return len(books)
