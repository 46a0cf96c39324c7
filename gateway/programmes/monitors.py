"""All monitored streams 回传监听: a bounded number of UDP ports, one for each task of an adapter that was begun."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import structlog

from gateway.errors import NotFoundError
from gateway.programmes.monitor import Monitor, MonitorFigures, MonitorTools
from gateway.programmes.monitor_options import MonitorEvent, MonitorKind
from gateway.programmes.recorder import Shelf

log = structlog.get_logger(__name__)

#: Seconds between two looks at all streams.
LOOK_SECONDS: Final = 0.5
#: Seconds for which a stream is heard after its task ended: what is on the way still counts.
_AFTER: Final = 2.0
#: Streams that are over and still shown.
_SHOWN: Final = 100
_BUFFER: Final = 1 << 20
#: Datagrams read in one turn of the loop, of at most this size.
_AT_ONCE, _LARGEST = 64, 65_535


class Monitors:
    """Opens a port when a task begins, and closes it when the task has ended or nothing comes any more.

    ``on_closed`` is given the last figures of each stream.
    """

    def __init__(self, tools: MonitorTools, on_closed: Callable[[MonitorFigures], None]) -> None:
        self._tools = tools
        self._on_closed = on_closed
        self._open: dict[tuple[str, str], tuple[Monitor, socket.socket]] = {}
        self._over: deque[MonitorFigures] = deque(maxlen=_SHOWN)
        #: streams that are being ended
        self._closing: dict[asyncio.Task[None], Monitor] = {}
        self._looking: asyncio.Task[None] | None = None
        self._count = 0

    @property
    def shelf(self) -> Shelf:
        """The recordings."""
        return self._tools.shelf

    @property
    def figures(self) -> list[MonitorFigures]:
        """Streams that run, then those that are over, latest first."""
        running = [monitor for monitor, _ in self._open.values()]
        return [*(one.figures for one in (*running, *self._closing.values())), *reversed(self._over)]

    def find(self, name: str) -> Monitor:
        """A stream that runs. Errors: NotFoundError."""
        for monitor, _ in self._open.values():
            if monitor.id == name:
                return monitor
        raise NotFoundError(f"没有正在接收的回传 no stream {name[:60]!r} is being received")

    async def close(self) -> None:
        """End all."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for key in tuple(self._open):
            self._let_go(key)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def begun(self, link: str, ebm_id: str, hosts: frozenset[str]) -> int:
        """A task has begun at an adapter of ``hosts``: the port for its copy, 0 where none is free.

        The same task again has the same port.
        """
        known = self._open.get((link, ebm_id))
        if known is not None:
            known[0].over_at = None
            return known[0].port
        sock = self._socket(link)
        if sock is None:
            self._tools.on_event(
                MonitorEvent(MonitorKind.NO_PORT, link, True, "监听端口已用尽", "no port for monitoring is free")
            )
            return 0
        self._tools.on_event(MonitorEvent(MonitorKind.NO_PORT, link, False, "", ""))
        port: int = sock.getsockname()[1]
        stamp = datetime.fromtimestamp(self._tools.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
        self._count += 1
        monitor = Monitor(f"{link}-{stamp}-{self._count}", link, ebm_id, hosts, port, self._tools)
        self._open[link, ebm_id] = (monitor, sock)
        monitor.start()
        loop = asyncio.get_running_loop()
        if self._looking is None:
            self._looking = loop.create_task(self._look(), name="monitors")
        loop.add_reader(sock, self._read, monitor, sock)
        log.info("monitoring begins", link=link, ebm_id=ebm_id, port=port)
        return port

    def ended(self, link: str, ebm_id: str) -> None:
        """A task has ended; an unknown one is no harm."""
        known = self._open.get((link, ebm_id))
        if known is not None:
            known[0].over_at = self._tools.monotonic() + _AFTER

    def _socket(self, link: str) -> socket.socket | None:
        options = self._tools.options
        if len(self._open) >= options.ports or sum(key[0] == link for key in self._open) >= options.ports_for_each_link:
            return None
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        count = options.ports if options.first_port else 1
        for port in range(options.first_port, options.first_port + count):
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            with suppress(OSError):
                sock.bind((options.host, port))
                return sock
            sock.close()
        return None

    def _read(self, monitor: Monitor, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, peer = sock.recvfrom(_LARGEST)
            except OSError:
                return
            monitor.take(data, peer[0])

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """One look at every stream."""
        now = self._tools.monotonic()
        for key, (monitor, _) in tuple(self._open.items()):
            monitor.look()
            if (monitor.over_at is not None and now >= monitor.over_at) or (
                monitor.idle >= self._tools.options.idle_seconds
            ):
                self._let_go(key)

    def _let_go(self, key: tuple[str, str]) -> None:
        monitor, sock = self._open.pop(key)
        loop = asyncio.get_running_loop()
        self._read(monitor, sock)
        loop.remove_reader(sock)
        sock.close()
        task = loop.create_task(self._end(monitor), name=f"end of {monitor.id}")
        self._closing[task] = monitor

    async def _end(self, monitor: Monitor) -> None:
        try:
            await monitor.close()
        finally:
            del self._closing[asyncio.current_task()]  # type: ignore[arg-type]  # this is a task
            self._over.append(figures := monitor.figures)
        self._on_closed(figures)
