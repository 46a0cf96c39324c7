"""Who calls 鉴权: Bearer keys, looked up by hash in memory, kept in step with the store while the gateway runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from gateway.api.keys import holder_of
from gateway.api.problems import HttpProblem
from gateway.errors import GatewayError, Violation
from gateway.publishers.rights import Publisher, hash_key
from gateway.store.rows import KeyRow

log = structlog.get_logger(__name__)

#: Seconds within which a revoked key is noticed.
REFRESH: Final = 2.0
#: Unknown keys make the store be read again at most so often, in seconds: guessing is slow, and cheap for us.
MISS_PAUSE: Final = 0.1


class Keys:
    """All keys in force, by hash. A key added by another process is found at its first use."""

    def __init__(self, read: Callable[[], Awaitable[Iterable[KeyRow]]], *, refresh: float = REFRESH) -> None:
        self._read = read
        self._refresh = refresh
        self._holders: dict[str, Publisher] = {}
        self._reading: asyncio.Task[None] | None = None
        self._poll: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read all keys and keep them fresh until ``close``."""
        await self._load()
        self._poll = asyncio.create_task(self._keep_fresh(), name="keys")

    async def close(self) -> None:
        """End the keeping."""
        tasks = [task for task in (self._poll, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def holder(self, authorization: str | None) -> Publisher:
        """Who sent this Authorization header; raise HttpProblem 401 for none or an unknown key."""
        scheme, _, plain = (authorization or "").partition(" ")
        plain = plain.strip()
        if scheme.lower() != "bearer" or not plain:
            raise _unauthorised("missing_key", "缺少 Authorization: Bearer 密钥 / no Bearer key was sent")
        hashed = hash_key(plain)
        found = self._holders.get(hashed)
        if found is None:
            await self._read_again()
            found = self._holders.get(hashed)
        if found is None:
            raise _unauthorised("unknown_key", "密钥未知或已撤销 / the key is unknown or was revoked")
        return found

    async def _read_again(self) -> None:
        """Read the store once for all who wait with an unknown key now."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._load_slowly(), name="keys-again")
        await asyncio.shield(self._reading)

    async def _load_slowly(self) -> None:
        await asyncio.sleep(MISS_PAUSE)
        await self._load()

    async def _load(self) -> None:
        holders: dict[str, Publisher] = {}
        for row in await self._read():
            try:
                holders[row.hash.lower()] = holder_of(row)
            except GatewayError as error:
                log.error("key cannot be used", name=row.name, error=str(error))
        self._holders = holders

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._refresh)
            try:
                await self._load()
            except GatewayError as error:
                log.warning("keys cannot be read", error=str(error))


def _unauthorised(code: str, message: str) -> HttpProblem:
    return HttpProblem(401, Violation("Authorization", code, message), headers={"WWW-Authenticate": "Bearer"})
