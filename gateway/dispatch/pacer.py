"""One due-time heap that paces every delivery: answers awaited, back-offs, starts and ends of air time.

One timer of the loop and no task for each terminal; a whole order of thousands of terminals is one entry.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    """What a scheduled call can do."""

    def cancel(self) -> None:
        """Never call it."""


class Timer(Protocol):
    """The part of an event loop that the pacer needs; tests hand in one whose time they move."""

    def time(self) -> float:
        """Monotonic seconds."""

    def call_at(self, when: float, callback: Callable[[], object]) -> TimerHandle:
        """Call back at that time."""


class Pacer:
    """Calls back at due times, in order of time and then of asking."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._counter = 0
        self._handle: TimerHandle | None = None
        self._armed_for = 0.0
        self._closed = False

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` once, ``seconds`` from now (0 or less: at the next turn of the loop)."""
        if self._closed:
            return
        self._counter += 1
        due = self._timer.time() + max(0.0, seconds)
        heapq.heappush(self._heap, (due, self._counter, callback))
        self._arm()

    def close(self) -> None:
        """Forget everything, and take nothing more: what still ends elsewhere must leave no timer behind."""
        self._closed = True
        self._heap.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        if not self._heap:
            return
        due = self._heap[0][0]
        if self._handle is not None:
            if self._armed_for <= due:
                return
            self._handle.cancel()
        self._armed_for = due
        self._handle = self._timer.call_at(due, self._run)

    def _run(self) -> None:
        self._handle = None
        now = self._timer.time()
        try:
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2]()
        finally:
            self._arm()
