"""Where a gateway plugs into an emulated bus 总线接口: a pseudo-terminal, a raw TCP port, or an RFC 2217 server."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, cast

import serial
import serial.rfc2217

from gateway.errors import InvalidValueError

Receive = Callable[[bytes], None]
_CHUNK: Final = 4096


class BusPort(Protocol):
    """One plug; at most one gateway at a time."""

    @property
    def url(self) -> str:
        """What the gateway's settings name."""
        ...

    async def plug(self) -> None:
        """Be there."""
        ...

    def unplug(self) -> None:
        """Be gone, in mid-frame if need be."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes to the gateway, if one is there."""
        ...


class PtyPort:
    """A pseudo-terminal behind a symbolic link that keeps its name over a replug, as ``/dev/serial/by-id`` does."""

    def __init__(self, link: Path, receive: Receive) -> None:
        self._link, self._receive = link, receive
        self._master = self._slave = -1

    @property
    def url(self) -> str:
        """Path of the link."""
        return str(self._link)

    async def plug(self) -> None:
        """Make the pair and the link."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(os.ttyname(self._slave))
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def unplug(self) -> None:
        """Close the pair: the gateway's end hangs up."""
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            self._link.unlink(missing_ok=True)
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1

    def write(self, data: bytes) -> None:
        """What a full buffer does not take is lost, as on a wire."""
        if self._master >= 0:
            try:
                os.write(self._master, data)
            except BlockingIOError:
                return

    def _readable(self) -> None:
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        self._receive(data)


class TcpPort(asyncio.Protocol):
    """A raw port server (``socket://``)."""

    scheme = "socket"

    def __init__(self, number: int, receive: Receive) -> None:
        self._number, self._receive = number, receive
        self._server: asyncio.Server | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self._number}"

    async def plug(self) -> None:
        """Listen; the number stays over a replug."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: self, "127.0.0.1", self._number, reuse_address=True)
        self._number = self._server.sockets[0].getsockname()[1]

    def unplug(self) -> None:
        """Stop listening and cut the connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the gateway; a second one takes its place."""
        if self._transport is not None:
            self._transport.abort()
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for the next."""
        if self._transport is not None and self._transport.is_closing():
            self._transport = None

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        self._receive(data)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._transport is not None:
            self._transport.write(data)


class Rfc2217Port(TcpPort):
    """A port server that takes settings and modem lines (RFC 2217): pyserial's own server side."""

    scheme = "rfc2217"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the negotiation; the settings asked for are kept by a loop-back port."""
        super().connection_made(transport)
        #: what the gateway set: ``settings.baudrate``, ``settings.rts``
        self.settings = serial.serial_for_url("loop://", timeout=0)
        self._manager = serial.rfc2217.PortManager(self.settings, _Commands(super().write))

    def data_received(self, data: bytes) -> None:
        """Pass on what is no command."""
        payload = b"".join(self._manager.filter(data))
        if payload:
            self._receive(payload)

    def write(self, data: bytes) -> None:
        """Send bytes, escaped; none before the negotiation began."""
        if self._transport is not None:
            super().write(b"".join(self._manager.escape(data)))


def port_maker(text: str) -> Callable[[Receive], BusPort]:
    """Read ``pty:PATH``, ``socket:PORT`` or ``rfc2217:PORT``; raise InvalidValueError."""
    kind, _, where = text.partition(":")
    if kind == "pty" and where:
        return lambda receive: PtyPort(Path(where), receive)
    if kind in ("socket", "rfc2217") and where.isdecimal() and int(where) < 65536:
        make = TcpPort if kind == "socket" else Rfc2217Port
        return lambda receive: make(int(where), receive)
    raise InvalidValueError("bus", text, "must be pty:PATH, socket:PORT or rfc2217:PORT")


class _Commands:
    """Takes the manager's own commands, which are not escaped."""

    def __init__(self, write: Receive) -> None:
        self.write = write
