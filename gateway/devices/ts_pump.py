"""Sends datagrams to a multiplexer in a thread of its own: a busy event loop must not make an index late (086 9.3)."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from gateway.devices.ts_cycle import Cycle
from gateway.protocols.ts_carousel import INDEX_LIMIT_S, Carousel
from gateway.protocols.ts_section import Section
from gateway.settings.ts_link import TsLink

log = structlog.get_logger(__name__)

#: So many bad steps in a row mean that the link is down, so many good ones that it is up again.
_ENOUGH: Final = 3
#: Seconds until a socket that could not be made is tried again.
_AGAIN: Final = 0.25


class Owner(Protocol):
    """Who the pump belongs to; called in its thread."""

    def index_left(self, generation: int) -> None:
        """An index of this generation was sent, for the first time."""
        ...

    def all_left(self, generation: int) -> None:
        """All tables of this generation were sent once."""
        ...

    def reaches(self, ok: bool, detail: str) -> None:
        """The network takes what is sent, or no longer does."""
        ...


def open_socket(link: TsLink) -> socket.socket:
    """A socket connected to the multiplexer. Errors: OSError."""
    address = ipaddress.ip_address(link.host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, link.ttl)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, link.ttl)
            if link.interface:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(link.interface))
        sock.connect((link.host, link.port))
    except OSError:
        sock.close()
        raise
    return sock


class Pump:
    """One sender. ``monotonic`` in seconds; every deadline is one of the cycle's, never a sleep after a sleep."""

    def __init__(self, link: TsLink, cycle: Cycle, owner: Owner, monotonic: Callable[[], float]) -> None:
        self._link, self._cycle, self._owner, self._monotonic = link, cycle, owner, monotonic
        self._condition = threading.Condition()
        self._stopping = False
        self._generation = 0
        self._told_index = self._told_all = -1
        self._row = 0
        self._is_up: bool | None = None
        self._last_index: float | None = None
        #: longest time from one index to the next, seconds
        self.longest_gap = 0.0
        self._thread = threading.Thread(target=self._run, name=f"ts {link.host}:{link.port}", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it; blocks for a moment."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join(5.0)

    def carousel(self) -> Carousel:
        """A copy of what is on the air, to be changed and shown."""
        with self._condition:
            return self._cycle.carousel.copy()

    def show(self, carousel: Carousel, signed: Mapping[Section, bytes]) -> int:
        """Go on with this carousel; returns the generation by which ``Owner`` hears of it."""
        with self._condition:
            self._cycle.show(carousel, signed)
            self._generation += 1
            self._condition.notify()
            return self._generation

    # -- in the thread

    def _run(self) -> None:
        sock: socket.socket | None = None
        try:
            while not self._stopping:
                if sock is None:
                    sock = self._opened()
                    continue
                self._step(sock)
        finally:
            if sock is not None:
                sock.close()

    def _opened(self) -> socket.socket | None:
        try:
            return open_socket(self._link)
        except OSError as error:
            self._judge(f"{error.strerror or error}")
            with self._condition:
                self._condition.wait(0.0 if self._stopping else _AGAIN)
            return None

    def _step(self, sock: socket.socket) -> None:
        with self._condition:
            generation, step = self._generation, self._cycle.step(self._monotonic())
        if step.datagrams:
            wrong = self._send(sock, step.datagrams)
            self._judge(wrong)
            if step.is_index and not wrong:
                self._note_index(generation)
            return
        if step.idle and self._is_up and self._told_all != generation:
            self._told_all = generation
            self._owner.all_left(generation)
        with self._condition:
            wait = step.next_at - self._monotonic()
            if wait > 0 and not self._stopping and generation == self._generation:
                self._condition.wait(wait)

    def _send(self, sock: socket.socket, datagrams: tuple[bytes, ...]) -> str:
        """Send; returns what went wrong. An error may tell of the datagram before: the same is tried once more."""
        wrong = ""
        for datagram in datagrams:
            for _ in range(2):
                try:
                    sock.send(datagram)
                    break
                except OSError as error:
                    wrong = error.strerror or str(error)
        return wrong

    def _judge(self, wrong: str) -> None:
        good = not wrong
        self._row = self._row + 1 if good and self._row >= 0 else self._row - 1 if not good and self._row <= 0 else 0
        if (self._is_up is None and good) or (self._is_up is False and self._row >= _ENOUGH):
            self._tell(up=True, detail="")
        elif self._is_up is not False and self._row <= -_ENOUGH:
            self._tell(up=False, detail=wrong)

    def _tell(self, *, up: bool, detail: str) -> None:
        self._is_up = up
        self._owner.reaches(up, detail)

    def _note_index(self, generation: int) -> None:
        now = self._monotonic()
        if self._last_index is not None:
            gap = now - self._last_index
            self.longest_gap = max(self.longest_gap, gap)
            if gap >= INDEX_LIMIT_S:
                log.error("index late", seconds=round(gap, 3), link=f"{self._link.host}:{self._link.port}")
        self._last_index = now
        if self._is_up and self._told_index != generation:
            self._told_index = generation
            self._owner.index_left(generation)
