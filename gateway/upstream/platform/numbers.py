"""Numbers of our packages 数据包编号: rising for each of our codes, never one twice, over restarts (083 table 4)."""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.dispatch.numbers import Reserve
from gateway.protocols.platform.ids import EbdId, PlatformCode

_BLOCK: Final = 256


class PackageNumbers:
    """EBDIDs, reserved durably in blocks before they are used."""

    def __init__(self, reserve: Reserve) -> None:
        self._reserve = reserve
        self._blocks: dict[PlatformCode, tuple[int, int]] = {}
        self._lock = asyncio.Lock()

    async def take(self, source: PlatformCode) -> EbdId:
        """The next number of a package of ours. Errors: StoreError."""
        async with self._lock:
            number, end = self._blocks.get(source, (0, 0))
            if number >= end:
                number = await self._reserve(f"ebd {source}", _BLOCK)
                end = number + _BLOCK
            self._blocks[source] = number + 1, end
        return EbdId.build(source, number)
