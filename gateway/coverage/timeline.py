"""The timeline 时间线 of one message: how its sums grew, in at most 500 points whatever the number of receipts.

Time is cut into buckets; a bucket gives one point, what was true at its last change. When the points become too many
the buckets double, and of those that fall together the latest stays: sums only grow, so it says most.
"""

from __future__ import annotations

import math
from typing import Generic, TypeVar

#: Most points a timeline may show (design.md 5, the coverage call).
LIMIT = 500

#: Width of a bucket to begin with, in seconds.
FIRST_STEP = 0.02

Sums = TypeVar("Sums")


class Timeline(Generic[Sums]):
    """Points ``(t, sums)`` from ``origin`` on: ``t`` in Unix seconds, never falling; at most ``limit`` (3 or more)."""

    __slots__ = ("_limit", "_origin", "_points", "_step", "due")

    def __init__(self, origin: float, zero: Sums, *, limit: int = LIMIT) -> None:
        self._origin = origin
        self._step = FIRST_STEP
        #: A change at or after this instant begins a new bucket; ``turn`` must be called before it is counted.
        self.due = origin + FIRST_STEP
        self._points: list[tuple[float, Sums]] = [(origin, zero)]
        self._limit = limit

    def turn(self, changed: float, sums: Sums, at: float) -> None:
        """Close the open bucket, whose last change was ``changed``, and begin the one that holds ``at``."""
        if sums != self._points[-1][1]:
            self._points.append((changed, sums))
            # One place is kept for the bucket that is still open.
            while len(self._points) >= self._limit:
                self._widen()
        due = self._origin + (self._bucket(at) + 1) * self._step
        # At the very edge of a bucket the division may fall just short of it.
        self.due = due if due > at else due + self._step

    def points(self, changed: float, sums: Sums) -> tuple[tuple[float, Sums], ...]:
        """Every point; the open bucket, last changed at ``changed``, is the last one."""
        if sums == self._points[-1][1]:
            return tuple(self._points)
        return (*self._points, (changed, sums))

    def _bucket(self, at: float) -> int:
        return math.floor((at - self._origin) / self._step)

    def _widen(self) -> None:
        self._step *= 2
        first, *rest = self._points
        self._points = [first, *{self._bucket(point[0]): point for point in rest}.values()]
