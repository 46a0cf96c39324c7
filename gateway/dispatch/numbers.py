"""Numbers that are never used twice: EBM ids, session ids, warning ids. Blocks are reserved durably before use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Protocol

from gateway.domain.codes import EbmId, ResourceCode
from gateway.errors import StoreError

#: Numbers of one reservation.
_SESSION_BLOCK = 1024
_EBM_BLOCK = 16
#: Bits of a session id below the node's number.
SESSION_BITS = 28
#: How many days ahead numbers may be borrowed.
_BORROW_DAYS = 7


class Reserve(Protocol):
    """A durable reservation: ``(counter, block)`` → first number of the block."""

    def __call__(self, name: str, block: int, /) -> Awaitable[int]:
        """Reserve; the numbers are never given to anybody else."""
        ...


class Sessions:
    """会话标识: rising, never reused over restarts, the top four bits are the node (GD/J 089-2018 table D.2)."""

    def __init__(self, reserve: Reserve, node: int) -> None:
        self._reserve = reserve
        self._node = node
        self._next = 0
        self._end = 0
        self._lock = asyncio.Lock()

    async def take(self) -> int:
        """The next session id, 1 to 2^32 - 1."""
        async with self._lock:
            number = await self._peek()
            self._next += 1
        return number

    async def peek(self) -> int:
        """The session id that ``take`` gives next."""
        async with self._lock:
            return await self._peek()

    async def _peek(self) -> int:
        if self._next >= self._end:
            first = await self._reserve("session", _SESSION_BLOCK)
            self._next, self._end = max(1, first), first + _SESSION_BLOCK
        if self._next >> SESSION_BITS:
            raise StoreError(f"session ids of node {self._node} are used up: {self._next} of 2^{SESSION_BITS}")
        return self._node << SESSION_BITS | self._next


class EbmNumbers:
    """应急广播消息编码: 9,999 forced numbers a day (GD/J 082-2018 table 2), never one twice.

    The 10,000th message of a day borrows the next day's number (ADR 0009): it goes on air at once and stays unique,
    and ``borrowed`` is called so that operators hear of it.
    """

    def __init__(self, reserve: Reserve, platform: ResourceCode, borrowed: Callable[[EbmId], None]) -> None:
        self._reserve = reserve
        self._platform = platform
        self._borrowed = borrowed
        self._blocks: dict[str, tuple[int, int]] = {}
        self._lock = asyncio.Lock()

    async def take(self, beijing_now: datetime) -> EbmId:
        """The next id for a message made at that time (Asia/Shanghai)."""
        async with self._lock:
            for ahead in range(_BORROW_DAYS):
                day = beijing_now.date() + timedelta(days=ahead)
                number = await self._number(day)
                if number is None:
                    continue
                ebm_id = EbmId.build(self._platform, day, number)
                if ahead:
                    self._borrowed(ebm_id)
                return ebm_id
        raise StoreError(f"EBM numbers of {_BORROW_DAYS} days are used up")

    async def _number(self, day: date) -> int | None:
        key = f"ebm:{day:%Y%m%d}"
        first, end = self._blocks.get(key, (0, 0))
        if first >= end:
            if end > EbmId.MAX_SEQUENCE:
                return None
            first = max(1, await self._reserve(key, _EBM_BLOCK))
            end = first + _EBM_BLOCK
        self._blocks = {k: v for k, v in self._blocks.items() if k >= f"ebm:{day - timedelta(days=2):%Y%m%d}"}
        if first > EbmId.MAX_SEQUENCE:
            self._blocks[key] = (end, max(end, EbmId.MAX_SEQUENCE + 1))
            return None
        self._blocks[key] = (first + 1, end)
        return first
