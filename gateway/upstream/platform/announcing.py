"""Announcing 主动上报: a superior hears of platforms, adapters and terminals when they change, and by period (4.3).

What a peer has taken is kept, so that the next report says what is new, over restarts too; a report that does not
arrive is made anew at the next look, from what is true then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from gateway.domain.peers import Peer, PeerRole
from gateway.domain.zone import BEIJING
from gateway.errors import GatewayError
from gateway.protocols.platform.conditions import Condition
from gateway.protocols.platform.envelope import Body
from gateway.store import Store, queries
from gateway.store.rows import StateRow
from gateway.upstream.platform import resources
from gateway.upstream.platform.outbox import Outbox
from gateway.upstream.platform.resources import Item, Resources, mark

log = structlog.get_logger(__name__)

#: Seconds between two looks at what has changed.
_LOOK: Final = 2.0
#: Seconds before a report that did not arrive is made again.
_AGAIN: Final = 15.0


@dataclass(frozen=True, slots=True)
class Periods:
    """Seconds between reports of the same without a change (platform.md 4.3)."""

    info: float = 86400.0
    platform_state: float = 1800.0
    terminal_state: float = 300.0


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of report. ``found`` gives all that there is now, by code; ``body`` makes a content of some of it.

    ``gone`` makes the item of a resource that is no more, None where the kind knows none.
    """

    name: str
    every: float
    found: Callable[[Peer, datetime], dict[str, Item] | dict[str, Condition]]
    body: Callable[[tuple[Item | Condition, ...], bool], Body]
    gone: Callable[[str, datetime], Item] | None = None
    #: whether what was told outlives a restart
    kept: bool = True


@dataclass(slots=True)
class _Told:
    marks: dict[str, str] | None = None
    #: when it was told last; monotonic
    at: float = field(default=float("-inf"))
    not_before: float = field(default=float("-inf"))
    loaded: bool = False


def subjects(have: Resources, periods: Periods) -> dict[str, Subject]:
    """Kinds of reports by EBDType."""

    def infos(build: Callable[..., Body]) -> Callable[[tuple[Item | Condition, ...], bool], Body]:
        return lambda items, full: build(tuple(i for i in items if not isinstance(i, Condition)), full=full)

    def states(build: Callable[..., Body]) -> Callable[[tuple[Item | Condition, ...], bool], Body]:
        return lambda items, _full: build(tuple(i for i in items if isinstance(i, Condition)))

    return {
        one.name: one
        for one in (
            # Told at every start (platform.md 4.3).
            Subject("EBRPSInfo", periods.info, have.platforms, infos(resources.platform_info), kept=False),
            Subject("EBRASInfo", periods.info, have.adapters, infos(resources.adapter_info)),
            Subject("EBRDTInfo", periods.info, have.terminals, infos(resources.terminal_info), resources.gone_terminal),
            Subject(
                "EBRPSState", periods.platform_state, have.platform_state, states(resources.platform_state), kept=False
            ),
            Subject(
                "EBRASState", periods.platform_state, have.adapter_states, states(resources.adapter_state), kept=False
            ),
            Subject(
                "EBRDTState", periods.terminal_state, have.terminal_states, states(resources.terminal_state), kept=False
            ),
        )
    }


class Announcer:
    """Reports to superiors. ``clock`` gives Unix seconds, ``monotonic`` seconds for periods."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        peers: Sequence[Peer],
        kinds: dict[str, Subject],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._peers = tuple(p for p in peers if p.role is PeerRole.SUPERIOR and outbox.reaches(p))
        self._kinds = kinds
        self._clock = clock
        self._monotonic = monotonic
        self._pause = pause
        self._told: dict[tuple[str, str], _Told] = {}
        self._turns: dict[str, asyncio.Lock] = {peer.name: asyncio.Lock() for peer in self._peers}

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.gather(*map(self._look_all, self._peers))
            await self._pause(_LOOK)

    async def _look_all(self, peer: Peer) -> None:
        for kind in self._kinds.values():
            try:
                await self.look(peer, kind)
            except GatewayError as error:
                log.warning("report not made", peer=peer.name, kind=kind.name, code=error.code, reason=str(error))

    async def look(self, peer: Peer, kind: Subject) -> None:
        """Report what has changed, or everything where its time has come. Errors: StoreError."""
        async with self._turns[peer.name]:
            told = await self._known(peer, kind)
            now = self._monotonic()
            if now < told.not_before:
                return
            found = kind.found(peer, self._now())
            marks = {code: mark(item) for code, item in found.items()}
            full = told.marks is None or now - told.at >= kind.every
            items = tuple(found.values()) if full else self._changed(kind, found, marks, told.marks or {})
            if full and kind.gone is not None:
                items = (*items, *self._gone(kind, marks, told.marks or {}))
            if not items:
                if full:
                    told.marks, told.at = marks, now
                return
            receipted = await self._outbox.now(peer, kind.body(items, full))
            if not receipted.delivered:
                told.not_before = self._monotonic() + _AGAIN
                return
            await self._took(peer, kind, told, marks, full=full)

    async def asked(self, peer: Peer, name: str, *, full: bool) -> Body | None:
        """Content for an OMDRequest: everything, or what the peer has not taken yet; None for kinds we do not have.

        Errors: StoreError.
        """
        kind = self._kinds.get(name)
        if kind is None:
            return None
        found = kind.found(peer, self._now())
        if full or peer.name not in self._turns:
            return kind.body(tuple(found.values()), full)
        async with self._turns[peer.name]:
            told = await self._known(peer, kind)
            marks = {code: mark(item) for code, item in found.items()}
            return kind.body(self._changed(kind, found, marks, told.marks or {}), False)

    def _changed(
        self,
        kind: Subject,
        found: dict[str, Item] | dict[str, Condition],
        marks: dict[str, str],
        told: dict[str, str],
    ) -> tuple[Item | Condition, ...]:
        news = [item for code, item in found.items() if told.get(code) != marks[code]]
        return (*news, *self._gone(kind, marks, told))

    def _gone(self, kind: Subject, marks: dict[str, str], told: dict[str, str]) -> tuple[Item, ...]:
        if kind.gone is None:
            return ()
        return tuple(kind.gone(code, self._now()) for code in told.keys() - marks.keys())

    async def _known(self, peer: Peer, kind: Subject) -> _Told:
        told = self._told.setdefault((peer.name, kind.name), _Told())
        if kind.kept and not told.loaded:
            kept = await self._store.read(queries.state, _name(peer, kind))
            if isinstance(kept, dict):
                told.marks = {str(code): str(text) for code, text in kept.items()}
                told.at = self._monotonic()
            told.loaded = True
        return told

    async def _took(self, peer: Peer, kind: Subject, told: _Told, marks: dict[str, str], *, full: bool) -> None:
        if kind.kept and marks != told.marks:
            await self._store.write(StateRow(_name(peer, kind), marks))
        told.marks = marks
        if full:
            told.at = self._monotonic()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), BEIJING)


def _name(peer: Peer, kind: Subject) -> str:
    return f"platform told {peer.name} {kind.name}"
