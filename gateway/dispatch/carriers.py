"""Carriers 承载调度: messages over bearers; a route that fails gives its terminals to the next (ADR 0020)."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import structlog

from gateway.devices.bearer import Bearer, Carried, LinkHealth, LinkState
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.errands import ErrandDesk, Load
from gateway.dispatch.live import LiveMessage, Phase, Sent
from gateway.dispatch.proofs import Proofs
from gateway.dispatch.sender import STORE_AGAIN, Sender
from gateway.dispatch.state import State
from gateway.dispatch.ways import Ways
from gateway.domain.ladder import StopRung
from gateway.domain.message import Command, EbmClass, MessageState
from gateway.domain.receiver import IP_ROUTE, Route
from gateway.errors import GatewayError

log = structlog.get_logger(__name__)

#: Seconds that a start waits at most for the stops of the message that it replaces.
STOP_AHEAD: Final = 2.0
#: Seconds between two looks at all links.
PROBE_SECONDS: Final = 60.0


class Carriers:
    """Hands messages to bearers, and what a bearer could not bring to the next route, within the message's life."""

    def __init__(self, state: State, sender: Sender, desk: ErrandDesk) -> None:
        self._state = state
        self._sender = sender
        self.desk = desk
        self._serving: dict[LiveMessage, bool] = {}
        self._proofs = Proofs(state, desk, sender.spawn)
        self._prober: asyncio.Task[None] | None = None
        sender.on_failed = self.failed

    async def start(self) -> None:
        """Open the links, take up what was in force, and test links from time to time."""
        for bearer in self._state.bearers.values():
            await bearer.open()
        self.resume()
        if self._state.bearers:
            self._prober = asyncio.create_task(self._probe(), name="link tests")

    async def close(self) -> None:
        """Let go of the links."""
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)
        await asyncio.gather(*(bearer.close() for bearer in self._state.bearers.values()), return_exceptions=True)

    # -- which way

    def usable(self, terminal: int, route: Route) -> bool:
        """Whether a route could carry something now: the terminal is connected, or the link is not known to be down."""
        if route == IP_ROUTE:
            return terminal in self._state.links.current
        bearer = self._state.bearers.get(route)
        return bearer is not None and bearer.health.state is not LinkState.DOWN

    def choose(self, live: LiveMessage) -> None:
        """Put deliveries that are on no route on one, if there is one that can carry."""
        for terminal in live.ways.adrift():
            live.ways.choose(terminal, self.usable)

    def failed(self, live: LiveMessage, terminal: int) -> bool:
        """Its own connection did not do; returns whether another route takes over."""
        if not live.ways.fail(terminal, IP_ROUTE):
            return live.ways.now(terminal) is not None
        return self._take_over(live, (terminal,))

    def arrived(self, terminal: int) -> None:
        """It has come to life somewhere: what is adrift may be tried again, on any of its routes.

        Starts over its own connection are sent by ``Arrivals``.
        """
        for live in self._state.messages.values():
            if terminal in live.ways and live.ways.now(terminal) is None:
                live.ways.anew(terminal)
                if live.wanted and live.ways.choose(terminal, self.usable) not in (None, IP_ROUTE):
                    self.kick(live)

    def try_again(self, live: LiveMessage, terminals: Iterable[int]) -> list[int]:
        """Put these on a route anew, the one that each is on last of all; returns those that no link carries."""
        left = []
        for terminal in terminals:
            if terminal not in live.ways:
                left.append(terminal)
                continue
            now = live.ways.now(terminal)
            live.ways.anew(terminal)
            if now is not None:
                live.ways.fail(terminal, now)
            route = live.ways.choose(terminal, self.usable)
            if route is None and now is not None:
                live.ways.again(terminal, now)
                route = live.ways.choose(terminal, self.usable)
            if route is None or route == IP_ROUTE:
                left.append(terminal)
        self.kick(live)
        return left

    def link(self, route: Route, health: LinkHealth) -> None:
        """The state of a link has changed (``devices.bearer.BearerEvents``)."""
        subject = str(route)
        if health.state is LinkState.DOWN:
            self._state.alarms.raise_("link_down", subject, f"链路中断 link down: {health.detail}", AlarmLevel.CRITICAL)
            if route.kind.is_one_way:
                # What such a link was given is heard only while it goes on being repeated.
                for live in self._state.in_force():
                    self._give_over(live, route, live.ways.on(route))
            return
        if health.state is not LinkState.UP:
            return
        self._state.alarms.clear("link_down", subject)
        for live in list(self._state.messages.values()):
            for terminal in live.ways:
                live.ways.again(terminal, route)
            if live.wanted:
                self.choose(live)
                self.kick(live)
            owed = [t for t in live.ways if route in live.ways.used(t) and self._is_owed_stop(live, t)]
            if owed:
                self._sender.spawn(self.stop(live, owed))

    # -- starts

    def launched(self, live: LiveMessage, old: LiveMessage | None) -> None:
        """A message has moved: bring it to the bearers, after the stops of what it replaces."""
        if live.message.ebm_class is EbmClass.SYSTEM_DRILL or not self._state.bearers:
            return
        self._sender.spawn(self._launched(live, old))

    async def _launched(self, live: LiveMessage, old: LiveMessage | None) -> None:
        if old is not None and old.ways:
            stopping = asyncio.ensure_future(self.stop(old))
            # A mute link never holds up a new warning.
            await asyncio.wait((stopping,), timeout=STOP_AHEAD)
            if not stopping.done():
                self._sender.spawn(_outcome(stopping))
        if not live.ways:
            return
        if live.state.is_over:
            await self.stop(live)
        elif live.wanted:
            self.choose(live)
            self.kick(live)

    def kick(self, live: LiveMessage) -> None:
        """Hand over the starts that are due on bearers; calls that come meanwhile are served by the same run."""
        if not live.ways or live.message.ebm_class is EbmClass.SYSTEM_DRILL:
            return
        if live in self._serving:
            self._serving[live] = True
            return
        self._serving[live] = True
        self._sender.spawn(self._serve(live))

    async def _serve(self, live: LiveMessage) -> None:
        try:
            while self._serving[live]:
                self._serving[live] = False
                due = [t for t in live.ways.waiting() if live.may_start(t)] if live.wanted else []
                if due:
                    await self._hand_over(live, due)
        except GatewayError:
            self._state.pacer.after(STORE_AGAIN, lambda: self.kick(live))
            raise
        finally:
            del self._serving[live]

    async def _hand_over(self, live: LiveMessage, terminals: Sequence[int]) -> None:
        by_route: dict[Route, list[int]] = {}
        for terminal in terminals:
            route = live.ways.now(terminal)
            if route is not None and route in self._state.bearers:
                by_route.setdefault(route, []).append(terminal)
        loads, refused = await self.desk.for_message(live, Command.START, by_route, named=live.stopped)
        live.ways.hand(terminals)
        for cannot in refused:
            self._give_over(live, cannot.route, cannot.terminals)
        for load in loads:
            self._sender.spawn(self._carry(live, load))

    async def _carry(self, live: LiveMessage, load: Load) -> None:
        """Let a bearer do what it can with a start; what it did not bring goes to the next route."""
        if not live.wanted:
            return
        route = load.bearer.route
        done = await self._done(load)
        if not live.wanted:
            return
        lost = load.terminals if done.error else (*done.silent, *done.refused)
        missing = [t for t in lost if not self._holds(live, t)]
        if done.error:
            log.warning("bearer could not carry", link=str(route), order=load.order.session, error=done.error)
        for terminal in missing:
            self._sender.record.silent(live, terminal, load.order.ordinal)
        self._give_over(live, route, missing)
        if not load.bearer.speaks_unasked and not done.error:
            self._proofs.ask(live, load.bearer, load.terminals)

    async def _done(self, load: Load) -> Carried:
        """Carry; a bearer that breaks has carried nothing, and its terminals go on to the next route."""
        try:
            return await load.bearer.carry(load.parcel)
        except Exception as error:
            log.error("bearer broke", link=str(load.bearer.route), order=load.order.session, exc_info=error)
            self._state.alarms.raise_(
                "bearer_broke", str(load.bearer.route), f"{type(error).__name__}: {error}", AlarmLevel.CRITICAL
            )
            return Carried(error=f"{type(error).__name__}: {error}")

    @staticmethod
    def _holds(live: LiveMessage, terminal: int) -> bool:
        position = live.index.get(terminal)
        return position is not None and Phase.HELD <= live.phase[position] <= Phase.DONE

    def _give_over(self, live: LiveMessage, route: Route, terminals: Iterable[int]) -> None:
        moved = [terminal for terminal in terminals if live.ways.fail(terminal, route)]
        if moved and live.wanted:
            self._take_over(live, moved)

    def _take_over(self, live: LiveMessage, terminals: Iterable[int]) -> bool:
        """Put terminals on their next route; an open item for a person where none is left."""
        left = [terminal for terminal in terminals if live.ways.choose(terminal, self.usable) is None]
        if left:
            names = ", ".join(str(e.terminal.code) for e in map(self._state.registry.get, left[:3]) if e is not None)
            self._state.alarms.raise_(
                "no_route_left",
                live.ebm_id,
                f"{len(left)} 个终端已无可用路由 no route left to terminals: {names}{'…' if len(left) > 3 else ''}",
            )
        over_ip = [t for t in terminals if live.ways.now(t) == IP_ROUTE]
        if over_ip:
            self._sender.spawn(self._sender.serve(live, Command.START, over_ip))
        self.kick(live)
        return not left

    # -- stops

    async def stop(self, live: LiveMessage, among: Collection[int] | None = None, tries: int = 1) -> None:
        """Take a message off every bearer that may have brought it to its terminals, or to those ``among``."""
        by_route: dict[Route, list[int]] = {}
        for terminal in live.ways if among is None else among:
            if self._is_owed_stop(live, terminal):
                for route in live.ways.used(terminal):
                    by_route.setdefault(route, []).append(terminal)
        named = among is not None
        await asyncio.gather(*(self._stop_on(live, route, some, tries, named) for route, some in by_route.items()))

    @staticmethod
    def _is_owed_stop(live: LiveMessage, terminal: int) -> bool:
        """Whether it was ordered silent and has not said yes to that."""
        position = live.index.get(terminal)
        return position is not None and live.stop[position] in (StopRung.PLANNED, StopRung.SENT)

    async def _stop_on(self, live: LiveMessage, route: Route, terminals: list[int], tries: int, named: bool) -> None:
        bearer = self._state.bearers.get(route)
        if bearer is None:
            return
        loads, refused = await self.desk.for_message(live, Command.STOP, {route: terminals}, named=named)
        left: set[int] = {terminal for cannot in refused for terminal in cannot.terminals}
        for load in loads:
            done = await self._done(load)
            left.update(load.terminals if done.error else (*done.silent, *done.refused))
        left = {terminal for terminal in left if self._is_owed_stop(live, terminal)}
        if not left:
            return
        self._state.alarms.raise_(
            "stop_unconfirmed",
            live.ebm_id,
            f"{route}: {len(left)} 个终端未确认停播，可能仍在播 terminals did not confirm their stop and may play on",
            AlarmLevel.CRITICAL,
        )
        if live.ebm_id in self._state.messages and self._state.clock() < live.message.end.timestamp():
            pause = self._state.policy.retry.pause(tries)
            self._state.pacer.after(pause, lambda: self._sender.spawn(self.stop(live, tuple(left), tries + 1)))

    # -- what bearers tell

    def carried(self, order: int, route: Route, terminals: Sequence[int]) -> None:
        """An order's bytes were handed to a link (``devices.bearer.BearerEvents``)."""
        known = self._state.orders.get(order)
        if known is None or not terminals:
            return
        numbers, live = array("I", terminals), known.message
        self._sender.note_written(known, numbers)
        self._sender.commit_attempt(known, self._state.clock(), numbers, route)
        if known.void and live is not None and live.state is not MessageState.ENDED and live.want_stop(terminals):
            # It left in the moment in which its message ended: those whom no stop was planned for need one now.
            self._sender.spawn(self.stop(live, tuple(terminals)))

    # -- after a restart, and between broadcasts

    def resume(self) -> None:
        """Bring back to their routes the messages that were in force, and the stops that are owed."""
        for live in list(self._state.messages.values()):
            live.ways = Ways.of(self._state.registry, live.terminals, live.scheme)
            if not live.ways:
                continue
            newest = _newest_routes(live)
            for terminal in live.ways:
                if live.phase[live.index[terminal]] != Phase.IDLE:
                    live.ways.may_have_used_all(terminal)
                route = newest.get(terminal)
                if route is not None and not route.kind.is_one_way and self._holds(live, terminal):
                    live.ways.put(terminal, route, handed=True)
            if live.wanted:
                self.choose(live)
                self.kick(live)
            owed = [terminal for terminal in live.ways if self._is_owed_stop(live, terminal)]
            if owed:
                self._sender.spawn(self.stop(live, owed))

    async def _probe(self) -> None:
        """Test links that nothing else tests."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            await asyncio.gather(*map(_probe, self._state.bearers.values()))


def _newest_routes(live: LiveMessage) -> dict[int, Route]:
    found: dict[int, Route] = {}
    for entry in live.log:
        if isinstance(entry, Sent) and entry.command is Command.START:
            found.update(dict.fromkeys(entry.terminals, entry.route))
    return found


async def _outcome(work: asyncio.Future[None]) -> None:
    await work


async def _probe(bearer: Bearer) -> None:
    try:
        await bearer.probe()
    except GatewayError as error:
        log.warning("link test failed", link=str(bearer.route), error=str(error))
