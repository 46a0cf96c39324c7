"""The outbox 发件: packages that must reach their peer are kept before the first try, and tried until they arrive.

Tries bear the same EBDID and the same bytes, so that a peer that took one whose receipt was lost takes it once
(platform.md 0.1, decision 12). Packages of one topic go one after the other; topics do not wait for one another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

import structlog

from gateway.dispatch.alarms import AlarmLevel, Alarms
from gateway.domain.peers import Peer
from gateway.errors import StoreError
from gateway.protocols.platform.conditions import ResultCode
from gateway.protocols.platform.envelope import Body, name_of
from gateway.protocols.platform.ids import EbdId
from gateway.store import Store, package_queries
from gateway.store.rows import PackageFateRow, SentPackageRow
from gateway.upstream.platform.client import PeerClient, Receipted
from gateway.upstream.platform.sealing import Sealed, Sealer

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Topics of one peer that are under way at once; messages have their own, so that nothing delays them.
_AT_ONCE: Final = 4
#: Kinds whose bytes stay after they arrived: what was told of a broadcast is evidence.
_EVIDENCE: Final = frozenset({"EBM", "EBMStateResponse", "EBMBrdLog"})
#: Seconds until a fate that could not be stored is tried again.
_STORE_AGAIN: Final = 1.0
_REFUSED, _UNREACHABLE, _UNPROVEN = "package_refused", "peer_unreachable", "receipt_unproven"


class Fate(StrEnum):
    """What became of a package."""

    DELIVERED = "delivered"
    #: the peer will never take it
    REFUSED = "refused"
    #: its time was over before it arrived
    GIVEN_UP = "given_up"


@dataclass(slots=True)
class Posting:
    """One package on its way 在途. ``tried`` gives what the first try brought, ``done`` what became of it in the end.

    Both are cancelled when the outbox closes first.
    """

    row: SentPackageRow
    tried: asyncio.Future[Receipted]
    done: asyncio.Future[tuple[Fate, Receipted]]
    #: seconds before the first try
    after: float = 0.0
    tries: int = 0


@dataclass(slots=True)
class _Lane:
    queue: deque[Posting] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Outbox:
    """Packages for peers. ``clock`` gives Unix seconds; ``pause`` waits."""

    def __init__(
        self,
        store: Store,
        alarms: Alarms,
        peers: Sequence[Peer],
        sealer: Sealer,
        client: PeerClient,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.sealer = sealer
        self._store = store
        self._alarms = alarms
        self._peers: Mapping[str, Peer] = {peer.name: peer for peer in peers if peer.enabled and peer.urls}
        self._client = client
        self._clock = clock
        self._pause = pause
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._rooms = {name: asyncio.Semaphore(_AT_ONCE) for name in self._peers}
        self._away: set[str] = set()
        self._woken = {name: asyncio.Event() for name in self._peers}
        self._on_reach: dict[str, list[Callable[[bool, str], None]]] = {}
        self._closed = False

    async def start(self) -> None:
        """Take up what had not arrived when the process ended. Errors: StoreError."""
        for row in await self._store.read(package_queries.waiting_packages):
            if row.peer in self._peers:
                self._enter(row)
            else:
                words = f"配置中已无此对端 the settings no longer name {row.peer}"
                self._alarms.raise_("package_stranded", row.peer, words)

    async def close(self) -> None:
        """Stop trying; what has not arrived is taken up at the next start."""
        self._closed = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in self._lanes.values():
            for posting in lane.queue:
                posting.tried.cancel()
                posting.done.cancel()
        await self._client.close()

    def on_reach(self, peer: Peer, told: Callable[[bool, str], None]) -> None:
        """Be told after each try whether the peer answered, and what."""
        self._on_reach.setdefault(peer.name, []).append(told)

    def reaches(self, peer: Peer) -> bool:
        """Whether anything can be sent to this peer at all."""
        return peer.name in self._peers

    def pending(self, peer: Peer, topic: str | None = None) -> int:
        """Packages that have not arrived at a peer; of one topic where it is given."""
        lanes = (lane for (name, of), lane in self._lanes.items() if name == peer.name and topic in (None, of))
        return sum(len(lane.queue) for lane in lanes)

    async def put(
        self,
        peer: Peer,
        body: Body,
        topic: str,
        *,
        related: EbdId | None = None,
        until: float | None = None,
        ebm_id: str | None = None,
        told: int | None = None,
        files: Sequence[tuple[str, bytes]] = (),
        after: float = 0.0,
    ) -> Posting:
        """Seal a content and keep it; it is durable when this returns.

        ``until``: Unix seconds after which it need not arrive; ``after``: seconds before the first try.
        Errors: StoreError, OverloadedError, InvalidValueError.
        """
        sealed = await self.sealer.seal(peer, body, related=related, files=files)
        return await self.keep(
            peer, sealed, name_of(body), topic, related=related, until=until, ebm_id=ebm_id, told=told, after=after
        )

    async def keep(
        self,
        peer: Peer,
        sealed: Sealed,
        kind: str,
        topic: str,
        *,
        related: EbdId | None = None,
        until: float | None = None,
        ebm_id: str | None = None,
        told: int | None = None,
        after: float = 0.0,
    ) -> Posting:
        """The same for a package that is sealed already."""
        row = SentPackageRow(
            peer=peer.name,
            source=str(self.sealer.code_for(peer)),
            ebd_id=str(sealed.ebd_id),
            kind=kind,
            topic=topic,
            made_at=self._clock(),
            package=sealed.tar,
            until=until,
            ebm_id=ebm_id,
            related=None if related is None else str(related),
            told=told,
        )
        await self._store.write(row, urgent=True)
        return self._enter(row, after)

    async def now(self, peer: Peer, body: Body, *, signed: bool = True, ebd_id: EbdId | None = None) -> Receipted:
        """Send once what the next of its kind makes good; nothing is kept. Errors: StoreError."""
        sealed = await self.sealer.seal(peer, body, signed=signed, ebd_id=ebd_id)
        receipted = await self._client.post(peer, sealed, signed=signed)
        self._reached(peer, receipted)
        if receipted.result is not None and not receipted.delivered:
            self._refused(peer, name_of(body), receipted)
        return receipted

    def wake(self, peer: Peer) -> None:
        """This peer is heard again after it was away: what waits for it is tried at once."""
        if peer.name in self._away:
            woken, self._woken[peer.name] = self._woken[peer.name], asyncio.Event()
            woken.set()

    # -- on the way

    def _enter(self, row: SentPackageRow, after: float = 0.0) -> Posting:
        loop = asyncio.get_running_loop()
        posting = Posting(row, loop.create_future(), loop.create_future(), after)
        lane = self._lanes.setdefault((row.peer, row.topic), _Lane())
        lane.queue.append(posting)
        if lane.task is None and not self._closed:
            lane.task = loop.create_task(self._work(row.peer, row.topic, lane), name=f"outbox {row.peer} {row.topic}")
        return posting

    async def _work(self, name: str, topic: str, lane: _Lane) -> None:
        peer = self._peers[name]
        while lane.queue:
            posting = lane.queue[0]
            fate, receipted = await self._carry(peer, posting)
            await self._settle(peer, posting, fate, receipted)
            lane.queue.popleft()
            _tell(posting.tried, receipted)
            _tell(posting.done, (fate, receipted))
        del self._lanes[name, topic]

    async def _carry(self, peer: Peer, posting: Posting) -> tuple[Fate, Receipted]:
        """Try until it has a fate."""
        row, said_no = posting.row, 0
        sealed = Sealed(EbdId(row.ebd_id), row.package)
        last = Receipted(None, "")
        if posting.after:
            await self._pause(posting.after)
        while row.until is None or self._clock() < row.until:
            if row.kind == "EBM":
                last = await self._client.post(peer, sealed)
            else:
                async with self._rooms[peer.name]:
                    last = await self._client.post(peer, sealed)
            posting.tries += 1
            self._reached(peer, last)
            if last.result is not None:
                self._alarms.clear(_UNPROVEN, peer.name)
            if last.delivered:
                return Fate.DELIVERED, last
            # 5 其他错误 may pass: it is tried as often as there are pauses, then somebody must look.
            said_no += last.result == ResultCode.OTHER
            if last.refused or said_no > len(peer.retry):
                return Fate.REFUSED, last
            _tell(posting.tried, last)
            await self._rest(peer, peer.retry[min(posting.tries, len(peer.retry)) - 1])
        return Fate.GIVEN_UP, last

    async def _rest(self, peer: Peer, seconds: float) -> None:
        """Wait, or until the peer is heard again."""
        waits = [
            asyncio.ensure_future(self._pause(seconds)),
            asyncio.ensure_future(self._woken[peer.name].wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _settle(self, peer: Peer, posting: Posting, fate: Fate, receipted: Receipted) -> None:
        row = posting.row
        if fate is Fate.REFUSED:
            self._refused(peer, row.kind, receipted)
        elif fate is Fate.GIVEN_UP:
            words = f"{row.kind} {row.ebd_id} 未在期限内送达 not delivered in time: {receipted.words}"
            self._alarms.raise_("package_given_up", peer.name, words, AlarmLevel.CRITICAL)
        change = PackageFateRow(
            row.source,
            row.ebd_id,
            fate.value,
            posting.tries,
            receipted.words,
            self._clock(),
            receipted.result,
            emptied=fate is Fate.DELIVERED and row.kind not in _EVIDENCE,
        )
        while True:
            try:
                await self._store.write(change)
                return
            except StoreError as error:
                # After a crash it is sent again, and its peer takes it for the same.
                log.warning("fate of a package not stored", ebd_id=row.ebd_id, reason=str(error))
                await self._pause(_STORE_AGAIN)

    def _refused(self, peer: Peer, kind: str, receipted: Receipted) -> None:
        words = f"{peer.title} 拒收 {kind} refused with {receipted.result}: {receipted.words}"
        self._alarms.raise_(_REFUSED, f"{peer.name} {kind}", words, AlarmLevel.CRITICAL)

    def _reached(self, peer: Peer, receipted: Receipted) -> None:
        there = receipted.answered
        if there and peer.name in self._away:
            self._away.discard(peer.name)
            self._alarms.clear(_UNREACHABLE, peer.name)
        elif not there:
            self._away.add(peer.name)
            words = f"{peer.title} 无法送达 cannot be reached: {receipted.words}"
            self._alarms.raise_(_UNREACHABLE, peer.name, words, AlarmLevel.CRITICAL)
        if there and receipted.result is None:
            words = f"{peer.title} 的应答不能证明送达 its answers prove nothing: {receipted.words}"
            self._alarms.raise_(_UNPROVEN, peer.name, words, AlarmLevel.CRITICAL)
        for told in self._on_reach.get(peer.name, ()):
            told(there, receipted.words)


def _tell(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)
