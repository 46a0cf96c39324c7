"""Programme 节目: which frame is next. The signal at once, the words when they are ready, live input while it lasts.

No clock and no socket: a broadcast asks for a frame every 24 ms, and gets one every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from gateway.errors import GatewayError
from gateway.programmes.events import OnSound, SoundEvent, SoundKind, silent
from gateway.protocols.mpeg_audio import silent_frame


class LiveSource(Protocol):
    """Frames of live input."""

    def take(self) -> bytes | None:
        """The next frame; None while there is none."""

    @property
    def lost(self) -> str:
        """Why nothing more comes, as far as it is known; empty while it lives."""


class Programme:
    """What is on the air for one message, repeated until its broadcast is stopped.

    ``opening`` is one turn of the signal; it repeats until ``set_body`` brings the words, which begin at the end of a
    turn. From then on body and ``refrain`` (the whole signal) take turns.
    """

    def __init__(
        self,
        name: str,
        opening: Sequence[bytes],
        refrain: Sequence[bytes] = (),
        on_event: OnSound = silent,
        kbits: int = 64,
    ) -> None:
        self.name = name
        self.problems: list[GatewayError] = []
        self._opening = tuple(opening) or (silent_frame(kbits),)
        self._refrain = tuple(refrain)
        self._silence = silent_frame(kbits)
        self._body: tuple[bytes, ...] = ()
        self._cycle: tuple[bytes, ...] = self._opening
        self._at = 0
        self._live: LiveSource | None = None
        self._live_began = False
        self._settled = asyncio.Event()
        self._tell = on_event

    @property
    def has_words(self) -> bool:
        """Whether speech or a recording is ready, and not only the signal."""
        return bool(self._body)

    @property
    def is_live(self) -> bool:
        """Whether live input is on the air."""
        return self._live is not None and self._live_began

    @property
    def body(self) -> tuple[bytes, ...]:
        """Frames of the words: repeats and gaps included, empty until they are ready."""
        return self._body

    async def settled(self) -> bool:
        """Wait until the words are ready (True), or it is certain that none will come (False; see ``problems``)."""
        await self._settled.wait()
        return self.has_words

    def set_body(self, frames: Sequence[bytes]) -> None:
        """The words are ready: they begin at the end of the signal's present turn."""
        self._body = tuple(frames)
        self._settled.set()
        self.tell(SoundKind.READY, "节目已就绪", "the words are ready")

    def give_up(self) -> None:
        """No words will come: the signal goes on."""
        self._settled.set()

    def switch_to(self, live: LiveSource) -> None:
        """Put live input on the air 应急切播 as soon as it delivers; until then the programme goes on."""
        self._live, self._live_began = live, False

    def switch_back(self) -> None:
        """Take live input off the air; the programme begins its words anew, for who heard half heard nothing."""
        if self._live is not None:
            self._live = None
            self._rewind()
            self.tell(SoundKind.LIVE_OFF, "直播切入已结束，恢复节目", "live input is off, the programme is back")

    def take(self) -> bytes:
        """The next frame."""
        if self._live is not None:
            frame = self._take_live(self._live)
            if frame is not None:
                return frame
        if self._at >= len(self._cycle) or (self._at == 0 and self._cycle is self._opening):
            self._rewind()
        frame = self._cycle[self._at]
        self._at += 1
        return frame

    def tell(self, kind: SoundKind, zh: str, en: str) -> None:
        """Report an event of this programme."""
        self._tell(SoundEvent(kind, self.name, zh, en))

    def _rewind(self) -> None:
        self._cycle = self._body + self._refrain if self._body else self._opening
        self._at = 0

    def _take_live(self, live: LiveSource) -> bytes | None:
        frame = live.take()
        if frame is not None:
            if not self._live_began:
                self._live_began = True
                self.tell(SoundKind.LIVE_ON, "直播切入", "live input is on the air")
            return frame
        if live.lost:
            self._live = None
            self._rewind()
            self.tell(SoundKind.LIVE_LOST, f"直播信号丢失，恢复节目：{live.lost}", f"live input is lost: {live.lost}")
            return None
        return self._silence if self._live_began else None
