"""Dispatch as the layers above see it: one object, a few verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.devices.events import Known, Origin
from gateway.dispatch.arrivals import Arrivals
from gateway.dispatch.book import read_book
from gateway.dispatch.carriers import Carriers
from gateway.dispatch.claims import Claims
from gateway.dispatch.errands import ErrandDesk
from gateway.dispatch.intake import Intake
from gateway.dispatch.lifecycle import Lifecycle
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.plan import STANDARD, profile_of
from gateway.dispatch.readdress import readdress
from gateway.dispatch.receipts import Receipts
from gateway.dispatch.recovery import recover
from gateway.dispatch.requests import Requests
from gateway.dispatch.sender import Sender
from gateway.dispatch.state import State
from gateway.dispatch.submission import Acceptance, Facts, Submission
from gateway.dispatch.try_again import Retried, try_again
from gateway.domain.codes import AreaCode
from gateway.domain.message import Command, MessageState
from gateway.domain.orders import Order
from gateway.domain.receiver import IP_ROUTE, Route
from gateway.domain.warning import Notice
from gateway.errors import GatewayError, NotFoundError, StateConflictError
from gateway.protocols.feedback import FeedbackPacket
from gateway.store import queries
from gateway.store.packing import pack_ids
from gateway.store.rows import MessageRow, StrangerRow

log = structlog.get_logger(__name__)

#: Strangers remembered between two writes; a scanner costs rows only so fast.
_STRANGERS_HELD = 1000
_STRANGER_SECONDS = 5.0
#: Tags of a status query that only asks for a sign of life: 工作状态 (GD/J 089-2018 table D.8).
_SIGN_OF_LIFE = (6,)


@dataclass(slots=True)
class _Strangers:
    held: dict[tuple[str, str], StrangerRow] = field(default_factory=dict)
    pending: bool = False


class Dispatch:
    """Takes warnings, moves messages, hears terminals. Made and started by the daemon."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.receipts = Receipts(state)
        #: a general answer came; bound straight to its room, for it comes by the thousand
        self.answered = self.receipts.answered
        self.sender = Sender(state, self.receipts)
        self.receipts.attach(self.sender)
        self.errands = ErrandDesk(state, self.sender.desk, self._by_number)
        self.carriers = Carriers(state, self.sender, self.errands)
        #: what bearers tell (devices.bearer.BearerEvents)
        self.carried, self.link, self.claimed = self.carriers.carried, self.carriers.link, Claims(state).claimed
        self.requests = Requests(state, self.errands, self.sender, self.receipts)
        self._lifecycle = Lifecycle(state, self.sender, self.carriers)
        self._intake = Intake(state, self._lifecycle)
        self._arrivals = Arrivals(state, self.sender)
        self._strangers = _Strangers()
        self._arrivals_task: asyncio.Task[None] | None = None
        self._known: dict[str, Known] = {}

    async def start(self) -> None:
        """Take up what was in force, then serve arrivals."""
        await recover(self.state, self._lifecycle)
        for name in {entry.terminal.profile for entry in self.state.registry} - self.state.profiles.keys():
            self.state.alarms.raise_(
                "profile_unknown", name, f"设备档不存在，按标准处理 no such device profile, taken as {STANDARD.name}"
            )
        for route in {r for entry in self.state.registry for r in entry.terminal.routes} - self.state.bearers.keys():
            if route != IP_ROUTE:
                self.state.alarms.raise_(
                    "route_unknown",
                    str(route),
                    "台账所列链路不在配置中 the registry names a link that the settings lack",
                )
        self._arrivals_task = asyncio.create_task(self._arrivals.run(), name="arrivals")
        await self.carriers.start()

    async def close(self) -> None:
        """Stop pacing and sending; nothing that was promised is lost, the store has it."""
        self.state.pacer.close()
        if self._arrivals_task is not None:
            self._arrivals_task.cancel()
            await asyncio.gather(self._arrivals_task, return_exceptions=True)
        await self.sender.close()
        await self.carriers.close()
        await self.state.sound.close()
        if rows := tuple(self._strangers.held.values()):
            try:
                await self.state.store.write(*rows)
            except GatewayError as error:
                log.warning("strangers not stored", count=len(rows), error=str(error))

    # -- publishers and operators

    async def accept(self, submission: Submission, facts: Facts | None, notices: Iterable[Notice] = ()) -> Acceptance:
        """Commit a warning; see ``Intake.accept``."""
        return await self._intake.accept(submission, facts, notices)

    async def approve(self, ebm_id: str, actor: str) -> LiveMessage:
        """Let a waiting message go on air. Errors: NotFoundError, StateConflictError."""
        live = await self._live(ebm_id)
        await self._lifecycle.approve(live, actor)
        return live

    async def set_areas(self, ebm_id: str, areas: Sequence[AreaCode], actor: str, reason: str) -> LiveMessage:
        """A person says which areas a waiting message is for. Errors: NotFoundError, StateConflictError."""
        live = await self._live(ebm_id)
        end = live.message.end
        await readdress(self.state, live, areas, actor, reason)
        if live.message.end < end:
            self._lifecycle.end_in_time(live)
        return live

    async def reject(self, ebm_id: str, actor: str, reason: str) -> LiveMessage:
        """Refuse a waiting message. Errors: NotFoundError, StateConflictError."""
        live = await self._live(ebm_id)
        if live.state is not MessageState.REJECTED:
            await self._lifecycle.end_early(live, MessageState.REJECTED, actor, reason)
        return live

    async def cancel(self, ebm_id: str, actor: str, reason: str) -> bool:
        """Take a message off the air; again is no error, but False. Errors: NotFoundError, StateConflictError."""
        live = await self._live(ebm_id)
        if live.state is MessageState.CANCELLED:
            return False
        await self._lifecycle.cancel(live, actor, reason)
        return True

    async def silence(self, areas: Sequence[AreaCode], actor: str, reason: str) -> dict[str, int]:
        """Everything in these areas falls silent; returns terminals concerned by EBM id."""
        concerned: dict[str, int] = {}
        for live in list(self.state.messages.values()):
            if not live.state.is_over and not live.ending:
                count = await self._lifecycle.silence(live, areas, actor, reason)
                if count:
                    concerned[live.ebm_id] = count
        return concerned

    async def silence_message(self, live: LiveMessage, areas: Sequence[AreaCode], actor: str, reason: str) -> int:
        """One message falls silent in these areas; returns terminals concerned. Errors: StateConflictError."""
        return await self._lifecycle.silence(live, areas, actor, reason)

    async def widen(self, live: LiveMessage, terminals: Iterable[int], areas: Sequence[AreaCode], actor: str) -> int:
        """A message is for these terminals too; returns how many are new. Errors: StateConflictError."""
        return await self._lifecycle.widen(live, terminals, areas, actor)

    def watch(self, watcher: Callable[[LiveMessage], None]) -> None:
        """Be told of every message that comes into a state, at once and on the loop."""
        self._lifecycle.watchers.append(watcher)

    async def retry(self, ebm_id: str, terminals: Iterable[int], actor: str) -> Retried:
        """A person has it tried again where nothing was proven. Errors: NotFoundError, StateConflictError."""
        live = await self._live(ebm_id)
        return await try_again(self.state, self.sender, self.carriers, live, terminals, actor)

    async def silence_terminals(self, ebm_id: str, terminals: Sequence[int], actor: str, reason: str) -> int:
        """One message falls silent at some terminals, by number; returns how many that concerns. All: a cancel."""
        live = self.state.messages.get(ebm_id)
        if live is None or live.state.is_over or live.ending:
            return 0
        return await self._lifecycle.silence_terminals(live, terminals, actor, reason)

    async def book(self, ebm_id: str) -> tuple[MessageRow, LiveMessage]:
        """A message with its committed evidence, from memory or from the store. Errors: NotFoundError."""
        row = await self.state.store.read(queries.message_by_id, ebm_id)
        if row is None:
            raise NotFoundError(f"message {ebm_id} is not known")
        live = self.state.messages.get(ebm_id)
        if live is not None:
            return row, live
        book, _ = await self.state.store.read(read_book, row)
        return row, book

    def forget(self, live: LiveMessage) -> None:
        """Drop a message from memory; the store keeps it."""
        self._lifecycle.leave(live)

    async def _live(self, ebm_id: str) -> LiveMessage:
        live = self.state.messages.get(ebm_id)
        if live is not None:
            return live
        row = await self.state.store.read(queries.message_by_id, ebm_id)
        if row is None:
            raise NotFoundError(f"message {ebm_id} is not known")
        raise StateConflictError(f"message is {row.state} since long")

    # -- what links tell (devices.events.TerminalEvents)

    def find(self, code: str) -> Known | None:
        """The registry's terminal with this resource code."""
        entry = self.state.registry.by_code(code)
        if entry is None:
            return None
        known = self._known.get(code)
        if known is None or known.terminal is not entry.terminal:
            known = Known(entry.id, entry.terminal, profile_of(self.state.profiles, entry.terminal.profile))
            self._known[code] = known
        return known

    def members(self, route: Route) -> list[Known]:
        """The terminals of the registry whose routes name this one."""
        entries = (entry for entry in self.state.registry if route in entry.terminal.routes)
        return [known for entry in entries if (known := self.find(entry.terminal.code)) is not None]

    def _by_number(self, terminal: int) -> Known | None:
        entry = self.state.registry.get(terminal)
        return None if entry is None else self.find(entry.terminal.code)

    def registered(self, known: Known, *, first: bool) -> int:
        """A terminal is bound to a connection."""
        noted = self.receipts.powered_up(known) if first else 0
        self.carriers.arrived(known.id)
        self.state.sound.arrived(known.id)
        self._arrivals.registered(known)
        return noted

    def lost(self, known: Known) -> None:
        """The last connection of a terminal is gone: what it is owed waits for its return."""
        self.state.sound.lost(known.id)

    def reported(self, known: Known, packet: FeedbackPacket, raw: bytes, origin: Origin) -> int:
        """A report came."""
        return self.receipts.reported(known, packet, raw, origin)

    def committed(self) -> int:
        """Number up to which every receipt is durable."""
        return self.receipts.committed

    async def query_frame(self, known: Known) -> bytes:
        """A signed and committed status query that asks one terminal for a sign of life."""
        session = await self.state.sessions.take()
        loop = asyncio.get_running_loop()
        targets = (known.terminal.code,)
        frame = await loop.run_in_executor(self.state.signing, self.state.frames.query, session, targets, _SIGN_OF_LIFE)
        now = self.state.clock()
        await self.state.store.write(
            Order(
                id=session,
                ebm_id=None,
                command=Command.QUERY.value,
                session=session,
                profile=known.profile.name,
                target_codes=tuple(map(str, targets)),
                terminals=pack_ids([known.id]),
                frame_digest=frame.digest,
                sig_time=frame.sig_time,
                created_at=now,
                epoch=int(now // self.state.policy.epoch_seconds),
            )
        )
        return frame.raw

    def ask_alive(self, known: Known) -> None:
        """Query every connection that claims a terminal: the one that stays silent will be closed."""

        async def ask() -> None:
            frame = await self.query_frame(known)
            for link in self.state.links.links(known.id)[1:]:
                link.write(frame)

        self.sender.spawn(ask())

    def stranger(self, source: str, physical: str, peer: str, reason: str) -> None:
        """A device that the registry does not know, or not so: listed for the operator, never counted."""
        now, held = self.state.clock(), self._strangers.held
        key = (source[:64], physical[:64])
        known = held.get(key)
        if known is None and len(held) >= _STRANGERS_HELD:
            return
        first, count = (known.first_seen, known.count + 1) if known else (now, 1)
        held[key] = StrangerRow(key[0], key[1], peer, reason, first, now, count)
        if not self._strangers.pending:
            self._strangers.pending = True
            self.state.pacer.after(_STRANGER_SECONDS, self._write_strangers)

    def _write_strangers(self) -> None:
        rows, self._strangers = tuple(self._strangers.held.values()), _Strangers()
        if rows:
            self.sender.spawn(self._commit(rows))

    async def _commit(self, rows: tuple[StrangerRow, ...]) -> None:
        await self.state.store.write(*rows)

    def disputed(self, known: Known, *, on: bool) -> None:
        """Two live connections claim one terminal, or no longer do."""
        code = str(known.terminal.code)
        if on:
            self.state.alarms.raise_(
                "terminal_disputed",
                code,
                f"{known.terminal.name}: 两个连接同时自称该终端 two live connections claim this terminal",
            )
        else:
            self.state.alarms.clear("terminal_disputed", code)
