from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from gateway.errors import StoreError
from gateway.store import Store, StoreSettings
from gateway.store.engines import writer_engine
from gateway.store.migrate import head_revision
from gateway.store.schema import metadata


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_the_steps_end_in_the_declared_schema(url: str) -> None:
    # the writer's engine: Alembic makes nothing here, but its comparison may not run read-only everywhere
    store = await Store.open(StoreSettings(url=url))
    await store.close()
    engine = writer_engine(StoreSettings(url=url))
    try:
        with engine.connect() as connection:
            assert _differences(connection) == []
            # what the comparison does not look at
            indexes = {i["name"]: i for i in inspect(connection).get_indexes("alarms")}
            where = indexes["ux_alarms_open"]["dialect_options"][f"{connection.dialect.name}_where"]
            assert "cleared_at IS NULL" in str(where)
            assert len(inspect(connection).get_foreign_keys("messages")) == 1
    finally:
        engine.dispose()


async def test_receipts_are_clustered_by_their_key(sqlite_url: str, tmp_path: Path) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url))
    await store.close()
    with sqlite3.connect(tmp_path / "ebgw.db") as raw:
        (sql,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'receipts'").fetchone()
    raw.close()
    assert "WITHOUT ROWID" in sql


async def test_opening_again_changes_nothing(url: str) -> None:
    for _ in range(2):
        store = await Store.open(StoreSettings(url=url))
        revision = await store.read(lambda c: c.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
        assert revision == head_revision()
        await store.close()


async def test_database_of_a_newer_version_is_refused(url: str) -> None:
    store = await Store.open(StoreSettings(url=url))
    await store.close()
    engine = writer_engine(StoreSettings(url=url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(StoreError, match="version of the gateway"):
        await Store.open(StoreSettings(url=url))


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database, and long enough to be sure of it" * 10)
    with pytest.raises(StoreError, match="cannot be opened"):
        await Store.open(StoreSettings(url=f"sqlite:///{tmp_path}/x.db"))


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="folder"):
        await Store.open(StoreSettings(url=f"sqlite:///{tmp_path}/file/x.db"))


async def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        await Store.open(StoreSettings(url="postgresql://ebgw@127.0.0.1:1/none"))
