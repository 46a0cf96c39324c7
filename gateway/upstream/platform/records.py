"""EBMBrdLog 播发记录: what was broadcast, told to superiors once it is over, and again when they ask (083 table 21)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from gateway.coverage.books import Books
from gateway.coverage.figures import Rule
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.service import Dispatch
from gateway.domain.message import EbmClass
from gateway.domain.peers import Peer, PeerRole
from gateway.domain.zone import BEIJING
from gateway.errors import GatewayError, PackageError
from gateway.protocols.platform.ebm import Ebm
from gateway.protocols.platform.envelope import parse
from gateway.protocols.platform.ids import MessageId, PlatformCode
from gateway.protocols.platform.states import (
    EbmBrdLog,
    LoggedContent,
    LoggedEbm,
    LogItem,
    LogPeriod,
    ResourceLog,
    ResourceLogs,
    TransmitterLog,
)
from gateway.store import package_queries, queries
from gateway.store.rows import WarningRow
from gateway.upstream.platform import composing, figures
from gateway.upstream.platform.broadcasts import MEDIA_TYPE
from gateway.upstream.platform.outbox import Outbox

log = structlog.get_logger(__name__)

_LOOK: Final = 5.0
#: Seconds that a record is tried, and how far back the start looks for messages of which none was made.
_KEPT: Final = 7 * 86400.0
#: Records in one answer at most; the newest.
MOST: Final = 500
#: Gives the address of a recording of a message, empty where there is none.
Recorded = Callable[[str], Awaitable[str]]


async def no_recording(_ebm_id: str) -> str:
    """Nothing was recorded."""
    return ""


class Records:
    """Makes records and tells them. ``settle``: seconds after the end of a message in which results may come in."""

    def __init__(
        self,
        dispatch: Dispatch,
        books: Books,
        outbox: Outbox,
        peers: Sequence[Peer],
        *,
        success: float,
        rule: Rule,
        settle: float,
        recorded: Recorded = no_recording,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dispatch = dispatch
        self._books = books
        self._outbox = outbox
        self._peers = tuple(p for p in peers if p.role is PeerRole.SUPERIOR and outbox.reaches(p))
        self._success = success
        self._rule = rule
        self._settle = settle
        self._recorded = recorded
        self._pause = pause
        self._done: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Tell of messages as they end, until cancelled."""
        since = self._dispatch.state.clock() - _KEPT
        while self._peers:
            began = self._dispatch.state.clock()
            for peer in self._peers:
                try:
                    await self._look(peer, since)
                except GatewayError as error:
                    log.warning("record not made", peer=peer.name, code=error.code, reason=str(error))
                    break
            else:
                # Whatever ends from here on is found by the next look; results have their time.
                since = began - self._settle - 60.0
            await self._pause(_LOOK)

    async def _look(self, peer: Peer, since: float) -> None:
        state = self._dispatch.state
        until = state.clock() - self._settle
        for ebm_id in await state.store.read(package_queries.unlogged_messages, peer.name, since, until):
            if (peer.name, ebm_id) in self._done:
                continue
            row, live = await self._dispatch.book(ebm_id)
            body = EbmBrdLog(items=(await self._item(peer, live, row.warning_id),))
            await self._outbox.put(peer, body, "log", until=state.clock() + _KEPT, ebm_id=ebm_id)
            self._done.add((peer.name, ebm_id))

    async def between(self, peer: Peer, start: datetime, end: datetime) -> EbmBrdLog:
        """Records of messages that were on air in a period. Errors: StoreError."""
        rows = await self._dispatch.state.store.read(queries.messages_between, start.timestamp(), end.timestamp(), MOST)
        items = []
        for row in rows:
            _, live = await self._dispatch.book(row.ebm_id)
            items.append(await self._item(peer, live, row.warning_id))
        return EbmBrdLog(period=LogPeriod(start=start, end=end), items=tuple(items))

    async def _item(self, peer: Peer, live: LiveMessage, warning_id: str) -> LogItem:
        state = self._dispatch.state
        warning = await state.store.read(queries.warning_by_id, warning_id)
        opened = await self._books.open(live.ebm_id)
        drill = live.message.ebm_class is EbmClass.SYSTEM_DRILL
        playing = drill or figures.any_plays(live.log)
        reached = 1.0 if drill else figures.share_reached(opened)
        code = figures.state_now(live, playing=playing, success=self._success, reached=reached)
        now = state.clock()
        words = figures.words_of(code, live, opened)
        return LogItem(
            ebm=_logged(live, warning),
            state=int(code),
            description=words,
            coverage=figures.coverage_of(self._books, opened, state.gazetteer, self._rule, now),
            resources=ResourceLogs(items=(await self._resource(peer, live, int(code), words),)),
        )

    async def _resource(self, peer: Peer, live: LiveMessage, code: int, words: str) -> ResourceLog:
        """This platform as one resource; its loudspeakers stand in the counts."""
        own = PlatformCode(self._outbox.sealer.code_for(peer))
        over = live.state.is_over
        began = live.activated_at or live.message.start.timestamp()
        return ResourceLog(
            platform=own,
            transmitters=(
                TransmitterLog(
                    reported=self._beijing(self._dispatch.state.clock()),
                    devices=f"({own},,)",
                    start=self._beijing(began),
                    end=self._beijing(live.ended_at or live.state_at) if over else None,
                    file_url=await self._recorded(live.ebm_id),
                    state=code,
                    description=words,
                ),
            ),
        )

    @staticmethod
    def _beijing(at: float) -> datetime:
        return datetime.fromtimestamp(at, BEIJING)


def _logged(live: LiveMessage, warning: WarningRow | None) -> LoggedEbm:
    basic, given = None, None
    if warning is not None and warning.media_type == MEDIA_TYPE:
        try:
            body = parse(warning.body).body
        except PackageError:
            body = None
        if isinstance(body, Ebm):
            basic, given = body.basic, body.ebm_id
    if basic is None:
        basic = composing.basic_of(live, warning)
    return LoggedEbm(
        ebm_id=given or MessageId(live.ebm_id),
        basic=basic,
        content=LoggedContent(
            language=composing.language_code(live.message.language),
            title=live.message.headline,
            text=live.message.text,
            areas=tuple(map(str, live.message.areas)),
        ),
    )
