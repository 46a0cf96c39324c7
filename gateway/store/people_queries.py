"""Queries about people who work at the console, and their sessions."""

from __future__ import annotations

from sqlalchemy import Connection, select

from gateway.store import rows, schema
from gateway.store.queries import all_of


def people(connection: Connection) -> tuple[rows.PersonRow, ...]:
    """Everybody, by name, the disabled ones too."""
    return all_of(connection, rows.PersonRow, select(schema.people).order_by(schema.people.c.name))


def open_sessions(connection: Connection) -> tuple[rows.SessionRow, ...]:
    """Sessions that nobody has ended, the oldest first; whether they are too old is for the caller to say."""
    c = schema.console_sessions.c
    query = select(schema.console_sessions).where(c.ended_at.is_(None)).order_by(c.begun_at)
    return all_of(connection, rows.SessionRow, query)
