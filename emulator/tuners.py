"""Where streams come in 收流: one socket for all players of one address, one connection for each that pulls.

What comes is handed on as it is, an RTP packet parsed once for all who hear it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Protocol

import aiohttp

from emulator.sound_source import SoundSource, Way
from gateway.errors import FrameError
from gateway.protocols import rtp
from gateway.protocols.rtp import RtpPacket

#: Datagrams read before others have their turn.
_BURST: Final = 64
_BUFFER: Final = 1 << 20
_CHUNK: Final = 4096
#: Seconds before a stream that could not be pulled, or ended, is asked for again.
_AGAIN: Final = 0.5
_CONNECT_SECONDS: Final = 5.0


class Hearer(Protocol):
    """Who hears what comes."""

    @property
    def tuned(self) -> bool:
        """Whether it wants more than what comes by itself."""

    def packet(self, packet: RtpPacket) -> None:
        """A packet of RTP."""

    def plain(self, data: bytes, *, whole: bool) -> None:
        """Plain mp3: a datagram, which is whole, or a piece of a stream."""

    def trouble(self, text: str) -> None:
        """Nothing can come, at least now."""


class DatagramTuner:
    """Receives one address of RTP or unicast for as many players as there are. Errors: OSError."""

    def __init__(self, source: SoundSource, interface: str) -> None:
        self.hearers: list[Hearer] = []
        self._numbered = source.way is Way.RTP
        #: datagrams that are no RTP
        self.broken = 0
        self._loop = asyncio.get_running_loop()
        self._socket = _open(source, interface)
        self._loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Receive no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(_BURST):
            try:
                data = self._socket.recv(65535)
            except OSError:
                return
            if not self._numbered:
                for hearer in tuple(self.hearers):
                    hearer.plain(data, whole=True)
                continue
            try:
                packet = rtp.parse(data)
            except FrameError:
                self.broken += 1
                continue
            for hearer in tuple(self.hearers):
                hearer.packet(packet)
            if self._socket.fileno() < 0:  # the last of them has left
                return


class PullTuner:
    """Pulls one stream over HTTP for one player, again and again while it is tuned."""

    def __init__(self, url: str, hearer: Hearer, session: Callable[[], aiohttp.ClientSession]) -> None:
        self._url, self._hearer, self._session = url, hearer, session
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"pull of {url}")

    def close(self) -> asyncio.Task[None]:
        """Hang up; the task that ends with it."""
        self._task.cancel()
        return self._task

    async def _run(self) -> None:
        while self._hearer.tuned:
            try:
                await self._pull()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._hearer.trouble(f"{type(error).__name__}: {error}")
            await asyncio.sleep(_AGAIN)

    async def _pull(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
        async with self._session().get(self._url, timeout=timeout) as answer:
            if answer.status != 200:
                self._hearer.trouble(f"HTTP {answer.status}")
                return
            async for data in answer.content.iter_chunked(_CHUNK):
                self._hearer.plain(data, whole=False)


def _open(source: SoundSource, interface: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in source.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        if source.is_group:  # several processes of one machine may hear the same group
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((source.host, source.port))
        if source.is_group:
            _join(sock, source.host, interface)
    except OSError:
        sock.close()
        raise
    return sock


def _join(sock: socket.socket, group: str, interface: str) -> None:
    if sock.family == socket.AF_INET6:
        member = socket.inet_pton(socket.AF_INET6, group) + bytes(4)  # the system's choice of an interface
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
    else:
        member = socket.inet_aton(group) + socket.inet_aton(interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
