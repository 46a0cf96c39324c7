"""Serving appendix A 附录 A 服务端: short TCP connections on which whole frames come and answers go back (A.2)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import structlog

from gateway.errors import EnvironmentLackingError, FrameError, GatewayError, LinkError, OverloadedError, StoreError
from gateway.protocols.framing import Fault, Frame, Kind, StreamFramer
from gateway.security.limits import OncePerSource

log = structlog.get_logger(__name__)

#: Frames whose answers are given again when the same bytes come once more.
_ANSWERS_KEPT: Final = 512
#: Seconds until the next try where a connection could not be accepted.
_ACCEPT_AGAIN: Final = 1.0


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Times in seconds, sizes in bytes; ``max_large`` is for frames that the tables let grow (texts, certificates)."""

    max_frame: int = 4096
    max_large: int = 65535
    #: a connection on which nothing came for so long is closed
    idle: float = 30.0
    connections: int = 256


class AdapterServer:
    """One port. ``take`` returns the answer to a whole frame, ``refuse`` that to one that could not be taken.

    A frame that comes again, byte for byte, gets the answer that it got: ``take`` is asked once. What it raises as
    OverloadedError or StoreError leaves the frame without an answer, so that its sender says it again.
    """

    def __init__(
        self,
        take: Callable[[bytes, str], Awaitable[bytes]],
        refuse: Callable[[FrameError], Awaitable[bytes]],
        limits: ServerLimits,
        monotonic: Callable[[], float],
    ) -> None:
        self._take, self._refuse = take, refuse
        self._limits = limits
        self._monotonic = monotonic
        self._socket: socket.socket | None = None
        self._listener: asyncio.Task[None] | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._answers: OrderedDict[bytes, asyncio.Future[bytes]] = OrderedDict()
        self._logged = OncePerSource(60.0)

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; returns the port's number. Errors: EnvironmentLackingError."""
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.create_server((host, port), family=family)
        except OSError as error:
            raise EnvironmentLackingError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        sock.setblocking(False)
        self._socket = sock
        self._listener = asyncio.create_task(self._listen(sock, tls), name="appendix A port")
        number: int = sock.getsockname()[1]
        return number

    async def close(self) -> None:
        """Close port and connections; what was not answered its sender says again."""
        if self._listener is None or self._socket is None:
            return
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        self._socket.close()
        # Whoever was accepted in this very turn begins, so that it can end in order.
        await asyncio.sleep(0)
        running = tuple(self._serving)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _listen(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Accept by ourselves: asyncio's server leaks what it has just accepted when it closes (Python 3.11)."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(sock)
            except OSError as error:
                # No more open files, say: those that are served go on, and some will end.
                self._complain("", OverloadedError(f"cannot accept: {error.strerror}"))
                await asyncio.sleep(_ACCEPT_AGAIN)
                continue
            task = loop.create_task(self._accepted(accepted, tls), name="appendix A connection")
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def _accepted(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=tls)
        except OSError as error:
            self._complain("", LinkError(f"TLS: {error}"))
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        name = writer.get_extra_info("peername") or ("?", 0)
        peer = f"{name[0]}:{name[1]}"
        try:
            if len(self._serving) > self._limits.connections:
                raise OverloadedError("too many connections of appendix A")
            await self._serve(reader, writer, peer)
            writer.close()
        except (OSError, TimeoutError, OverloadedError, StoreError) as error:
            if isinstance(error, GatewayError):
                self._complain(peer, error)
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
            raise

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        framer = StreamFramer(self._limits.max_frame, self._limits.max_large, adapters=True)
        while True:
            async with asyncio.timeout(self._limits.idle):
                data = await reader.read(65536)
            for item in framer.feed(data) if data else framer.finish():
                frame = await self._one(item, peer)
                if frame:
                    writer.write(frame)
                    async with asyncio.timeout(self._limits.idle):
                        await writer.drain()
            if not data:
                return

    async def _one(self, item: Frame | Fault, peer: str) -> bytes:
        """The answer to what came, empty where none is due."""
        if isinstance(item, Fault):
            self._complain(peer, item.error)
            tells = item.head is not None and item.head.kind is Kind.ADAPTER
            return await self._refuse(item.error) if tells else b""
        if item.kind is not Kind.ADAPTER:
            return b""
        try:
            return await self._answered(item.raw, peer)
        except FrameError as error:
            self._complain(peer, error)
            return await self._refuse(error)

    async def _answered(self, raw: bytes, peer: str) -> bytes:
        """Answer a frame; the same bytes again wait for the same answer."""
        key = sha256(raw).digest()
        known = self._answers.get(key)
        if known is not None:
            return await asyncio.shield(known)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[key] = answer
        if len(self._answers) > _ANSWERS_KEPT:
            self._answers.popitem(last=False)
        try:
            frame = await self._take(raw, peer)
        except BaseException as error:
            self._answers.pop(key, None)
            if isinstance(error, GatewayError):
                answer.set_exception(error)
                # Whoever waits for it is told; here it is only marked as seen.
                answer.exception()
            else:
                answer.cancel()
            raise
        answer.set_result(frame)
        return frame

    def _complain(self, peer: str, error: GatewayError) -> None:
        notice = self._logged.note((peer.rpartition(":")[0], error.code), self._monotonic())
        if notice.log:
            log.warning(
                "frame refused", peer=peer, code=error.code, reason=str(error), unlogged_before=notice.suppressed
            )
