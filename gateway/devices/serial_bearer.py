"""Serial bearer 串行承载: frames of appendix D over RS-232, RS-485 and port servers.

On a bus only a frame with exactly one target is answered (GD/J 089-2018 D.3.4 wants an answer to each request, and all
cannot answer at once). So an errand goes out once for all to hear, and then to those still silent one by one.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Final

import structlog

from gateway.devices.bearer import Carried, Errand, ErrandUnsupported, LinkHealth, LinkState, Parcel, Tools
from gateway.devices.events import Known
from gateway.devices.serial_hearing import Hearing, Word
from gateway.devices.serial_keeper import Phase
from gateway.devices.serial_lane import Outcome, Rank, Ticket
from gateway.devices.serial_line import SerialLine
from gateway.devices.serial_work import Work
from gateway.domain.message import Command
from gateway.domain.receiver import Route
from gateway.errors import GatewayError
from gateway.protocols import ip
from gateway.settings.serial_link import SerialLink

log = structlog.get_logger(__name__)

#: Seconds that a first attempt to open the port is waited for, and between two looks whether a receipt is durable.
_FIRST_TRY: Final = 5.0
_DURABLE_LOOK: Final = 0.02
_DURABLE_LOOKS: Final = 250
_DOWN: Final = "串口不可用 the line is down"
_TOO_LATE: Final = "未及发出 its time passed in the queue"
_STOPPED: Final = "停播已到，开播未发 stopped before it was written"


class SerialBearer:
    """One line; made and used in a running loop, whose clock is the one of its time-outs."""

    carries_frames = True
    is_exclusive = False

    def __init__(self, route: Route, link: SerialLink, tools: Tools) -> None:
        self.route = route
        self._link, self._tools, self._events, self._clock = link, tools, tools.events, tools.clock
        self.hearing = Hearing(route, tools.events, tools.own_code, self, tools.clock, tools.trust)
        self.line = SerialLine(link, self.hearing.take, self._phase)
        self._works: list[Work] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._health = LinkHealth(LinkState.UNKNOWN, tools.clock())
        #: a bus has many who would speak at once
        self.speaks_unasked = link.mode != "rs485"

    # -- the daemon's and dispatch's side

    @property
    def health(self) -> LinkHealth:
        """How the line stands now."""
        return self._health

    async def open(self) -> None:
        """Begin to keep the port open."""
        self.line.start()

    async def close(self) -> None:
        """Let go of the port; errands under way come back as they stand."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.line.stop()

    async def make(self, errand: Errand) -> Parcel:
        """The frame was made and signed above. Errors: ErrandUnsupported where there is none."""
        if not errand.frame:
            raise ErrandUnsupported("a serial line carries frames of GD/J 089-2018 appendix D, and there is none")
        block = ip.parse(errand.frame).signature
        return Parcel(errand, (errand.frame,), block.sig_time if block is not None else 0)

    async def carry(self, parcel: Parcel) -> Carried:
        """To all at once, then to each that is silent, ``tries`` times."""
        errand = parcel.errand
        if self._health.state is LinkState.UNKNOWN:
            await self._first_try()
        if errand.command is Command.STOP:
            self._withdraw_starts(errand)
        work = Work(errand)
        self._works.append(work)
        try:
            return await self._carry(work, parcel.frames[0])
        finally:
            self._works.remove(work)
            self.line.lane.withdraw(work.tickets.__contains__)

    async def probe(self) -> LinkHealth:
        """A line has no test of its own beyond its port: what is known of it now."""
        return self._health

    # -- what the hearing asks

    def say(self, frame: bytes, *, after: int = 0) -> None:
        """Send an answer, once receipt ``after`` is durable."""
        if after <= self._events.committed():
            self.line.send(Ticket(frame, Rank.ANSWER, _forget))
            return
        task = asyncio.get_running_loop().create_task(self._say_when_durable(frame, after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def word(self, word: Word) -> None:
        """An answer came: it counts for every errand its session belongs to, however late."""
        for work in tuple(self._works):
            if word.session in work.sessions:
                work.answered(word.known.id, word.result)
        if word.more:
            self.line.lane.more_follows(word.known.source, word.session, self.line.now())
        else:
            self.line.lane.answered(word.known.source, word.session)

    def reported(self, known: Known, session: int) -> None:
        """The values that a query asked for came."""
        self.line.lane.answered(known.source, session)

    # -- inside

    async def _say_when_durable(self, frame: bytes, after: int) -> None:
        for _ in range(_DURABLE_LOOKS):
            await asyncio.sleep(_DURABLE_LOOK)
            if after <= self._events.committed():
                self.line.send(Ticket(frame, Rank.ANSWER, _forget))
                return

    async def _first_try(self) -> None:
        try:
            async with asyncio.timeout(_FIRST_TRY):
                await self.line.keeper.tried.wait()
        except TimeoutError:
            return

    def _withdraw_starts(self, stop: Errand) -> None:
        """A start still in the queue is never written once its stop is there."""
        codes = {known.source for known in stop.terminals}
        for work in tuple(self._works):
            if work.is_start_of(stop):
                work.spare(stop.terminals)
                self.line.lane.withdraw(
                    lambda ticket, work=work: ticket in work.tickets and (work.is_void or ticket.source in codes)  # type: ignore[misc]
                )

    async def _carry(self, work: Work, frame: bytes) -> Carried:
        errand, alone = work.errand, work.alone
        if alone is None:
            if errand.command is Command.QUERY:
                # A question that all hear is answered by none.
                outcome = Outcome.DOWN if self._health.state is LinkState.DOWN else Outcome.SENT
            else:
                outcome = await self._to_all(work, frame)
            if outcome in (Outcome.DOWN, Outcome.WITHDRAWN):
                # Never whole on the wire: no terminal can have acted on it.
                void = _STOPPED if work.is_void else _TOO_LATE
                return Carried(error=_DOWN if outcome is Outcome.DOWN else void)
            made: dict[int, asyncio.Task[Errand]] = {}
            try:
                await self._poll(work, made)
            finally:
                for task in made.values():
                    task.cancel()
                await asyncio.gather(*made.values(), return_exceptions=True)
            return work.outcome()
        left = False
        for _ in range(self._link.tries):
            ticket, outcome = await self._send(work, errand, frame, alone)
            left = left or ticket.left
            if alone.id not in work.waiting or outcome in (Outcome.DOWN, Outcome.WITHDRAWN):
                break
        if not left:
            return Carried(error=_STOPPED if work.is_void else _DOWN if outcome is Outcome.DOWN else _TOO_LATE)
        return work.outcome()

    async def _to_all(self, work: Work, frame: bytes) -> Outcome:
        """Write it for all; where our own echo tells that it was hurt, again."""
        outcome = Outcome.DOWN
        for _ in range(self._link.tries):
            _, outcome = await self._send(work, work.errand, frame, None)
            if outcome is not Outcome.GARBLED:
                break
        return outcome

    async def _poll(self, work: Work, made: dict[int, asyncio.Task[Errand]]) -> None:
        """Ask one by one; the next frame is made while the present one is on the wire."""
        for _ in range(self._link.tries):
            todo = list(work.waiting.values())
            for position, known in enumerate(todo):
                if known.id not in work.waiting:
                    continue
                self._prepare(work, known, made)
                following = next((k for k in todo[position + 1 :] if k.id in work.waiting), None)
                if following is not None:
                    self._prepare(work, following, made)
                try:
                    single = await made[known.id]
                except GatewayError as error:
                    log.error("poll not made", link=str(self.route), terminal=known.source, reason=str(error))
                    del made[known.id]
                    continue
                work.sessions.add(single.order)
                if known.id in work.waiting:
                    _, outcome = await self._send(work, single, single.frame, known)
                    if outcome is Outcome.DOWN or (outcome is Outcome.WITHDRAWN and known.id in work.waiting):
                        return

    def _prepare(self, work: Work, known: Known, made: dict[int, asyncio.Task[Errand]]) -> None:
        if known.id not in made:
            made[known.id] = asyncio.ensure_future(self._tools.workshop.unicast(work.errand, known))

    async def _send(self, work: Work, errand: Errand, frame: bytes, known: Known | None) -> tuple[Ticket, Outcome]:
        """Queue one frame and wait for what becomes of it."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        terminals = [known.id] if known is not None else [each.id for each in work.errand.terminals]

        def done(outcome: Outcome) -> None:
            if not future.done():
                future.set_result(outcome)

        until = inf if errand.until == inf else self.line.now() + errand.until - self._clock()
        ticket = Ticket(
            frame,
            # Where the errand is for one alone, its first frame is what must be heard.
            Rank.ALL if errand is work.errand else Rank.POLL,
            done,
            work.errand.priority,
            until,
            known.source if known is not None else "",
            errand.order,
            lambda: self._events.carried(errand.order, self.route, terminals),
            lambda: errand.void() or work.errand.void(),
        )
        work.tickets.add(ticket)
        self.line.send(ticket)
        try:
            return ticket, await future
        finally:
            work.tickets.discard(ticket)
            if not ticket.over:
                self.line.lane.withdraw(lambda queued: queued is ticket)

    def _phase(self, phase: Phase, reason: str) -> None:
        """The port came, or went."""
        if phase is Phase.OPENING:
            return
        if phase is Phase.OPEN:
            health = LinkHealth(LinkState.UP, self._clock())
        elif phase is Phase.WAITING:
            health = LinkHealth(LinkState.DOWN, self._clock(), f"串口打不开或已断开 port not open: {reason}")
        else:
            health = LinkHealth(LinkState.UNKNOWN, self._clock())
        if health.state is self._health.state:
            return
        self._health = health
        self._events.link(self.route, health)


def _forget(outcome: Outcome) -> None:
    """Nobody waits for what becomes of an answer of ours."""
