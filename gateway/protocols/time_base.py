"""Seconds of appendix A and of table E.10: since 1970-01-01 by which clock? (GD/J 089-2018 tables A.12, A.35, E.10)

The tables say Beijing time as seconds since the epoch; platforms in the field send Unix seconds, and some adapters
count Beijing wall time. It is therefore a setting of each peer, and its own clock says whether that can be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.domain.receiver import TimeBase
from gateway.errors import InvalidValueError

__all__ = [
    "BEIJING_AHEAD",
    "CLOCK_TOLERANCE",
    "ClockCheck",
    "ClockVerdict",
    "TimeBase",
    "check_clock",
    "to_unix",
    "to_wire",
]

#: Seconds by which Beijing wall time is ahead of UTC.
BEIJING_AHEAD = 28_800
#: Seconds by which a peer's clock may differ from ours before it is called wrong.
CLOCK_TOLERANCE = 120


class ClockVerdict(Enum):
    """What a peer's own time says about its time base."""

    PLAUSIBLE = "plausible"
    #: right in the other base: the setting is wrong, and a start would end eight hours off
    OTHER_BASE = "other_base"
    #: right in neither
    CLOCK_OFF = "clock_off"


@dataclass(frozen=True, slots=True)
class ClockCheck:
    """Verdict, the base that would fit better (OTHER_BASE only), and seconds by which the peer's clock is ahead."""

    verdict: ClockVerdict
    proposed: TimeBase | None
    ahead_s: float


def _offset(base: TimeBase) -> int:
    return BEIJING_AHEAD if base is TimeBase.BEIJING else 0


def to_wire(unix: int, base: TimeBase) -> int:
    """Return ``unix`` (seconds, UTC) as the frame holds it; raise InvalidValueError where 32 bits do not hold it."""
    seconds = unix + _offset(base)
    if not 0 <= seconds <= 0xFFFFFFFF:
        raise InvalidValueError("time", unix, f"must fit 32 bits as {base} seconds (GD/J 089-2018 table A.12)")
    return seconds


def to_unix(wire: int, base: TimeBase) -> int:
    """Return what the frame holds as Unix seconds; below 0 for the first eight hours of a Beijing count."""
    return wire - _offset(base)


def check_clock(connection_time: int, now: float, base: TimeBase, tolerance: float = CLOCK_TOLERANCE) -> ClockCheck:
    """Hold ``connection_time`` of an adapter (table A.35, as on the wire) against our clock ``now`` (Unix seconds).

    ``tolerance`` in seconds, both ways, bounds included.
    """
    ahead = to_unix(connection_time, base) - now
    if abs(ahead) <= tolerance:
        return ClockCheck(ClockVerdict.PLAUSIBLE, None, ahead)
    other = TimeBase.UNIX if base is TimeBase.BEIJING else TimeBase.BEIJING
    if abs(to_unix(connection_time, other) - now) <= tolerance:
        return ClockCheck(ClockVerdict.OTHER_BASE, other, ahead)
    return ClockCheck(ClockVerdict.CLOCK_OFF, None, ahead)
