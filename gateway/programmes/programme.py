"""Programme 节目: which frame is next. The signal, whole and at once; then the words, or the signal until they come.

No clock and no socket: a broadcast asks for a frame every 24 ms, and gets one every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.errors import GatewayError
from gateway.programmes.events import OnSound, SoundEvent, SoundKind, silent
from gateway.protocols.mpeg_audio import silent_frame


class Programme:
    """What is on the air for one message, repeated until its broadcast is stopped.

    ``signal`` is one turn of the signal, which sounds ``turns`` times before the words. Words that are late begin at
    the end of a turn. From then on words and signal follow each other. Without a signal there is silence instead.
    """

    def __init__(
        self, name: str, signal: Sequence[bytes], turns: int = 1, on_event: OnSound = silent, kbits: int = 64
    ) -> None:
        self.name = name
        #: why there are no words, when it is certain that none will come
        self.problem: GatewayError | None = None
        self._turn = tuple(signal) or (silent_frame(kbits),)
        self._signal = tuple(signal) * turns
        self._body: tuple[bytes, ...] = ()
        self._cycle = self._signal or self._turn
        self._at = 0
        self._settled = asyncio.Event()
        self._on_event = on_event

    @property
    def body(self) -> tuple[bytes, ...]:
        """Frames of the words, with repeats and gaps; empty until they are ready."""
        return self._body

    async def settled(self) -> bool:
        """Wait until the words are ready (True), or it is certain that none will come (False; see ``problem``)."""
        await self._settled.wait()
        return bool(self._body)

    def set_body(self, frames: Sequence[bytes]) -> None:
        """The words are ready: they begin at the end of the signal's present turn. Errors: ValueError for no frame."""
        if not frames:
            raise ValueError("words of no length")
        self._body = tuple(frames)
        self._settled.set()
        self.tell(SoundKind.READY, "节目已就绪", "the words are ready")

    def give_up(self, problem: GatewayError) -> None:
        """No words will come: the signal goes on."""
        self.problem = problem
        self._settled.set()

    def once(self) -> bytes:
        """Signal and words, once through."""
        return b"".join((*self._signal, *self._body))

    def take(self) -> bytes:
        """The next frame."""
        if self._at == len(self._cycle):
            self._cycle, self._at = self._following(), 0
        frame = self._cycle[self._at]
        self._at += 1
        return frame

    def rewind(self) -> None:
        """From the beginning of the signal again, words or not."""
        self._cycle, self._at = self._signal or self._body or self._turn, 0

    def tell(self, kind: SoundKind, zh: str, en: str) -> None:
        """Report an event of this programme."""
        self._on_event(SoundEvent(kind, self.name, zh, en))

    def _following(self) -> tuple[bytes, ...]:
        if not self._body:
            return self._turn
        return self._signal if self._signal and self._cycle is self._body else self._body
