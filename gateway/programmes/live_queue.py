"""Frames of a live source that wait for their turn on the air: bounded, counted, and told when they have ended."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from gateway.programmes.options import FRAME_SECONDS

#: Seconds of sound beyond which a source that can wait (HTTP) is not read.
AHEAD = 2.0


class LiveQueue:
    """Frames between a source and a programme; of a source that cannot wait at most ``most`` seconds."""

    def __init__(self, most: float) -> None:
        self._frames: deque[bytes] = deque()
        self._most = round(most / FRAME_SECONDS)
        self._ahead = round(AHEAD / FRAME_SECONDS)
        self._room = asyncio.Event()
        self._room.set()
        #: frames that were dropped because there were too many
        self.dropped = 0
        #: the source said that it is at its end
        self.finished = False

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def seconds(self) -> float:
        """Seconds of sound that wait."""
        return len(self._frames) * FRAME_SECONDS

    def push(self, frames: Sequence[bytes]) -> None:
        """Take frames of a source that waits for ``room``."""
        self._frames.extend(frames)
        if len(self._frames) > self._ahead:
            self._room.clear()

    def push_live(self, frames: Sequence[bytes]) -> None:
        """Take frames of a source that waits for nobody: of too many the oldest go."""
        self.push(frames)
        while len(self._frames) > self._most:
            self._frames.popleft()
            self.dropped += 1

    def pop(self) -> bytes | None:
        """The next frame; None where none waits."""
        if not self._frames:
            return None
        frame = self._frames.popleft()
        if len(self._frames) <= self._ahead:
            self._room.set()
        return frame

    async def room(self) -> None:
        """Wait until more may come."""
        await self._room.wait()

    def begin(self) -> None:
        """The source begins, or begins again."""
        self.finished = False

    def finish(self) -> None:
        """The source has said all."""
        self.finished = True
