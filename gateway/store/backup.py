"""Backup of a store that is at work, and its return. For SQLite; PostgreSQL has pg_dump and its own archives."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from gateway.errors import StoreError
from gateway.store.settings import StoreSettings
from gateway.store.store import Store

#: Pages copied before the source is let go for a moment.
_PAGES = 2_048


async def backup(store: Store, path: Path) -> int:
    """Copy all that is committed to a new file ``path`` while writing goes on; returns its bytes.

    The copy is checked, synced, and appears under its name only when it is whole. Raise StoreError when the file
    exists, cannot be written or is not sound.
    """
    if not store.settings.is_sqlite:
        raise StoreError("backup copies SQLite stores; for PostgreSQL use pg_dump")
    return await store.read(_copy_out, path)


def restore(path: Path, url: str) -> None:
    """Put the copy at ``path`` where ``url`` says; raise StoreError when a database is there or the copy is bad."""
    settings = StoreSettings(url=url)
    if not settings.is_sqlite:
        raise StoreError("restore fills SQLite stores; for PostgreSQL use pg_restore")
    target = Path(str(settings.parsed.database))
    if not path.is_file():
        raise StoreError(f"no backup at {path}")
    for name in (target, target.with_name(target.name + "-wal")):
        if name.exists():
            raise StoreError(f"{name} exists: restore never overwrites, move it away first")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source:
            _copy(source, target)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"restore from {path} failed: {error}") from error


def _copy_out(connection: Connection, path: Path) -> int:
    if path.exists():
        raise StoreError(f"{path} exists: a backup never overwrites")
    source = connection.connection.dbapi_connection
    assert isinstance(source, sqlite3.Connection)
    try:
        return _copy(source, path)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"backup to {path} failed: {error}") from error


def _copy(source: sqlite3.Connection, path: Path) -> int:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(part)) as copy:
            # within the reader's transaction: one instant, however much is written meanwhile
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=_PAGES, sleep=0.01)
            # a copy of one file: the log of the original would otherwise be asked for beside it
            copy.execute("PRAGMA journal_mode=DELETE")
            verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
            if verdict != "ok":
                raise StoreError(f"the copy is not sound: {verdict}")
        _publish(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def _publish(part: Path, path: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        # link and not rename: it fails where somebody made the file meanwhile
        os.link(part, path)
    except FileExistsError as error:
        raise StoreError(f"{path} exists: nothing is overwritten") from error
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
