"""UDP as a bearer 承载 of appendix D and E frames, unicast or multicast: our extension, the standard says TCP.

One datagram is one frame. Nothing tells whether it arrived but its answer: a group hears a frame several times, and
those who stay silent are asked again, by themselves where their address is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from gateway.devices.bearer import BearerEvents, Carried, Errand, LinkHealth, LinkState, Parcel, Workshop
from gateway.devices.events import Known, LinkCounters, Origin
from gateway.devices.expecting import Expectation, Expecting
from gateway.devices.mailbox import Mailbox, Postman
from gateway.devices.presence import Presence
from gateway.devices.udp_socket import MAX_DATAGRAM, Address, DatagramSocket, Outlet
from gateway.domain.ladder import Authenticity
from gateway.domain.receiver import Route, RouteKind
from gateway.errors import GatewayError, InvalidValueError
from gateway.protocols import ip
from gateway.settings.udp_link import UdpLink

log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 1.0
#: Headers of IPv4 and UDP, which the MTU counts too.
_HEADERS = 28
_STOPPED = "停播已到，开播未发 stopped before it was sent"
#: Orders of one terminal each that are signed and committed at once.
_AT_ONCE = 64


class UdpBearer:
    """One UDP link of the settings. ``clock`` gives Unix seconds; ``verified`` as ``Hub.verified``."""

    is_exclusive = False
    speaks_unasked = True
    carries_frames = True

    def __init__(
        self,
        name: str,
        settings: UdpLink,
        events: BearerEvents,
        workshop: Workshop,
        *,
        own_code: str,
        verified: Callable[[ip.IpPacket, bytes], bool],
        clock: Callable[[], float],
    ) -> None:
        self.route = Route(RouteKind.UDP, name)
        self.counters = LinkCounters()
        self._settings, self._events, self._workshop = settings, events, workshop
        self._own_code, self._verified, self._clock = own_code, verified, clock
        self._health = LinkHealth(LinkState.UNKNOWN, clock())
        self._expecting = Expecting()
        self._presence = Presence(on_dispute=lambda known, on: events.disputed(known, on=on))
        #: where a terminal answered from without a heartbeat from there: asked there too, and proves nothing
        self._said_from: dict[int, Address] = {}
        self._socket: DatagramSocket | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._dropped = 0

    @property
    def health(self) -> LinkHealth:
        """How the socket stands: beyond it nothing tells."""
        return self._health

    @property
    def address(self) -> Address:
        """Where it listens (of use where port 0 was asked for)."""
        assert self._socket is not None
        return self._socket.address

    async def open(self) -> None:
        """Listen. Errors: EnvironmentLackingError."""
        settings = self._settings
        postman = Postman(self._origin, self._settled, self._reply, _name)
        self._mailbox = Mailbox(
            self._events, self._verified, self._own_code, self._presence, postman, self.counters
        )  # fmt: skip
        self._socket = DatagramSocket(
            settings.host,
            settings.port,
            receive_buffer=settings.receive_buffer_bytes,
            take=self._mailbox.take,
            outlet=Outlet(settings.interface, settings.ttl),
        )
        self._sweeper = asyncio.create_task(self._sweep(), name=f"sweep of {self.route}")
        self._stands(LinkState.UP, "监听中 listening")

    async def close(self) -> None:
        """Let go of the socket."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
            self._mailbox.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._stands(LinkState.DOWN, "已关闭 closed")

    async def make(self, errand: Errand) -> Parcel:
        """Take the signed frame as it is. Errors: InvalidValueError where no datagram can hold it."""
        frame = errand.frame
        _fits(frame)
        if len(frame) + _HEADERS > self._settings.mtu_bytes:
            log.warning("frame exceeds the MTU, it will be cut on the way", bytes=len(frame), route=str(self.route))
        block = ip.parse(frame).signature
        return Parcel(errand, (frame,), 0 if block is None else block.sig_time)

    async def carry(self, parcel: Parcel) -> Carried:
        """Send, repeat, and ask who stays silent."""
        errand, frame = parcel.errand, parcel.frames[0]
        known = {terminal.id: terminal for terminal in errand.terminals}
        if self._socket is None:
            return Carried(error="链路未打开 the link is not open", silent=frozenset(known))
        if self._clock() >= errand.until:
            return Carried(error="已过期 over before it was sent", silent=frozenset(known))
        expected = Expectation(known)
        self._expecting.open(errand.order, expected)
        try:
            error = await self._send(errand, frame, expected)
            if error:
                return Carried(error=error, silent=frozenset(known))
            if not await expected.wait(self._settings.answer_seconds):
                await self._ask(errand, frame, known, expected)
        finally:
            self._expecting.close(expected)
        return Carried(silent=frozenset(expected.missing), refused=expected.refused)

    async def probe(self) -> LinkHealth:
        """UDP has no test of its own: how the socket stands."""
        return self._health

    # -- sending

    async def _send(self, errand: Errand, frame: bytes, expected: Expectation) -> str:
        """Send to the group, or to each whose address is known; why nothing left, empty where something did."""
        settings = self._settings
        if not settings.group:
            there = [(t.id, address) for t in errand.terminals if (address := self._where(t.id)) is not None]
            if not there:
                return "无已知地址 no address of any terminal is known: none has sent a heartbeat"
            return await self._send_each(errand, frame, there)
        group = (settings.group, settings.group_port)
        ids = tuple(t.id for t in errand.terminals)
        sent = False
        for number in range(settings.repeats):
            if errand.void():
                return "" if sent else _STOPPED
            if number and (await expected.wait(settings.interval_seconds) or self._clock() >= errand.until):
                break
            failed = await self._send_some(frame, (group,))
            if failed and not sent:
                return self._broken(failed[0])
            if not sent:
                sent = True
                self._events.carried(errand.order, self.route, ids)
        return ""

    async def _send_each(self, errand: Errand, frame: bytes, there: list[tuple[int, Address]]) -> str:
        if errand.void():
            return _STOPPED
        failed = await self._send_some(frame, (address for _, address in there))
        if len(failed) == len(there):
            return self._broken(failed[0])
        self._stands(LinkState.UP, "监听中 listening")
        self._events.carried(errand.order, self.route, [number for number, _ in there])
        return ""

    async def _send_some(self, frame: bytes, addresses: Iterable[Address]) -> list[OSError]:
        if self._socket is None:
            return [OSError("the link is closed")]
        failed = await self._socket.send_each(frame, addresses)
        for error in failed[:1]:
            self.counters.fault("unsent")
            log.warning("datagrams not sent", route=str(self.route), count=len(failed), reason=str(error))
        return failed

    def _broken(self, error: OSError) -> str:
        reason = f"无法发送 cannot send: {error.strerror or error}"
        self._stands(LinkState.DOWN, reason)
        return reason

    async def _ask(self, errand: Errand, frame: bytes, known: dict[int, Known], expected: Expectation) -> None:
        """Ask the silent again: at their address with the same bytes, else the group with one target each.

        The same bytes are a repeat to whoever heard them before, and cost no signature. To the group they would be a
        question to all; a frame with one target is answered by that terminal alone.
        """
        for _ in range(self._settings.tries):
            if self._clock() >= errand.until or errand.void():
                return
            missing = [(number, self._where(number)) for number in sorted(expected.missing)]
            await self._send_some(frame, [address for _, address in missing if address is not None])
            if self._settings.group:
                await self._ask_group(errand, [known[number] for number, at in missing if at is None], expected)
            if await expected.wait(self._settings.answer_seconds):
                return

    async def _ask_group(self, errand: Errand, terminals: list[Known], expected: Expectation) -> None:
        group = (self._settings.group, self._settings.group_port)

        async def one(terminal: Known) -> None:
            try:
                single = await self._workshop.unicast(errand, terminal)
                _fits(single.frame)
            except GatewayError as error:
                log.warning("no frame for one terminal", terminal=terminal.source, reason=str(error))
                return
            self._expecting.open(single.order, expected)
            if not await self._send_some(single.frame, (group,)):
                self._events.carried(single.order, self.route, (terminal.id,))

        for start in range(0, len(terminals), _AT_ONCE):
            if self._clock() >= errand.until:
                return
            await asyncio.gather(*(one(t) for t in terminals[start : start + _AT_ONCE] if t.id in expected.missing))

    def _where(self, terminal: int) -> Address | None:
        entry = self._presence.entries.get(terminal)
        if entry is not None:
            peer: Address = entry.peer  # type: ignore[assignment]  # only addresses beat on this bearer
            return peer
        return self._said_from.get(terminal)

    # -- what the mailbox asks

    def _origin(self, known: Known, peer: Address) -> Origin:
        entry = self._presence.entries.get(known.id)
        if entry is None:
            self._said_from[known.id] = peer
        elif entry.peer == peer and not entry.disputed:
            # Found out once for as long as nothing of this changes: it is asked for each of thousands of answers.
            if entry.origin is not None and entry.known is known:
                return entry.origin
            if self.route in known.terminal.routes:
                entry.known = known
                entry.origin = Origin(_name(peer), bound=True, authenticity=Authenticity.ADDRESS)
                return entry.origin
        return Origin(_name(peer), bound=False, authenticity=Authenticity.NONE)

    def _settled(self, session: int, known: Known, result: int, origin: Origin) -> None:
        # A datagram from anywhere must not keep us from asking, nor dispatch from the next route.
        if origin.bound:
            self._expecting.settle(session, known.id, result)

    def _reply(self, peer: Address, known: Known | None, frame: bytes) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(frame, peer)
        except OSError:
            # As good as lost on the way: a heartbeat comes again.
            self.counters.fault("unsent")

    # -- supervision

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for known in self._presence.sweep(loop.time()):
                self.counters.silent_peers_dropped += 1
                self._events.lost(known)
            dropped = self._socket.dropped if self._socket is not None else 0
            if dropped > self._dropped:
                lost, self._dropped = dropped - self._dropped, dropped
                self.counters.fault("datagrams_dropped")
                log.warning("receive buffer full, datagrams lost", route=str(self.route), count=lost)

    def _stands(self, state: LinkState, detail: str) -> None:
        if (state, detail) != (self._health.state, self._health.detail):
            self._health = LinkHealth(state, self._clock(), detail)
            self._events.link(self.route, self._health)


def _name(peer: Address) -> str:
    return f"{peer[0]}:{peer[1]}"


def _fits(frame: bytes) -> None:
    if len(frame) > MAX_DATAGRAM:
        raise InvalidValueError("frame", f"{len(frame)} bytes", f"a datagram holds at most {MAX_DATAGRAM} (RFC 768)")
