"""Proofs 询问取证: terminals that never speak unasked are asked whether they play (state 工作, tag 6 of table E.5).

On an RS-485 bus an answer to a start says that it was taken, and no report may follow (ADR 0024). So those who answered
are asked for their state, behind everything else on the line. "Working" while one message alone is in force is the
terminal's own word that it plays, as in a heartbeat (``Receipts``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import Final

import structlog

from gateway.devices.bearer import Bearer, Errand, ErrandUnsupported, LinkState
from gateway.devices.events import Known
from gateway.dispatch.errands import ErrandDesk
from gateway.dispatch.live import LiveMessage, LiveOrder, Phase
from gateway.dispatch.plan import NAMED_IN_ONE_FRAME
from gateway.dispatch.sender import ORDER_MEMORY
from gateway.dispatch.state import State
from gateway.domain.message import Command
from gateway.errors import InvalidValueError
from gateway.protocols.parameters import WORK_STATE

log = structlog.get_logger(__name__)

#: Seconds from the answers, or the beginning of the message, to the first question, and from each to the next: who
#: fetches its programme yet is idle.
PAUSES: Final = (0.5, 10.0, 30.0)
#: Behind all that starts, stops or sets.
_LAST: Final = (9,)


class Proofs:
    """Asks, a few times, those who hold a start and have not said that they play."""

    def __init__(
        self, state: State, desk: ErrandDesk, spawn: Callable[[Coroutine[object, object, None]], None]
    ) -> None:
        self._state, self._desk, self._spawn = state, desk, spawn

    def ask(self, live: LiveMessage, bearer: Bearer, terminals: Collection[int], turn: int = 0) -> None:
        """Ask these terminals once they can be expected to play."""
        if turn < len(PAUSES):
            wait = max(0.0, live.message.start.timestamp() - self._state.clock()) + PAUSES[turn]
            self._state.pacer.after(wait, lambda: self._spawn(self._ask(live, bearer, terminals, turn)))

    async def _ask(self, live: LiveMessage, bearer: Bearer, terminals: Collection[int], turn: int) -> None:
        held = list(self._held(live, bearer, terminals))
        if not held or bearer.health.state is LinkState.DOWN:
            return
        by_profile: dict[str, list[Known]] = {}
        for known in self._desk.known(held):
            by_profile.setdefault(known.profile.name, []).append(known)
        for profile, members in by_profile.items():
            for at in range(0, len(members), NAMED_IN_ONE_FRAME):
                await self._question(live, bearer, profile, tuple(members[at : at + NAMED_IN_ONE_FRAME]))
        self.ask(live, bearer, held, turn + 1)

    async def _question(self, live: LiveMessage, bearer: Bearer, profile: str, some: tuple[Known, ...]) -> None:
        errand = Errand(
            order=0,
            command=Command.QUERY,
            terminals=some,
            targets=tuple(known.terminal.code for known in some),
            tags=(WORK_STATE,),
            priority=_LAST,
            until=live.message.end.timestamp(),
            void=lambda: not live.wanted,
        )
        try:
            asked = await self._desk.asked(bearer, errand, profile)
        except (ErrandUnsupported, InvalidValueError) as error:
            log.warning("state not asked", link=str(bearer.route), profile=profile, reason=str(error))
            return
        self._state.orders[asked.order.session] = asked.order
        assert asked.parcel is not None
        try:
            await bearer.carry(asked.parcel)
        finally:
            self._state.pacer.after(ORDER_MEMORY, lambda: self._forget(asked.order))

    def _forget(self, order: LiveOrder) -> None:
        self._state.orders.pop(order.session, None)

    @staticmethod
    def _held(live: LiveMessage, bearer: Bearer, terminals: Collection[int]) -> Iterator[int]:
        """Those whose delivery is on this bearer, answered, and not known to play."""
        for terminal in terminals:
            position = live.index.get(terminal)
            if position is None or not live.wanted or live.ways.now(terminal) != bearer.route:
                continue
            if live.phase[position] == Phase.HELD:
                yield terminal
