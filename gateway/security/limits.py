"""How often a failure may be written down: a flood of bad signatures must not become a flood of log lines."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, NamedTuple

from gateway.errors import InvalidValueError

MAX_SOURCES: Final = 4096


class Notice(NamedTuple):
    """Whether to log this one, and how many of the same source were passed over since the last that was."""

    log: bool
    suppressed: int


class OncePerSource:
    """Lets one event of each source through per ``interval`` seconds and counts them all.

    ``now`` is monotonic seconds. Remembers at most ``limit`` sources; the one silent for longest is forgotten first,
    so that a sender that changes its address costs log lines and not memory.
    """

    def __init__(self, interval: float, *, limit: int = MAX_SOURCES) -> None:
        if interval <= 0 or limit < 1:
            raise InvalidValueError("log interval", (interval, limit), "seconds and limit must be above 0")
        self._interval, self._limit = interval, limit
        self._sources: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()
        self._total = 0

    @property
    def total(self) -> int:
        """All events since the start, logged or not."""
        return self._total

    def note(self, source: Hashable, now: float) -> Notice:
        """Count one event of ``source`` and say whether to log it."""
        self._total += 1
        logged, suppressed = self._sources.pop(source, (None, 0))
        if logged is not None and 0 <= now - logged < self._interval:
            self._sources[source] = (logged, suppressed + 1)
            return Notice(False, suppressed + 1)
        self._sources[source] = (now, 0)
        if len(self._sources) > self._limit:
            self._sources.popitem(last=False)
        return Notice(True, suppressed)
