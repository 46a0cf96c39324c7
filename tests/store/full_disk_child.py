"""A store whose files may not grow for a while, in a process of its own since the limit is the whole process's."""

from __future__ import annotations

import asyncio
import resource
import sys

from gateway.errors import GatewayError
from gateway.store import Store, StoreSettings, queries
from tests.store.samples import Told, ebm, receipt, warning


async def main(url: str) -> None:
    """Fill, be refused, get room again, and say what became of it."""
    store = await Store.open(StoreSettings(url=url))
    told = Told(store)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    words = []
    try:
        for number in range(100):
            await store.write(warning(number, body=bytes(50_000)))
    except GatewayError as error:
        words.append(f"refused: {type(error).__name__}")
    words.append("healthy" if store.healthy else "unhealthy")
    for _ in range(2000):
        store.add_receipt(receipt(store))
    await asyncio.sleep(0.1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await told.wait(2000)
    words.append(f"kept: {len(await store.read(queries.receipts_of, ebm(1)))}")
    words.append("healthy" if store.healthy else "unhealthy")
    await store.close()
    print("; ".join(words))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
