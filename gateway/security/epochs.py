"""Signing epochs: one frame for each (order, profile, epoch), however many terminals ask for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from gateway.errors import InvalidValueError

#: Seconds after which a frame is signed anew: a terminal that returns late would refuse an old SigTime.
EPOCH_SECONDS: Final = 60.0
MAX_EPOCHS: Final = 4096

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class EpochCache(Generic[K, T]):
    """Values that live for one epoch. An epoch begins when its first value is asked for, not by the wall clock.

    ``now`` is monotonic seconds. Used from one thread. At most ``limit`` values; the oldest leaves first.
    """

    def __init__(self, *, epoch: float = EPOCH_SECONDS, limit: int = MAX_EPOCHS) -> None:
        if epoch <= 0 or limit < 1:
            raise InvalidValueError("signing epoch", (epoch, limit), "seconds and limit must be above 0")
        self._epoch, self._limit = epoch, limit
        self._held: OrderedDict[K, tuple[float, T]] = OrderedDict()  # in order of beginning

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: K, now: float, make: Callable[[], T]) -> T:
        """The running epoch's value, else that of ``make()``, with which one begins; what it raises begins none."""
        self._drop_old(now)
        held = self._held.get(key)
        if held is not None and self._running(held[0], now):
            return held[1]
        value = make()
        self._held.pop(key, None)
        self._held[key] = (now, value)
        if len(self._held) > self._limit:
            self._held.popitem(last=False)
        return value

    def forget(self, wanted: Callable[[K], bool]) -> None:
        """End the epochs of these keys now: an answer that asks for a new session needs a new signature."""
        for key in [key for key in self._held if wanted(key)]:
            del self._held[key]

    def _drop_old(self, now: float) -> None:
        while self._held:
            key, (begun, _) = next(iter(self._held.items()))
            if self._running(begun, now):
                return
            del self._held[key]

    def _running(self, begun: float, now: float) -> bool:
        # Not below 0: were the clock set back, a value would live until it had caught up.
        return 0 <= now - begun < self._epoch
