"""What goes to an RDS encoder next: packets, frames or groups of a carousel, without a clock or a line.

A packet that was never sent goes before all repeats, and before the rest of whatever is under way: receivers put frames
together by level and version, so two packets may be interleaved. Repeats go in rounds: all commands that are due, then
one text, so that long texts never stand between two repeats of a command, nor a quick interval starves them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

from gateway.protocols import rds_groups
from gateway.protocols.rds_bodies import RdsType
from gateway.protocols.rds_frames import VERSIONS
from gateway.protocols.rds_plan import FOR_EVER, Carousel, Transmission

Form = Literal["packets", "frames", "groups"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a packet is repeated: rank (smallest first), seconds from one sending to the next, how often (255: ever)."""

    priority: tuple[int, ...]
    interval: float
    count: int


class Piece(NamedTuple):
    """What is written at once, how many frames that is on the sub-carrier, and whether the packet is complete."""

    key: str
    data: bytes
    frames: int
    completes: bool


class _Sending:
    """A packet under way."""

    __slots__ = ("_form", "at", "what")

    def __init__(self, what: Transmission, form: Form) -> None:
        self.what, self._form, self.at = what, form, 0

    def next(self) -> Piece:
        frames = self.what.frames
        if self._form == "packets":
            return Piece(self.what.key, self.what.packet, len(frames), completes=True)
        data = frames[self.at]
        if self._form == "groups":
            data = rds_groups.encode(data)
        self.at += 1
        return Piece(self.what.key, data, 1, self.at == len(frames))


def is_text(packet: bytes) -> bool:
    """Whether a packet is of type 15, which yields to commands."""
    return packet[0] >> 3 == RdsType.TEXT


class Air:
    """The packets of one output; all times are of one monotonic clock, in seconds."""

    def __init__(self, form: Form, versions: Mapping[int, int] | None = None) -> None:
        self._form = form
        self._carousel = Carousel(versions)
        self._plans: dict[str, tuple[int, bytes, Plan]] = {}
        self._fresh: dict[str, float] = {}
        self._urgent: deque[_Sending] = deque()
        self._round: deque[_Sending] = deque()
        self._texts: deque[_Sending] = deque()
        self._text_is_next = False

    def __contains__(self, key: object) -> bool:
        return key in self._plans

    @property
    def is_idle(self) -> bool:
        """Whether nothing circulates and nothing is under way."""
        return not (len(self._carousel) or self._urgent or self._round or self._texts)

    @property
    def versions(self) -> dict[int, int]:
        """The version used last of each level, to be kept over a restart."""
        return self._carousel.versions

    def prepare(self, key: str, level: int, packet: bytes, plan: Plan) -> None:
        """Give ``packet`` its version, and hold it back until it is ``let_go``.

        Raises OverloadedError where 32 packets of the level circulate, none of which may make room.
        """
        while key not in self and self._full(level) and self._drop_a_text(level, plan.priority):
            pass
        self._forget(key)
        self._carousel.put(key, level, packet, now=inf, priority=plan.priority, interval=plan.interval)
        self._plans[key] = level, packet, plan

    def let_go(self, key: str, at: float) -> None:
        """Let a prepared packet circulate from ``at`` on; nothing happens where it was removed meanwhile."""
        if key not in self._plans:
            return
        level, packet, plan = self._plans[key]
        self._carousel.put(key, level, packet, now=at, priority=plan.priority, interval=plan.interval, count=plan.count)
        self._fresh[key] = at

    def remove(self, key: str) -> None:
        """Take a packet off the air, in the middle of it where it is under way."""
        if self._plans.pop(key, None) is not None:
            self._carousel.remove(key)
            self._forget(key)

    def packet(self, key: str) -> bytes:
        """The bytes under ``key``, which must be there."""
        return self._plans[key][1]

    def renew(self, key: str, packet: bytes) -> None:
        """Hold back the same content signed anew, in its place of the plan, until it is ``let_go``."""
        level, _, plan = self._plans[key]
        self.prepare(key, level, packet, plan)

    def begin_again(self) -> None:
        """Send what is under way from its beginning: the line broke, and nobody knows what arrived."""
        for one in (*self._urgent, *self._round, *self._texts):
            one.at = 0

    def next_due(self) -> float:
        """When ``take`` has something to give; minus infinity while a packet is under way."""
        if self._urgent or self._round or self._texts:
            return -inf
        due = self._carousel.next_due()
        return inf if due is None else due

    def take(self, now: float) -> Piece | None:
        """Return what is to be written at ``now``, or None."""
        if any(at <= now for at in self._fresh.values()):
            self._gather(now)
        queue = self._choose(now)
        if queue is None:
            return None
        piece = queue[0].next()
        if piece.completes:
            queue.popleft()
            self._text_is_next = queue is self._round and not self._round
            if piece.key in self._plans and piece.key not in self._carousel and not self._is_under_way(piece.key):
                del self._plans[piece.key]
        return piece

    def _choose(self, now: float) -> deque[_Sending] | None:
        if self._urgent:
            return self._urgent
        if not self._round and not (self._texts and self._text_is_next):
            self._gather(now)
        if self._urgent:
            return self._urgent
        return self._round or self._texts or None

    def _gather(self, now: float) -> None:
        waiting = {one.what.key for one in (*self._round, *self._texts)}
        for what in self._carousel.due(now):
            sending = _Sending(what, self._form)
            if self._fresh.pop(what.key, None) is not None and not is_text(what.packet):
                self._urgent.append(sending)
            elif is_text(what.packet):
                if what.key not in waiting:
                    self._texts.append(sending)
            elif what.key not in waiting or self._plans[what.key][2].count != FOR_EVER:
                self._round.append(sending)

    def _is_under_way(self, key: str) -> bool:
        return any(one.what.key == key for one in (*self._urgent, *self._round, *self._texts))

    def _forget(self, key: str) -> None:
        self._fresh.pop(key, None)
        for queue in (self._urgent, self._round, self._texts):
            for one in [one for one in queue if one.what.key == key]:
                queue.remove(one)

    def _full(self, level: int) -> bool:
        return sum(1 for at, _, _ in self._plans.values() if at == level) >= VERSIONS

    def _drop_a_text(self, level: int, priority: tuple[int, ...]) -> bool:
        """Make room: the text of the least urgent message, unless it is more urgent than what comes."""
        texts = [
            (plan.priority, key) for key, (at, packet, plan) in self._plans.items() if at == level and is_text(packet)
        ]
        if not texts or max(texts)[0] < priority:
            return False
        self.remove(max(texts)[1])
        return True
