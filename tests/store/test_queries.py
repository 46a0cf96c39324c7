from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.message import MessageState
from gateway.errors import InvalidValueError
from gateway.store import Store, pack_ids, queries
from tests.store.samples import T0, Told, ebm, message, order, receipt, terminal, warning


async def test_messages_in_force_are_those_that_are_not_over(store: Store) -> None:
    states = list(MessageState)
    for number, state in enumerate(states):
        await store.write(warning(number), message(number, state=state.value))
    found = await store.read(queries.messages_in_force)
    assert [m.state for m in found] == ["awaiting_approval", "accepted", "active"]
    later = await store.read(queries.messages_ending_after, message(5).end_at)
    assert [m.ebm_id for m in later] == [ebm(n) for n in range(6, len(states))]
    assert await store.read(queries.messages_of_warning, "w-00002") == (message(2, state="active"),)


async def test_a_bare_identifier_finds_all_its_warnings_oldest_first(store: Store) -> None:
    old, new = warning(1, identifier="same"), warning(2, identifier="same", sender="other")
    await store.write(new, old, warning(3))
    assert await store.read(queries.warnings_by_identifier, "same") == (old, new)


async def test_receipts_are_read_on_from_a_cursor(store: Store) -> None:
    told = Told(store)
    written = [receipt(store, ebm_id=ebm(n % 2)) for n in range(100)]
    for row in written:
        store.add_receipt(row)
    await told.wait(100)
    mine = [row for row in written if row.ebm_id == ebm(1)]
    read = []
    after = (-1, -1)
    while page := await store.read(queries.receipts_of, ebm(1), after, 7):
        read += page
        after = (page[-1].node, page[-1].seq)
    assert read == mine
    assert await store.read(queries.receipts_of, ebm(1)) == mine


async def test_a_stop_is_open_for_those_that_did_not_acknowledge_it(store: Store) -> None:
    told = Told(store)
    await store.write(
        order(1),
        order(2, command="stop", terminals=pack_ids([1, 2, 3])),
        order(3, command="stop", terminals=pack_ids([1, 2])),
        order(4, command="stop", ebm_id=ebm(2), terminals=pack_ids([1])),
        order(5, command="stop", ebm_id=ebm(3), terminals=pack_ids([9])),
    )
    session = 0xF000_0000
    for terminal_id, order_id, ebm_id in ((1, 2, 1), (2, 3, 1), (9, 5, 3)):
        store.add_receipt(
            receipt(
                store, terminal_id=terminal_id, session=session + order_id, ebm_id=ebm(ebm_id), kind="stop_acknowledged"
            )
        )
    store.add_receipt(receipt(store, terminal_id=1, session=session + 4, ebm_id=ebm(2), kind="refused"))
    await told.wait(4)
    found = {stop.order.id: stop.unacknowledged for stop in await store.read(queries.open_stops, T0)}
    # the answer to order 3 settles order 2 as well, the answer to order 2 says nothing of the later order 3
    assert found == {2: {3}, 3: {1}, 4: {1}}
    assert [s.order.id for s in await store.read(queries.open_stops, T0 + 4)] == [4]
    assert await store.read(queries.open_stops, T0 + 100) == ()


async def test_warnings_page_newest_first_while_new_ones_come(store: Store) -> None:
    # pairs of equal times: the id decides between them
    await store.write(*(warning(n, received_at=T0 + n // 2) for n in range(10)))
    seen, cursor = [], None
    while True:
        page = await store.read(queries.warnings_page, 3, cursor)
        seen += [w.id for w in page.items]
        await store.write(warning(100 + len(seen)))
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"w-{n:05d}" for n in range(9, -1, -1)]


async def test_terminals_page_by_code_and_area(store: Store) -> None:
    await store.write(*(terminal(n) for n in (5, 3, 1, 4, 2)), terminal(6, area="350524000001"))
    first = await store.read(queries.terminals_page, 3, None, "350521")
    rest = await store.read(queries.terminals_page, 3, first.next, "350521")
    assert [t.name for t in first.items + rest.items] == [f"终端{n}" for n in range(1, 6)]
    assert rest.next is None
    assert (await store.read(queries.terminals_page, 3, None, "35%")).items == ()
    code = terminal(3).code
    found = await store.read(queries.terminal_by_code, code)
    assert found is not None and replace(found, id=0) == terminal(3)


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_limits_of_a_page(store: Store, limit: int) -> None:
    with pytest.raises(InvalidValueError, match="limit"):
        await store.read(queries.warnings_page, limit)
