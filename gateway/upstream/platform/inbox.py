"""The inbox 收件: each package is answered once and for all; the same again hears the same (platform.md 4.4)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from gateway.dispatch.alarms import AlarmLevel, Alarms
from gateway.domain.peers import Peer
from gateway.errors import OverloadedError, PackageError, PackageRefused, StoreError
from gateway.protocols.platform import conditions, resources, states
from gateway.protocols.platform.conditions import ConnectionCheck
from gateway.protocols.platform.envelope import Envelope
from gateway.store import Store, package_queries
from gateway.store.rows import ReceivedPackageRow
from gateway.upstream.platform.checks import Examined
from gateway.upstream.platform.handling import TAKEN, Arrived, Handlers, Verdict

#: What a peer tells and asks nothing by: kept, where nobody here does more with it.
_TOLD: Final = (
    conditions.EbdNotify,
    conditions.EbrasState,
    conditions.EbrbsState,
    conditions.EbrdtState,
    conditions.EbrpsState,
    resources.EbrasInfo,
    resources.EbrbsInfo,
    resources.EbrdtInfo,
    resources.EbrpsInfo,
    resources.EbrstInfo,
    states.EbmBrdLog,
    states.EbmStateResponse,
)


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Inbox:
    """Hands proven packages to their handlers, one at a time for each number, and keeps what was answered.

    Only proven ones are kept: otherwise a stranger could spend a number before its owner does.
    """

    def __init__(self, store: Store, alarms: Alarms, handlers: Handlers) -> None:
        self._store = store
        self._alarms = alarms
        self.handlers = handlers
        self._turns: dict[tuple[str, str], _Turn] = {}

    async def take(self, arrived: Arrived) -> Verdict:
        """What the sender is answered; all that it means is durable by then."""
        envelope = arrived.ebd.envelope
        if isinstance(arrived.ebd.body, ConnectionCheck):
            # All heartbeats of a platform bear one number.
            return await self._handled(arrived)
        key = (str(envelope.source), str(envelope.ebd_id))
        turn = self._turns.setdefault(key, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                known = await self._store.read(package_queries.received_package, *key)
                if known is not None:
                    return self._again(known, arrived)
                verdict = await self._handled(arrived)
                if verdict.final:
                    row = _row(
                        arrived.peer,
                        arrived.ebd.envelope,
                        verdict,
                        arrived.host,
                        arrived.at,
                        arrived.business,
                        arrived.signature,
                    )
                    await self._store.write(row, urgent=True)
                return verdict
        except StoreError as error:
            return Verdict(PackageRefused.result, f"暂不能存储，请重发 not stored, try again: {error}", final=False)
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[key]

    async def keep(self, found: Examined, host: str, at: float, error: PackageError) -> Verdict:
        """A proven package whose fields or files are wrong: kept with why, as evidence for its sender's engineer."""
        assert found.envelope is not None and found.peer is not None and found.proven
        envelope, verdict = found.envelope, Verdict(error.result, str(error))
        known = await self._store.read(package_queries.received_package, str(envelope.source), str(envelope.ebd_id))
        if known is None:
            row = _row(found.peer, envelope, verdict, host, at, found.business, found.signature)
            await self._store.write(row, urgent=True)
        return verdict

    def _again(self, known: ReceivedPackageRow, arrived: Arrived) -> Verdict:
        if known.business != arrived.business:
            words = "同一数据包编号已有不同内容 the same EBDID came before with other content"
            self._alarms.raise_("package_conflict", f"{known.source} {known.ebd_id}", words, AlarmLevel.CRITICAL)
            return Verdict(PackageRefused.result, words, known.ebm_id)
        return Verdict(known.result, known.words, known.ebm_id)

    async def _handled(self, arrived: Arrived) -> Verdict:
        handler = self.handlers.get(type(arrived.ebd.body))
        if handler is None:
            kind = arrived.ebd.envelope.ebd_type
            if isinstance(arrived.ebd.body, _TOLD):
                return Verdict(TAKEN.result, f"{kind} 已收存 kept")
            return Verdict(PackageRefused.result, f"本平台不处理 {kind} this platform does not take it")
        try:
            return await handler(arrived)
        except PackageError as error:
            return Verdict(error.result, str(error))
        except OverloadedError as error:
            return Verdict(PackageRefused.result, f"繁忙，请重发 overloaded, try again: {error}", final=False)


def _row(
    peer: Peer, envelope: Envelope, verdict: Verdict, host: str, at: float, business: bytes, signature: bytes | None
) -> ReceivedPackageRow:
    return ReceivedPackageRow(
        source=str(envelope.source),
        ebd_id=str(envelope.ebd_id),
        peer=peer.name,
        host=host,
        kind=envelope.ebd_type,
        received_at=at,
        result=verdict.result,
        words=verdict.words,
        business=business,
        signature=signature,
        ebm_id=verdict.ebm_id,
        related=None if envelope.related is None else str(envelope.related),
    )
