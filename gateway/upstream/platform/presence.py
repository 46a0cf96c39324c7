"""Which peers are there 对端在线: heard within their heartbeats, else an alarm (platform.md 4.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from gateway.dispatch.alarms import AlarmLevel, Alarms
from gateway.domain.peers import Peer

_ALARM: Final = "peer_silent"
_LOOK: Final = 1.0


class PeerPresence:
    """When each peer was heard last; ``clock`` is monotonic."""

    def __init__(self, peers: Iterable[Peer], alarms: Alarms, clock: Callable[[], float]) -> None:
        self._alarms = alarms
        self._clock = clock
        begun = clock()
        self._peers = tuple(peer for peer in peers if peer.enabled)
        self._last = {peer.name: begun for peer in self._peers}
        self._away: set[str] = set()

    def heard(self, peer: Peer) -> None:
        """Something of this peer came in."""
        self._last[peer.name] = self._clock()
        if peer.name in self._away:
            self._away.discard(peer.name)
            self._alarms.clear(_ALARM, peer.name)

    def silence(self, peer: Peer) -> float:
        """Seconds since it was heard, or since we began."""
        return self._clock() - self._last[peer.name]

    def away(self, peer: Peer) -> bool:
        """Whether it has not been heard for longer than its heartbeats allow."""
        return self.silence(peer) > peer.patience

    def look(self) -> None:
        """Raise an alarm for each peer that has fallen silent."""
        for peer in self._peers:
            if peer.name not in self._away and self.away(peer):
                self._away.add(peer.name)
                words = f"{peer.title} 失联：{peer.patience:g} 秒无心跳 no heartbeat for {peer.patience:g} s"
                self._alarms.raise_(_ALARM, peer.name, words, AlarmLevel.CRITICAL)

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look again and again, until cancelled."""
        while True:
            await pause(_LOOK)
            self.look()
