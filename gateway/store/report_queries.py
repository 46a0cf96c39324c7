"""Queries of reports: what people did to a message, and what a month held."""

from __future__ import annotations

from sqlalchemy import Connection, select

from gateway.domain.message import EbmClass
from gateway.store import rows, schema
from gateway.store.queries import all_of

#: Messages of one month; a county has dozens, a city hundreds.
MOST = 20_000


def acts_on(connection: Connection, ebm_id: str) -> tuple[rows.AuditRow, ...]:
    """What people did to a message, oldest first."""
    c = schema.audit.c
    return all_of(connection, rows.AuditRow, select(schema.audit).where(c.subject == ebm_id).order_by(c.id).limit(MOST))


def messages_of_month(connection: Connection, start: float, end: float) -> list[tuple[rows.MessageRow, str]]:
    """Messages accepted in [start, end) with their publishers, oldest first."""
    m, w = schema.messages.c, schema.warnings.c
    query = select(schema.messages).where(m.accepted_at >= start, m.accepted_at < end).order_by(m.accepted_at, m.ebm_id)
    found = all_of(connection, rows.MessageRow, query.limit(MOST))
    ids = select(m.warning_id).where(m.accepted_at >= start, m.accepted_at < end)
    names = {row.id: row.publisher for row in connection.execute(select(w.id, w.publisher).where(w.id.in_(ids)))}
    return [(row, names.get(row.warning_id, "")) for row in found]


def alarms_of_month(connection: Connection, start: float, end: float) -> tuple[rows.AlarmRow, ...]:
    """Alarms raised in [start, end), oldest first."""
    c = schema.alarms.c
    query = select(schema.alarms).where(c.raised_at >= start, c.raised_at < end).order_by(c.id).limit(MOST)
    return all_of(connection, rows.AlarmRow, query)


def drills_on_air(connection: Connection, limit: int) -> list[tuple[str, float]]:
    """Simulated and real drills that went on air, with when they were taken in, the newest first."""
    c = schema.messages.c
    classes = (int(EbmClass.SIMULATED_DRILL), int(EbmClass.REAL_DRILL))
    query = select(c.ebm_id, c.accepted_at).where(c.ebm_class.in_(classes), c.activated_at.is_not(None))
    rows_ = connection.execute(query.order_by(c.accepted_at.desc(), c.ebm_id.desc()).limit(limit))
    return [(row.ebm_id, row.accepted_at) for row in rows_]


def coverage_days(connection: Connection, area: str, days: int) -> tuple[rows.CoverageDayRow, ...]:
    """The newest days of a division, oldest first."""
    c = schema.coverage_days.c
    query = select(schema.coverage_days).where(c.area == area).order_by(c.day.desc()).limit(days)
    return all_of(connection, rows.CoverageDayRow, query)[::-1]
