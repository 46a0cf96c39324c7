"""The HTTP server 接口服务: opens the port and serves the application."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import web

from gateway.api.app import make_application
from gateway.api.auth import Keys
from gateway.api.problems import MEDIA_TYPE as PROBLEM
from gateway.api.problems import TITLES, problem_response
from gateway.api.rooms import Rooms
from gateway.api.services import Services
from gateway.api.watch import Watch
from gateway.api.weigh import weigher
from gateway.errors import EnvironmentLackingError, Violation
from gateway.store import queries

log = structlog.get_logger(__name__)

#: Bytes of a request line or one header, and their number: nobody here needs more.
_LINE_BYTES: Final = 8190
_HEADERS: Final = 64
#: Seconds for which what a refused client still sends is thrown away before its connection is closed.
_LINGER: Final = 1.0
_BACKLOG: Final = 256
#: Connections beyond which new ones are refused: each costs a file, and terminals need theirs.
MOST_CONNECTIONS: Final = 1024
#: Seconds for which an idle connection is kept for its next request.
_KEEP_ALIVE: Final = 75.0
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"


class _Connection(web.RequestHandler):
    """aiohttp's connection, whose refusals of what is no HTTP have our form too, and which are bounded in number."""

    def __init__(self, manager: web.Server, room: Callable[[], bool], **options: Any) -> None:
        super().__init__(manager, **options)
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or refuse it where there are too many."""
        has_room = self._room()
        super().connection_made(transport)
        if not has_room and isinstance(transport, asyncio.WriteTransport):
            refusal = problem_response(503, [Violation("", "too_many_connections", TITLES[503])])
            body = refusal.body if isinstance(refusal.body, bytes) else b""
            head = f"Content-Type: {PROBLEM}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            transport.write(_FULL + head + body)
            transport.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that never reached a handler; always closes the connection."""
        log.debug("no HTTP", peer=request.remote, status=status, error=type(exc).__name__)
        if request.writer is not None and request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        code = "bad_request" if status < 500 else "internal_error"
        return problem_response(status, [Violation("", code, TITLES.get(status, "HTTP"))], close=True)


class HttpServer:
    """API and pages on one port."""

    def __init__(
        self,
        services: Services,
        tls: ssl.SSLContext | None,
        more: Callable[[web.Application, Rooms], None] = lambda *_: None,
    ) -> None:
        """``more`` adds what else is on this port, such as the console."""
        self._tls = tls
        self._keys = Keys(partial(services.store.read, queries.keys))
        books = services.books
        self._watch = Watch(services, books)
        rooms = Rooms(services, self._keys, books, self._watch, weigher(services))
        app = make_application(rooms)
        more(app, rooms)
        self._runner = web.AppRunner(app, access_log=None)
        self._server: asyncio.Server | None = None
        self._grace = services.settings.gateway.stop_grace_seconds

    async def open(self, host: str, port: int) -> int:
        """Serve; returns the port number (of use where 0 was asked for)."""
        await self._keys.open()
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        manager = self._runner.server
        assert manager is not None

        def room() -> bool:
            return len(manager.connections) < MOST_CONNECTIONS

        options: dict[str, Any] = {
            "loop": loop,
            "access_log": None,
            "keepalive_timeout": _KEEP_ALIVE,
            "auto_decompress": False,
            "max_line_size": _LINE_BYTES,
            "max_field_size": _LINE_BYTES,
            "max_headers": _HEADERS,
            "lingering_time": _LINGER,
        }
        try:
            self._server = await loop.create_server(
                lambda: _Connection(manager, room, **options), host, port, ssl=self._tls, backlog=_BACKLOG
            )
        except OSError as error:
            raise EnvironmentLackingError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def close(self) -> None:
        """Stop serving; requests in work are finished first, within the grace that the settings give."""
        if self._server is not None:
            self._server.close()
        await self._watch.close()
        manager = self._runner.server
        if manager is not None:
            manager.pre_shutdown()
            await manager.shutdown(self._grace)
        await self._runner.cleanup()
        await self._keys.close()
