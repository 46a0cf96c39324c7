"""One UDP socket 数据报: read in bursts, written in slices; joined to a group's way out where there is one.

asyncio's datagram transports read one datagram a turn of the loop; thousands of terminals answer one multicast frame
within a few milliseconds, so here all that has come is read at once.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from gateway.errors import EnvironmentLackingError

log = structlog.get_logger(__name__)

#: Host and port, as sockets give them (IPv6 ones are longer).
Address = tuple[str, int]
#: Largest payload of a UDP datagram over IPv4.
MAX_DATAGRAM = 65507
#: Datagrams read before other work has its turn, and written before that.
_BURST, _SLICE = 512, 256
# Linux; Python has no names for them.
_SO_RCVBUFFORCE, _SO_MEMINFO = 33, 55
_MEMINFO = struct.Struct("=9I")
_DROPS = 8


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where multicast leaves: address (IPv4) or name (IPv6) of an interface, empty for the system's; hops."""

    interface: str = ""
    ttl: int = 1


class DatagramSocket:
    """A bound, non-blocking socket on the running loop; ``take`` gets each datagram and where it came from."""

    def __init__(
        self, host: str, port: int, *, receive_buffer: int, take: Callable[[bytes, Address], None], outlet: Outlet
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._take = take
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._size(receive_buffer)
            self._lead_out(family, outlet)
            self._sock.bind((host, port))
        except OSError as error:
            self._sock.close()
            raise EnvironmentLackingError(f"cannot listen for datagrams on {host}:{port}: {error}") from error
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock, self._readable)

    @property
    def address(self) -> Address:
        """Where it is bound."""
        host, port = self._sock.getsockname()[:2]
        return str(host), int(port)

    @property
    def dropped(self) -> int:
        """Datagrams that the kernel dropped because the receive buffer was full."""
        try:
            raw = self._sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        except OSError:
            return 0
        return int(_MEMINFO.unpack(raw)[_DROPS])

    def close(self) -> None:
        """Let go of it."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
            self._sock.close()

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram now. Errors: OSError; BlockingIOError where the way out is full."""
        self._sock.sendto(data, address)

    async def send_each(self, data: bytes, addresses: Iterable[Address]) -> list[OSError]:
        """Send the same to many, ``_SLICE`` at a time; the errors of those to whom it could not go."""
        send, errors = self._sock.sendto, list[OSError]()
        for count, address in enumerate(addresses, 1):
            try:
                send(data, address)
            except BlockingIOError:
                await self._writable()
                try:
                    send(data, address)
                except OSError as error:
                    errors.append(error)
            except OSError as error:
                errors.append(error)
            if count % _SLICE == 0:
                self._readable()
                await asyncio.sleep(0)
        return errors

    async def _writable(self) -> None:
        ready = asyncio.Event()
        self._loop.add_writer(self._sock, ready.set)
        try:
            await ready.wait()
        finally:
            self._loop.remove_writer(self._sock)

    def _readable(self) -> None:
        receive, take = self._sock.recvfrom, self._take
        for _ in range(_BURST):
            try:
                data, address = receive(65535)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.warning("datagram socket", reason=str(error))
                return
            take(data, address)

    def _size(self, wanted: int) -> None:
        """Make the receive buffer as large as asked; beyond the system's limit only who may force it can."""
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, wanted)
        except OSError:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)
        # The kernel says the double of what it was asked for: its own book-keeping counts.
        there = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        if there < wanted:
            log.warning("receive buffer smaller than set; raise net.core.rmem_max", bytes=there, wanted=wanted)

    def _lead_out(self, family: int, outlet: Outlet) -> None:
        if family == socket.AF_INET6:
            self._sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, outlet.ttl)
            if outlet.interface:
                index = socket.if_nametoindex(outlet.interface)
                self._sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            return
        self._sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, outlet.ttl)
        if outlet.interface:
            address = socket.inet_aton(outlet.interface)
            self._sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, address)
