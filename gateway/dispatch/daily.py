"""Daily broadcasts 日常广播 (平战结合): programmes by schedule, class 5; they give way to all else, and come back.

Each time on air is an ordinary message made through intake, so that it is committed, addressed, reported and counted as
any other; its identity names schedule and time, so that a restart makes it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from gateway.dispatch.daily_book import DailyBook
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.service import Dispatch
from gateway.dispatch.submission import Acceptance, Facts, Submission
from gateway.domain.codes import AreaCode
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass, Manner, MessageState
from gateway.domain.schedule import AfterEmergency, Schedule, Slot
from gateway.domain.warning import Severity, Status, Warning, WarningIdentity, WarningKind, WarningText
from gateway.errors import GatewayError, StateConflictError

log = structlog.get_logger(__name__)

#: Who publishes them, in the lists of warnings.
PUBLISHER: Final = "日常播出计划 schedule"
#: Event type of daily broadcasts: widely used in the field (GD/J 089-2018 table D.5 names no other).
EVENT: Final = EventType("00000")
#: Seconds of air time below which it is not worth beginning, or coming back.
SHORTEST: Final = 30.0
#: Longest the scheduler sleeps, so that a clock that was set is noticed, in seconds.
LONGEST_WAIT: Final = 600.0


@dataclass(frozen=True, slots=True)
class Yielded:
    """What gave way, and to whom it did: areas that fell silent, and the messages in their way."""

    schedule: Schedule
    slot: Slot
    areas: tuple[AreaCode, ...]
    part: int


class Daily:
    """Begins what is due, takes it off where something more urgent plays, and brings it back by the schedule's rule."""

    def __init__(self, dispatch: Dispatch, book: DailyBook, own_code: str) -> None:
        self._dispatch = dispatch
        self._book = book
        self._own_code = own_code
        self._on_air: dict[str, tuple[Schedule, Slot, int]] = {}
        self._yielded: dict[str, Yielded] = {}
        #: which time on air a message is
        self._names: dict[str, str] = {}
        self._generation = 0
        dispatch.watch(self._moved)
        book.on_change = self.plan

    def start(self) -> None:
        """Take up what should be on air now, and wait for what comes."""
        self.plan(missed=True)

    def plan(self, *, missed: bool = False) -> None:
        """Set the timer for the next time on air; ``missed``: those that should have begun already begin now."""
        self._generation += 1
        generation, now = self._generation, self._now()
        wait = LONGEST_WAIT
        for schedule in self._book.schedules.values():
            if not schedule.enabled:
                continue
            running = schedule.running(now, self._book.calendar)
            if running is not None and (missed or running.start >= now - timedelta(seconds=LONGEST_WAIT)):
                self._spawn(schedule, running)
            coming = schedule.following(now, self._book.calendar)
            if coming is not None:
                wait = min(wait, (coming.start - now).total_seconds())
        self._dispatch.state.pacer.after(max(0.0, wait), lambda: self._wake(generation))

    def _wake(self, generation: int) -> None:
        if generation == self._generation:
            self.plan()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._dispatch.state.clock(), UTC)

    def _spawn(self, schedule: Schedule, slot: Slot) -> None:
        key = f"{schedule.id} {slot.start.isoformat()}"
        if key in self._on_air or key in self._yielded:
            return
        self._on_air[key] = (schedule, slot, 0)
        self._dispatch.sender.spawn(self._begin(key, Yielded(schedule, slot, schedule.areas, 0)))

    async def _begin(self, key: str, due: Yielded) -> None:
        """One message for a time on air, or for the rest of one; held back while something else plays there."""
        if (due.slot.end - self._now()).total_seconds() < SHORTEST:
            self._on_air.pop(key, None)
            return
        if self._in_the_way(due.areas):
            self._on_air.pop(key, None)
            self._hold(key, due)
            return
        try:
            accepted = await self._accept(due)
        except GatewayError as error:
            self._on_air.pop(key, None)
            self._dispatch.state.alarms.raise_("daily_failed", due.schedule.id, f"{due.schedule.title}: {error}")
            raise
        if accepted.message_id is None:
            return
        if not accepted.created and accepted.state is MessageState.CANCELLED:
            # A restart found it taken off: by whom stands in the store, and only what gave way comes back.
            row, _ = await self._dispatch.book(accepted.message_id)
            self._on_air.pop(key, None)
            if row.state_reason.startswith(_REASON):
                self._hold(key, replace(due, part=due.part + 1))
                self._resume()
            return
        self._on_air[key] = (due.schedule, due.slot, due.part)
        self._names[str(accepted.message_id)] = key

    async def _accept(self, due: Yielded) -> Acceptance:
        schedule, programme = due.schedule, self._book.programmes[due.schedule.programme]
        suffix = f"-{due.part}" if due.part else ""
        text = programme.source if programme.kind == "text" else programme.title
        warning = Warning(
            identity=WarningIdentity(
                self._own_code, f"daily-{schedule.id}-{due.slot.start:%Y%m%dT%H%M%S}{suffix}", due.slot.start
            ),
            status=Status.ACTUAL,
            kind=WarningKind.ALERT,
            scope="Public",
            event=EVENT,
            event_text="日常广播",
            severity=Severity.BLUE,
            texts=(WarningText("zh-CN", schedule.title, text),),
        )
        facts = Facts(
            areas=due.areas,
            ebm_class=EbmClass.DAILY,
            severity=Severity.BLUE,
            event=EVENT,
            start=due.slot.start,
            end=due.slot.end,
            headline=schedule.title,
            text=text,
            programme_url=programme.source if programme.kind == "stream" else None,
            manner=Manner.RECORDING if programme.kind == "file" else Manner.READING,
            recording=programme.source if programme.kind == "file" else "",
            volume=schedule.volume,
        )
        return await self._dispatch.accept(Submission(warning, b"", "application/x-schedule", PUBLISHER), facts)

    # -- giving way

    def _moved(self, live: LiveMessage) -> None:
        """A message has come into a state: what is daily gives way to it, or may come back after it."""
        if live.message.ebm_class is EbmClass.DAILY:
            if live.state.is_over and not live.state_reason.startswith(_REASON):
                key = self._names.pop(live.ebm_id, None)
                if key is not None:
                    self._on_air.pop(key, None)
            return
        if live.state is MessageState.ACTIVE and live.message.ebm_class is not EbmClass.SYSTEM_DRILL:
            self._dispatch.sender.spawn(self._give_way(live))
        elif live.state.is_over and self._yielded:
            self._resume()

    async def _give_way(self, urgent: LiveMessage) -> None:
        for daily in [m for m in self._dispatch.state.messages.values() if m.message.ebm_class is EbmClass.DAILY]:
            if daily.state.is_over or daily.ending:
                continue
            shared = _shared(daily.message.areas, urgent.message.areas)
            if not shared:
                continue
            key = self._names.get(daily.ebm_id)
            reason = f"{_REASON} {urgent.ebm_id}"
            try:
                await self._dispatch.silence_message(daily, shared, PUBLISHER, reason)
            except StateConflictError:
                continue  # it ended meanwhile
            if key is not None and key in self._on_air:
                schedule, slot, part = self._on_air.pop(key) if daily.state.is_over else self._on_air[key]
                self._hold(key, Yielded(schedule, slot, shared, part + 1))

    def _hold(self, key: str, due: Yielded) -> None:
        if due.schedule.after is AfterEmergency.DROP:
            return
        before = self._yielded.get(key)
        areas = tuple(dict.fromkeys((*(before.areas if before else ()), *due.areas)))
        self._yielded[key] = replace(due, areas=areas)
        log.info("daily broadcast gives way", schedule=due.schedule.id, areas=len(areas))

    def _resume(self) -> None:
        """Bring back what nothing stands in the way of any more."""
        now = self._now()
        for key, due in list(self._yielded.items()):
            if (due.slot.end - now).total_seconds() < SHORTEST:
                del self._yielded[key]
            elif not self._in_the_way(due.areas):
                del self._yielded[key]
                self._on_air[key] = (due.schedule, due.slot, due.part)
                self._dispatch.sender.spawn(self._begin(key, due))

    def _in_the_way(self, areas: Sequence[AreaCode]) -> bool:
        return any(
            live.wanted
            and live.message.ebm_class not in (EbmClass.DAILY, EbmClass.SYSTEM_DRILL)
            and _shared(areas, live.message.areas)
            for live in self._dispatch.state.messages.values()
        )


#: Why a daily broadcast was taken off, at the beginning of its reason.
_REASON: Final = "yielded to"


def _shared(mine: Iterable[AreaCode], others: Sequence[AreaCode]) -> tuple[AreaCode, ...]:
    """The part of ``mine`` that lies in ``others``: the smaller division of each pair of which one covers the other."""
    found: dict[AreaCode, None] = {}
    for area in mine:
        for other in others:
            if other.covers(area):
                found[area] = None
            elif area.covers(other):
                found[other] = None
    return tuple(found)
