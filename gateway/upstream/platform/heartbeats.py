"""Heartbeats 心跳: each peer hears from us every so often, unsigned and under one number (083 table 31)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from gateway.domain.peers import Peer
from gateway.domain.zone import BEIJING
from gateway.errors import GatewayError
from gateway.protocols.platform.conditions import ConnectionCheck
from gateway.protocols.platform.ids import EbdId
from gateway.upstream.platform.outbox import Outbox

log = structlog.get_logger(__name__)


class Heartbeats:
    """Beats at every peer that has an address. ``clock`` gives Unix seconds; ``pause`` waits."""

    def __init__(
        self,
        outbox: Outbox,
        peers: Sequence[Peer],
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._peers = tuple(peer for peer in peers if outbox.reaches(peer))
        self._clock = clock
        self._pause = pause

    async def run(self) -> None:
        """Beat until cancelled; a peer that is slow or away holds up no other."""
        async with asyncio.TaskGroup() as group:
            for peer in self._peers:
                group.create_task(self._beat(peer), name=f"heartbeat to {peer.name}")

    async def _beat(self, peer: Peer) -> None:
        number = EbdId.heartbeat(self._outbox.sealer.code_for(peer))
        while True:
            body = ConnectionCheck(reported=datetime.fromtimestamp(self._clock(), BEIJING))
            try:
                await self._outbox.now(peer, body, signed=False, ebd_id=number)
            except GatewayError as error:
                log.warning("no heartbeat", peer=peer.name, code=error.code, reason=str(error))
            await self._pause(peer.interval)
