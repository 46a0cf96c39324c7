"""One programme on the air: a timer that takes a frame every 24 ms and hands it to every outlet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from gateway.programmes.events import SoundKind
from gateway.programmes.options import FRAME_SECONDS
from gateway.programmes.programme import Programme

#: Frames that a late timer makes good at once (a quarter of a second); what is beyond is a gap that was heard.
MOST_AT_ONCE: Final = 10


class Outlet(Protocol):
    """Where frames go."""

    def push(self, frame: bytes) -> None:
        """One frame more."""

    def finish(self) -> None:
        """No more come: send what is left, and close."""


class Timers(Protocol):
    """What a broadcast needs of the loop."""

    def time(self) -> float:
        """Seconds of a monotonic clock."""

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call at a time of that clock."""


class Broadcast:
    """A programme that sounds from ``start`` to ``stop``, in time with the loop's monotonic clock.

    Start it before the start frame goes out and stop it after the stop: a terminal never finds silence.
    """

    def __init__(self, programme: Programme, outlets: Iterable[Outlet], timers: Timers | None = None) -> None:
        self.programme = programme
        self._outlets = tuple(outlets)
        self._timer: asyncio.TimerHandle | None = None
        self._timers: Timers = timers or asyncio.get_running_loop()
        self._began = 0.0
        self._over = False
        #: frames handed out since the start, and those that a standstill of the loop cost
        self.frames = 0
        self.missed = 0

    @property
    def on_air(self) -> bool:
        """Whether it sounds."""
        return self._timer is not None

    def start(self) -> None:
        """Begin: the first frame is handed out before this returns. Once only; a programme is stopped for good."""
        if self._over or self._timer is not None:
            return
        self._began = self._timers.time()
        self._tick()

    def stop(self) -> None:
        """End at the next frame's edge: every receiver gets what it has not had yet. Again is no harm."""
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for outlet in self._outlets:
            outlet.finish()

    def _tick(self) -> None:
        now = self._timers.time()
        # The frame whose timer this is is due, whatever the rounding says.
        due = max(1, int((now - self._began) / FRAME_SECONDS) + 1 - self.frames - self.missed)
        if due > MOST_AT_ONCE:
            self.missed += due - MOST_AT_ONCE
            lost = (due - MOST_AT_ONCE) * FRAME_SECONDS
            self.programme.tell(
                SoundKind.STALLED, f"推流停顿 {lost:.1f} 秒", f"the stream stood still for {lost:.1f} s"
            )
            due = MOST_AT_ONCE
        for _ in range(due):
            frame = self.programme.take()
            self.frames += 1
            for outlet in self._outlets:
                outlet.push(frame)
        self._timer = self._timers.call_at(self._began + (self.frames + self.missed) * FRAME_SECONDS, self._tick)
