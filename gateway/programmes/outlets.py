"""Ways of a programme's frames out of the gateway: datagrams to each terminal, and RTP to a group.

Seven mp3 frames go in a packet (1,344 bytes at 64 kbit/s, 168 ms), fewer where they would not fit an Ethernet frame.
"""

from __future__ import annotations

import ipaddress
import random
import socket
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gateway.programmes.addresses import Endpoint, RtpAddress
from gateway.programmes.options import FRAME_SECONDS
from gateway.protocols import rtp

FRAMES_IN_PACKET: Final = 7
#: Payload that passes Ethernet unbroken, with room for IPv6, UDP, RTP and a tunnel.
_LARGEST: Final = 1400
_SEND_BUFFER: Final = 4 << 20


def frames_in_packet(kbits: int) -> int:
    """How many frames of a bitrate go in one packet."""
    return max(1, min(FRAMES_IN_PACKET, _LARGEST // (144 * kbits // 48)))


class UnicastOutlet:
    """The same frames as datagrams to many receivers ``udp://@port``, without a task or a buffer for any of them.

    Receivers are dealt into as many groups as a packet has frames; each frame time one group gets its packet, so the
    load is even and no burst fills a queue. ``unsent`` counts packets that the kernel did not take, by error name.
    """

    def __init__(self, kbits: int = 64) -> None:
        self._count = frames_in_packet(kbits)
        self._groups: list[dict[Endpoint, None]] = [{} for _ in range(self._count)]
        self._where: dict[Endpoint, dict[Endpoint, None]] = {}
        self._recent: list[bytes] = []
        self._turn = 0
        self._sockets: dict[int, socket.socket] = {}
        self.sent = 0
        self.unsent: Counter[str] = Counter()

    @property
    def receivers(self) -> int:
        """How many receive."""
        return len(self._where)

    def __contains__(self, receiver: Endpoint) -> bool:
        return receiver in self._where

    def add(self, receiver: Endpoint) -> None:
        """Begin to send to a receiver; again is no harm."""
        if receiver in self._where:
            return
        family = socket.AF_INET6 if ":" in receiver[0] else socket.AF_INET
        if family not in self._sockets:
            self._sockets[family] = _datagram_socket(family)
        group = min(self._groups, key=len)
        group[receiver] = None
        self._where[receiver] = group

    def remove(self, receiver: Endpoint) -> None:
        """Send no more to a receiver; an unknown one is no harm."""
        group = self._where.pop(receiver, None)
        if group is not None:
            del group[receiver]

    def push(self, frame: bytes) -> None:
        """One frame more: the group whose turn it is gets all since its last packet."""
        self._recent.append(frame)
        del self._recent[: -self._count]
        self._send(self._groups[self._turn], b"".join(self._recent))
        self._turn = (self._turn + 1) % self._count

    def finish(self) -> None:
        """Send each group what it has not had, and close."""
        # The group whose turn is next has waited longest: all frames but the oldest are new to it.
        for age in range(self._count):
            missing = (
                self._recent[1 + age :]
                if len(self._recent) == self._count
                else self._recent[-(self._count - 1 - age) :]
            )
            if missing and age < self._count - 1:
                self._send(self._groups[(self._turn + age) % self._count], b"".join(missing))
        self._recent.clear()
        for sock in self._sockets.values():
            sock.close()

    def _send(self, group: Iterable[Endpoint], packet: bytes) -> None:
        ipv4, sent = self._sockets.get(socket.AF_INET), 0
        for receiver in group:
            sock = ipv4 if ipv4 is not None and ":" not in receiver[0] else self._sockets[socket.AF_INET6]
            try:
                sock.sendto(packet, receiver)
                sent += 1
            except OSError as error:  # one unreachable receiver, or a full buffer: the others go on
                self.unsent[type(error).__name__] += 1
        self.sent += sent


class RtpOutlet:
    """One RTP stream, to a group or a host. Group and source numbers begin at random (RFC 3550 5.1)."""

    def __init__(
        self,
        address: RtpAddress,
        kbits: int = 64,
        *,
        ttl: int = 16,
        interface: str = "",
        dice: random.Random | None = None,
    ) -> None:
        dice = dice or random.SystemRandom()
        host = ipaddress.ip_address(address.endpoint[0])
        self._socket = _datagram_socket(socket.AF_INET6 if host.version == 6 else socket.AF_INET)
        if host.is_multicast:
            _multicast(self._socket, host.version, ttl, interface)
        self._to = address.endpoint
        self._count = frames_in_packet(kbits)
        self._frames: list[bytes] = []
        self._sequence, self._timestamp = dice.getrandbits(16), dice.getrandbits(32)
        self._ssrc = dice.getrandbits(32)
        self._first = True
        self.sent = 0
        self.unsent: Counter[str] = Counter()

    def push(self, frame: bytes) -> None:
        """One frame more; a packet leaves when it is full, and the first at once: a stream is seen as it begins."""
        self._frames.append(frame)
        if self._first or len(self._frames) == self._count:
            self._send()

    def finish(self) -> None:
        """Send what is left, and close."""
        if self._frames:
            self._send()
        self._socket.close()

    def _send(self) -> None:
        packet = rtp.RtpPacket(
            rtp.MPEG_AUDIO, self._sequence, self._timestamp, self._ssrc, b"".join(self._frames), marker=self._first
        )
        try:
            self._socket.sendto(rtp.build(packet), self._to)
            self.sent += 1
        except OSError as error:
            self.unsent[type(error).__name__] += 1
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + round(len(self._frames) * FRAME_SECONDS * rtp.CLOCK)) & 0xFFFFFFFF
        self._frames.clear()
        self._first = False


def _datagram_socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return sock


def _multicast(sock: socket.socket, version: int, ttl: int, interface: str) -> None:
    if version == 4:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        if interface:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, ttl)
