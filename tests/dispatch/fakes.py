"""Time that the test moves."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Call:
    """A scheduled call."""

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeTimer:
    """The part of a loop that the pacer needs; ``advance`` runs what falls due."""

    def __init__(self) -> None:
        self.now = 100.0
        self._calls: list[tuple[float, int, Call, Callable[[], object]]] = []

    @property
    def armed(self) -> int:
        return sum(1 for _, _, call, _ in self._calls if not call.cancelled)

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> Call:
        call = Call()
        heapq.heappush(self._calls, (when, len(self._calls), call, callback))
        return call

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while self._calls and self._calls[0][0] <= until:
            when, _, call, callback = heapq.heappop(self._calls)
            if not call.cancelled:
                self.now = max(self.now, when)
                callback()
        self.now = until
