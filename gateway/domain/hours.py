"""Hours 时段 of the day in Beijing, on some days of the week; a span may go over midnight."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from gateway.domain.zone import BEIJING
from gateway.errors import InvalidValueError

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)\Z", re.ASCII)
_DAY: Final = 24 * 60
EVERY_DAY: Final = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class Hours:
    """Spans in minutes of the day; one whose end is not after its start goes on into the next day.

    ``weekdays``: 1 Monday to 7 Sunday, the day on which a span begins.
    """

    spans: tuple[tuple[int, int], ...]
    weekdays: tuple[int, ...] = EVERY_DAY

    @classmethod
    def parse(cls, spans: Iterable[str], weekdays: Iterable[int] = EVERY_DAY) -> Self:
        """Read ``06:00-21:00`` and the like. Errors: InvalidValueError."""
        found = []
        for text in spans:
            match = _SPAN.match(text)
            if match is None or (match[3] == "24" and match[4] != "00"):
                raise InvalidValueError("hours", text, "must be HH:MM-HH:MM")
            start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
            found.append((start, end if end > start else end + _DAY))
        days = tuple(sorted(set(weekdays)))
        if not days or not set(days) <= set(EVERY_DAY):
            raise InvalidValueError("weekdays", days, "must be 1 (Monday) to 7 (Sunday)")
        return cls(tuple(found), days)

    def end(self, at: datetime) -> datetime | None:
        """When the span ends in which a moment (aware) lies; None where it lies in none."""
        here = at.astimezone(BEIJING)
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
        ends = []
        for back in (0, 1):
            day = midnight - timedelta(days=back)
            if day.isoweekday() not in self.weekdays:
                continue
            for start, end in self.spans:
                if day + timedelta(minutes=start) <= here < day + timedelta(minutes=end):
                    ends.append(day + timedelta(minutes=end))
        return max(ends, default=None)

    def __contains__(self, at: object) -> bool:
        return isinstance(at, datetime) and self.end(at) is not None

    def __str__(self) -> str:
        spans = ",".join(f"{_clock(start)}-{_clock(end % _DAY or _DAY)}" for start, end in self.spans)
        return spans if self.weekdays == EVERY_DAY else f"{spans} @{''.join(map(str, self.weekdays))}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
