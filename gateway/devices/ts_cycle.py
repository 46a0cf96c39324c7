"""Datagrams of a multiplexer's input, in the order and at the times in which they leave; without a clock or a socket.

Datagrams always hold seven packets of 188 bytes, filled with null packets: inputs of multiplexers expect 1,316 bytes,
and take null packets out again. The tables are a trickle (10 kbit/s), so a constant rate would be hundreds of datagrams
a second that say nothing. The index leaves at once, as a burst; all else is spread over the rate of the settings, and
the index goes between any two sections.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.protocols.ts_carousel import Carousel
from gateway.protocols.ts_packets import NULL_PACKET, Packetiser
from gateway.protocols.ts_section import Section

#: Packets in a datagram.
PACKETS = 7
#: A sender that was late catches up by so much of the rate, seconds.
_SLACK = 0.05


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be sent now, and when the next step is due (seconds of the clock that was given).

    ``idle``: all that is on the air has been sent at least once.
    """

    datagrams: tuple[bytes, ...] = ()
    is_index: bool = False
    idle: bool = False
    next_at: float = 0.0


class Cycle:
    """One output: a carousel, the bytes of its sections, and one continuity counter over all that is ever sent."""

    def __init__(self, carousel: Carousel, signed: Mapping[Section, bytes], bytes_per_second: float) -> None:
        self.carousel = carousel
        self._signed = signed
        self._rate = bytes_per_second
        self._packetiser = Packetiser()
        self._queue: deque[Section] = deque()
        self._free_at = 0.0

    def show(self, carousel: Carousel, signed: Mapping[Section, bytes]) -> None:
        """Go on with another carousel, all of whose sections are in ``signed``."""
        self.carousel, self._signed = carousel, signed
        self._queue.clear()

    def step(self, now: float) -> Step:
        """Return what is due at ``now``, at most the index or one other section."""
        index = self.carousel.due(now, 0)
        if index:
            return Step(self._datagrams(index), is_index=True, next_at=now)
        if not self._queue and self._free_at <= now:
            self._queue += self.carousel.due(now, 1)
        if self._queue and self._free_at <= now:
            datagrams = self._datagrams((self._queue.popleft(),))
            size = sum(map(len, datagrams))
            self._free_at = max(self._free_at, now - _SLACK) + size / self._rate
            return Step(datagrams, next_at=now)
        others = self._free_at if self._queue else max(self._free_at, self.carousel.next_due(now))
        idle = not self._queue and self.carousel.next_due(now) > now
        return Step(idle=idle, next_at=min(self.carousel.index_due, others))

    def _datagrams(self, sections: tuple[Section, ...]) -> tuple[bytes, ...]:
        packets = [packet for section in sections for packet in self._packetiser.packets(self._signed[section])]
        packets += [NULL_PACKET] * (-len(packets) % PACKETS)
        return tuple(b"".join(packets[at : at + PACKETS]) for at in range(0, len(packets), PACKETS))
