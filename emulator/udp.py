"""Terminals on UDP 数据报: a socket for each, and one for the multicast group that all of them listen to."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.line import Line

#: Datagrams read before others have their turn.
_BURST = 64


class UdpDialler:
    """Gives each line a socket of its own; their own ports tell the terminals apart."""

    def __init__(self, group: tuple[str, int] | None, interface: str) -> None:
        self._loop = asyncio.get_running_loop()
        self.open: dict[Line, UdpTransport] = {}
        self._group = _join(group, interface) if group is not None else None
        if self._group is not None:
            self._loop.add_reader(self._group, self._heard)

    def want(self, line: Line, address: tuple[str, int]) -> None:
        """Open a socket to ``address`` for ``line``."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            sock.connect(address)
        except OSError as error:
            line.dial_failed(str(error))
            return
        transport = UdpTransport(self, line, sock)
        self.open[line] = transport
        line.connection_made(transport)

    async def close(self) -> None:
        """Leave the group."""
        if self._group is not None:
            self._loop.remove_reader(self._group)
            self._group.close()

    def _heard(self) -> None:
        """Hand what the group heard to every terminal."""
        assert self._group is not None
        for _ in range(_BURST):
            try:
                data = self._group.recv(65535)
            except OSError:
                return
            for line in tuple(self.open):
                line.message_received(data)


class UdpTransport(asyncio.Transport):
    """What a line writes to; there is no connection, so only the line itself ends it."""

    def __init__(self, owner: UdpDialler, line: Line, sock: socket.socket) -> None:
        super().__init__({"peername": sock.getpeername(), "socket": sock})
        self._owner, self._line, self._sock = owner, line, sock
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._readable)

    def write(self, data: object) -> None:
        """Send one datagram; what cannot go is lost, as on any such network."""
        try:
            self._sock.send(data)  # type: ignore[arg-type]  # lines write bytes
        except OSError:
            return

    def is_closing(self) -> bool:
        """Whether it was ended."""
        return self._sock.fileno() < 0

    def abort(self) -> None:
        """End it; the line hears of it in a later turn, as of a connection."""
        if self._sock.fileno() < 0:
            return
        self._loop.remove_reader(self._sock)
        self._sock.close()
        if self._owner.open.get(self._line) is self:
            del self._owner.open[self._line]
        self._loop.call_soon(self._line.connection_lost, None)

    close = abort

    def _readable(self) -> None:
        for _ in range(_BURST):
            if self._sock.fileno() < 0:
                return
            try:
                data = self._sock.recv(65535)
            except OSError:
                # Nothing more; or nobody listened at the other end when we last spoke.
                return
            self._line.message_received(data)


def _join(group: tuple[str, int], interface: str) -> socket.socket:
    """Listen to a group on the interface with this address (IPv4)."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(group)
        member = socket.inet_aton(group[0]) + socket.inet_aton(interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError:
        sock.close()
        raise
    return sock
