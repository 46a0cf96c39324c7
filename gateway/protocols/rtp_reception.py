"""Receiving RTP: whose packets count, in which order they are heard, what was lost, and how unevenly they came.

RFC 3550: jitter by 6.4.1 and A.8, leaps of numbers by A.1. No clock: moments are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.errors import FrameError
from gateway.protocols import rtp
from gateway.protocols.rtp import RtpPacket

#: Seconds of silence of the present source after which another SSRC may take its place.
SOURCE_SECONDS: Final = 2.0
#: Packets that wait for one before them, and for how many seconds the first of them waits.
_HELD: Final = 32
_WAIT: Final = 0.2
_WRAP: Final = 1 << 16
#: RFC 3550 A.1: MAX_DROPOUT and MAX_MISORDER.
_LEAP: Final = 3000
_REORDERED: Final = 100


class Jitter:
    """Interarrival jitter in seconds (RFC 3550 6.4.1); ``rate`` is the clock of the timestamps in Hz."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._transit: float | None = None
        self.seconds = 0.0

    def note(self, timestamp: int, now: float) -> None:
        """A packet with this timestamp came at ``now``."""
        # Only differences count, and they are taken modulo 2^32, as the timestamp wraps.
        transit = (now * self._rate - timestamp) % (1 << 32)
        if self._transit is not None:
            step = abs((transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31)) / self._rate
            self.seconds += (step - self.seconds) / 16
        self._transit = transit

    def restart(self) -> None:
        """Another source: its clock has nothing to do with the one before."""
        self._transit = None


class Order:
    """Packets in the order of their numbers; one that is missing is waited for, but not for long."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, tuple[float, RtpPacket]] = {}
        #: numbers that were passed over: their packets never came, or too late to be heard
        self.lost = 0
        #: packets that were too late, or came twice
        self.useless = 0

    def take(self, packet: RtpPacket, now: float) -> list[RtpPacket]:
        """Take a packet that came at ``now``; return those whose turn it is. A late one is left out."""
        before: list[RtpPacket] = []
        if self._next is None:
            self._next = packet.sequence
        if _LEAP <= self._distance(packet.sequence) < _WRAP - _REORDERED:
            # The sender began anew elsewhere: nobody hears of a loss of that many.
            before, self._next = self.restart(), packet.sequence
        if self._distance(packet.sequence) >= _LEAP or packet.sequence in self._held:
            self.useless += 1
        else:
            self._held[packet.sequence] = (now, packet)
        return before + self.due(now)

    def due(self, now: float) -> list[RtpPacket]:
        """What is to be heard now: all up to a gap, and beyond it where the gap was waited for long enough."""
        if self._next is None:
            return []
        ready = self._run()
        while self._held and (len(self._held) > _HELD or now - min(at for at, _ in self._held.values()) >= _WAIT):
            nearest = min(self._held, key=self._distance)
            self.lost += self._distance(nearest)
            self._next = nearest
            ready += self._run()
        return ready

    def restart(self) -> list[RtpPacket]:
        """Another source begins: return what of the old one waits still."""
        rest = [self._held[number][1] for number in sorted(self._held, key=self._distance)]
        if rest:
            self.lost += self._distance(rest[-1].sequence) + 1 - len(rest)
        self._held.clear()
        self._next = None
        return rest

    def _distance(self, number: int) -> int:
        return (number - (self._next or 0)) % _WRAP

    def _run(self) -> list[RtpPacket]:
        run = []
        assert self._next is not None
        while (found := self._held.pop(self._next, None)) is not None:
            run.append(found[1])
            self._next = (self._next + 1) % _WRAP
        return run


@dataclass(slots=True)
class Reception:
    """One RTP stream as it is received, of payload type ``payload_type`` and from ``hosts`` alone (empty: any host).

    The first SSRC that is heard is the source; another one counts as ``foreign`` until it was silent for
    ``SOURCE_SECONDS``, or for ever where ``ssrc`` fixes it. ``garbage`` counts what is no RTP of this payload type.
    """

    payload_type: int = rtp.MPEG_AUDIO
    rate: int = rtp.CLOCK
    hosts: frozenset[str] = frozenset()
    ssrc: int | None = None
    packets: int = 0
    octets: int = 0
    foreign: int = 0
    garbage: int = 0
    source: int | None = None
    #: moment of the last packet of the source
    heard_at: float | None = None
    _order: Order = field(default_factory=Order)
    _jitter: Jitter = field(init=False)

    def __post_init__(self) -> None:
        self._jitter = Jitter(self.rate)

    @property
    def lost(self) -> int:
        """Packets of the source that never came, or came too late to be heard."""
        return self._order.lost

    @property
    def useless(self) -> int:
        """Packets that came too late, or twice."""
        return self._order.useless

    @property
    def jitter(self) -> float:
        """Interarrival jitter in seconds."""
        return self._jitter.seconds

    def take(self, data: bytes, host: str, now: float) -> list[RtpPacket]:
        """Take a datagram that came from ``host`` at ``now`` (seconds); return the packets whose turn it is."""
        if self.hosts and host not in self.hosts:
            self.foreign += 1
            return []
        try:
            packet = rtp.parse(data)
        except FrameError:
            self.garbage += 1
            return []
        if packet.payload_type != self.payload_type or not packet.payload:
            self.garbage += 1
            return []
        before: list[RtpPacket] = []
        if packet.ssrc != self.source:
            if not self._may_follow(packet.ssrc, now):
                self.foreign += 1
                return []
            before = self._order.restart()
            self._jitter.restart()
            self.source = packet.ssrc
        self.heard_at = now
        self.packets += 1
        self.octets += len(packet.payload)
        self._jitter.note(packet.timestamp, now)
        return before + self._order.take(packet, now)

    def due(self, now: float) -> list[RtpPacket]:
        """Packets that waited long enough for one that is lost; call it when nothing comes."""
        return self._order.due(now)

    def _may_follow(self, ssrc: int, now: float) -> bool:
        if self.ssrc is not None:
            return ssrc == self.ssrc
        return self.source is None or self.heard_at is None or now - self.heard_at >= SOURCE_SECONDS
