"""Listening ports 监听端口: terminals (appendix D), return data (appendix E), or both on one."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass

import structlog

from gateway.devices.connection import RESET_UNLESS_CLOSED, Connection
from gateway.devices.hub import Hub
from gateway.errors import EnvironmentLackingError
from gateway.protocols.framing import Kind

log = structlog.get_logger(__name__)

#: Seconds between two looks at cut frames, silent terminals and rivals.
SWEEP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Listen:
    """One port: where, what it takes, TLS, and its limits in bytes."""

    host: str
    port: int
    accepts: frozenset[Kind]
    tls: ssl.SSLContext | None = None
    backlog: int = 4096
    max_frame: int = 4096
    max_unsent: int = 262144


class Listeners:
    """The open ports of a hub, and the sweep that keeps its connections honest."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def open(self, listen: Listen) -> int:
        """Open one port; returns its number (of use where 0 was asked for)."""
        loop = asyncio.get_running_loop()
        hub = self._hub

        def made() -> Connection:
            return Connection(hub, loop, listen.accepts, listen.max_frame, listen.max_unsent)

        try:
            family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
            sock = socket.create_server((listen.host, listen.port), family=family, backlog=listen.backlog)
        except OSError as error:
            raise EnvironmentLackingError(f"cannot listen on {listen.host}:{listen.port}: {error.strerror}") from error
        # A ready-made socket does not say that it is TCP, so asyncio leaves Nagle's algorithm on: 40 ms for each second
        # frame. Accepted sockets inherit it.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if Kind.FEEDBACK in listen.accepts:
            # Accepted sockets inherit it.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_UNLESS_CLOSED)
        server = await loop.create_server(made, sock=sock, ssl=listen.tls, backlog=listen.backlog)
        self._servers.append(server)
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep(), name="sweep")
        port: int = sock.getsockname()[1]
        return port

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self._hub.sweep(loop.time())
            except Exception as error:
                # Supervision of thousands must not end with the one that broke it.
                log.error("sweep failed", error=str(error), exc_info=error)

    async def close(self) -> None:
        """Close ports and connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        for server in self._servers:
            server.close()
        await self._hub.close()
        for server in self._servers:
            await server.wait_closed()
