"""Remote settings and queries 远程设置与查询: one request for many terminals over their routes, one status for each.

A terminal's routes are tried in their order until one can carry the request and answers; a "no" is an answer too.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import structlog

from gateway.devices.bearer import Bearer, Carried, Errand, ErrandUnsupported, LinkState
from gateway.devices.events import Known, Origin
from gateway.dispatch.errands import ErrandDesk
from gateway.dispatch.live import LiveOrder
from gateway.dispatch.plan import NAMED_IN_ONE_FRAME
from gateway.dispatch.receipts import Receipts
from gateway.dispatch.sender import ORDER_MEMORY, Sender
from gateway.dispatch.state import State
from gateway.domain.ladder import Standing
from gateway.domain.message import Command
from gateway.domain.receiver import IP_ROUTE, Route
from gateway.errors import InvalidValueError
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.parameters import Parameter

log = structlog.get_logger(__name__)

#: Sorts behind everything that is about a message: the first number of those is -1 to 2.
_LAST: Final = (3,)


class DeviceStatus(StrEnum):
    """How a request stands at one terminal."""

    #: it answered yes, and to a query with its values; or an adapter said yes for it (``standing`` claimed)
    DONE = "done"
    #: it took a query, and its values did not come in time
    ACKNOWLEDGED = "acknowledged"
    #: the bytes went out on a one-way link
    SENT = "sent"
    #: it answered with ``code``
    REFUSED = "refused"
    #: the bytes went out and nothing came back
    SILENT = "silent"
    #: no route has a word for it
    UNSUPPORTED = "unsupported"
    #: no route could carry it
    UNREACHABLE = "unreachable"


class RequestStatus(StrEnum):
    """How a request stands as a whole."""

    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"


_GOOD: Final = frozenset({DeviceStatus.DONE, DeviceStatus.SENT, DeviceStatus.ACKNOWLEDGED})
#: What ends a terminal's request; anything else is tried on its next route.
_FINAL: Final = _GOOD | {DeviceStatus.REFUSED}


@dataclass(slots=True)
class DeviceReport:
    """What became of a request at one terminal. ``code`` is a result of table D.12, or of the bearer's protocol."""

    known: Known
    status: DeviceStatus = DeviceStatus.UNREACHABLE
    route: Route | None = None
    order: int | None = None
    code: int = 0
    standing: Standing = Standing.PROVEN
    values: tuple[Parameter, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RequestReport:
    """One status for the whole request, and one for each device, in the order in which they were named."""

    devices: tuple[DeviceReport, ...]

    @property
    def status(self) -> RequestStatus:
        """DONE where every device is, FAILED where none is or none was named."""
        good = sum(1 for device in self.devices if device.status in _GOOD)
        if good == len(self.devices) and good:
            return RequestStatus.DONE
        return RequestStatus.PARTIAL if good else RequestStatus.FAILED


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked: settings (table D.9), tags of a query (table D.8), or certificates (table D.11)."""

    parameters: tuple[Parameter, ...] = ()
    tags: tuple[int, ...] = ()
    certificates: CertificateAuthorisation | None = None

    def __post_init__(self) -> None:
        if sum((bool(self.parameters), bool(self.tags), self.certificates is not None)) != 1:
            raise InvalidValueError("request", self, "must hold parameters, tags or certificates, and one of them only")

    @property
    def command(self) -> Command:
        """A query asks, the others set."""
        return Command.QUERY if self.tags else Command.SET


@dataclass(slots=True, eq=False)
class _Under:
    """A request under way on one order: who still owes an answer."""

    ask: Ask
    reports: dict[int, DeviceReport]
    owed: set[int]
    quiet: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self, terminal: int) -> None:
        """Nothing more is owed by this one."""
        self.owed.discard(terminal)
        if not self.owed:
            self.quiet.set()


class Requests:
    """Asks terminals. ``answered`` and ``reported`` are told by ``Receipts``, for orders that are about no message."""

    def __init__(self, state: State, desk: ErrandDesk, sender: Sender, receipts: Receipts) -> None:
        self._state = state
        self._desk = desk
        self._sender = sender
        self._under: dict[int, _Under] = {}
        receipts.on_answer, receipts.on_query_answer = self._answered, self._values

    async def ask(self, terminals: Sequence[Known], ask: Ask) -> RequestReport:
        """Ask and wait until each has answered, refused, or used up its routes.

        Errors: StoreError, OverloadedError: an order could not be committed, and its frame did not leave.
        """
        reports = {known.id: DeviceReport(known) for known in terminals}
        left = {known.id: list(known.terminal.routes) for known in terminals}
        while True:
            by_route: dict[Route, list[Known]] = {}
            for terminal, routes in left.items():
                if reports[terminal].status in _FINAL:
                    continue
                while routes:
                    route = routes.pop(0)
                    if self._usable(terminal, route):
                        by_route.setdefault(route, []).append(reports[terminal].known)
                        break
            if not by_route:
                return RequestReport(tuple(reports[known.id] for known in terminals))
            await asyncio.gather(*(self._over(route, some, ask, reports) for route, some in by_route.items()))

    # -- ways

    def _usable(self, terminal: int, route: Route) -> bool:
        if route == IP_ROUTE:
            return terminal in self._state.links.current
        bearer = self._state.bearers.get(route)
        return bearer is not None and bearer.health.state is not LinkState.DOWN

    async def _over(self, route: Route, some: list[Known], ask: Ask, reports: dict[int, DeviceReport]) -> None:
        """Ask some terminals over one route, by profile, each by its own code."""
        by_profile: dict[str, list[Known]] = {}
        for known in some:
            reports[known.id].route = route
            by_profile.setdefault(known.profile.name, []).append(known)
        for profile, members in by_profile.items():
            for at in range(0, len(members), NAMED_IN_ONE_FRAME):
                chunk = tuple(members[at : at + NAMED_IN_ONE_FRAME])
                if route == IP_ROUTE:
                    await self._over_connections(chunk, profile, ask, reports)
                else:
                    await self._over_bearer(self._state.bearers[route], chunk, profile, ask, reports)

    async def _over_connections(
        self, chunk: tuple[Known, ...], profile: str, ask: Ask, reports: dict[int, DeviceReport]
    ) -> None:
        load = await self._desk.asked(None, self._errand(ask, chunk), profile)
        order, state = load.order, self._state
        under = self._begin(order, chunk, ask, reports)
        for _ in range(state.policy.retry.same_frame_tries):
            mute = [known for known in chunk if known.id in under.owed and reports[known.id].status not in _GOOD]
            sent = array("I", [known.id for known in mute if self._write(known, order)])
            if not sent:
                break
            self._sender.commit_attempt(order, state.clock(), sent)
            for terminal in sent:
                if reports[terminal].status not in _FINAL:
                    reports[terminal].status = DeviceStatus.SILENT
            if await self._quiet(under):
                break
        self._end(order)

    def _write(self, known: Known, order: LiveOrder) -> bool:
        """Hand the frame to every live connection of a terminal."""
        written = [link.write(order.frame) for link in self._state.links.links(known.id)]
        return any(written)

    async def _over_bearer(
        self, bearer: Bearer, chunk: tuple[Known, ...], profile: str, ask: Ask, reports: dict[int, DeviceReport]
    ) -> None:
        try:
            load = await self._desk.asked(bearer, self._errand(ask, chunk), profile)
        except (ErrandUnsupported, InvalidValueError) as error:
            for known in chunk:
                reports[known.id].status, reports[known.id].detail = DeviceStatus.UNSUPPORTED, str(error)
            return
        under = self._begin(load.order, chunk, ask, reports)
        assert load.parcel is not None
        try:
            done = await bearer.carry(load.parcel)
        except Exception as error:
            # A bearer that breaks has carried nothing; the next route may.
            log.error("bearer broke", link=str(bearer.route), order=load.order.session, exc_info=error)
            done = Carried(error=f"{type(error).__name__}: {error}")
        for known in chunk:
            report = reports[known.id]
            if report.status in _FINAL and report.status is not DeviceStatus.ACKNOWLEDGED:
                continue
            if done.error:
                report.status, report.detail = DeviceStatus.UNREACHABLE, done.error
            elif known.id in done.refused:
                report.status, report.code = DeviceStatus.REFUSED, done.refused[known.id]
            elif known.id in done.silent:
                report.status = DeviceStatus.SILENT
            else:
                report.status, report.standing = _unsaid(bearer)
                if ask.tags:
                    # Its values are still to come, from the terminal itself; after a one-way link where it can.
                    if report.status is DeviceStatus.DONE:
                        report.status = DeviceStatus.ACKNOWLEDGED
                    continue
            under.settle(known.id)
        if ask.tags and under.owed:
            await self._quiet(under)
        self._end(load.order)

    # -- what is said

    def _answered(self, order: LiveOrder, known: Known, result: int, origin: Origin) -> None:
        """A general answer (table D.10) to an order that is about no message."""
        under = self._under.get(order.session)
        report = None if under is None else under.reports.get(known.id)
        if under is None or report is None or known.id not in under.owed:
            return
        report.standing, report.code = Standing(origin.standing), result
        if result != 0:
            report.status = DeviceStatus.REFUSED
        elif under.ask.tags:
            report.status = DeviceStatus.ACKNOWLEDGED
            return
        else:
            report.status = DeviceStatus.DONE
        under.settle(known.id)

    def _values(self, session: int, known: Known, body: QueryAnswer, origin: Origin) -> None:
        """Values of a terminal (table E.4). Behind an adapter they bear no session of ours: the terminal decides."""
        under = self._under.get(session)
        waiting = [under] if under is not None else [one for one in self._under.values() if known.id in one.owed]
        for one in waiting:
            report = one.reports.get(known.id)
            if report is None or not one.ask.tags:
                continue
            report.standing, report.code, report.values = Standing(origin.standing), body.result, body.params
            report.status = DeviceStatus.DONE if body.result == 0 else DeviceStatus.REFUSED
            report.detail = body.text
            one.settle(known.id)

    # -- orders

    def _errand(self, ask: Ask, chunk: tuple[Known, ...]) -> Errand:
        return Errand(
            order=0,
            command=ask.command,
            terminals=chunk,
            targets=tuple(known.terminal.code for known in chunk),
            parameters=ask.parameters,
            tags=ask.tags,
            certificates=ask.certificates,
            priority=_LAST,
        )

    def _begin(self, order: LiveOrder, chunk: tuple[Known, ...], ask: Ask, reports: dict[int, DeviceReport]) -> _Under:
        under = _Under(ask, reports, {known.id for known in chunk})
        for known in chunk:
            reports[known.id].order = order.session
        self._under[order.session] = under
        self._state.orders[order.session] = order
        return under

    def _end(self, order: LiveOrder) -> None:
        """Late answers are still receipts of this order for a while; nobody waits for them."""
        del self._under[order.session]

        def forget() -> None:
            self._state.orders.pop(order.session, None)

        self._state.pacer.after(ORDER_MEMORY, forget)

    async def _quiet(self, under: _Under) -> bool:
        """Wait until nobody owes an answer; False where the time was up first."""
        try:
            async with asyncio.timeout(self._state.policy.answer_seconds):
                await under.quiet.wait()
        except TimeoutError:
            return False
        return True


def _unsaid(bearer: Bearer) -> tuple[DeviceStatus, Standing]:
    """How a terminal stands of which its bearer reports neither silence nor refusal."""
    if bearer.route.kind.is_one_way:
        return DeviceStatus.SENT, Standing.SENT
    # Where frames of appendix D are carried the terminal's own answer was told already; else another spoke for it.
    return DeviceStatus.DONE, Standing.PROVEN if bearer.carries_frames else Standing.CLAIMED
