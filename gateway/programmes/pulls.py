"""HTTP pull for terminals behind NAT: an endless mp3 stream for each listener, with a bounded buffer.

An HTTP handler writes what ``async for chunk in pull`` gives, as ``audio/mpeg``. Who does not read is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from gateway.programmes.outlets import frames_in_packet


class Pull:
    """One listener; iterate over it, and ``close`` it when its connection is gone."""

    def __init__(self, most: int, on_close: Callable[[Pull], None]) -> None:
        self._chunks: deque[bytes] = deque()
        self._most = most
        self._on_close = on_close
        self._wake = asyncio.Event()
        self._over = False
        #: whether it was dropped because it did not read
        self.dropped = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next chunk; the iteration ends with the programme, or when the listener was too slow."""
        while not self._chunks:
            if self._over:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._chunks.popleft()

    def offer(self, chunk: bytes) -> bool:
        """Hand a chunk over; False when the buffer is full, whereupon the listener is dropped with what waits."""
        if len(self._chunks) >= self._most:
            self.dropped = True
            self._chunks.clear()
            self.end()
            return False
        self._chunks.append(chunk)
        self._wake.set()
        return True

    def end(self) -> None:
        """No more comes; what waits is still read."""
        self._over = True
        self._wake.set()

    def close(self) -> None:
        """The listener is gone."""
        self.end()
        self._on_close(self)


class PullOutlet:
    """Frames for all listeners of a programme; chunks are shared, not copied."""

    def __init__(self, kbits: int, buffer_seconds: float, on_drop: Callable[[], None]) -> None:
        self._count = frames_in_packet(kbits)
        self._most = max(2, round(buffer_seconds / (self._count * 0.024)))
        self._frames: list[bytes] = []
        self._pulls: set[Pull] = set()
        self._on_drop = on_drop

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._pulls)

    def pull(self) -> Pull:
        """A new listener; it hears what comes from now on."""
        made = Pull(self._most, self._pulls.discard)
        self._pulls.add(made)
        return made

    def push(self, frame: bytes) -> None:
        """One frame more."""
        self._frames.append(frame)
        if len(self._frames) == self._count:
            self._hand_out()

    def finish(self) -> None:
        """Hand out what is left, and end every listener's stream."""
        self._hand_out()
        for pull in self._pulls:
            pull.end()
        self._pulls.clear()

    def _hand_out(self) -> None:
        if not self._frames:
            return
        chunk = b"".join(self._frames)
        self._frames.clear()
        for pull in [pull for pull in self._pulls if not pull.offer(chunk)]:
            self._pulls.discard(pull)
            self._on_drop()
