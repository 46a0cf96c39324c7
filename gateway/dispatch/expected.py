"""Expected 应有心跳: publishers of whom something must be heard every so often; silence is an alarm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from gateway.dispatch.alarms import AlarmLevel, Alarms

_ALARM: Final = "publisher_silent"
_LOOK: Final = 1.0


class Expected:
    """``every``: seconds within which each must be heard, by name; ``clock`` is monotonic."""

    def __init__(self, every: Mapping[str, float], alarms: Alarms, clock: Callable[[], float]) -> None:
        self._every = dict(every)
        self._alarms = alarms
        self._clock = clock
        self._last = dict.fromkeys(self._every, clock())
        self._silent: set[str] = set()

    @property
    def silent(self) -> frozenset[str]:
        """Those of whom nothing was heard in time."""
        return frozenset(self._silent)

    def heard(self, name: str) -> None:
        """Something came from this publisher."""
        if name not in self._every:
            return
        self._last[name] = self._clock()
        if name in self._silent:
            self._silent.discard(name)
            self._alarms.clear(_ALARM, name)

    def look(self) -> None:
        """Raise an alarm for each that has fallen silent."""
        now = self._clock()
        for name, seconds in self._every.items():
            if name not in self._silent and now - self._last[name] > seconds:
                self._silent.add(name)
                words = f"发布者 {name} 已 {seconds:g} 秒无消息 nothing was heard of this publisher"
                self._alarms.raise_(_ALARM, name, words, AlarmLevel.CRITICAL)

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look again and again, until cancelled."""
        while True:
            await pause(_LOOK)
            self.look()
