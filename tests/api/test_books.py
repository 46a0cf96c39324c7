"""Books: folded once, in slices, and dropped with their messages."""

from __future__ import annotations

from array import array

import pytest

from gateway.coverage.books import Books, slice_end
from gateway.dispatch.live import LogEntry, Sent
from gateway.domain.message import Command
from gateway.domain.orders import Receipt
from gateway.domain.receiver import IP_ROUTE
from gateway.errors import NotFoundError
from tests.api.apikit import Api
from tests.gatewaykit import terminal

ROW = Receipt(0, 1, 1.0, 1, "6", "3", 1, "played", 1, 0, 2, "none", 0, "feedback", 0x15, b"", "peer")


def sent(count: int) -> Sent:
    return Sent(1.0, 1, 1, Command.START, IP_ROUTE, array("I", range(count)))


@pytest.mark.parametrize(
    ("log", "ends"),
    [
        ([], []),
        ([ROW], [1]),
        ([ROW] * 600, [256, 512, 600]),
        ([sent(4000)] * 3, [1, 2, 3]),
        ([sent(200), ROW, sent(100), ROW], [3, 4]),
    ],
)
def test_slices_are_bounded_by_evidence_and_not_by_entries(log: list[LogEntry], ends: list[int]) -> None:
    found, position = [], 0
    while position < len(log):
        position = slice_end(log, position)
        found.append(position)
    assert found == ends


@pytest.mark.asyncio(loop_scope="module")
async def test_a_living_book_is_kept_and_a_dead_one_rebuilt(api: Api) -> None:
    await api.register(terminal("350524100001"))
    message = (await api.warn()).json["message_id"]
    books = Books(api.gateway.dispatch)
    first = await books.open(message)
    assert (await books.open(message)).book is first.book
    assert len(first.live.terminals) == 1
    live = api.gateway.dispatch.state.messages.pop(message)
    past = await books.open(message)
    assert past.book is first.book, "kept for the next page"
    past.read_at -= 3600
    rebuilt = await books.open(message)
    assert rebuilt.book is not first.book
    assert (await books.open(message)).book is rebuilt.book
    api.gateway.dispatch.state.messages[message] = live
    assert (await books.open(message)).live is live


@pytest.mark.asyncio(loop_scope="module")
async def test_only_a_few_past_books_are_kept(api: Api) -> None:
    books = Books(api.gateway.dispatch)
    names = [(await api.warn()).json["message_id"] for _ in range(8)]
    kept = {name: api.gateway.dispatch.state.messages.pop(name) for name in names}
    for name in names:
        await books.open(name)
    assert len(books._open) <= 4
    api.gateway.dispatch.state.messages.update(kept)


@pytest.mark.asyncio(loop_scope="module")
async def test_no_book_of_what_never_was(api: Api) -> None:
    with pytest.raises(NotFoundError):
        await Books(api.gateway.dispatch).open("0" * 35)
