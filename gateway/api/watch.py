"""Watch 变更推送: tells listeners of messages, coverage and alarms as they change, by server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from gateway.api import reads
from gateway.api.services import Services
from gateway.coverage.books import Books
from gateway.coverage.figures import Rule
from gateway.dispatch.alarms import Alarm
from gateway.errors import GatewayError, OverloadedError
from gateway.publishers.rights import KeyKind, Publisher

log = structlog.get_logger(__name__)

#: Seconds between two looks while somebody listens; nothing is done while nobody does.
PERIOD: Final = 0.25
#: Events that may wait for one listener; one that is slower is let go, and gets everything anew when it comes back.
_WAITING: Final = 500
MOST_LISTENERS: Final = 64


@dataclass(frozen=True, slots=True)
class Event:
    """One event: name, JSON, and whose message it is about (None: for operators)."""

    name: str
    data: Mapping[str, Any]
    publisher: str | None

    def encode(self) -> bytes:
        """As it goes over the wire."""
        text = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))
        return f"event: {self.name}\ndata: {text}\n\n".encode()


@dataclass(slots=True, eq=False)
class Listener:
    """One open stream; None in its queue is the end."""

    who: Publisher
    queue: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(_WAITING + 1))

    def may_hear(self, event: Event) -> bool:
        """Operators hear all, publishers of their own messages."""
        return self.who.kind is KeyKind.OPERATOR or event.publisher == self.who.name

    def tell(self, event: Event) -> bool:
        """Queue an event; False when too many wait already."""
        if self.may_hear(event):
            if self.queue.qsize() >= _WAITING:
                return False
            self.queue.put_nowait(event)
        return True

    def end(self) -> None:
        """No more will come."""
        while self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Watch:
    """Compares what is with what was told last, a few times a second while somebody listens."""

    def __init__(self, services: Services, books: Books, period: float = PERIOD) -> None:
        self._services = services
        self._books = books
        self._period = period
        self._listeners: set[Listener] = set()
        self._told: dict[tuple[str, str], tuple[Any, Event]] = {}
        self._publishers: dict[str, str | None] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def listeners(self) -> int:
        """Open streams."""
        return len(self._listeners)

    def join(self, who: Publisher) -> Listener:
        """Begin to listen: what is in force now comes first. Errors: OverloadedError."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise OverloadedError("监听者过多 too many listeners", retry_after=30)
        listener = Listener(who)
        for _, event in self._told.values():
            listener.tell(event)
        self._listeners.add(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="watch")
        return listener

    def leave(self, listener: Listener) -> None:
        """End listening."""
        self._listeners.discard(listener)

    async def close(self) -> None:
        """End every stream."""
        for listener in tuple(self._listeners):
            listener.end()
        self._listeners.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._listeners:
            try:
                await self._look()
            except GatewayError as error:
                log.warning("watch cannot look", error=str(error))
            await asyncio.sleep(self._period)
        # What was told is old news for whoever comes next.
        self._told.clear()
        self._task = None

    async def _look(self) -> None:
        seen: dict[tuple[str, str], tuple[Any, Event]] = {}
        for live in tuple(self._services.dispatch.state.messages.values()):
            ebm_id, publisher = live.ebm_id, await self._publisher(live.message.warning_id)
            state = {
                "message_id": ebm_id,
                "warning_id": live.message.warning_id,
                "state": live.state.value,
                "reason": live.state_reason,
                "at": live.state_at,
                "headline": live.message.headline,
            }
            seen["message", ebm_id] = (live.state, Event("message", state, publisher))
            mark = (len(live.log), live.state)
            before = self._told.get(("coverage", ebm_id))
            if before is None or before[0] != mark:
                seen["coverage", ebm_id] = (mark, Event("coverage", await self._coverage(ebm_id), publisher))
            else:
                seen["coverage", ebm_id] = before
        for alarm in self._services.dispatch.state.alarms.open:
            key = ("alarm", f"{alarm.kind} {alarm.subject}")
            seen[key] = (alarm.level, Event("alarm", _alarm(alarm, is_open=True), None))
        self._tell(seen)

    def _tell(self, seen: dict[tuple[str, str], tuple[Any, Event]]) -> None:
        before, self._told = self._told, seen
        for key, (mark, event) in seen.items():
            if key not in before or before[key][0] != mark:
                self._send(event)
        for key in before.keys() - seen.keys():
            if key[0] == "alarm":
                self._send(Event("alarm", {**before[key][1].data, "open": False}, None))

    def _send(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            if not listener.tell(event):
                log.warning("listener too slow", holder=listener.who.name)
                self._listeners.discard(listener)
                listener.end()

    async def _publisher(self, warning_id: str) -> str | None:
        if warning_id not in self._publishers:
            ids = await self._services.store.read(reads.ids_of, warning_id)
            living = {live.message.warning_id for live in self._services.dispatch.state.messages.values()}
            self._publishers = {w: p for w, p in self._publishers.items() if w in living}
            self._publishers[warning_id] = ids.publisher if ids is not None else None
        return self._publishers[warning_id]

    async def _coverage(self, ebm_id: str) -> dict[str, Any]:
        opened = await self._books.open(ebm_id)
        rule = Rule(self._services.settings.coverage.rule)
        found = opened.book.snapshot(self._services.clock(), rule, opened.state)
        figures = {name: getattr(found.reached, name) for name in ("proven", "claimed", "sent")}
        figures["answered"] = found.answered
        return {
            "message_id": ebm_id,
            "as_of": found.as_of,
            "rule": found.rule.value,
            "target": {"population": found.target.population, "terminals": found.target.terminals},
            **{
                name: {"population": figure.population, "share": figure.share, "terminals": figure.terminals}
                for name, figure in figures.items()
            },
            "estimate": found.source.estimate,
        }


def _alarm(alarm: Alarm, *, is_open: bool) -> dict[str, Any]:
    return {
        "kind": alarm.kind,
        "subject": alarm.subject,
        "text": alarm.text,
        "level": alarm.level.value,
        "raised_at": alarm.raised_at,
        "open": is_open,
    }
