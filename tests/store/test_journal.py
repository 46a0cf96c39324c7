"""Receipts that wait as blocks are evidence like rows, and become rows when the store is idle."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from gateway.domain.orders import Receipt
from gateway.errors import StoreError
from gateway.store import Store, StoreSettings, queries
from gateway.store.backup import backup, restore
from gateway.store.batch import Batch, commit
from gateway.store.engines import writer_engine
from gateway.store.journal import BLOCK
from gateway.store.writer import Writer
from tests.store.samples import T0, Told, ebm, order, receipt, warning

#: so long that nothing becomes a row within a test, and so short that it does at once
_NEVER, _AT_ONCE = 60.0, 0.001


async def _open(url: str, idle: float = _NEVER, **settings: Any) -> Store:
    return await Store.open(StoreSettings(url, idle=idle, **settings))


def _rows(connection: Connection) -> int:
    found: int = connection.execute(text("SELECT count(*) FROM receipts")).scalar_one()
    return found


def _mixed(store: Store, count: int) -> list[Receipt]:
    """Receipts as they come: about two messages and none, with and without terminal and session."""
    changes: list[dict[str, Any]] = [
        {}, {"ebm_id": ebm(2), "terminal_id": None}, {"ebm_id": None, "session": None, "raw": b""}, {"peer": ""}
    ]  # fmt: skip
    return [receipt(store, terminal_id=n, **changes[n % 4]) if n % 4 != 1 else receipt(store, **changes[1])
            for n in range(count)]  # fmt: skip


async def _kept(store: Store, receipts: list[Receipt]) -> None:
    """Commit these."""
    told = Told(store)
    for row in receipts:
        store.add_receipt(row)
    await told.wait(len(receipts))
    assert told.rows == receipts


async def _unfolded(store: Store) -> None:
    async with asyncio.timeout(10):
        while store.packed:
            await asyncio.sleep(0.005)


async def test_a_burst_is_packed_and_a_few_are_rows(url: str) -> None:
    store = await _open(url)
    await _kept(store, [receipt(store) for _ in range(63)])
    assert (store.packed, await store.read(_rows)) == (0, 63)
    burst = _mixed(store, BLOCK + 100)
    await _kept(store, burst)
    assert store.packed == len(burst)
    assert await store.read(_rows) == 63
    counts = await store.read(queries.counts)
    assert counts["receipts"] == 63 + len(burst)
    assert counts["receipt_blocks"] >= 2
    await store.close()


async def test_packed_or_not_receipts_are_read_alike(url: str) -> None:
    store = await _open(url)
    written: list[Receipt] = []
    for count in (100, 10, BLOCK + 50, 3, 70):
        part = _mixed(store, count)
        await _kept(store, part)
        written += part
    await store.close()
    seen = []
    for idle in (_NEVER, _AT_ONCE):
        store = await _open(url, idle)
        if idle == _AT_ONCE:
            await _unfolded(store)
            assert await store.read(_rows) == len(written)
            assert (await store.read(queries.counts))["receipt_blocks"] == 0
        seen.append(await _read_in_all_ways(store))
        await store.close()
    assert seen[0] == seen[1]
    everything, about_one, about_two, paged = seen[0]
    assert everything == paged == written
    assert about_one == [row for row in written if row.ebm_id == ebm(1)]
    assert about_two == [row for row in written if row.ebm_id == ebm(2)]


async def _read_in_all_ways(store: Store) -> list[list[Receipt]]:
    paged: list[Receipt] = []
    while page := await store.read(queries.receipts_after, paged[-1][:2] if paged else (-1, -1), 37):
        paged += page
    return [
        await store.read(queries.receipts_after, (-1, -1), 100_000),
        await store.read(queries.receipts_of, ebm(1)),
        await store.read(queries.receipts_of, ebm(2)),
        paged,
    ]


async def test_what_a_stop_is_still_owed_counts_packed_answers(url: str) -> None:
    store = await _open(url, pack_from=1)
    await store.write(warning(1), order(1, command="stop"))
    answers = [receipt(store, kind="stop_acknowledged", session=0xF000_0001, terminal_id=n) for n in (1, 3)]
    await _kept(store, answers)
    assert store.packed == 2
    (stop,) = await store.read(queries.open_stops, T0)
    assert stop.unacknowledged == {2}
    await store.close()


async def test_numbers_go_on_behind_packed_ones(url: str) -> None:
    for node, first in ((0, 1), (0, 81), (1, 1)):
        store = await Store.open(StoreSettings(url, idle=_NEVER), node=node)
        part = [receipt(store) for _ in range(80)]
        await _kept(store, part)
        assert part[0].seq == first
        assert store.packed == (160 if first == 81 else 80)
        await store.close()


async def test_only_its_own_node_makes_rows(url: str) -> None:
    other = await Store.open(StoreSettings(url, idle=_NEVER), node=1)
    theirs = [receipt(other) for _ in range(80)]
    await _kept(other, theirs)
    await other.close()
    store = await _open(url, _AT_ONCE)
    mine = [receipt(store) for _ in range(80)]
    await _kept(store, mine)
    await _unfolded(store)
    assert await store.read(_rows) == 80
    assert await store.read(queries.receipts_of, ebm(1)) == mine + theirs
    await store.close()


async def test_no_more_than_a_bound_waits(url: str) -> None:
    store = await _open(url, packed_rows=100)
    for _ in range(4):
        await _kept(store, [receipt(store) for _ in range(70)])
    assert (store.packed, await store.read(_rows)) == (140, 140)
    await store.close()


async def test_work_goes_between_the_blocks(url: str) -> None:
    store = await _open(url, pack_from=1)
    written = [receipt(store) for _ in range(60)]
    for row in written:
        await _kept(store, [row])
    await store.close()
    store = await _open(url, _AT_ONCE, pack_from=1)
    async with asyncio.timeout(10):
        while store.packed == 60:
            await asyncio.sleep(0.001)
    await store.write(warning(1))
    assert store.packed
    await _unfolded(store)
    assert await store.read(queries.receipts_of, ebm(1)) == written
    await store.close()


async def test_a_refused_receipt_of_a_burst_leaves_its_neighbours(url: str) -> None:
    store = await _open(url)
    told = Told(store)
    written = [receipt(store) for _ in range(200)]
    wrong = written[77]._replace(source=None)  # type: ignore[arg-type]  # what a bug would hand over
    for row in [*written[:77], wrong, *written[78:]]:
        store.add_receipt(row)
    await told.wait(199)
    assert store.refused_receipts == 1
    assert await store.read(queries.receipts_of, ebm(1)) == written[:77] + written[78:]
    await store.close()


@pytest.mark.parametrize("wrong", [False, True], ids=["sound", "one refused"])
async def test_a_commit_that_broke_and_was_kept_is_not_counted_twice(url: str, wrong: bool) -> None:
    store = await _open(url)
    written = [receipt(store) for _ in range(150)]
    bad = [receipt(store, source=None)] if wrong else []
    engine = writer_engine(store.settings)
    with engine.connect() as connection:
        kept = commit(connection, Batch(receipts=written[:100], pack=True))
        again = commit(connection, Batch(receipts=written + bad, pack=True, again=True, waiting=kept.waiting))
    engine.dispose()
    assert (kept.waiting, again.waiting) == (100, 0)
    assert (again.receipts, len(again.refused)) == (written, len(bad))
    assert await store.read(queries.receipts_of, ebm(1)) == written
    assert (await store.read(queries.counts))["receipts"] == 150
    await store.close()


def _broken_after_all(engine: Engine) -> None:
    """The next commit of an engine reaches the disk and seems to fail."""

    def commits(connection: Connection) -> None:
        connection.connection.commit()
        raise OSError("the answer was lost")

    event.listen(engine, "commit", commits, once=True)


async def test_calls_before_doubtful_receipts_do_not_end_the_doubt(url: str) -> None:
    store = await _open(url)
    settings = StoreSettings(url, idle=_NEVER, batch_rows=100)
    engine = writer_engine(settings)
    with engine.connect():
        _broken_after_all(engine)
    writer = Writer(engine, settings, asyncio.get_running_loop(), 0, 0)
    rows: list[Receipt] = []
    writer.on_receipts = rows.extend
    written = [receipt(store) for _ in range(90)]
    for row in written:
        writer.add_receipt(row)
    async with asyncio.timeout(10):
        while writer.healthy:
            await asyncio.sleep(0.001)
        # a call as large as a batch: the commit that ends the illness has no room for a receipt
        with suppress(StoreError):
            await writer.submit([warning(n) for n in range(100)])
        while len(rows) < 90:
            await asyncio.sleep(0.001)
    assert rows == written
    await writer.close()
    assert writer.refused_receipts == 0
    assert await store.read(queries.receipts_of, ebm(1)) == written
    await store.close()


async def test_a_backup_holds_what_is_packed(sqlite_url: str, tmp_path: Path) -> None:
    store = await _open(sqlite_url)
    written = [receipt(store) for _ in range(80)]
    await _kept(store, written)
    assert store.packed
    await backup(store, tmp_path / "copy.db")
    await store.close()
    other = f"sqlite:///{tmp_path}/new.db"
    restore(tmp_path / "copy.db", other)
    again = await _open(other, _AT_ONCE)
    assert await again.read(queries.receipts_of, ebm(1)) == written
    await _unfolded(again)
    assert await again.read(queries.receipts_of, ebm(1)) == written
    await again.close()


async def test_a_damaged_block_is_named_and_stops_no_other_work(url: str) -> None:
    store = await _open(url)
    await _kept(store, [receipt(store) for _ in range(80)])
    await store.close()
    engine = writer_engine(StoreSettings(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE receipt_blocks SET packed = :cut"), {"cut": b"\x01\x02"})
    engine.dispose()
    store = await _open(url, _AT_ONCE)
    with pytest.raises(StoreError, match="damaged"):
        await store.read(queries.receipts_of, ebm(1))
    for number in range(3):
        await asyncio.sleep(0.01)
        await store.write(warning(number))
    assert store.healthy and store.packed == 80
    await store.close()


async def test_a_store_of_the_first_schema_is_brought_up_to_date(url: str) -> None:
    store = await _open(url)
    old = [receipt(store) for _ in range(10)]
    await _kept(store, old)
    await store.close()
    engine = writer_engine(StoreSettings(url))
    with engine.begin() as connection:
        later = ("receipt_blocks", "programmes", "schedules", "calendar", "received_packages", "sent_packages")
        for table in (*later, "people", "console_sessions", "coverage_days"):
            connection.execute(text(f"DROP TABLE {table}"))
        for column in ("language", "manner", "recording", "scheme"):
            connection.execute(text(f"ALTER TABLE messages DROP COLUMN {column}"))
        for column in ("area_text", "mapping"):
            connection.execute(text(f"ALTER TABLE warnings DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    store = await _open(url)
    new = [receipt(store) for _ in range(80)]
    await _kept(store, new)
    assert store.packed == 80
    assert await store.read(queries.receipts_of, ebm(1)) == old + new
    await store.close()
