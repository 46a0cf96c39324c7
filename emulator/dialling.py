"""Opens connections 拨号, a bounded number at once, for whoever has none."""

from __future__ import annotations

import asyncio

_PATIENCE = 5.0


class Dialable(asyncio.Protocol):
    """Something that wants a connection, and also hears of failure."""

    __slots__ = ()

    def dial_failed(self, reason: str) -> None:
        """Hear that nobody answered."""


class Dialler:
    """A few tasks that dial for the whole fleet, so that no terminal needs one of its own."""

    def __init__(self, workers: int) -> None:
        self._wanted: asyncio.Queue[tuple[Dialable, tuple[str, int]]] = asyncio.Queue()
        self._workers = [asyncio.create_task(self._work()) for _ in range(workers)]

    def want(self, protocol: Dialable, address: tuple[str, int]) -> None:
        """Open a connection to ``address`` for ``protocol``, after those who asked before."""
        self._wanted.put_nowait((protocol, address))

    async def close(self) -> None:
        """Stop dialling."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            protocol, address = await self._wanted.get()
            try:
                async with asyncio.timeout(_PATIENCE):
                    await loop.create_connection(lambda: protocol, *address)  # noqa: B023 - called before the next turn
            except OSError as error:  # TimeoutError is one
                protocol.dial_failed(str(error) or type(error).__name__)
