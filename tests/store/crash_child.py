"""A process that writes to a store until it is killed, and says on standard output what was acknowledged to it.

``python -m tests.store.crash_child URL RUN [bursts]``: lines ``warning N`` after a ``write`` returned, ``receipts FIRST
LAST`` after ``on_receipts`` told of them, ``block N`` after a reservation. With ``bursts`` nothing but receipts, with
pauses in which what was packed becomes rows.
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


async def _receive_bursts(store: Store) -> None:
    while True:
        for _ in range(300):
            store.add_receipt(receipt(store))
        await asyncio.sleep(0.03)


def _told(rows: list[Receipt]) -> None:
    # a pipe takes 64 kB at once and this runs in the loop: one short line is enough, receipts are kept in order
    _say(f"receipts {rows[0].seq} {rows[-1].seq}")


async def main(url: str, run: int, kind: str) -> None:
    """Write without end."""
    store = await Store.open(StoreSettings(url=url, idle=0.004))
    store.on_receipts = _told
    if kind == "bursts":
        await _receive_bursts(store)
    await asyncio.gather(_receive(store), *(_write(store, run, lane) for lane in range(4)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), "".join(sys.argv[3:])))
