from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store import Store, StoreSettings, queries
from gateway.store.backup import backup, restore
from tests.store.samples import warning


async def test_a_backup_taken_at_work_is_restored_whole(sqlite_url: str, tmp_path: Path) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url))
    await store.write(*(warning(n) for n in range(200)))
    writing = [store.submit(warning(n)) for n in range(200, 400)]
    size = await backup(store, tmp_path / "copy.db")
    await asyncio.gather(*writing)
    await store.close()
    assert size == (tmp_path / "copy.db").stat().st_size
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.db", "ebgw.db"]

    other = f"sqlite:///{tmp_path}/new/ebgw.db"
    restore(tmp_path / "copy.db", other)
    again = await Store.open(StoreSettings(url=other))
    for number in range(200):
        assert await again.read(queries.warning_by_id, f"w-{number:05d}") == warning(number)
    await again.write(warning(999))
    await again.close()


async def test_nothing_is_ever_overwritten(sqlite_url: str, tmp_path: Path) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url))
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(StoreError, match="exists"):
        await backup(store, tmp_path / "copy.db")
    await backup(store, tmp_path / "good.db")
    await store.close()
    with pytest.raises(StoreError, match="never overwrites"):
        restore(tmp_path / "good.db", sqlite_url)
    assert (tmp_path / "copy.db").read_text() == "mine"


async def test_a_backup_into_nowhere_is_an_error(sqlite_url: str, tmp_path: Path) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url))
    with pytest.raises(StoreError, match="failed"):
        await backup(store, tmp_path / "no" / "copy.db")
    await store.close()


def test_restore_refuses_what_is_no_sound_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no backup"):
        restore(tmp_path / "none.db", f"sqlite:///{tmp_path}/new.db")
    (tmp_path / "junk.db").write_bytes(b"junk" * 1000)
    with pytest.raises(StoreError, match="failed"):
        restore(tmp_path / "junk.db", f"sqlite:///{tmp_path}/new.db")
    with sqlite3.connect(tmp_path / "torn.db") as torn:
        torn.execute("CREATE TABLE t (a)")
        torn.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
    torn.close()
    whole = (tmp_path / "torn.db").read_bytes()
    (tmp_path / "torn.db").write_bytes(whole[:8192] + b"\xa5" * 4096 + whole[12288:])
    with pytest.raises(StoreError):
        restore(tmp_path / "torn.db", f"sqlite:///{tmp_path}/new.db")
    assert not (tmp_path / "new.db").exists()


async def test_postgresql_has_its_own_tools(postgres_server: str, tmp_path: Path) -> None:
    store = await Store.open(StoreSettings(url=f"{postgres_server}/postgres"))
    with pytest.raises(StoreError, match="pg_dump"):
        await backup(store, tmp_path / "copy.db")
    await store.close()
    with pytest.raises(StoreError, match="pg_restore"):
        restore(tmp_path / "copy.db", f"{postgres_server}/postgres")
