"""What is due when 到期表: one heap for the whole fleet, driven by whoever owns the clock."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any


class Agenda:
    """Calls to be made, by time. Nothing is taken back: a call that is no longer wanted must notice so itself."""

    __slots__ = ("_entries", "_numbers")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def next_due(self) -> float:
        """When the next call is due; infinity when there is none."""
        return self._entries[0][0] if self._entries else inf

    def at(self, due: float, call: Callable[..., None], *arguments: Any) -> None:
        """Enter ``call`` for ``due`` (same clock as ``run``); calls of one time run in the order entered."""
        heappush(self._entries, (due, next(self._numbers), call, arguments))

    def run(self, now: float, limit: int = 1000) -> int:
        """Make the calls due by ``now``, at most ``limit`` of them; return how many were made."""
        entries, made = self._entries, 0
        while entries and entries[0][0] <= now and made < limit:
            _, _, call, arguments = heappop(entries)
            call(*arguments)
            made += 1
        return made
