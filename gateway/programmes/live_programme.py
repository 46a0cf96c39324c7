"""Live programme 直播节目: the signal, then a live source, and an announcement in its place where it is dead or silent.

No clock and no socket: time passes with the frames that are taken, 24 ms each. What was said while the signal sounded
is not lost: it waits, and all that follows is as much later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import GatewayError
from gateway.programmes.level import STEP
from gateway.programmes.live_options import LiveKind, LiveOptions, LivePhase
from gateway.programmes.live_queue import LiveQueue
from gateway.programmes.options import FRAME_SECONDS
from gateway.programmes.programme import Programme
from gateway.protocols.mpeg_audio import silent_frame

_ENDED: Final = ("直播结束", "the live input has ended")


@dataclass(frozen=True, slots=True)
class LiveHooks:
    """What a live programme tells.

    ``on_wrong`` is told what begins (True) and ends (False) to be wrong, ``on_live`` each frame of the source and
    ``on_air`` each frame that is sent; ``on_over`` once that nothing more is to come, with the reason in two languages.
    """

    on_wrong: Callable[[LiveKind, bool], None]
    on_live: Callable[[bytes], None]
    on_air: Callable[[bytes], None]
    on_over: Callable[[str, str], None]


class LiveProgramme(Programme):
    """What is on the air for a live message; ``fallback`` stands in for its source."""

    def __init__(
        self,
        name: str,
        signal: Sequence[bytes],
        turns: int,
        queue: LiveQueue,
        fallback: Programme,
        options: LiveOptions,
        hooks: LiveHooks,
        kbits: int = 64,
    ) -> None:
        super().__init__(name, signal, turns, kbits=kbits)
        self.phase = LivePhase.SIGNAL
        #: frames of silence that filled gaps of the source
        self.gaps = 0
        self._queue = queue
        self._fallback = fallback
        self._options = options
        self._hooks = hooks
        self._silence = silent_frame(kbits)
        self._heard = False
        #: frames since the source gave one, and how long it has given silence alone (seconds)
        self._dry = 0
        self._quiet = 0.0
        self._filling = True
        self._stood_in = 0
        self._wrong: set[LiveKind] = set()

    @property
    def body(self) -> tuple[bytes, ...]:
        """What an empty turn would be: words are there once the source was heard."""
        return (self._silence,) if self._heard else ()

    @property
    def delay(self) -> float:
        """Seconds of the source's sound that wait."""
        return self._queue.seconds

    def measured(self, rms: float) -> None:
        """The level of the source's sound (dBFS) in its last ``STEP`` seconds."""
        self._quiet = self._quiet + STEP if rms < self._options.silence_dbfs else 0.0

    def lose(self, problem: GatewayError) -> None:
        """Its source cannot be had: the announcement takes its place after the signal."""
        self.problem = problem
        self._dry = round(self._options.wait_seconds / FRAME_SECONDS)

    def rewind(self) -> None:
        """From the beginning of the signal again, as long as nothing but the signal was heard."""
        if self.phase is LivePhase.SIGNAL:
            super().rewind()

    def close(self) -> None:
        """It is off the air: nothing is wrong any more."""
        for kind in tuple(self._wrong):
            self._tell(kind, False)

    def take(self) -> bytes:
        """The next frame."""
        frame = self._next()
        self._hooks.on_air(frame)
        return frame

    def _next(self) -> bytes:
        self._dry = 0 if self._queue else self._dry + 1
        self._watch()
        if self.phase is LivePhase.SIGNAL:
            if self._at < len(self._cycle):
                return super().take()
            if self._queue.finished or self._may_begin():
                self._go_live()
            elif self._dry * FRAME_SECONDS >= self._options.wait_seconds:
                self._stand_in()
            else:
                return super().take()
        if self.phase is LivePhase.FALLBACK:
            return self._standing_in()
        if self.phase is LivePhase.LIVE:
            return self._live()
        return self._silence if self._queue.finished else self._fallback.take()

    def _may_begin(self) -> bool:
        """Whether enough waits to begin with: what comes unevenly is not to be heard so."""
        return self._queue.seconds >= self._options.buffer_seconds

    def _go_live(self) -> None:
        self.phase, self._filling = LivePhase.LIVE, False

    def _live(self) -> bytes:
        if self._filling and (self._queue.finished or self._may_begin()):
            self._filling = False
        frame = None if self._filling else self._queue.pop()
        if frame is not None:
            self._heard = True
            self._hooks.on_live(frame)
            return frame
        if self._queue.finished:
            return self._end()
        self._filling = True
        if self._dry * FRAME_SECONDS >= self._options.fallback_seconds:
            self._stand_in()
            return self._standing_in()
        self.gaps += 1
        return self._silence

    def _stand_in(self) -> None:
        self.phase, self._stood_in, self._filling = LivePhase.FALLBACK, 0, True
        self._fallback.rewind()

    def _standing_in(self) -> bytes:
        if LiveKind.SILENT in self._wrong:
            # What it sends is listened to, so that it is noticed when it is no silence any more.
            frame = self._queue.pop()
            if frame is not None:
                self._hooks.on_live(frame)
            elif self._queue.finished:
                return self._end()
        elif self._queue.finished or self._may_begin():
            self._go_live()
            return self._live()
        self._stood_in += 1
        if self._stood_in * FRAME_SECONDS >= self._options.end_seconds:
            seconds = self._options.end_seconds
            self._over(f"直播信号中断 {seconds:g} 秒", f"no live input for {seconds:g} s")
        return self._fallback.take()

    def _watch(self) -> None:
        """Tell what begins and what ends to be wrong."""
        if self.phase is LivePhase.OVER:
            return
        patience = self._options.stall_seconds if self._heard else self._options.wait_seconds
        self._tell(LiveKind.LOST, not self._queue.finished and self._dry * FRAME_SECONDS >= patience)
        silent = self._quiet >= self._options.silence_seconds
        self._tell(LiveKind.SILENT, silent)
        if silent and self.phase is LivePhase.LIVE:
            self._stand_in()

    def _end(self) -> bytes:
        self._over(*_ENDED)
        return self._silence

    def _over(self, zh: str, en: str) -> None:
        self.phase = LivePhase.OVER
        self.close()
        self._hooks.on_over(zh, en)

    def _tell(self, kind: LiveKind, active: bool) -> None:
        if active is (kind in self._wrong):
            return
        (self._wrong.add if active else self._wrong.discard)(kind)
        self._hooks.on_wrong(kind, active)
