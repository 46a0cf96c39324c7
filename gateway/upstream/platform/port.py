"""The port of the platform interface 平台接口: a package by POST, its receipt in the same connection (083 5.2, 5.4)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Final

import structlog
from aiohttp import web

from gateway.dispatch.service import Dispatch
from gateway.domain.peers import Peer
from gateway.errors import (
    EnvironmentLackingError,
    OverloadedError,
    PackageError,
    PackageRefused,
    StoreError,
    UnsupportedMediaError,
)
from gateway.protocols.platform.conditions import ConnectionCheck
from gateway.protocols.platform.package import package_name
from gateway.upstream.platform.checks import Checks, Examined
from gateway.upstream.platform.handling import Arrived, Verdict
from gateway.upstream.platform.inbox import Inbox
from gateway.upstream.platform.multipart import TooLarge, package_of
from gateway.upstream.platform.sealing import Sealer

log = structlog.get_logger(__name__)

TAR: Final = "application/x-tar"
_ALARM: Final = "platform_refused"
_LINE_BYTES: Final = 8190
_BACKLOG: Final = 128
_KEEP_ALIVE: Final = 75.0
#: Seconds that a refusal of somebody unproven may cost of SigTime: every signature takes one, and receivers refuse what
#: is far ahead of their clocks, so whoever cannot prove who they are must not make us sign at will.
_LEAD_FOR_STRANGERS: Final = 2.0
#: The same for peers; beyond it their answers wait.
_LEAD_FOR_PEERS: Final = 60.0
#: Seconds that requests in work have to end when the port closes.
_GRACE: Final = 5.0


@dataclass(frozen=True, slots=True)
class PortOptions:
    """``folder``: for packages that are too large for memory; sizes in bytes; ``patience``: seconds for a request."""

    folder: Path
    paths: Sequence[str] = ()
    max_bytes: int = 100 << 20
    at_once: int = 32
    patience: float = 120.0


class PlatformPort:
    """Serves the port. ``heard`` is told of every proven peer, and of heartbeats, which may be unsigned."""

    def __init__(
        self,
        options: PortOptions,
        dispatch: Dispatch,
        checks: Checks,
        inbox: Inbox,
        sealer: Sealer,
        heard: Callable[[Peer], None],
    ) -> None:
        self._options = options
        self._dispatch = dispatch
        self._checks = checks
        self._inbox = inbox
        self._sealer = sealer
        self._heard = heard
        self._at_once = 0
        application = web.Application(client_max_size=options.max_bytes)
        for path in dict.fromkeys(("/", *options.paths)):
            application.router.add_post(path, self._post)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=_KEEP_ALIVE,
            shutdown_timeout=_GRACE,
            max_line_size=_LINE_BYTES,
            max_field_size=_LINE_BYTES,
            auto_decompress=False,
        )
        self._site: web.TCPSite | None = None

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Serve; returns the port's number. Errors: EnvironmentLackingError."""
        await asyncio.to_thread(self._options.folder.mkdir, parents=True, exist_ok=True)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port, ssl_context=tls, backlog=_BACKLOG)
        try:
            await self._site.start()
        except OSError as error:
            raise EnvironmentLackingError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        number: int = self._runner.addresses[0][1]
        return number

    async def close(self) -> None:
        """Serve no more; requests in work are finished first."""
        await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if self._at_once >= self._options.at_once:
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, "繁忙，请稍后重发 too many requests at once", close=True)
        self._at_once += 1
        try:
            async with asyncio.timeout(self._options.patience):
                return await self._answer(request)
        except TimeoutError:
            return _plain(HTTPStatus.REQUEST_TIMEOUT, "数据包未在时限内到达 the package took too long", close=True)
        finally:
            self._at_once -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        found, host = Examined(), request.remote or ""
        try:
            self._checks.host(host)
            file = await package_of(request, self._options.folder, self._options.max_bytes)
            with file:
                verdict = await self._weighed(file, host, found)
        except UnsupportedMediaError as error:
            return _plain(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error), close=True)
        except TooLarge as error:
            return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error), close=True)
        except (OverloadedError, StoreError) as error:
            verdict = Verdict(PackageRefused.result, f"暂不能处理，请重发 try again: {error}", final=False)
        except PackageError as error:
            self._dispatch.state.alarms.raise_(_ALARM, host, f"拒绝数据包 a package was refused: {error}")
            verdict = Verdict(error.result, str(error))
        return await self._receipt(found, verdict)

    async def _weighed(self, file: BinaryIO, host: str, found: Examined) -> Verdict:
        state = self._dispatch.state
        at, since = state.clock(), state.monotonic()
        try:
            await asyncio.to_thread(self._checks.examine, file, host, found)
        except PackageError as error:
            if not found.proven:
                raise
            assert found.peer is not None
            self._heard(found.peer)
            words = f"数据包有误 a package of {found.peer.title} is wrong: {error}"
            state.alarms.raise_(_ALARM, found.peer.name, words)
            return await self._inbox.keep(found, host, at, error)
        assert found.peer is not None and found.ebd is not None and found.package is not None
        self._heard(found.peer)
        return await self._inbox.take(
            Arrived(found.peer, found.ebd, found.package, found.business, found.signature, host, at, since)
        )

    async def _receipt(self, found: Examined, verdict: Verdict) -> web.Response:
        envelope = found.envelope
        heartbeat = found.ebd is not None and isinstance(found.ebd.body, ConnectionCheck)
        sealed = await self._sealer.seal(
            found.peer,
            verdict.response,
            related=None if envelope is None else envelope.ebd_id,
            # Heartbeats' receipts need none (GD/J 083-2018 table 2).
            signed=not heartbeat and await self._may_sign(found),
        )
        return web.Response(
            body=sealed.tar,
            content_type=TAR,
            headers={"Content-Disposition": f'attachment; filename="{package_name(sealed.ebd_id)}"'},
        )

    async def _may_sign(self, found: Examined) -> bool:
        state = self._dispatch.state
        if found.proven:
            await self._dispatch.errands.in_step(_LEAD_FOR_PEERS)
            return True
        return state.frames.newest - state.clock() <= _LEAD_FOR_STRANGERS


def _plain(status: HTTPStatus, words: str, *, close: bool = False) -> web.Response:
    response = web.Response(status=status, text=f"{words}\n")
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    if close:
        response.force_close()
    return response
