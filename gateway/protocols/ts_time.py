"""Times of the transport stream tables: MJD with BCD digits (GD/J 086-2018 annex A), and seven plain bytes (table 9).

Annex A says UTC, implementations write Beijing time: a setting of each multiplexer. A section does not say which it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

import construct

from gateway.errors import InvalidValueError
from gateway.protocols.fields import U8, U16, adapt, record

_MJD_ZERO = datetime(1858, 11, 17)
_UNIX_ZERO = datetime(1970, 1, 1)
_BEIJING_S = 8 * 3600


class TsTime(StrEnum):
    """Which clock the digits of an index entry show."""

    UTC = "utc"
    BEIJING = "beijing"

    @property
    def offset(self) -> int:
        """Seconds that the clock is ahead of UTC."""
        return _BEIJING_S if self is TsTime.BEIJING else 0


@dataclass(frozen=True, slots=True)
class MjdTime:
    """40 bits as they stand in the section: modified Julian date and hhmmss in BCD; ``OPEN_END`` is no time."""

    raw: bytes

    @classmethod
    def of(cls, seconds: int, ts_time: TsTime) -> Self:
        """Write Unix seconds by the clock ``ts_time``; the date ends with 2038-04-22 (16 bits of MJD)."""
        clock = _UNIX_ZERO + timedelta(seconds=seconds + ts_time.offset)
        days = (clock - _MJD_ZERO).days
        if not 0 <= days <= 0xFFFF:
            raise InvalidValueError("time", seconds, "must lie between 1858-11-17 and 2038-04-22 (GD/J 086 annex A)")
        return cls(days.to_bytes(2, "big") + bytes.fromhex(f"{clock:%H%M%S}"))

    @property
    def clock(self) -> datetime | None:
        """Date and time without a zone, as written; None for an open end and where the digits are no time."""
        digits = self.raw[2:].hex()
        if not digits.isdecimal():
            return None
        hour, minute, second = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        if hour > 23 or minute > 59 or second > 59:
            return None
        return _MJD_ZERO + timedelta(
            days=int.from_bytes(self.raw[:2], "big"), hours=hour, minutes=minute, seconds=second
        )

    def seconds(self, ts_time: TsTime) -> int | None:
        """Unix seconds if the digits were written by the clock ``ts_time``."""
        clock = self.clock
        return None if clock is None else int((clock - _UNIX_ZERO).total_seconds()) - ts_time.offset


#: End of a live stream of which nobody knows when it ends (GD/J 086-2018 6.2).
OPEN_END = MjdTime(b"\xff" * 5)
MJD_TIME = adapt(construct.Bytes(5), MjdTime, lambda time: time.raw)


@dataclass(frozen=True, slots=True)
class WallClock:
    """Year to second in seven plain bytes (086 table 9, 089 table C.3). The zone is not stated; we read Beijing."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int

    @classmethod
    def of(cls, seconds: int) -> Self:
        """Write Unix seconds in Beijing time."""
        clock = _UNIX_ZERO + timedelta(seconds=seconds + _BEIJING_S)
        return cls(clock.year, clock.month, clock.day, clock.hour, clock.minute, clock.second)

    @property
    def clock(self) -> datetime | None:
        """Date and time without a zone, or None where the numbers are no time."""
        try:
            return datetime(self.year, self.month, self.day, self.hour, self.minute, self.second)
        except ValueError:
            return None

    @property
    def seconds(self) -> int | None:
        """Unix seconds, read as Beijing time."""
        clock = self.clock
        return None if clock is None else int((clock - _UNIX_ZERO).total_seconds()) - _BEIJING_S


WALL_CLOCK = record(WallClock, year=U16, month=U8, day=U8, hour=U8, minute=U8, second=U8)
