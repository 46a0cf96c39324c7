"""The journal of receipts 回执暂存: bursts are committed as packed blocks and become rows when the store is idle.

A block is as durable as a row and counts as evidence at once. Each receipt stands in one of both and never in none,
since it moves within one transaction. Whoever reads receipts reads rows and blocks in one snapshot (``packed``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from sqlalchemy import Connection, delete, func, select, tuple_

from gateway.domain.orders import Receipt
from gateway.store import schema
from gateway.store.blocks import mentions, pack_receipts, unpack_receipts
from gateway.store.statements import insert_receipts, placeholder

#: Receipts of one block: what is made into rows at once, 2 ms of work.
BLOCK = 512


@cache
def _block_sql(dialect: str, count: int) -> str:
    one = "(" + ",".join([placeholder(dialect)] * 5) + ")"
    columns = "node,first_seq,last_seq,count,packed"
    return f"INSERT INTO receipt_blocks ({columns}) VALUES {','.join([one] * count)}"  # noqa: S608 - our own names


def keep(connection: Connection, receipts: Sequence[Receipt]) -> None:
    """Write receipts of one node as blocks in the open transaction; raise what ``pack_receipts`` raises."""
    flat: list[int | bytes] = []
    for start in range(0, len(receipts), BLOCK):
        part = receipts[start : start + BLOCK]
        numbers = [row.seq for row in part]
        flat += (part[0].node, min(numbers), max(numbers), len(part), pack_receipts(part))
    # one statement: each step of several would give the interpreter away, and it must be won back from a busy loop
    connection.exec_driver_sql(_block_sql(connection.dialect.name, len(flat) // 5), tuple(flat))


def unfold(connection: Connection, node: int, *, since: int = 0, limit: int | None = None) -> int:
    """Make rows of the oldest ``limit`` blocks of a node that hold a number from ``since`` on, in the open transaction.

    Returns how many receipts of the node are still packed. Raise StoreError for a block that is damaged.
    """
    c = schema.receipt_blocks.c
    query = select(c.first_seq, c.packed).where(c.node == node, c.last_seq >= since).order_by(c.first_seq).limit(limit)
    for first, block in connection.execute(query).all():
        insert_receipts(connection, unpack_receipts(block), again=True)
        connection.execute(delete(schema.receipt_blocks).where(c.node == node, c.first_seq == first))
    return waiting(connection, node)


def waiting(connection: Connection, node: int) -> int:
    """How many receipts of a node are packed."""
    c = schema.receipt_blocks.c
    return int(connection.execute(select(func.coalesce(func.sum(c.count), 0)).where(c.node == node)).scalar_one())


def last_receipt(connection: Connection, node: int) -> int:
    """The highest number of a receipt of a node, packed or not; 0 when it has none."""
    row, block = schema.receipts.c, schema.receipt_blocks.c
    in_rows = connection.execute(select(func.max(row.seq)).where(row.node == node)).scalar()
    in_blocks = connection.execute(select(func.max(block.last_seq)).where(block.node == node)).scalar()
    return max(in_rows or 0, in_blocks or 0)


def packed(
    connection: Connection, *, about: Iterable[str] | None = None, after: tuple[int, int] = (-1, -1)
) -> Iterator[Receipt]:
    """Receipts that are no rows yet, after (node, seq); those about the messages ``about`` (EBM ids), None for all."""
    c = schema.receipt_blocks.c
    wanted = None if about is None else frozenset(about)
    marks = [ebm_id.encode() for ebm_id in wanted or ()]
    for (block,) in connection.execute(select(c.packed).where(tuple_(c.node, c.last_seq) > after)):
        if wanted is not None and not mentions(block, marks):
            continue
        for row in unpack_receipts(block):
            if row[:2] > after and (wanted is None or row.ebm_id in wanted):
                yield row
