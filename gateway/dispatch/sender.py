"""Sending 发送: committed orders written slice by slice; repeats and renewals paced by the due-time heap."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage, LiveOrder, Phase, Sent, Wave
from gateway.dispatch.orders import OrderDesk
from gateway.dispatch.retry import Step
from gateway.dispatch.state import State
from gateway.domain.ladder import StopRung
from gateway.domain.message import Command, EbmClass
from gateway.domain.orders import Attempt
from gateway.domain.receiver import IP_ROUTE, Route
from gateway.errors import GatewayError, OverloadedError, StoreError
from gateway.store.packing import pack_ids

log = structlog.get_logger(__name__)

#: Plain numbers of the phases that the fan-out compares: an enum's comparison costs more than the rest of its loop.
_IDLE, _WAITING, _DONE = int(Phase.IDLE), int(Phase.WAITING), int(Phase.DONE)
#: An order whose answers may still come is remembered so long after its last write, in seconds.
ORDER_MEMORY: Final = 600.0
#: Seconds until the store is asked again for what it could not take.
STORE_AGAIN: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Share:
    """Terminals that get the same orders, in this order."""

    orders: tuple[LiveOrder, ...]
    terminals: tuple[int, ...]


def _shares(orders: Sequence[tuple[LiveOrder, Sequence[int]]]) -> list[_Share]:
    """Regroup by terminal: a terminal that gets a stop and a start gets them in one write."""
    by_terminal: dict[int, list[LiveOrder]] = {}
    for order, terminals in orders:
        for terminal in terminals:
            by_terminal.setdefault(terminal, []).append(order)
    by_orders: dict[tuple[LiveOrder, ...], list[int]] = {}
    for terminal, wanted in by_terminal.items():
        by_orders.setdefault(tuple(wanted), []).append(terminal)
    return [_Share(wanted, tuple(terminals)) for wanted, terminals in by_orders.items()]


class Recorder(Protocol):
    """What the sender tells the receipts: our own findings about a delivery."""

    def silent(self, live: LiveMessage, terminal: int, attempt: int) -> None:
        """Every try of this attempt stayed without an answer."""
        ...


class Sender:
    """Writes orders' frames and minds who answers; ``desk`` makes the orders."""

    def __init__(self, state: State, record: Recorder) -> None:
        self._state = state
        self.record = record
        #: told of a start that its own connection did not bring; says whether another route takes over
        self.on_failed: Callable[[LiveMessage, int], bool] = lambda *_: False
        self._tasks: set[asyncio.Task[None]] = set()
        self.desk = OrderDesk(state)

    async def serve(self, live: LiveMessage, command: Command, terminals: Sequence[int]) -> None:
        """Write the start, or the stop, of a message to connected terminals that still need it."""
        wanted = live.needs_start if command is Command.START else live.needs_stop
        for group_ in self.desk.groups(live, terminals):
            order = await self.desk.order_for(live, command, group_)
            self.write_now(order, [t for t in group_.terminals if wanted(t)])

    async def begin_anew(self, live: LiveMessage, terminals: Sequence[int]) -> None:
        """Write a start of a new session to connected terminals, whatever came of those before."""
        newest = max((o.session for o in self._state.orders.values() if o.message is live), default=0)
        for group_ in self.desk.groups(live, terminals):
            order = await self.desk.order_for(live, Command.START, group_, newer_than=newest)
            self.write_now(order, [t for t in group_.terminals if live.needs_start(t)])

    async def catch_up(self, live: LiveMessage) -> None:
        """Serve those who connected while a message's orders were made and committed: nobody else saw them then."""
        if live.message.ebm_class is EbmClass.SYSTEM_DRILL:
            return
        current = self._state.links.current
        unstopped = [t for t, rung in zip(live.terminals, live.stop, strict=True) if rung == StopRung.PLANNED]
        await self.serve(live, Command.STOP, [t for t in unstopped if t in current and live.needs_stop(t)])
        if live.wanted:
            idle = [t for t, phase in zip(live.terminals, live.phase, strict=True) if phase == _IDLE]
            await self.serve(live, Command.START, [t for t in idle if t in current and live.needs_start(t)])

    # -- writing

    async def write(self, orders: Sequence[tuple[LiveOrder, Sequence[int]]]) -> None:
        """Write several orders' frames to their terminals, slice by slice; those of one terminal back to back.

        A start whose message ended meanwhile is never written.
        """
        work = [_Share((order,), tuple(terminals)) for order, terminals in orders]
        if len(orders) > 1:
            work = _shares(orders)
        reached: dict[LiveOrder, array[int]] = {}
        size = self._state.policy.slice
        at, wave = self._state.clock(), Wave(1)
        for order, _ in orders:
            self._state.orders[order.session] = order
        # Answers of the first terminals wait until the last has an earthquake warning.
        breathless = any(order.message is not None and order.message.message.is_instant for order, _ in orders)
        first = True
        for share in work:
            for start in range(0, len(share.terminals), size):
                if not first and not breathless:
                    await asyncio.sleep(0)
                first = False
                self._write_slice(share.orders, share.terminals[start : start + size], reached, wave)
        for order, terminals in orders:
            self._arm(order, terminals, wave)
        self._account(reached, at)

    def write_now(self, order: LiveOrder, terminals: Sequence[int]) -> None:
        """Write one order's frame to a few terminals at once."""
        if not terminals:
            return
        reached: dict[LiveOrder, array[int]] = {}
        at = self._state.clock()
        self._state.orders[order.session] = order
        by_tries: dict[int, list[int]] = {}
        for terminal in terminals:
            before = order.waiting.get(terminal)
            by_tries.setdefault(1 if before is None else before.tries + 1, []).append(terminal)
        for tries, some in by_tries.items():
            wave = Wave(tries)
            self._write_slice((order,), some, reached, wave)
            self._arm(order, some, wave)
        self._account(reached, at)

    def _write_slice(
        self, orders: Sequence[LiveOrder], terminals: Sequence[int], reached: dict[LiveOrder, array[int]], wave: Wave
    ) -> None:
        """Write to one slice. Nothing else runs meanwhile, so what is void now stays so to its end."""
        usable = [order for order in orders if not order.void]
        for order in usable:
            live = order.message
            if live is not None and live.stopped and order.command is Command.START:
                silent = [terminal for terminal in terminals if not live.may_start(terminal)]
                if silent:
                    self._write_slice([o for o in usable if o is not order], silent, reached, wave)
                    terminals = [terminal for terminal in terminals if live.may_start(terminal)]
        if not usable:
            return
        links = self._state.links
        writers, contested = links.writers, links.contested
        frame = b"".join(order.frame for order in usable)
        sent = array("I")
        for terminal in terminals:
            write = writers.get(terminal)
            if write is None:
                continue
            if contested and terminal in contested:
                for link in links.links(terminal):
                    link.write(frame)
            else:
                write(frame)
            sent.append(terminal)
        for order in usable:
            order.waiting.update(dict.fromkeys(sent, wave))
            self.note_written(order, sent, fresh=wave.tries == 1)
            reached.setdefault(order, array("I")).extend(sent)

    @staticmethod
    def note_written(order: LiveOrder, terminals: array[int], *, fresh: bool = True) -> None:
        """From now on these terminals may hold the order; ``fresh``: its session is new to them."""
        live = order.message
        if live is None:
            return
        index, phase, stop = live.index, live.phase, live.stop
        starting = order.command is Command.START
        sessions = live.sessions if starting else live.stop_sessions
        for terminal in terminals:
            position = index.get(terminal, -1)
            if position < 0:
                continue
            if fresh and sessions[position] < 255:
                sessions[position] += 1
            if starting:
                if phase[position] == _IDLE or phase[position] > _DONE:
                    phase[position] = _WAITING
            elif stop[position] < StopRung.SENT:
                stop[position] = StopRung.SENT

    def _account(self, reached: dict[LiveOrder, array[int]], at: float) -> None:
        for order, terminals in reached.items():
            if terminals:
                self._state.counters.frames_sent += len(terminals)
                self.commit_attempt(order, at, terminals)

    def commit_attempt(self, order: LiveOrder, at: float, terminals: array[int], route: Route = IP_ROUTE) -> None:
        """Store that an order's bytes were handed over on ``route``; shown once that is durable."""
        live = order.message
        entry = Sent(at, order.session, order.ordinal, order.command, route, terminals)

        def failed(error: BaseException) -> None:
            # The bytes are out and cannot be taken back: what was done is told as soon as the store can take it.
            log.error("attempt not stored yet", order=order.session, error=str(error))
            self._state.pacer.after(STORE_AGAIN, lambda: self.commit_attempt(order, at, terminals, route))

        def committed(done: asyncio.Future[None]) -> None:
            if done.cancelled():
                return
            error = done.exception()
            if error is not None:
                failed(error)
            elif live is not None:
                live.log.append(entry)

        try:
            future = self._state.store.submit(Attempt(order.session, at, str(route), pack_ids(terminals)))
        except GatewayError as error:
            failed(error)
        else:
            future.add_done_callback(committed)

    # -- answers awaited

    def _arm(self, order: LiveOrder, terminals: Sequence[int], wave: Wave) -> None:
        self._state.pacer.after(self._state.policy.answer_seconds, lambda: self._due(order, terminals, wave))

    def _due(self, order: LiveOrder, terminals: Sequence[int], wave: Wave) -> None:
        """No answer in time from those still waited for: the same bytes, a new session, or no more."""
        live, state, waiting = order.message, self._state, order.waiting
        if live is None:
            return
        if not order.leaving:
            order.leaving = True
            state.pacer.after(ORDER_MEMORY, lambda: self._forget(order))
        # Whoever was written to again since has a later time of its own.
        silent = [terminal for terminal in terminals if waiting.get(terminal) is wave] if waiting else []
        wanted = live.needs_start if order.command is Command.START else live.needs_stop
        steps: dict[Step, list[int]] = {}
        for terminal in silent:
            if terminal not in state.links.current or not wanted(terminal):
                # Offline: it gets what it needs when it connects again, or over its next route. Else another word of it
                # made this one needless.
                del waiting[terminal]
                if live.ways and order.command is Command.START and wanted(terminal):
                    self.on_failed(live, terminal)
                continue
            step = state.policy.retry.after_silence(wave.tries, live.session_count(terminal, order.command))
            steps.setdefault(step, []).append(terminal)
        if repeat := steps.get(Step.REPEAT):
            state.counters.repeats += len(repeat)
            self.write_now(order, repeat)
        if renew := steps.get(Step.RENEW):
            for terminal in renew:
                del waiting[terminal]
            self.renew(order, renew, 0.0)
        for terminal in steps.get(Step.GIVE_UP, ()):
            self.give_up(order, terminal)

    def _forget(self, order: LiveOrder) -> None:
        self._state.orders.pop(order.session, None)

    def renew(self, order: LiveOrder, terminals: Sequence[int], pause: float) -> None:
        """A new session, signed anew, for these terminals after ``pause`` seconds."""
        self._state.counters.renewals += len(terminals)
        self._state.pacer.after(pause, lambda: self.spawn(self._renew(order, tuple(terminals))))

    async def _renew(self, order: LiveOrder, terminals: Sequence[int]) -> None:
        live, current = order.message, self._state.links.current
        assert live is not None
        wanted = live.needs_start if order.command is Command.START else live.needs_stop
        still = [t for t in terminals if t in current and wanted(t)]
        for group_ in self.desk.groups(live, still):
            try:
                newer = await self.desk.order_for(live, order.command, group_, newer_than=order.session)
            except (StoreError, OverloadedError):
                self.renew(order, group_.terminals, STORE_AGAIN)
                raise
            self.write_now(newer, [t for t in group_.terminals if wanted(t)])

    def give_up(self, order: LiveOrder, terminal: int) -> None:
        """Nothing more on this route until it connects again; a person must know."""
        live, state = order.message, self._state
        order.waiting.pop(terminal, None)
        if live is None:
            return
        state.counters.given_up += 1
        if order.command is Command.START:
            live.give_up(terminal)
            self.record.silent(live, terminal, order.ordinal)
            if not self.on_failed(live, terminal):
                state.alarms.raise_(
                    "terminal_unreachable", live.ebm_id, "有终端未应答开始指令 a terminal did not answer its start"
                )
        else:
            state.alarms.raise_(
                "stop_unconfirmed",
                live.ebm_id,
                "有终端未确认停播，可能仍在播 a terminal did not confirm its stop and may still play",
                AlarmLevel.CRITICAL,
            )

    # -- tasks

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run a coroutine, keep it, and log what it could not do."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("dispatch task failed", error=str(error), exc_info=error)
            self._state.alarms.raise_("dispatch_failed", type(error).__name__, str(error), AlarmLevel.CRITICAL)

    async def close(self) -> None:
        """End what still runs."""
        await self.desk.close()
        running = tuple(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
