"""Which packet goes on the air when (GD/J 085-2018 5.4): a carousel of packets for each source level, without a clock.

Receivers know a packet by source level and version. A packet whose bytes change takes the next version (modulo 32) that
no other packet of its level has on the air; repeats keep theirs. At most 32 packets of a level circulate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.errors import InvalidValueError, NotFoundError, OverloadedError
from gateway.protocols.rds_frames import LEVELS, VERSIONS, split

#: 发送次数 that never runs out (GD/J 089-2018 table A.24).
FOR_EVER = 0xFF
#: 发送间隔 in seconds where nothing is set (GD/J 089-2018 table A.24: 100 ms).
DEFAULT_INTERVAL = 0.1


class Transmission(NamedTuple):
    """One packet that is due: its key, source level, version, bytes, and its frames ready to be sent."""

    key: str
    level: int
    version: int
    packet: bytes
    frames: tuple[bytes, ...]


@dataclass(slots=True)
class _Circulating:
    level: int
    version: int
    packet: bytes
    frames: tuple[bytes, ...]
    priority: tuple[int, ...]
    interval: float
    left: int
    due: float


class Carousel:
    """Packets that circulate; all times are of one clock, in seconds, given as arguments.

    ``versions`` holds the version used last of each level, as ``versions`` gave it before a restart: a receiver must
    not take a new packet for one that it knows.
    """

    __slots__ = ("_packets", "_versions")

    def __init__(self, versions: Mapping[int, int] | None = None) -> None:
        self._versions = dict(versions or {})
        self._packets: dict[str, _Circulating] = {}

    @property
    def versions(self) -> dict[int, int]:
        """The version used last of each level, to be kept over a restart."""
        return dict(self._versions)

    def __len__(self) -> int:
        return len(self._packets)

    def __contains__(self, key: object) -> bool:
        return key in self._packets

    def put(
        self,
        key: str,
        level: int,
        packet: bytes,
        *,
        now: float,
        priority: tuple[int, ...] = (),
        interval: float = DEFAULT_INTERVAL,
        count: int = FOR_EVER,
    ) -> int:
        """Let ``packet`` circulate from ``now`` on, under ``key``, and return its version.

        ``interval`` in seconds from one sending to the next; ``count`` 1-254 sendings, 255 for ever; the smallest
        ``priority`` goes first. A key that circulates already gets the new content, times and count; equal bytes keep
        their version. Raises InvalidValueError naming the value, or OverloadedError where 32 packets of the level
        circulate: which of them has to go is not decided here.
        """
        if not interval > 0:
            raise InvalidValueError("interval", interval, "must be above 0 seconds")
        if not 1 <= count <= FOR_EVER:
            raise InvalidValueError("count", count, "must be 1-254, or 255 for ever (GD/J 089-2018 table A.24)")
        held = self._packets.get(key)
        if held is not None and held.level == level and held.packet == packet:
            held.priority, held.interval, held.left, held.due = priority, interval, count, now
            return held.version
        version = self._next_version(level, key)
        frames = tuple(split(packet, level, version))
        self._versions[level] = version
        self._packets[key] = _Circulating(level, version, packet, frames, priority, interval, count, now)
        return version

    def renew(self, key: str, packet: bytes) -> int:
        """Replace the bytes under ``key``, signed anew for instance, in its place of the plan; return the version.

        Raises NotFoundError where nothing circulates under ``key``.
        """
        held = self._packets.get(key)
        if held is None:
            raise NotFoundError(f"RDS packet {key!r} does not circulate")
        if held.packet != packet:
            version = self._next_version(held.level, key)
            held.frames = tuple(split(packet, held.level, version))
            held.packet, held.version = packet, version
            self._versions[held.level] = version
        return held.version

    def remove(self, key: str) -> bool:
        """Take a packet off the air, because its message was stopped; return whether it was there."""
        return self._packets.pop(key, None) is not None

    def next_due(self) -> float | None:
        """When the next packet is due; None while nothing circulates."""
        return min((one.due for one in self._packets.values()), default=None)

    def due(self, now: float) -> list[Transmission]:
        """Return what is due at ``now``, each packet once, highest priority first, and count it as sent.

        Who asks late gets one sending for all that were missed, never a burst.
        """
        ready = [(one.priority, one.due, key) for key, one in self._packets.items() if one.due <= now]
        return [self._sent(key, now) for _, _, key in sorted(ready)]

    def _sent(self, key: str, now: float) -> Transmission:
        one = self._packets[key]
        one.due += one.interval
        if one.due <= now:
            one.due = now + one.interval
        if one.left != FOR_EVER:
            one.left -= 1
            if not one.left:
                del self._packets[key]
        return Transmission(key, one.level, one.version, one.packet, one.frames)

    def _next_version(self, level: int, key: str) -> int:
        if level not in LEVELS:
            raise InvalidValueError("level", level, "must be 1-6 (085 table 22)")
        others = {one.version for other, one in self._packets.items() if one.level == level and other != key}
        if len(others) >= VERSIONS:
            raise OverloadedError(f"{VERSIONS} RDS packets of source level {level} circulate (085 5.4)")
        held = self._packets.get(key)
        own = held.version if held is not None and held.level == level else None
        last = self._versions.get(level, VERSIONS - 1)
        free = [at % VERSIONS for at in range(last + 1, last + 1 + VERSIONS) if at % VERSIONS not in others]
        # Its own version only where 31 others leave nothing else: receivers know it by the former content.
        return next((one for one in free if one != own), free[0])
