"""A listening port of an emulated adapter: each connection is a task, and ends with the port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from gateway.errors import EnvironmentLackingError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Port:
    """Accepts by itself and at once: asyncio's server leaks what it has just accepted when it closes (Python 3.11).

    So does a task that is cancelled while it takes a connection.
    """

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, host: str, port: int) -> int:
        """Listen; returns the port's number. Errors: EnvironmentLackingError."""
        try:
            self._socket = sock = socket.create_server((host, port))
        except OSError as error:
            raise EnvironmentLackingError(f"{host}:{port}: {error}") from error
        sock.setblocking(False)
        asyncio.get_running_loop().add_reader(sock, self._accept, sock)
        number: int = sock.getsockname()[1]
        return number

    async def close(self) -> None:
        """End port and connections; again is no error."""
        sock, self._socket = self._socket, None
        if sock is not None:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        # Whoever was accepted in this very turn begins, so that it can end in order.
        await asyncio.sleep(0)
        running = tuple(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _accept(self, sock: socket.socket) -> None:
        try:
            accepted, _ = sock.accept()
        except OSError:  # gone again, or no more open files: whoever still waits is heard in the next turn
            return
        accepted.setblocking(False)
        self._spawn(self._accepted(accepted))

    async def _accepted(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            await self._serve(reader, writer)
            writer.close()
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
