from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from gateway.domain.orders import Attempt
from gateway.errors import InvalidValueError, NotFoundError, RowRefused, StoreError
from gateway.store import Store, StoreSettings, pack_ids, queries, rows
from tests.store.samples import T0, Told, ebm, message, order, receipt, terminal, warning


async def test_warning_and_message_come_back_as_written(store: Store) -> None:
    await store.write(warning(1), message(1))
    assert await store.read(queries.warning_by_id, "w-00001") == warning(1)
    identity = (warning(1).sender, warning(1).identifier, warning(1).sent)
    assert await store.read(queries.warning_by_identity, *identity) == warning(1)
    assert await store.read(queries.message_by_id, ebm(1)) == message(1)


async def test_orders_and_attempts_come_back_as_written(store: Store) -> None:
    await store.write(order(1), order(2, ebm_id=None, command="query"))
    await store.write(Attempt(1, T0, "ip", pack_ids([1, 2])))
    assert await store.read(queries.orders_of, [ebm(1)]) == (order(1),)
    assert await store.read(queries.order_by_session, 0xF000_0002) == order(2, ebm_id=None, command="query")
    (attempt,) = await store.read(queries.attempts_of, [1, 2])
    assert replace(attempt, id=0) == Attempt(1, T0, "ip", pack_ids([1, 2]))


async def test_state_changes_keep_the_times_that_they_do_not_name(store: Store) -> None:
    await store.write(warning(1), message(1))
    await store.write(rows.MessageStateRow(ebm(1), "active", T0 + 5, activated_at=T0 + 5))
    await store.write(rows.MessageStateRow(ebm(1), "cancelled", T0 + 9, "误报", "王", ended_at=T0 + 9))
    await store.write(
        rows.MessagePlanRow(ebm(1), {"areas": 1, "terminals": 2, "population": 5}, pack_ids([4, 5]), ("350524",))
    )
    expected = message(
        1, state="cancelled", state_at=T0 + 9, state_reason="误报", actor="王", activated_at=T0 + 5, ended_at=T0 + 9,
        targets={"areas": 1, "terminals": 2, "population": 5}, terminals=pack_ids([4, 5]), areas=("350524",),
    )  # fmt: skip
    assert await store.read(queries.message_by_id, ebm(1)) == expected


async def test_change_of_an_unknown_message_is_an_error(store: Store) -> None:
    with pytest.raises(NotFoundError, match="MessageStateRow"):
        await store.write(rows.MessageStateRow(ebm(9), "active", T0))


async def test_terminals_keep_small_ids_over_upserts(store: Store) -> None:
    await store.write(*(terminal(n) for n in range(1, 6)))
    await store.write(terminal(3, name="新名", deleted=True), terminal(6))
    everything = await store.read(queries.terminals, deleted=True)
    assert [t.id for t in everything] == [1, 2, 3, 4, 5, 6]
    assert everything[2] == terminal(3, name="新名", deleted=True, id=3)
    assert [t.id for t in await store.read(queries.terminals)] == [1, 2, 4, 5, 6]


async def test_strangers_and_open_alarms_count(store: Store) -> None:
    stranger = rows.StrangerRow("6350", "00AA", "10.0.0.1:5", "unknown", T0, T0)
    await store.write(stranger, replace(stranger, first_seen=T0 + 1, last_seen=T0 + 1, peer="10.0.0.2:6"))
    (seen,) = await store.read(queries.strangers)
    assert (seen.count, seen.first_seen, seen.last_seen, seen.peer) == (2, T0, T0 + 1, "10.0.0.2:6")

    alarm = rows.AlarmRow("clock", "self", "not synchronised", "major", T0, T0)
    await store.write(alarm, replace(alarm, last_at=T0 + 1))
    await store.write(rows.AlarmClearedRow("clock", "self", T0 + 2))
    await store.write(replace(alarm, raised_at=T0 + 3, last_at=T0 + 3))
    new, old = (await store.read(queries.alarms_page)).items
    assert (old.count, old.last_at, old.cleared_at) == (2, T0 + 1, T0 + 2)
    assert (new.count, new.raised_at, new.cleared_at) == (1, T0 + 3, None)
    await store.write(rows.AlarmAcknowledgedRow(new.id, "王"))
    (still,) = (await store.read(queries.alarms_page, open_only=True)).items
    assert still == replace(new, acknowledged_by="王")


async def test_keys_states_and_audit(store: Store) -> None:
    await store.write(rows.KeyRow("weather", "h1", "publisher", {"areas": ["3505"]}, T0))
    with pytest.raises(RowRefused):
        await store.write(rows.KeyRow("weather", "h2", "publisher", {}, T0))
    (key,) = await store.read(queries.keys)
    assert (key.name, key.rights) == ("weather", {"areas": ["3505"]})
    await store.write(rows.KeyRevokedRow("weather", T0 + 1))
    assert await store.read(queries.keys) == ()
    assert (await store.read(queries.keys, revoked=True))[0].revoked_at == T0 + 1

    await store.write(rows.StateRow("signer", {"last": 1}), rows.StateRow("signer", {"last": 2}))
    assert await store.read(queries.state, "signer") == {"last": 2}
    assert await store.read(queries.state, "nothing", 7) == 7

    await store.write(rows.AuditRow(T0, "王", "cancel", "w-1", None))
    (entry,) = (await store.read(queries.audit_page)).items
    assert (entry.actor, entry.detail) == ("王", None)


async def test_reserved_blocks_never_overlap_even_after_reopening(url: str) -> None:
    taken: list[int] = []
    for _ in range(2):
        store = await Store.open(StoreSettings(url=url))
        taken += await asyncio.gather(*(store.reserve("session", 256) for _ in range(10)))
        await store.close()
    assert sorted(taken) == [1 + 256 * n for n in range(20)]


async def test_counters_are_apart_and_begin_at_one(store: Store) -> None:
    assert await store.reserve("ebm:20261123") == 1
    assert await store.reserve("ebm:20261123", 9) == 2
    assert await store.reserve("ebm:20261124") == 1
    assert await store.read(queries.counter, "ebm:20261123") == 10
    assert await store.read(queries.counter, "ebm:20261125") == 0
    with pytest.raises(InvalidValueError, match="block"):
        await store.reserve("session", 0)


async def test_receipt_numbers_go_on_after_reopening_and_belong_to_a_node(url: str) -> None:
    for node, expected in ((0, 1), (0, 3), (1, 1), (0, 5)):
        store = await Store.open(StoreSettings(url=url), node=node)
        told = Told(store)
        numbers = []
        for _ in range(2):
            row = receipt(store)
            numbers.append(row.seq)
            store.add_receipt(row)
        await told.wait(2)
        await store.close()
        assert numbers == [expected, expected + 1]


async def test_receipts_come_back_as_written_in_their_order(store: Store) -> None:
    told = Told(store)
    written = [receipt(store), receipt(store, terminal_id=None, ebm_id=None, session=None), receipt(store, raw=b"")]
    for row in written:
        store.add_receipt(row)
    await told.wait(3)
    assert told.rows == written
    assert await store.read(queries.receipts_of, ebm(1)) == [written[0], written[2]]
    assert await store.read(queries.receipts_after, (0, 1), 10) == written[1:]


async def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="read"):
        await store.read(lambda c: c.execute(text("INSERT INTO counters (name, value) VALUES ('x', 1)")))
    assert await store.read(queries.counter, "x") == 0


async def test_a_value_that_no_row_can_have_is_named(store: Store) -> None:
    try:
        assert await store.read(queries.warning_by_id, "a\x00b") is None
    except InvalidValueError as error:
        assert error.field == "query"
    with pytest.raises(InvalidValueError, match="query"):
        await store.read(queries.warning_by_id, "\ud800")


async def test_nothing_is_taken_after_close(sqlite_url: str) -> None:
    store = await Store.open(StoreSettings(url=sqlite_url))
    last = store.submit(warning(1))
    await store.close()
    assert last.done() and last.exception() is None
    with pytest.raises(StoreError, match="closed"):
        await store.write(warning(2))
    with pytest.raises(StoreError, match="closed"):
        store.add_receipt(receipt(store))
    with pytest.raises(StoreError, match="closed"):
        await store.read(queries.counts)


@pytest.mark.parametrize("node", [-1, 256])
async def test_node_is_one_byte(sqlite_url: str, node: int) -> None:
    with pytest.raises(InvalidValueError, match="node"):
        await Store.open(StoreSettings(url=sqlite_url), node=node)
