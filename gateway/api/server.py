"""The HTTP server 接口服务: opens the port and serves the application."""

from __future__ import annotations

import ssl

from aiohttp import web

from gateway.api.services import Services
from gateway.errors import EnvironmentLackingError


class HttpServer:
    """API and pages on one port."""

    def __init__(self, services: Services, tls: ssl.SSLContext | None) -> None:
        self._services = services
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def open(self, host: str, port: int) -> int:
        """Serve; returns the port number (of use where 0 was asked for)."""
        self._runner = web.AppRunner(web.Application(), access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._tls)
        try:
            await site.start()
        except OSError as error:
            raise EnvironmentLackingError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        number: int = self._runner.addresses[0][1]
        return number

    async def close(self) -> None:
        """Stop serving; requests in work are finished first."""
        if self._runner is not None:
            await self._runner.cleanup()
