"""Writes a few rows and marks each call on standard output; run under strace by the test beside it."""

from __future__ import annotations

import asyncio
import os
import sys

from gateway.store import Store, StoreSettings
from tests.store.samples import order, warning


async def main(url: str) -> None:
    """Three warnings and an order, each acknowledged before the next."""
    store = await Store.open(StoreSettings(url=url))
    for number in range(3):
        os.write(1, b"MARK call\n")
        await store.write(warning(number))
        os.write(1, b"MARK acknowledged\n")
    os.write(1, b"MARK call\n")
    await store.submit(order(1), urgent=True)
    os.write(1, b"MARK acknowledged\n")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
