from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg
import pytest

from gateway.errors import NotFoundError, OverloadedError, RowRefused, StoreError
from gateway.store import Store, StoreSettings, queries, rows
from tests.store.samples import T0, Told, ebm, message, order, receipt, warning


def _audit(number: int) -> rows.AuditRow:
    return rows.AuditRow(T0 + number, "test", "write", str(number))


def _note(done: list[str], name: str, _future: asyncio.Future[None]) -> None:
    done.append(name)


async def _subjects(store: Store) -> list[int]:
    entries = (await store.read(queries.audit_page, 1000)).items
    return [int(entry.subject) for entry in reversed(entries)]


async def test_what_queued_during_a_commit_shares_the_next(store: Store) -> None:
    await store.write(_audit(0))
    before = store.commits
    await asyncio.gather(*(store.write(_audit(n)) for n in range(1, 501)))
    # all 500 were queued in one turn of the loop; the thread may have begun with the first few of them
    assert 1 <= store.commits - before <= 4
    assert await _subjects(store) == list(range(501))


async def test_a_batch_is_bounded(url: str) -> None:
    store = await Store.open(StoreSettings(url=url, batch_rows=100))
    told = Told(store)
    for _ in range(1000):
        store.add_receipt(receipt(store))
    await told.wait(1000)
    await store.close()
    assert max(told.batches) <= 100
    assert store.commits >= 10


async def test_a_call_larger_than_a_batch_is_still_one_transaction(url: str) -> None:
    store = await Store.open(StoreSettings(url=url, batch_rows=10, queue_rows=20))
    await store.write(*(_audit(n) for n in range(50)))
    assert store.commits == 1
    assert await _subjects(store) == list(range(50))
    await store.close()


async def test_calls_are_committed_in_order_and_urgent_ones_first(url: str) -> None:
    store = await Store.open(StoreSettings(url=url, batch_rows=1))
    done: list[str] = []
    futures = {f"plain {n}": store.submit(_audit(n)) for n in range(20)}
    futures |= {f"urgent {n}": store.submit(_audit(100 + n), urgent=True) for n in range(3)}
    futures["warning"] = store.submit(warning(1))
    for name, future in futures.items():
        future.add_done_callback(partial(_note, done, name))
    await asyncio.gather(*futures.values())
    await store.close()
    assert [d for d in done if d.startswith("plain")] == [f"plain {n}" for n in range(20)]
    ahead = [d for d in done if not d.startswith("plain")]
    assert ahead == ["urgent 0", "urgent 1", "urgent 2", "warning"]
    # the thread may have taken a few plain ones before the urgent were queued, never most of them
    assert done.index("warning") < done.index("plain 19")


async def test_all_rows_of_a_call_or_none(store: Store) -> None:
    await store.write(warning(1))
    with pytest.raises(RowRefused):
        await store.write(warning(2), message(2), warning(3, id="w-00001"))
    assert await store.read(queries.warning_by_id, "w-00002") is None
    assert await store.read(queries.message_by_id, ebm(2)) is None


async def test_a_refused_row_fails_its_own_call_and_no_neighbour(store: Store) -> None:
    await store.write(warning(1))
    told = Told(store)
    good = [store.submit(_audit(n)) for n in range(10)]
    twice = store.submit(warning(1, id="again"))
    orphan = store.submit(message(7))
    unknown = store.submit(rows.MessageStateRow(ebm(8), "active", T0))
    number = asyncio.ensure_future(store.reserve("session"))
    for _ in range(20):
        store.add_receipt(receipt(store))
    good += [store.submit(_audit(n)) for n in range(10, 20)]
    outcome = await asyncio.gather(*good, twice, orphan, unknown, number, return_exceptions=True)
    await told.wait(20)
    assert outcome[:20] == [None] * 20
    assert isinstance(outcome[20], RowRefused)
    assert isinstance(outcome[21], RowRefused)
    assert isinstance(outcome[22], NotFoundError)
    assert outcome[23] == 1
    assert sorted(await _subjects(store)) == list(range(20))
    assert store.healthy


async def test_refused_receipts_are_dropped_and_counted_alone(store: Store) -> None:
    told = Told(store)
    written = [receipt(store) for _ in range(300)]
    written[177] = written[177]._replace(source=None)  # type: ignore[arg-type]  # what a bug would hand over
    written[5] = written[5]._replace(peer="\ud800")
    for row in written:
        store.add_receipt(row)
    await told.wait(298)
    assert [row.seq for row in told.rows] == [row.seq for row in written if row not in (written[5], written[177])]
    assert store.refused_receipts == 2
    assert store.healthy


async def test_values_no_column_can_hold_are_refused(store: Store) -> None:
    with pytest.raises(RowRefused):
        await store.write(order(2**70))
    with pytest.raises(RowRefused):
        await store.write(rows.AuditRow(T0, "a", "b", "c", {"x": object()}))  # type: ignore[dict-item]  # a bug
    with pytest.raises(RowRefused):
        await store.write(rows.AuditRow(T0, "\ud800", "b", "c"))
    await store.write(_audit(1))
    assert store.healthy


async def test_too_much_at_once_is_turned_away(sqlite_url: str) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url, queue_rows=10, receipt_rows=5))
    futures = [store.submit(_audit(n)) for n in range(10)]
    with pytest.raises(OverloadedError, match="10 rows"):
        store.submit(_audit(10))
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
        await asyncio.gather(*futures)
        other.execute("BEGIN IMMEDIATE")
        for _ in range(5):
            store.add_receipt(receipt(store))
        with pytest.raises(OverloadedError, match="5 receipts"):
            store.add_receipt(receipt(store))
    await store.write(_audit(11))
    assert await _subjects(store) == [*range(10), 11]
    await store.close()


async def test_a_cancelled_waiter_hurts_nobody(store: Store) -> None:
    given_up = store.submit(_audit(1))
    given_up.cancel()
    await store.write(_audit(2))
    assert await _subjects(store) == [1, 2]
    assert store.pending == (0, 0)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A stranger's connection that can hold the write lock."""
    with closing(sqlite3.connect(tmp_path / "ebgw.db", isolation_level=None)) as connection:
        yield connection


async def test_while_the_database_is_locked_calls_fail_and_receipts_wait(
    sqlite_url: str, locked: sqlite3.Connection
) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url, busy_timeout=0.02))
    told = Told(store)
    locked.execute("BEGIN IMMEDIATE")
    written = [receipt(store) for _ in range(100)]
    for row in written:
        store.add_receipt(row)
    with pytest.raises(StoreError, match="locked") as caught:
        await store.write(warning(1))
    assert not isinstance(caught.value, RowRefused)
    assert not store.healthy
    assert store.pending == (0, 100)
    locked.execute("ROLLBACK")
    await told.wait(100)
    assert told.rows == written
    assert store.healthy
    await store.write(warning(1))
    await store.close()


async def test_health_returns_without_any_traffic(sqlite_url: str, locked: sqlite3.Connection) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url, busy_timeout=0.01))
    locked.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        await store.write(warning(1))
    assert not store.healthy
    locked.execute("ROLLBACK")
    async with asyncio.timeout(10):
        while not store.healthy:
            await asyncio.sleep(0.01)
    await store.close()
    assert store.commits >= 1


async def test_close_gives_up_what_cannot_be_written(sqlite_url: str, locked: sqlite3.Connection) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url, busy_timeout=0.01))
    locked.execute("BEGIN IMMEDIATE")
    future = store.submit(warning(1))
    store.add_receipt(receipt(store))
    async with asyncio.timeout(5):
        await store.close()
    assert isinstance(future.exception(), StoreError)
    assert store.pending[1] == 1


async def test_a_server_that_dropped_the_idle_connection_costs_no_warning(postgres_server: str) -> None:
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE dropped")
        store = await Store.open(StoreSettings(url=f"{postgres_server}/dropped"))
        told = Told(store)
        await store.write(warning(1))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'dropped'")
        await store.write(warning(2))
        assert store.healthy
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'dropped'")
        store.add_receipt(receipt(store))
        await told.wait(1)
        await store.close()


async def test_a_server_that_is_away_keeps_receipts_waiting(postgres_server: str) -> None:
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE away")
        store = await Store.open(StoreSettings(url=f"{postgres_server}/away"))
        told = Told(store)
        await store.write(warning(1))
        admin.execute("ALTER DATABASE away ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away'")
        store.add_receipt(receipt(store))
        with pytest.raises(StoreError):
            await store.write(warning(2))
        assert not store.healthy
        admin.execute("ALTER DATABASE away ALLOW_CONNECTIONS true")
        await told.wait(1)
        assert store.healthy
        assert (await store.read(queries.counts))["receipts"] == 1
        await store.close()
