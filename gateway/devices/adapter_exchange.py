"""Exchanges with an adapter 适配器: a short TCP connection for each request and its answer (GD/J 089-2018 A.2)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from gateway.errors import FrameError, LinkError
from gateway.protocols.framing import Fault, Frame, Kind, StreamFramer

T = TypeVar("T")

#: Longest answer taken, bytes: records of an adapter may be many (table A.30).
MAX_ANSWER: Final = 1 << 20
#: First and longest wait between two tries, seconds.
_PAUSE_FIRST, _PAUSE_LONGEST = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where a peer listens, how many seconds a try may take, and how many tries there are.

    ``tls`` where the connection is to be secured; the peer's certificate must be made out to ``name``, or to ``host``.
    """

    host: str
    port: int
    seconds: float
    tries: int
    tls: ssl.SSLContext | None = None
    name: str = ""

    @property
    def peer(self) -> str:
        """The far end, for receipts and logs."""
        return f"{self.host}:{self.port}"

    async def ask(self, frame: bytes, read: Callable[[bytes], T], leaving: Callable[[], None] = lambda: None) -> T:
        """Send ``frame`` and return what ``read`` makes of the answer; what fails is tried again with the same bytes.

        ``leaving`` is called right before the first byte of each try and may raise to keep it back. Errors: LinkError,
        or the FrameError of the last try; whatever else ``leaving`` or ``read`` raise ends the exchange at once.
        """
        tries = AsyncRetrying(
            stop=stop_after_attempt(self.tries),
            wait=wait_exponential(multiplier=_PAUSE_FIRST, max=_PAUSE_LONGEST),
            retry=retry_if_exception_type((LinkError, FrameError)),
            reraise=True,
        )
        async for attempt in tries:
            with attempt:
                return await self._once(frame, read, leaving)
        raise AssertionError("the last try raises")

    async def _once(self, frame: bytes, read: Callable[[bytes], T], leaving: Callable[[], None]) -> T:
        try:
            async with asyncio.timeout(self.seconds):
                reader, writer = await asyncio.open_connection(
                    self.host,
                    self.port,
                    ssl=self.tls,
                    server_hostname=self.name or self.host if self.tls else None,
                )
                try:
                    leaving()
                    writer.write(frame)
                    answer = await _one_frame(reader)
                except BaseException:
                    # What lies unsent for a peer that does not read must not keep the connection.
                    writer.transport.abort()
                    raise
                writer.close()
        except TimeoutError:
            raise LinkError(f"{self.peer}: {self.seconds:g} 秒内无应答 no answer in time") from None
        except ssl.SSLError as error:
            raise LinkError(f"{self.peer}: TLS 失败 {error.reason or error}") from error
        except OSError as error:
            raise LinkError(f"{self.peer}: 连接失败 {error.strerror or error}") from error
        return read(answer)


async def _one_frame(reader: asyncio.StreamReader) -> bytes:
    """The first whole frame of appendix A. Errors: FrameError of a frame that came broken or cut, LinkError."""
    framer = StreamFramer(max_large=MAX_ANSWER, adapters=True)
    noise: FrameError | None = None
    while data := await reader.read(65536):
        for item in framer.feed(data):
            if isinstance(item, Frame) and item.kind is Kind.ADAPTER:
                return item.raw
            if isinstance(item, Fault):
                if item.head is not None:
                    raise item.error
                noise = noise or item.error
    for item in framer.finish():
        if isinstance(item, Fault):
            raise item.error
    raise noise or LinkError("对端未应答即关闭连接 closed without an answer")
