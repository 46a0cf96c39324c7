"""Quiet hours 安静时段: what becomes of low levels at night. Red and orange are never held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.domain.hours import Hours
from gateway.domain.warning import Severity

#: Levels that may be held or softened.
LOW: Final = frozenset({Severity.YELLOW, Severity.BLUE, Severity.UNKNOWN})


class QuietMode(StrEnum):
    """What is done."""

    #: begins when the quiet hours end, if it is still valid then
    HOLD = "hold"
    #: at once, softly
    SOFT = "soft"


@dataclass(frozen=True, slots=True)
class Quiet:
    """What quiet hours do with one message: it begins at ``start``, and no louder than ``volume``."""

    start: datetime
    volume: int | None
    words: str


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The rule of the settings."""

    hours: Hours
    severities: frozenset[Severity]
    mode: QuietMode
    volume: int

    def decide(self, severity: Severity, start: datetime, expires: datetime | None) -> Quiet | None:
        """What becomes of a message that would begin at ``start``; None where the rule has no say.

        One that is over before the quiet hours end is not held: it begins softly instead.
        """
        if severity not in self.severities & LOW:
            return None
        end = self.hours.end(start)
        if end is None:
            return None
        if self.mode is QuietMode.HOLD and (expires is None or end < expires):
            return Quiet(end, None, f"安静时段 {self.hours}，推迟至 {end:%m-%d %H:%M} held until the quiet hours end")
        return Quiet(start, self.volume, f"安静时段 {self.hours}，音量 {self.volume} played softly in quiet hours")
