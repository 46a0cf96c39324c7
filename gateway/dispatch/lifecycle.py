"""The life of a message 消息生命周期: committed first, then on air; ended, cancelled, superseded, silenced."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final

import structlog

from gateway.dispatch.aims import among
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.carriers import Carriers
from gateway.dispatch.live import LiveMessage, LiveOrder, Stopped
from gateway.dispatch.plan import Group, group
from gateway.dispatch.registry import Entry
from gateway.dispatch.sender import STORE_AGAIN, Sender
from gateway.dispatch.state import State
from gateway.dispatch.submission import Targets
from gateway.dispatch.ways import Ways
from gateway.domain.codes import AreaCode
from gateway.domain.message import Command, EbmClass, MessageState, may_become
from gateway.domain.orders import Order
from gateway.errors import GatewayError, StateConflictError
from gateway.store.packing import pack_ids
from gateway.store.rows import AuditRow, MessagePlanRow, MessageStateRow, MessageTimesRow, Row

log = structlog.get_logger(__name__)

#: Seconds until a message is activated again that could not be.
AGAIN: Final = 1.0
#: Alarm of a message whose areas a person must settle.
AREAS_OPEN: Final = "areas_open"


@dataclass(slots=True)
class Work:
    """Orders made and rows to commit before any of their frames is written."""

    orders: list[tuple[LiveOrder, Group]]
    rows: list[Row]

    def add(self, order: LiveOrder, row: Order, group_: Group) -> None:
        """Add one order."""
        self.orders.append((order, group_))
        self.rows.append(row)


class Lifecycle:
    """Moves messages from state to state; each move is committed before it shows on a wire or to a person."""

    def __init__(self, state: State, sender: Sender, carriers: Carriers) -> None:
        self._state = state
        self._sender = sender
        self._carriers = carriers
        #: told of every message that has come into a state
        self.watchers: list[Callable[[LiveMessage], None]] = []

    # -- making orders

    async def starts(self, live: LiveMessage) -> Work:
        """Start orders for the terminals that are connected now; the others get theirs when they connect."""
        self._carriers.choose(live)
        current = self._state.links.current
        if not live.ways and live.terminals == (aim := self._state.aims.of(live.message.areas)).terminals:
            return await self._make(live, Command.START, among(aim.groups, current))
        terminals = self._online(live.terminals)
        if live.ways:
            terminals = [terminal for terminal in terminals if live.ways.on_ip(terminal)]
        return await self._orders(live, Command.START, terminals)

    async def stops(self, live: LiveMessage) -> Work:
        """Stop orders for the connected terminals that may hold the start."""
        return await self._orders(live, Command.STOP, self._online(live.may_hold()))

    def _online(self, terminals: Iterable[int]) -> list[int]:
        current = self._state.links.current
        return [terminal for terminal in terminals if terminal in current]

    async def _orders(self, live: LiveMessage, command: Command, terminals: Sequence[int]) -> Work:
        return await self._make(live, command, self._sender.desk.groups(live, terminals))

    async def _make(self, live: LiveMessage, command: Command, groups: Iterable[Group]) -> Work:
        work = Work([], [])
        if live.message.ebm_class is EbmClass.SYSTEM_DRILL:
            return work
        for group_ in groups:
            order, row = await self._sender.desk.make(live, command, group_)
            work.add(order, row, group_)
        return work

    # -- onto the air

    def enter(self, live: LiveMessage) -> None:
        """Take a committed message into memory and set its times."""
        self._state.messages[live.ebm_id] = live
        self._state.sound.begin(live)
        now = self._state.clock()
        message = live.message
        if live.state is MessageState.ACCEPTED:
            wait = message.start.timestamp() - self._state.policy.send_ahead - now
            self._state.pacer.after(wait, lambda: self._sender.spawn(self.activate(live)))
        self._tell(live)
        if not live.state.is_over:
            self.end_in_time(live)
        else:
            self._leave_later(live)

    def end_in_time(self, live: LiveMessage) -> None:
        """Set the clock for the end of its air time; while it waits for its approval, for the end of the warning."""
        end = live.message.end
        if live.state is MessageState.AWAITING_APPROVAL:
            end = live.scheme.valid_until or end
        wait = end.timestamp() - self._state.clock()
        self._state.pacer.after(wait, lambda: self._sender.spawn(self.finish(live)))

    def launch(
        self,
        live: LiveMessage,
        work: Work,
        before: Work | None = None,
        since: float | None = None,
        old: LiveMessage | None = None,
    ) -> None:
        """Write committed orders; those of ``before`` (stops of ``old``) go ahead of the starts on each link.

        The programme is on the air before a start leaves, and until the stops have left.
        """
        self._state.sound.begin(live)
        for order, group_ in work.orders:
            self._sender.desk.adopt(order, group_)
        self._carriers.launched(live, old)
        self._sender.spawn(self._launch(live, work, before, since, old))

    async def _launch(
        self, live: LiveMessage, work: Work, before: Work | None, since: float | None, old: LiveMessage | None
    ) -> None:
        orders = [*(before.orders if before else ()), *work.orders]
        try:
            if orders:
                await self._sender.write([(order, group_.terminals) for order, group_ in orders])
                if since is not None:
                    self._state.counters.on_wire(self._state.monotonic() - since)
            if old is not None:
                await self._sender.catch_up(old)
            await self._sender.catch_up(live)
        finally:
            for over in (old, live):
                if over is not None and over.state.is_over:
                    self._state.sound.end(over)

    async def activate(self, live: LiveMessage) -> None:
        """From accepted to active: its start is near. Tried again until it is, or until the message is over."""
        try:
            async with live.turn:
                if live.state is not MessageState.ACCEPTED or live.ending:
                    return
                now = self._state.clock()
                work = await self.starts(live)
                row = MessageStateRow(live.ebm_id, MessageState.ACTIVE.value, now, activated_at=now)
                await self._state.store.write(row, *work.rows)
                self._moved(live, MessageState.ACTIVE, now, "")
                live.activated_at = now
        except Exception:
            self._state.pacer.after(AGAIN, lambda: self._sender.spawn(self.activate(live)))
            raise
        self.launch(live, work)

    async def approve(self, live: LiveMessage, actor: str) -> None:
        """A person lets it go on air; what it updates falls silent with the same commit."""
        async with live.turn:
            if live.state is not MessageState.AWAITING_APPROVAL or live.ending:
                raise StateConflictError(f"message is {live.state.value}, not awaiting_approval")
            if not live.message.areas and not live.terminals:
                raise StateConflictError(
                    "消息没有区域，请先给出 the message has no areas: give them first (POST …/areas)"
                )
            now = self._state.clock()
            waited = live.message
            ready = waited.start.timestamp() - self._state.policy.send_ahead <= now
            target = MessageState.ACTIVE if ready else MessageState.ACCEPTED
            old, stops = self._state.messages.get(live.supersedes or ""), None
            try:
                # Its air time begins when it is let go, not when it began to wait.
                live.message = waited.put_off(datetime.fromtimestamp(now, UTC), live.scheme.valid_until)
                work = await self.starts(live) if ready else Work([], [])
                row = MessageStateRow(live.ebm_id, target.value, now, actor=actor, activated_at=now if ready else None)
                rows: list[Row] = [row, AuditRow(now, actor, "approve", live.ebm_id), *work.rows]
                if live.message is not waited:
                    start, end = live.message.start.timestamp(), live.message.end.timestamp()
                    rows.append(MessageTimesRow(live.ebm_id, start, end))
                if old is not None and not old.ending and may_become(old.state, MessageState.SUPERSEDED):
                    reason = f"superseded by {live.ebm_id}"
                    stops, _ = await self.end_early(old, MessageState.SUPERSEDED, actor, reason, *rows)
                else:
                    old = None
                    await self._state.store.write(*rows)
            except BaseException:
                live.message = waited
                raise
            self._moved(live, target, now, "")
            self.end_in_time(live)
            if ready:
                live.activated_at = now
        if not ready:
            wait = live.message.start.timestamp() - self._state.policy.send_ahead - now
            self._state.pacer.after(wait, lambda: self._sender.spawn(self.activate(live)))
        if ready or stops is not None:
            self.launch(live, work, before=stops, old=old)

    async def widen(self, live: LiveMessage, terminals: Iterable[int], areas: Sequence[AreaCode], actor: str) -> int:
        """It is for these terminals too, ``areas`` where whole divisions mean just them; returns how many are new.

        Errors: StateConflictError where it is over; what the store says, and then nothing has changed.
        """
        async with live.turn:
            if live.state.is_over or live.ending:
                raise StateConflictError(f"message is {live.state.value} and cannot be widened")
            new = [terminal for terminal in terminals if terminal not in live.index]
            if not new:
                return 0
            registry = self._state.registry
            fresh = tuple(area for area in areas if area not in live.message.areas)
            message = replace(live.message, areas=(*live.message.areas, *fresh))
            population = sum(self._state.gazetteer.population(area) for area in message.areas)
            work = Work([], [])
            if live.state is MessageState.ACTIVE and message.ebm_class is not EbmClass.SYSTEM_DRILL:
                entries = [entry for entry in map(registry.get, self._online(new)) if entry is not None]
                for group_ in group(entries, fresh, self._state.profiles):
                    order, row = await self._sender.desk.make(live, Command.START, group_)
                    work.add(order, row, group_)
            count = len(live.terminals) + len(new)
            plan = MessagePlanRow(
                live.ebm_id,
                asdict(Targets(len(message.areas), count, population)),
                pack_ids([*live.terminals, *new]),
                tuple(map(str, message.areas)),
            )
            audit = AuditRow(self._state.clock(), actor, "widen", live.ebm_id, {"terminals": len(new)})
            await self._state.store.write(plan, audit, *work.rows)
            live.widen(message, new, population)
            live.ways.widen(Ways.of(registry, new, live.scheme))
        for terminal in new:
            self._state.sound.arrived(terminal)
        self.launch(live, work)
        return len(new)

    # -- off the air

    async def finish(self, live: LiveMessage) -> None:
        """Its air time is over: terminals end by themselves, the book is closed."""
        if live.state.is_over or live.ending:
            return
        live.ending = True
        try:
            async with live.turn:
                now = self._state.clock()
                target = MessageState.ENDED if live.state is MessageState.ACTIVE else MessageState.EXPIRED
                await self._state.store.write(MessageStateRow(live.ebm_id, target.value, now, ended_at=now))
                self._moved(live, target, now, "air time over")
                live.ended_at = now
                self._state.sound.end(live)
        except GatewayError:
            live.ending = False
            self._state.pacer.after(STORE_AGAIN, lambda: self._sender.spawn(self.finish(live)))
            raise
        self._leave_later(live)

    async def end_early(
        self, live: LiveMessage, target: MessageState, actor: str, reason: str, *more: Row
    ) -> tuple[Work, float]:
        """Commit that it is over before its time; returns the stops to write, and when it was."""
        self._hold_to(live, target, free=not live.ending)
        # No start is written from here on, whatever still lies in a queue.
        live.ending = True
        try:
            async with live.turn:
                # What moved it meanwhile may have brought it where this end is none.
                self._hold_to(live, target)
                now = self._state.clock()
                work = await self.stops(live)
                row = MessageStateRow(live.ebm_id, target.value, now, reason, actor, ended_at=now)
                await self._state.store.write(
                    row, AuditRow(now, actor, target.value, live.ebm_id, reason), *work.rows, *more
                )
                # Those named too: an answer that came meanwhile does not take the stop of a committed order back.
                live.want_stop([*live.may_hold(), *(t for _, group_ in work.orders for t in group_.terminals)])
                self._moved(live, target, now, reason)
                live.ended_at = now
        except BaseException:
            live.ending = False
            # Starts that were passed over meanwhile are due after all.
            self._sender.spawn(self._sender.catch_up(live))
            raise
        self._leave_later(live)
        return work, now

    @staticmethod
    def _hold_to(live: LiveMessage, target: MessageState, *, free: bool = True) -> None:
        if not free or not may_become(live.state, target):
            raise StateConflictError(f"message is {live.state.value} and cannot become {target.value}")

    async def cancel(self, live: LiveMessage, actor: str, reason: str, *more: Row) -> None:
        """Off the air everywhere: committed, then written to everyone who may hold the start."""
        work, _ = await self.end_early(live, MessageState.CANCELLED, actor, reason, *more)
        self.launch(live, work)

    async def silence(self, live: LiveMessage, areas: Sequence[AreaCode], actor: str, reason: str) -> int:
        """Off the air in some areas; returns how many terminals that concerns. All of them: a cancel."""
        inside = [e for e in self._state.registry.in_areas(areas) if e.id in live.index]
        return await self._silence_some(live, inside, areas, actor, reason)

    async def silence_terminals(self, live: LiveMessage, terminals: Iterable[int], actor: str, reason: str) -> int:
        """The same for terminals by their numbers, each named by its own code."""
        entries = (self._state.registry.get(terminal) for terminal in terminals if terminal in live.index)
        return await self._silence_some(live, [e for e in entries if e is not None], (), actor, reason)

    async def _silence_some(
        self, live: LiveMessage, inside: Sequence[Entry], areas: Sequence[AreaCode], actor: str, reason: str
    ) -> int:
        if not inside or live.state.is_over:
            return 0
        if len(inside) == len(live.terminals):
            await self.cancel(live, actor, reason)
            return len(inside)
        news = live.want_stop([entry.id for entry in inside])
        try:
            work = Work([], [])
            for group_ in group(inside, areas, self._state.profiles):
                order, row = await self._sender.desk.make(live, Command.STOP, group_)
                work.add(order, row, group_)
            now = self._state.clock()
            audit = AuditRow(now, actor, "silence", live.ebm_id, {"areas": list(map(str, areas)), "reason": reason})
            await self._state.store.write(*work.rows, audit)
        except BaseException:
            live.unwant_stop(news)
            self._sender.spawn(self._sender.catch_up(live))
            raise
        if news:
            live.log.append(Stopped(now, array("I", news)))
        self._sender.spawn(self._silence(live, work))
        return len(inside)

    async def _silence(self, live: LiveMessage, work: Work) -> None:
        held = set(live.may_hold())
        await self._sender.write([(order, [t for t in g.terminals if t in held]) for order, g in work.orders])
        if live.ways:
            self._sender.spawn(self._carriers.stop(live, [t for t in live.ways if not live.may_start(t)]))
        await self._sender.catch_up(live)

    def _moved(self, live: LiveMessage, target: MessageState, at: float, reason: str) -> None:
        live.state, live.state_at, live.state_reason = target, at, reason
        if target is not MessageState.AWAITING_APPROVAL:
            self._state.alarms.clear(AREAS_OPEN, live.ebm_id)
        log.info("message state", message_id=live.ebm_id, state=target.value, reason=reason)
        self._tell(live)

    def _tell(self, live: LiveMessage) -> None:
        for watcher in self.watchers:
            watcher(live)

    def _leave_later(self, live: LiveMessage) -> None:
        """Drop it from memory once no terminal can still hold it and late evidence has had its time."""
        wait = max(0.0, live.message.end.timestamp() - self._state.clock()) + self._state.policy.linger
        self._state.pacer.after(wait, lambda: self.leave(live))

    def leave(self, live: LiveMessage) -> None:
        """Drop a message from memory, and say so if a stop of it was never confirmed."""
        self._state.messages.pop(live.ebm_id, None)
        for session in [s for s, order in self._state.orders.items() if order.message is live]:
            del self._state.orders[session]
        unconfirmed = sum(1 for terminal in live.index if live.needs_stop(terminal))
        if unconfirmed:
            self._state.alarms.raise_(
                "stop_never_confirmed",
                live.ebm_id,
                f"{unconfirmed} 个终端始终未确认停播 terminals never confirmed their stop",
                AlarmLevel.WARNING,
            )
