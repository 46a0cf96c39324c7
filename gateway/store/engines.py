"""Connections: one for the writer, a few query-only ones for readers, each with the settings its work needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from gateway.errors import StoreError
from gateway.store.settings import StoreSettings

#: Pages of 4 KiB in the log before SQLite copies them back within a commit; the writer does it earlier, when idle.
WAL_PAGES = 16_384


def canonical_json(value: Any) -> str:
    """JSON as the store writes it: sorted keys, no spaces, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def writer_engine(settings: StoreSettings) -> Engine:
    """Engine of the one writer; its transactions take the write lock at once. Makes the folder of a new SQLite file."""
    if settings.parsed.get_backend_name() == "postgresql":
        return _postgresql(settings, "-c synchronous_commit=on", size=1)
    try:
        Path(str(settings.parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"folder of the store cannot be made: {error}") from error
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={WAL_PAGES}")
    return _sqlite(settings, pragmas, "BEGIN IMMEDIATE", size=1)


def reader_engine(settings: StoreSettings) -> Engine:
    """Engine whose connections cannot change anything; each transaction sees one instant."""
    if settings.parsed.get_backend_name() == "postgresql":
        return _postgresql(
            settings, "-c default_transaction_read_only=on", size=settings.readers, isolation_level="REPEATABLE READ"
        )
    return _sqlite(settings, ("query_only=ON",), "BEGIN", size=settings.readers)


def _sqlite(settings: StoreSettings, pragmas: tuple[str, ...], begin: str, *, size: int) -> Engine:
    engine = create_engine(
        settings.parsed,
        connect_args={"timeout": settings.busy_timeout},
        json_serializer=canonical_json,
        pool_size=size,
        max_overflow=0,
    )

    def connected(dbapi: Any, _record: object) -> None:
        # sqlite3 would open transactions by itself, and only before some statements: we say BEGIN ourselves.
        dbapi.isolation_level = None
        for pragma in pragmas:
            dbapi.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _postgresql(settings: StoreSettings, options: str, *, size: int, **more: Any) -> Engine:
    return create_engine(
        settings.parsed,
        connect_args={"options": options, "connect_timeout": max(2, round(settings.busy_timeout))},
        json_serializer=canonical_json,
        pool_size=size,
        max_overflow=0,
        **more,
    )
