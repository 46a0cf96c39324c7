"""Live sound over HTTP: pushed to us as the body of a request, or fetched from an address of the settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

import aiohttp

from gateway.errors import (
    EnvironmentLackingError,
    SoundError,
    SoundProgramFailed,
    StateConflictError,
    UnsupportedMediaError,
)
from gateway.programmes.live_encoder import LiveEncoder
from gateway.programmes.live_forms import LiveForm, form_of
from gateway.programmes.live_options import PullSource
from gateway.programmes.live_queue import LiveQueue
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox

#: Bytes that an encoder is given at once: half a second of mp3 at 64 kbit/s.
_PIECE: Final = 4096
#: Seconds until a far end must be connected, and until it must have sent something.
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 10.0
#: Seconds before a stream is fetched again, first and longest; one that ran for so long begins with the first.
_AGAIN, _AGAIN_LONGEST, _RAN = 0.5, 5.0, 30.0


async def pour(
    chunks: AsyncIterator[bytes], form: LiveForm, queue: LiveQueue, toolbox: Toolbox, options: SoundOptions
) -> None:
    """Encode what comes into a queue, as fast as it has room, to its end; errors of ``chunks`` pass through.

    Errors: EnvironmentLackingError, SoundProgramFailed where it is no sound of this form.
    """
    queue.begin()
    encoder = await LiveEncoder.open(toolbox, form, options, queue.push)
    try:
        async for chunk in chunks:
            for at in range(0, len(chunk), _PIECE):
                await queue.room()
                if not encoder.feed(chunk[at : at + _PIECE]):
                    await encoder.ended()
                    raise SoundProgramFailed("ffmpeg", "ended by itself")
                await encoder.drain()
        await encoder.finish()
    finally:
        await encoder.close()


class PushInput:
    """A source that sends sound as the body of a request: an operator's page, or an encoder."""

    def __init__(self, toolbox: Toolbox, options: SoundOptions) -> None:
        self._toolbox = toolbox
        self._options = options
        self._queue: LiveQueue | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether a request is being read."""
        return self._task is not None

    def attach(self, queue: LiveQueue) -> None:
        """What is sent from now on goes to this queue; a request for the one before ends."""
        self._queue = queue
        if self._task is not None:
            self._task.cancel()

    async def detach(self, queue: LiveQueue) -> None:
        """The message is over: the request that is being read ends."""
        if self._queue is queue:
            self._queue = None
            await self._end()

    async def receive(self, media_type: str, chunks: AsyncIterator[bytes]) -> bool:
        """Take one request's body to its end; whether that came, or the message's end, or a newer request before it.

        Errors: StateConflictError where no message listens, UnsupportedMediaError, and those of ``pour``.
        """
        queue = self._queue
        if queue is None:
            raise StateConflictError("没有消息使用此直播源 no live message listens to this source; begin one first")
        form = form_of(media_type)
        # A page that was loaded anew must not wait for the death of its connection before.
        await self._end()
        if self._queue is not queue:
            raise StateConflictError("消息已结束 the message is over")
        task = asyncio.get_running_loop().create_task(
            pour(chunks, form, queue, self._toolbox, self._options), name="live push"
        )
        self._task = task
        try:
            await asyncio.wait({task})
        finally:
            if self._task is task:
                self._task = None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if task.cancelled():
            return False
        task.result()
        queue.finish()
        return True

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class PullInput:
    """A stream that is fetched while a message listens; again when it ends. ``on_problem`` as of ``RtpInput``."""

    def __init__(
        self,
        source: PullSource,
        toolbox: Toolbox,
        options: SoundOptions,
        on_problem: Callable[[SoundError | None], None],
    ) -> None:
        self._source = source
        self._toolbox = toolbox
        self._options = options
        self._on_problem = on_problem
        self._queue: LiveQueue | None = None
        self._task: asyncio.Task[None] | None = None
        #: whether the far end answers
        self.connected = False

    def attach(self, queue: LiveQueue) -> None:
        """Begin to fetch."""
        before, self._queue = self._task, queue
        if before is not None:
            before.cancel()
        self._task = asyncio.get_running_loop().create_task(self._run(queue), name="live pull")

    async def detach(self, queue: LiveQueue) -> None:
        """Fetch no more."""
        if self._queue is not queue:
            return
        self._queue = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, queue: LiveQueue) -> None:
        pause = _AGAIN
        limits = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS)
        async with aiohttp.ClientSession(timeout=limits, trust_env=False) as client:
            while True:
                began = time.monotonic()
                try:
                    await self._fetch(client, queue)
                    problem = SoundError("直播流已断开 the stream has ended")
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    problem = SoundError(f"直播流无法读取 cannot be fetched: {type(error).__name__} {error}".strip())
                except (SoundError, UnsupportedMediaError, EnvironmentLackingError) as error:
                    problem = SoundError(str(error))
                finally:
                    self.connected = False
                self._on_problem(problem)
                pause = _AGAIN if time.monotonic() - began >= _RAN else min(2 * pause, _AGAIN_LONGEST)
                await asyncio.sleep(pause)

    async def _fetch(self, client: aiohttp.ClientSession, queue: LiveQueue) -> None:
        # A redirection could lead to an address that nobody allowed.
        async with client.get(self._source.url, allow_redirects=False) as response:
            if response.status != 200:
                raise SoundError(f"直播流应答 {response.status} the far end answers {response.status}")
            form = form_of(self._source.media_type or response.headers.get("Content-Type", ""))
            self.connected = True

            async def chunks() -> AsyncGenerator[bytes, None]:
                async for chunk in response.content.iter_any():
                    self._on_problem(None)
                    yield chunk

            async with aclosing(chunks()) as coming:
                await pour(coming, form, queue, self._toolbox, self._options)
