"""A process that writes to a store until it is killed, and says on standard output what was acknowledged to it.

``python -m tests.store.crash_child URL RUN``: lines ``warning N`` after a ``write`` returned, ``receipts FIRST LAST``
after ``on_receipts`` told of them, ``block N`` after a reservation.
"""

from __future__ import annotations

import asyncio
import os
import sys

from gateway.domain.orders import Receipt
from gateway.store import Store, StoreSettings
from tests.store.samples import message, receipt, warning


def _say(*lines: str) -> None:
    # one write for a line: a kill leaves whole lines in the pipe
    os.write(1, "".join(f"{line}\n" for line in lines).encode())


async def _write(store: Store, run: int, lane: int) -> None:
    for number in range(run * 1_000_000 + lane, (run + 1) * 1_000_000, 4):
        await store.write(warning(number), message(number))
        _say(f"warning {number}")
        if lane == 0:
            _say(f"block {await store.reserve('session', 16)}")


async def _receive(store: Store) -> None:
    while True:
        for _ in range(50):
            store.add_receipt(receipt(store))
        await asyncio.sleep(0.001)


def _told(rows: list[Receipt]) -> None:
    # a pipe takes 64 kB at once and this runs in the loop: one short line is enough, receipts are kept in order
    _say(f"receipts {rows[0].seq} {rows[-1].seq}")


async def main(url: str, run: int) -> None:
    """Write without end."""
    store = await Store.open(StoreSettings(url=url))
    store.on_receipts = _told
    await asyncio.gather(_receive(store), *(_write(store, run, lane) for lane in range(4)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
