"""EBMStateResponse 播发状态反馈: a superior is told of its messages at every change, in order, once (083 table 7).

What is told is kept in the outbox before it is sent, and what was told is read from there: after a crash the rest
follows, and nothing is told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from gateway.coverage.books import Books
from gateway.coverage.figures import Rule
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.service import Dispatch
from gateway.domain.message import EbmClass, MessageState
from gateway.domain.peers import Peer, PeerRole
from gateway.domain.zone import BEIJING
from gateway.errors import GatewayError, NotFoundError
from gateway.protocols.platform.ids import EbdId, MessageId
from gateway.protocols.platform.states import BrdState, EbmStateResponse
from gateway.store import package_queries, queries
from gateway.upstream.platform import figures
from gateway.upstream.platform.broadcasts import publisher_of
from gateway.upstream.platform.handling import Arrived
from gateway.upstream.platform.outbox import Outbox

log = structlog.get_logger(__name__)

#: Seconds between two looks at what plays.
_LOOK: Final = 0.5
#: Seconds that a report is tried: a superior may be away for days, and is owed what became of its message.
_KEPT: Final = 7 * 86400.0
#: How far back packages are looked through at the start for messages whose end was not told.
_BACK: Final = 7 * 86400.0
#: A start that is further ahead than this (seconds) is one in the future; its frames may be out already.
_AHEAD: Final = 1.0
_FINAL: Final = frozenset({BrdState.DONE, BrdState.FAILED, BrdState.CANCELLED, BrdState.UNTREATED})


@dataclass(frozen=True, slots=True)
class ProgressRules:
    """``success``: share of the terminals for state 3; ``every``: seconds between counts while it plays; ``settle``:
    seconds after its end in which results may still come in.
    """

    success: float = 0.9
    every: float = 30.0
    settle: float = 5.0
    rule: Rule = Rule.FRACTION


@dataclass(slots=True)
class _Watched:
    """What a superior knows of one message. ``ebm_id`` is the number that it gave; ``package`` the EBD it came in."""

    peer: Peer
    ebm_id: MessageId
    package: EbdId | None
    told: list[int]
    position: int = 0
    playing: bool = False
    #: when the counts were told last (monotonic), and the length of the log then
    counted_at: float = field(default=0.0)
    counted: int = -1


class Progress:
    """Watches messages of superiors. ``pause`` waits."""

    def __init__(
        self,
        dispatch: Dispatch,
        books: Books,
        outbox: Outbox,
        peers: Sequence[Peer],
        rules: ProgressRules,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dispatch = dispatch
        self._books = books
        self._outbox = outbox
        self._rules = rules
        self._pause = pause
        self._peers: Mapping[str, Peer] = {
            publisher_of(peer): peer for peer in peers if peer.role is not PeerRole.STATION and outbox.reaches(peer)
        }
        #: None for a message of nobody who is told
        self._watched: dict[str, _Watched | None] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        await self._guarded(self._take_up())
        while True:
            for live in list(self._dispatch.state.messages.values()):
                await self._guarded(self._look(live))
            for gone in self._watched.keys() - self._dispatch.state.messages.keys():
                del self._watched[gone]
            await self._pause(_LOOK)

    async def left(self, arrived: Arrived, ebm_id: MessageId, state: int, words: str) -> None:
        """Tell of a message that is not played; once, though it come again. Errors: StoreError."""
        peer = arrived.peer
        if publisher_of(peer) not in self._peers:
            return
        told = await self._dispatch.state.store.read(package_queries.told_states, peer.name, str(ebm_id))
        if state in told:
            return
        body = figures.response(ebm_id, BrdState(state), self._now(), words[:200])
        await self._put(peer, ebm_id, body, related=arrived.ebd.envelope.ebd_id)

    async def answer(self, live: LiveMessage, ebm_id: MessageId) -> EbmStateResponse:
        """How a message stands now, as an answer to EBMStateRequest. Errors: NotFoundError, StoreError."""
        opened = await self._books.open(live.ebm_id)
        playing = figures.any_plays(live.log) or live.message.ebm_class is EbmClass.SYSTEM_DRILL
        return await self._body(live, ebm_id, self._state(live, playing, figures.share_reached(opened)), self._now())

    # -- looking

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except GatewayError as error:
            # Told at the next look.
            log.warning("progress not told", code=error.code, reason=str(error))

    async def _take_up(self) -> None:
        """Messages that ended while we were away and left memory before anybody told of it."""
        since = self._dispatch.state.clock() - _BACK
        for peer in self._peers.values():
            for ebm_id in await self._dispatch.state.store.read(package_queries.untold_messages, peer.name, since):
                await self._guarded(self._finish(peer, ebm_id))

    async def _finish(self, peer: Peer, theirs: str) -> None:
        state = self._dispatch.state
        for warning in await state.store.read(queries.warnings_by_identifier, theirs):
            if warning.publisher != publisher_of(peer) or warning.ebm_id is None or warning.ebm_id in state.messages:
                continue
            _, live = await self._dispatch.book(warning.ebm_id)
            await self._look(live)

    async def _of(self, live: LiveMessage) -> _Watched | None:
        if live.ebm_id not in self._watched:
            self._watched[live.ebm_id] = await self._found(live)
        return self._watched[live.ebm_id]

    async def _found(self, live: LiveMessage) -> _Watched | None:
        store = self._dispatch.state.store
        warning = await store.read(queries.warning_by_id, live.message.warning_id)
        peer = None if warning is None else self._peers.get(warning.publisher)
        if warning is None or peer is None:
            return None
        packages = await store.read(package_queries.packages_about, warning.identifier)
        first = next((one.ebd_id for one in packages if one.kind == "EBM" and one.peer == peer.name), None)
        told = await store.read(package_queries.told_states, peer.name, warning.identifier)
        package = None if first is None else EbdId(first)
        return _Watched(peer, MessageId(warning.identifier), package, list(told))

    async def _look(self, live: LiveMessage) -> None:
        watched = await self._of(live)
        if watched is None or (watched.told and watched.told[-1] in _FINAL):
            return
        if not watched.playing:
            news, watched.position = live.log[watched.position :], len(live.log)
            watched.playing = figures.any_plays(news) or self._is_started_drill(live)
        if live.state is MessageState.ENDED and not self._settled(live):
            return
        reached = 0.0
        if live.state is MessageState.ENDED and live.message.ebm_class is not EbmClass.SYSTEM_DRILL:
            reached = figures.share_reached(await self._books.open(live.ebm_id))
        state = self._state(live, watched.playing, reached)
        if state is BrdState.WAITING and not self._must_say_waiting(live):
            return
        if state in (BrdState.DONE, BrdState.FAILED) and watched.playing and BrdState.PLAYING not in watched.told:
            # It played, and nobody could say so at the time.
            began = datetime.fromtimestamp(live.activated_at or live.accepted_at, UTC).astimezone(BEIJING)
            await self._tell(watched, await self._body(live, watched.ebm_id, BrdState.PLAYING, began))
        if state not in watched.told[-1:]:
            await self._tell(watched, await self._body(live, watched.ebm_id, state, self._now()))
            self._counted(watched, live)
        elif state is BrdState.PLAYING and self._counts_are_due(watched, live):
            self._counted(watched, live)
            await self._tell(watched, await self._body(live, watched.ebm_id, state, self._now()))

    @staticmethod
    def _is_started_drill(live: LiveMessage) -> bool:
        return live.message.ebm_class is EbmClass.SYSTEM_DRILL and live.activated_at is not None

    def _must_say_waiting(self, live: LiveMessage) -> bool:
        """State 1 is for what begins later or waits for a person; an immediate start is told by 2 (platform.md 4.6)."""
        ahead = live.message.start.timestamp() - self._dispatch.state.clock()
        return live.state is not MessageState.ACTIVE or ahead > _AHEAD

    def _settled(self, live: LiveMessage) -> bool:
        """Whether results of terminals have had their time since the end."""
        if live.ebm_id not in self._dispatch.state.messages or live.message.ebm_class is EbmClass.SYSTEM_DRILL:
            return True
        return self._dispatch.state.clock() - (live.ended_at or live.state_at) >= self._rules.settle

    def _state(self, live: LiveMessage, playing: bool, reached: float) -> BrdState:
        if live.message.ebm_class is EbmClass.SYSTEM_DRILL:
            reached = 1.0
        return figures.state_now(live, playing=playing, success=self._rules.success, reached=reached)

    # -- telling

    async def _body(self, live: LiveMessage, ebm_id: MessageId, state: BrdState, at: datetime) -> EbmStateResponse:
        opened, coverage = None, None
        if live.message.ebm_class is not EbmClass.SYSTEM_DRILL and state is not BrdState.WAITING:
            try:
                opened = await self._books.open(live.ebm_id)
            except NotFoundError:
                opened = None
            else:
                place = self._dispatch.state
                coverage = figures.coverage_of(self._books, opened, place.gazetteer, self._rules.rule, place.clock())
        return figures.response(ebm_id, state, at, figures.words_of(state, live, opened), coverage)

    async def _tell(self, watched: _Watched, body: EbmStateResponse) -> None:
        await self._put(watched.peer, watched.ebm_id, body, related=watched.package)
        watched.told.append(body.state)

    async def _put(self, peer: Peer, ebm_id: MessageId, body: EbmStateResponse, related: EbdId | None) -> None:
        await self._outbox.put(
            peer,
            body,
            _topic(ebm_id),
            related=related,
            until=self._dispatch.state.clock() + _KEPT,
            ebm_id=str(ebm_id),
            told=body.state,
        )

    def _counts_are_due(self, watched: _Watched, live: LiveMessage) -> bool:
        """Counts are told while they change, and only where the peer has taken those before."""
        waited = self._dispatch.state.monotonic() - watched.counted_at
        if len(live.log) == watched.counted or waited < self._rules.every:
            return False
        return not self._outbox.pending(watched.peer, _topic(watched.ebm_id))

    def _counted(self, watched: _Watched, live: LiveMessage) -> None:
        watched.counted_at, watched.counted = self._dispatch.state.monotonic(), len(live.log)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._dispatch.state.clock(), BEIJING)


def _topic(ebm_id: MessageId) -> str:
    """States of one message arrive in their order."""
    return f"state {ebm_id}"
