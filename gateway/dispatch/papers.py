"""Expiry of certificates 证书到期告警: an alarm in time, one level higher near the end, gone with the renewed paper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gateway.dispatch.alarms import AlarmLevel, Alarms
from gateway.security.papers import Paper, PaperState, day

ALARM: Final = "certificate_expiry"
#: Days before the end from which the alarm is critical.
CRITICAL_DAYS: Final = 7.0
#: Longest time between two looks, seconds; the moment at which one ends is never slept over.
_LOOK: Final = 3600.0
_DAY: Final = 86_400.0


class PaperBook:
    """All certificates that the gateway relies on, from ``sources``; ``clock`` gives Unix seconds."""

    def __init__(
        self,
        alarms: Alarms,
        clock: Callable[[], float],
        sources: Sequence[Callable[[], Iterable[Paper]]],
        warn_days: float,
    ) -> None:
        self._alarms, self._clock, self._sources, self.warn_days = alarms, clock, tuple(sources), warn_days
        self._said: dict[str, tuple[AlarmLevel, str]] = {}

    def papers(self) -> tuple[Paper, ...]:
        """All of them, by root and number."""
        found = {(paper.root, paper.number, paper.uses): paper for source in self._sources for paper in source()}
        return tuple(sorted(found.values(), key=lambda paper: (paper.root, paper.number)))

    def look(self) -> float:
        """Raise what is due, clear what is not; returns the seconds after which to look again."""
        now, due, wait = self._clock(), dict[str, tuple[AlarmLevel, str]](), _LOOK
        for paper in self.papers():
            if paper.state(now, self.warn_days) in (PaperState.EXPIRING, PaperState.EXPIRED):
                due[f"{paper.root}/{paper.number}"] = _words(paper, now)
            for moment in _turns(paper, self.warn_days):
                if moment > now:
                    wait = min(wait, moment - now)
        for subject, (level, text) in due.items():
            if self._said.get(subject) != (level, text):
                self._alarms.raise_(ALARM, subject, text, level)
        # Of all that are open, for one of the last run may have been renewed while nobody looked.
        for alarm in self._alarms.open:
            if alarm.kind == ALARM and alarm.subject not in due:
                self._alarms.clear(ALARM, alarm.subject)
        self._said = due
        return wait

    async def run(self) -> None:
        """Look for ever."""
        while True:  # noqa: ASYNC110 - for a clock, mute
            await asyncio.sleep(self.look())


def _turns(paper: Paper, warn_days: float) -> tuple[float, ...]:
    if paper.ends is None or paper.revoked:
        return ()
    return paper.ends - warn_days * _DAY, paper.ends - CRITICAL_DAYS * _DAY, paper.ends


def _words(paper: Paper, now: float) -> tuple[AlarmLevel, str]:
    assert paper.ends is not None
    who = f"证书 {paper.number}（{paper.holder or paper.root}；{'，'.join(paper.uses) or '无用途 no use'}）"
    if now >= paper.ends:
        return AlarmLevel.CRITICAL, f"{who}已于 {day(paper.ends)} 到期 certificate has expired"
    days = int((paper.ends - now) // _DAY)
    level = AlarmLevel.CRITICAL if paper.ends - now <= CRITICAL_DAYS * _DAY else AlarmLevel.WARNING
    return level, f"{who}将于 {day(paper.ends)} 到期，剩 {days} 天 certificate expires, {days} days left"
