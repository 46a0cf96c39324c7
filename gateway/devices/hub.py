"""The hub 会话中心: which connection speaks for which terminal, who is silent, and who is claimed twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.devices.connection import Connection
from gateway.devices.events import Known, LinkCounters, Origin, TerminalEvents
from gateway.devices.trust import Trust, holds
from gateway.domain.ladder import Authenticity
from gateway.protocols.fields import WireCode
from gateway.protocols.ip import IpPacket
from gateway.protocols.ip_bodies import Heartbeat
from gateway.protocols.results import ResultCode
from gateway.security.limits import OncePerSource

log = structlog.get_logger(__name__)

#: First registration flag of a heartbeat: power-up (GD/J 089-2018 table D.7).
FIRST = 1
#: How long peers have to take what lies unsent when the gateway closes, and how often we look.
_CLOSING_SECONDS = 1.0
_CLOSING_LOOKS = 50


@dataclass(frozen=True, slots=True)
class HubLimits:
    """Times in seconds, sizes in bytes."""

    frame_gap: float = 5.0
    registration: float = 30.0
    missed_heartbeats: int = 3
    dispute: float = 5.0
    idle: float = 300.0


class Hub:
    """All live connections of terminals, bound and unbound.

    The newer of two connections for one terminal becomes current; the older is queried and closed after
    ``limits.dispute`` seconds of silence. If both live, the terminal is disputed: it gets every frame, proves nothing.
    """

    def __init__(self, events: TerminalEvents, limits: HubLimits, own_code: str, trust: Trust | None = None) -> None:
        self.events = events
        self.trust = trust
        self.limits = limits
        self.own_source = WireCode.of(own_code).raw
        self.counters = LinkCounters()
        self.logged = OncePerSource(60.0)
        self.answered = events.answered
        self.current: dict[int, Connection] = {}
        #: of the same connections, what writes to each: a fan-out looks up nothing else
        self.writers: dict[int, Callable[[bytes], object]] = {}
        #: terminals with more than one live connection, and when the others were asked whether they live
        self.contested: dict[int, dict[Connection, float]] = {}
        self._disputed: set[int] = set()
        self.connections: set[Connection] = set()
        self._closing: list[Connection] = []
        self._confirming: list[tuple[Connection, int, bytes]] = []

    # -- what the layers above ask

    def links(self, terminal_id: int) -> tuple[Connection, ...]:
        """Every live connection for a terminal: one, none, or two and more while it is claimed twice."""
        current = self.current.get(terminal_id)
        if current is None:
            return ()
        others = self.contested.get(terminal_id)
        return (current, *others) if others else (current,)

    def is_online(self, terminal_id: int) -> bool:
        """Whether a connection is bound to the terminal."""
        return terminal_id in self.current

    def is_disputed(self, terminal_id: int) -> bool:
        """Whether two live connections claim the terminal."""
        return terminal_id in self._disputed

    def drop(self, terminal_id: int) -> None:
        """Close what is bound to a terminal, for instance because it left the registry."""
        for link in self.links(terminal_id):
            link.abort()

    # -- what connections tell

    def verified(self, packet: IpPacket, raw: bytes) -> bool:
        """Whether a frame is signed by its source's own key (``trust.holds``)."""
        return holds(self.trust, packet, raw, self.counters)

    def heartbeat(self, link: Connection, source: str, beat: Heartbeat) -> int:
        """Bind or refresh; returns the result code of the answer (59 unknown code, 71 not this device)."""
        self.counters.heartbeats += 1
        known = link.known
        if known is not None and known.terminal.code == source and beat.physical == link.physical:
            # Some devices say "first" for ever: only after another word is it a power-up on the same connection.
            if beat.first == FIRST and not link.said_first:
                link.last_receipt = self.events.registered(known, first=True) or link.last_receipt
            link.said_first = beat.first == FIRST
            return ResultCode.OK
        link.said_first = beat.first == FIRST
        known = self.events.find(source)
        physical = beat.physical.hex().upper()
        if known is None:
            self.events.stranger(source, physical, link.peer, "unknown_code")
            return ResultCode.RESOURCE_CODE_INVALID
        if known.terminal.physical_address != physical:
            self.events.stranger(source, physical, link.peer, "physical_address_differs")
            return ResultCode.TERMINAL_INVALID
        self._bind(link, known, beat.physical)
        link.last_receipt = self.events.registered(known, first=beat.first == FIRST) or link.last_receipt
        return ResultCode.OK

    def vouch(self, link: Connection, source: str, beat: Heartbeat) -> None:
        """A heartbeat of appendix E: it ties a return connection to a terminal, without making it a command link."""
        known = self.events.find(source)
        if known is not None and known.terminal.physical_address == beat.physical.hex().upper():
            link.vouched = source

    def origin(self, link: Connection, known: Known) -> Origin:
        """Whether what came on ``link`` is tied to ``known``: by a heartbeat on it, or by the host that sent one."""
        if known.id in self._disputed:
            return Origin(link.peer, bound=False, authenticity=Authenticity.NONE)
        if link.mtls_code == known.terminal.code:
            return Origin(link.peer, bound=True, authenticity=Authenticity.MTLS)
        current = self.current.get(known.id)
        tied = link.known is known or link.vouched == known.terminal.code
        if tied or (current is not None and current.host == link.host):
            return Origin(link.peer, bound=True, authenticity=Authenticity.ADDRESS)
        return Origin(link.peer, bound=False, authenticity=Authenticity.NONE)

    def heard(self, link: Connection) -> None:
        """Anything whole came on a connection that is not the current one: it lives."""
        known = link.known
        if known is None or known.id in self._disputed:
            return
        others = self.contested.get(known.id)
        if others and link in others and link.last_heard > others[link]:
            self._disputed.add(known.id)
            self._reconsider(known)
            log.warning("terminal claimed twice", terminal=known.terminal.code, peer=link.peer)
            self.events.disputed(known, on=True)

    def gone(self, link: Connection) -> None:
        """A connection is closed."""
        self.connections.discard(link)
        known = link.known
        if known is None:
            return
        others = self.contested.get(known.id)
        if self.current.get(known.id) is link:
            if others:
                heir, _ = others.popitem()
                self._make_current(known, heir)
            else:
                del self.current[known.id], self.writers[known.id]
        elif others:
            others.pop(link, None)
        if others is not None and not others:
            del self.contested[known.id]
            if known.id in self._disputed:
                self._disputed.discard(known.id)
                self._reconsider(known)
                self.events.disputed(known, on=False)
        if known.id not in self.current:
            self.events.lost(known)

    def close_when_durable(self, link: Connection) -> None:
        """Close a connection in order once all its receipts are committed: only then has its peer been heard."""
        if link.last_receipt <= self.events.committed():
            link.close()
        else:
            self._closing.append(link)

    def write_when_durable(self, link: Connection, frame: bytes) -> None:
        """Write an answer that ends a terminal's own memory of something, once ours is on disk."""
        self._confirming.append((link, link.last_receipt, frame))

    def receipts_committed(self) -> None:
        """More receipts are durable: write and close what waited for them."""
        durable = self.events.committed()
        if self._confirming:
            ready = [waiting for waiting in self._confirming if waiting[1] <= durable]
            self._confirming = [waiting for waiting in self._confirming if waiting[1] > durable]
            for link, _, frame in ready:
                link.write(frame)
        if not self._closing:
            return
        waiting = []
        for link in self._closing:
            if link.last_receipt <= durable:
                link.close()
            else:
                waiting.append(link)
        self._closing = waiting

    def sweep(self, now: float) -> None:
        """Once a second: give up cut frames, unregistered peers, silent terminals, unanswered rivals."""
        limits = self.limits
        for link in tuple(self.connections):
            if link.partial_since and now - link.partial_since > limits.frame_gap:
                link.give_up_partial()
            known = link.known
            quiet = now - link.last_heard
            if known is None:
                if now - link.last_frame > (limits.idle if link.feedback_seen else limits.registration):
                    self._end(link)
            elif quiet > limits.missed_heartbeats * known.profile.heartbeat_seconds:
                self.counters.silent_peers_dropped += 1
                link.abort()
        for terminal_id, others in tuple(self.contested.items()):
            if terminal_id in self._disputed:
                continue
            for link, asked in tuple(others.items()):
                # Whoever said something whole since it was asked has made the terminal disputed.
                if now - asked > limits.dispute:
                    link.abort()

    async def close(self) -> None:
        """Close every connection; in order only those whose every word is kept."""
        for link in tuple(self.connections):
            self._end(link)
        # A peer that does not drain must not hold the gateway up.
        for _ in range(_CLOSING_LOOKS):
            if not self.connections:
                return
            await asyncio.sleep(_CLOSING_SECONDS / _CLOSING_LOOKS)
        for link in tuple(self.connections):
            link.abort()

    def _end(self, link: Connection) -> None:
        """Close in order what was heard to its end and kept; else, or when it was closed before, at once."""
        if link.closing or link.last_receipt > self.events.committed():
            link.abort()
        else:
            link.close()

    def _bind(self, link: Connection, known: Known, physical: bytes) -> None:
        if link.known is not None and link.known.id != known.id:
            self.gone(link)
            self.connections.add(link)
        link.bind(known, physical)
        older = self.current.get(known.id)
        self._make_current(known, link)
        link.origin = self.origin(link, known)
        if older is None or older is link:
            return
        self.contested.setdefault(known.id, {})[older] = older.now()
        self.events.ask_alive(known)

    def _make_current(self, known: Known, link: Connection) -> None:
        self.current[known.id] = link
        self.writers[known.id] = link.writer

    def _reconsider(self, known: Known) -> None:
        """What its connections say proves something again, or no longer."""
        for link in self.links(known.id):
            link.origin = self.origin(link, known)
