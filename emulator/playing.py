"""What is on the air 播发: which message a terminal plays, by priority and time, and what it remembers of each.

Priority is that of GD/J 089-2018 table B.20 (emergency above daily, higher platform above lower; drills between), then
severity, then the earlier start: the same order the gateway sends in. Both messages are kept, as
F.6.4.3 has it: the lower one waits or pauses, and goes on when the air is free and its own time is not over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Final, NamedTuple

from emulator.sound_source import SoundSource
from gateway.domain.codes import EbmId

#: Messages remembered since power-up; the oldest that are over are forgotten first.
MEMORY: Final = 2000


class Memory(Enum):
    """What a terminal knows of a message until it loses power."""

    LIVE = "live"
    OVER = "over"
    STOPPED = "stopped"


class Change(Enum):
    """What happened on the air."""

    PLAYING = "playing"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    STOPPED = "stopped"
    MISSED = "missed"


class Verdict(Enum):
    """What becomes of a start."""

    ACCEPTED = "accepted"
    #: the same message again: it is already on the air, waiting, or played to its end.
    KNOWN = "known"
    #: it was stopped: it must not play, and the sender should know that it does not.
    WAS_STOPPED = "was_stopped"
    #: its end lies behind.
    TOO_LATE = "too_late"
    #: a higher one holds the air and this terminal keeps no queue.
    BUSY = "busy"


@dataclass(slots=True, eq=False)
class Task:
    """One message that plays or waits. ``key`` orders, smallest first; times by the terminal's clock, Unix seconds."""

    ebm_id: EbmId
    key: tuple[int, ...]
    start: float
    end: float
    daily: bool
    volume: int
    began: float | None = None
    #: where its sound comes from; None where nobody listens.
    source: SoundSource | None = None
    #: whether its begin was reported, whether sound was ever heard, and whether it is missing now.
    claimed: bool = False
    heard: bool = False
    silent: bool = False


class Step(NamedTuple):
    """A change, of which message, when, and whether it was audible until then."""

    change: Change
    task: Task
    at: float
    audible: bool = False


class Player:
    """The air of one terminal, without clock: each call gets the time, and returns what changed."""

    __slots__ = ("_current", "_keeps_queue", "_looked", "_memory", "_tasks")

    def __init__(self, *, keeps_queue: bool = True) -> None:
        self._tasks: list[Task] = []
        self._current: Task | None = None
        self._memory: dict[EbmId, Memory] = {}
        self._keeps_queue = keeps_queue
        self._looked = -inf

    @property
    def current(self) -> Task | None:
        """What is audible now."""
        return self._current

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All that plays or waits."""
        return tuple(self._tasks)

    @property
    def due(self) -> float:
        """When ``advance`` must be called next; infinity when nothing plays or waits."""
        due = inf
        for task in self._tasks:
            due = min(due, task.end if task.start <= self._looked else min(task.start, task.end))
        return due

    def start(self, task: Task, now: float) -> tuple[Verdict, list[Step]]:
        """Take a start; a message is played once between two restarts, whatever comes twice."""
        known = self._memory.get(task.ebm_id)
        if known is not None:
            return (Verdict.WAS_STOPPED if known is Memory.STOPPED else Verdict.KNOWN), []
        if task.end <= now:
            return Verdict.TOO_LATE, []
        current = self._current
        if not self._keeps_queue and current is not None and current.key <= task.key:
            return Verdict.BUSY, []
        self._remember(task.ebm_id, Memory.LIVE)
        self._tasks.append(task)
        return Verdict.ACCEPTED, self.advance(now)

    def stop(self, ebm_id: EbmId | None, now: float) -> list[Step]:
        """Stop one message, or all with None; it is remembered even if its start comes after its stop."""
        steps = self.advance(now)
        gone = [task for task in self._tasks if ebm_id is None or task.ebm_id == ebm_id]
        if ebm_id is not None and self._memory.get(ebm_id) is not Memory.OVER:
            self._remember(ebm_id, Memory.STOPPED)
        for task in gone:
            self._memory[task.ebm_id] = Memory.STOPPED
            steps.append(self._drop(task, Change.STOPPED, now))
        return steps + self.advance(now) if gone else steps

    def advance(self, now: float) -> list[Step]:
        """End what is over, and give the air to the highest whose time has come."""
        steps: list[Step] = []
        self._looked = now
        for task in [task for task in self._tasks if task.end <= now]:
            self._memory[task.ebm_id] = Memory.OVER
            steps.append(self._drop(task, Change.ENDED if task.began is not None else Change.MISSED, now))
        best = min((task for task in self._tasks if task.start <= now), key=lambda task: task.key, default=None)
        current = self._current
        if best is None or best is current or (current is not None and current.key <= best.key):
            return steps
        if current is not None:
            steps.append(Step(Change.PAUSED, current, now, audible=True))
        self._current = best
        if best.began is None:
            best.began = now
            steps.append(Step(Change.PLAYING, best, now))
        else:
            steps.append(Step(Change.RESUMED, best, now))
        return steps

    def cut(self, now: float) -> list[Step]:
        """Lose power: everything that began ends here, and nothing is remembered."""
        steps = [Step(Change.ENDED, task, now) for task in self._tasks if task.began is not None]
        self._tasks, self._current, self._memory = [], None, {}
        return steps

    def _drop(self, task: Task, change: Change, now: float) -> Step:
        self._tasks.remove(task)
        audible = task is self._current
        if audible:
            self._current = None
        return Step(change, task, now, audible)

    def _remember(self, ebm_id: EbmId, state: Memory) -> None:
        memory = self._memory
        memory[ebm_id] = state
        if len(memory) > MEMORY:
            oldest = next((known for known, what in memory.items() if what is not Memory.LIVE), None)
            if oldest is not None:
                del memory[oldest]
