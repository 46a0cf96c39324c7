"""Errands 承载任务: orders made for bearers, so that all that carry appendix D share one frame and one signature."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from gateway.devices.bearer import Bearer, Errand, ErrandUnsupported, Parcel
from gateway.devices.events import Known
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.frames import SignedFrame
from gateway.dispatch.live import LiveMessage, LiveOrder
from gateway.dispatch.orders import OrderDesk
from gateway.dispatch.plan import Group, profile_of
from gateway.dispatch.state import State, priority_of
from gateway.domain.codes import ResourceCode
from gateway.domain.message import Command
from gateway.domain.orders import Order
from gateway.domain.receiver import Route
from gateway.errors import InvalidValueError
from gateway.protocols.ip_bodies import ServiceType
from gateway.security.coverage import SignatureBlock
from gateway.store.packing import pack_ids

log = structlog.get_logger(__name__)

#: Seconds that SigTime may lead the clock before a frame for one terminal alone waits. Such frames gather evidence,
#: each takes a second of SigTime, and receivers refuse what is 300 s ahead: without a limit ten buses in their polls
#: would have the next warning refused everywhere. Questions, which nobody waits for, wait sooner.
LEAD_TO_POLL: Final = 120.0
LEAD_TO_ASK: Final = 30.0
_LOOK: Final = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """A parcel with the bearer that is to carry it. Its order is committed."""

    bearer: Bearer
    parcel: Parcel
    order: LiveOrder

    @property
    def terminals(self) -> tuple[int, ...]:
        """Numbers of the terminals that it concerns."""
        return tuple(known.id for known in self.parcel.errand.terminals)


@dataclass(frozen=True, slots=True)
class Refused:
    """A bearer cannot say what is asked: terminals that need another route."""

    route: Route
    terminals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query or setting that is committed; ``parcel`` for the bearer that is to carry it, None over connections."""

    order: LiveOrder
    parcel: Parcel | None


class ErrandDesk:
    """Makes and commits orders for bearers; also what bearers may ask of dispatch (``devices.bearer.Workshop``)."""

    def __init__(self, state: State, desk: OrderDesk, find: Callable[[int], Known | None]) -> None:
        self._state = state
        self._desk = desk
        self._find = find

    async def for_message(
        self, live: LiveMessage, command: Command, by_route: dict[Route, list[int]], *, named: bool = False
    ) -> tuple[list[Load], list[Refused]]:
        """Orders of one message for terminals by their routes; committed together.

        ``named``: each terminal by its own code, so that nobody else who hears the bearer feels it.
        """
        route_of = {terminal: route for route, terminals in by_route.items() for terminal in terminals}
        loads: list[Load] = []
        refused: list[Refused] = []
        rows: list[Order] = []
        for group in self._desk.groups(live, route_of, named=named):
            shared: tuple[LiveOrder, Order] | None = None
            for route, terminals in _by_route(group.terminals, route_of).items():
                bearer = self._state.bearers[route]
                if bearer.carries_frames:
                    if shared is None:
                        framed = [t for t in group.terminals if self._state.bearers[route_of[t]].carries_frames]
                        shared = await self._desk.make(live, command, replace(group, terminals=tuple(framed)))
                        rows.append(shared[1])
                    session, frame = shared[0].session, shared[0].frame
                else:
                    session, frame = await self._state.sessions.take(), b""
                errand = self._errand(session, command, live, group.targets, terminals, frame)
                parcel = await self._parcel(bearer, errand, refused)
                if parcel is None:
                    continue
                if bearer.carries_frames:
                    assert shared is not None
                    order = shared[0]
                else:
                    order = self._unframed(session, live, command, group)
                    rows.append(self._row(errand, live.ebm_id, str(route), parcel.digest, parcel.sig_time))
                loads.append(Load(bearer, parcel, order))
        if rows:
            await self._state.store.write(*rows)
        for load in loads:
            self._state.orders[load.order.session] = load.order
        return loads, refused

    async def _parcel(self, bearer: Bearer, errand: Errand, refused: list[Refused]) -> Parcel | None:
        try:
            return await bearer.make(errand)
        except (ErrandUnsupported, InvalidValueError) as error:
            log.warning("bearer cannot say it", link=str(bearer.route), order=errand.order, error=str(error))
            self._state.alarms.raise_("route_cannot_carry", str(bearer.route), str(error), AlarmLevel.WARNING)
            refused.append(Refused(bearer.route, tuple(known.id for known in errand.terminals)))
            return None

    def _unframed(self, session: int, live: LiveMessage, command: Command, group: Group) -> LiveOrder:
        if command is Command.START:
            live.start_orders += 1
        self._state.counters.orders += 1
        return LiveOrder(
            session, live, command, group.profile, b"", self._state.monotonic(), live.start_orders,
            named=set(group.terminals),
        )  # fmt: skip

    def _errand(
        self,
        session: int,
        command: Command,
        live: LiveMessage,
        targets: tuple[ResourceCode, ...],
        terminals: Iterable[int],
        frame: bytes,
    ) -> Errand:
        # What silences goes before what starts, whatever its rank: it frees the line.
        ahead = -1 if command is Command.STOP else 0
        return Errand(
            order=session,
            command=command,
            terminals=self.known(terminals),
            targets=targets,
            message=live.message,
            frame=frame,
            priority=(ahead, *priority_of(live)),
            until=live.message.end.timestamp(),
            void=(lambda: not live.wanted) if command is Command.START else (lambda: False),
        )

    def _row(self, errand: Errand, ebm_id: str | None, profile: str, digest: bytes, sig_time: int) -> Order:
        now = self._state.clock()
        return Order(
            id=errand.order,
            ebm_id=ebm_id,
            command=errand.command.value,
            session=errand.order,
            profile=profile,
            target_codes=tuple(map(str, errand.targets)),
            terminals=pack_ids(known.id for known in errand.terminals),
            frame_digest=digest,
            sig_time=sig_time,
            created_at=now,
            epoch=int(now // self._state.policy.epoch_seconds),
        )

    def known(self, terminals: Iterable[int]) -> tuple[Known, ...]:
        """What devices know of these terminals, without those that have left the registry."""
        return tuple(known for known in map(self._find, terminals) if known is not None)

    # -- devices.bearer.Workshop

    async def sign(self, data: bytes) -> SignatureBlock:
        """Sign with the platform's key, in the signing thread."""
        return await asyncio.get_running_loop().run_in_executor(self._state.signing, self._state.frames.sign, data)

    async def unicast(self, errand: Errand, terminal: Known) -> Errand:
        """The same for one terminal alone: a new order, its frame with exactly one target, signed and committed."""
        await self.in_step(LEAD_TO_ASK if errand.command is Command.QUERY else LEAD_TO_POLL)
        state, targets = self._state, (terminal.terminal.code,)
        live = state.messages.get(str(errand.message.ebm_id)) if errand.message is not None else None
        if live is not None and errand.command in (Command.START, Command.STOP):
            group = Group(terminal.profile.name, targets, (terminal.id,))
            order, row = await self._desk.make(live, errand.command, group)
            await state.store.write(row)
        else:
            order, row = await self.request(errand, targets, terminal.profile.name, (terminal,))
            await state.store.write(row)
        state.orders[order.session] = order
        return replace(errand, order=order.session, terminals=(terminal,), targets=targets, frame=order.frame)

    async def in_step(self, limit: float) -> None:
        """Wait until SigTime leads the clock by no more than ``limit`` seconds."""
        while (lead := self._state.frames.newest - self._state.clock()) > limit:  # noqa: ASYNC110 - for a clock, mute
            await asyncio.sleep(min(_LOOK, lead - limit))

    async def request(
        self, errand: Errand, targets: tuple[ResourceCode, ...], profile: str, terminals: Sequence[Known]
    ) -> tuple[LiveOrder, Order]:
        """A query or setting as a signed D frame; its row must be committed before the frame leaves."""
        state, loop = self._state, asyncio.get_running_loop()
        session = await state.sessions.take()
        frame: SignedFrame
        if errand.command is Command.QUERY:
            frame = await loop.run_in_executor(state.signing, state.frames.query, session, targets, errand.tags)
        elif errand.certificates is not None:
            frame = await loop.run_in_executor(
                state.signing, state.frames.certificates, session, targets, errand.certificates
            )
        else:
            frame = await loop.run_in_executor(
                state.signing, state.frames.settings, session, targets, errand.parameters
            )
        asked = replace(errand, order=session, targets=targets, terminals=tuple(terminals), frame=frame.raw)
        row = self._row(asked, None, profile_of(state.profiles, profile).name, frame.digest, frame.sig_time)
        order = LiveOrder(session, None, errand.command, profile, frame.raw, state.monotonic())
        if errand.certificates is not None:
            order.service_type = int(ServiceType.CERTIFICATES)
        state.counters.orders += 1
        return order, row

    async def asked(self, bearer: Bearer | None, errand: Errand, profile: str) -> Asked:
        """A query or setting as a committed order, and encoded by a bearer where one is to carry it.

        Errors: ErrandUnsupported, InvalidValueError (it cannot be said there), StoreError, OverloadedError.
        """
        state = self._state
        if bearer is None or bearer.carries_frames:
            order, row = await self.request(errand, errand.targets, profile, errand.terminals)
            parcel = None
            if bearer is not None:
                parcel = await bearer.make(replace(errand, order=order.session, frame=order.frame))
        else:
            session = await state.sessions.take()
            parcel = await bearer.make(replace(errand, order=session))
            row = self._row(parcel.errand, None, str(bearer.route), parcel.digest, parcel.sig_time)
            order = LiveOrder(session, None, errand.command, profile, b"", state.monotonic())
            state.counters.orders += 1
        await state.store.write(row)
        return Asked(order, parcel)


def _by_route(terminals: Iterable[int], route_of: dict[int, Route]) -> dict[Route, list[int]]:
    found: dict[Route, list[int]] = {}
    for terminal in terminals:
        found.setdefault(route_of[terminal], []).append(terminal)
    return found
