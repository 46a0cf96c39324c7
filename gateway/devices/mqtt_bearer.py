"""MQTT as a bearer 承载 of appendix D and E frames: our extension, the standard says TCP. Topics: ``mqtt_topics``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from gateway.devices.bearer import BearerEvents, Carried, Errand, LinkHealth, LinkState, Parcel
from gateway.devices.events import Known, LinkCounters, Origin
from gateway.devices.expecting import Expectation, Expecting
from gateway.devices.mailbox import Mailbox, Postman
from gateway.devices.mqtt_broker import Access, Broker
from gateway.devices.mqtt_retained import Kept, Retained
from gateway.devices.mqtt_topics import OFFLINE, ONLINE, Topics
from gateway.devices.presence import Presence
from gateway.domain.ladder import Authenticity
from gateway.domain.message import Command
from gateway.domain.receiver import Route, RouteKind
from gateway.errors import InvalidValueError, OverloadedError, SettingsError
from gateway.protocols import ip
from gateway.security.tls import client_context
from gateway.settings.mqtt_link import MqttLink

log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 1.0
#: Order of publishes: what ends sound, what begins it (by its own priority), answers to heartbeats and housekeeping.
_STOPS, _FRAMES, _ANSWERS = (0,), 1, (2,)


class MqttBearer:
    """One MQTT link of the settings. ``clock`` gives Unix seconds; ``verified`` as ``Hub.verified``."""

    is_exclusive = False
    speaks_unasked = True
    carries_frames = True

    def __init__(
        self,
        name: str,
        settings: MqttLink,
        events: BearerEvents,
        *,
        own_code: str,
        verified: Callable[[ip.IpPacket, bytes], bool],
        clock: Callable[[], float],
    ) -> None:
        self.route = Route(RouteKind.MQTT, name)
        self.counters = LinkCounters()
        self._settings, self._events, self._clock = settings, events, clock
        self._own_code, self._verified = own_code, verified
        self._topics = Topics(settings.prefix)
        self._health = LinkHealth(LinkState.UNKNOWN, clock())
        self._expecting = Expecting()
        self._presence = Presence()
        self._origins: dict[int, tuple[Known, Origin]] = {}
        self._retained = Retained(own_code)
        self._sweeper: asyncio.Task[None] | None = None
        self._broker = Broker(
            access(settings, f"ebgw-{own_code}-{name}"),
            hears=self._topics.heard,
            presence=self._topics.state(own_code),
            words=(ONLINE, OFFLINE),
            take=self._take,
            stands=self._stands,
            clock=clock,
        )

    @property
    def health(self) -> LinkHealth:
        """How the line to the broker stands."""
        return self._health

    @property
    def retained(self) -> int:
        """How many frames are retained at the broker."""
        return len(self._retained)

    async def open(self) -> None:
        """Begin to try; never waits for the broker."""
        postman = Postman(self._origin, self._settled, self._reply, _name)
        self._mailbox = Mailbox(
            self._events, self._verified, self._own_code, self._presence, postman, self.counters
        )  # fmt: skip
        self._broker.open()
        self._sweeper = asyncio.create_task(self._sweep(), name=f"sweep of {self.route}")

    async def close(self) -> None:
        """Leave the broker; what is retained there ends by itself, and is taken over when we come back."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
            self._mailbox.close()
        await self._broker.close()
        self._stands(LinkState.DOWN, "已关闭 closed")

    async def make(self, errand: Errand) -> Parcel:
        """Take the signed frame as it is. Errors: InvalidValueError without a target."""
        if not errand.targets:
            raise InvalidValueError("targets", "", "must name an area or a terminal: they are the topics")
        block = ip.parse(errand.frame).signature
        return Parcel(errand, (errand.frame,), 0 if block is None else block.sig_time)

    async def carry(self, parcel: Parcel) -> Carried:
        """Publish once for each area or terminal, and once more to each who stays silent.

        Where the broker is away it says so after ``answer_seconds``, so that another route may be taken; the frame goes
        out all the same when the broker is back, if it is still in force then.
        """
        errand, frame = parcel.errand, parcel.frames[0]
        known = {terminal.id: terminal for terminal in errand.terminals}
        expected = Expectation(known)
        self._expecting.open(errand.order, expected)
        try:
            posts = self._publish(errand, frame)
            done, waiting = await asyncio.wait(posts, timeout=self._settings.answer_seconds)
            if waiting:
                reason = f"{self._health.detail}; 恢复后补发 it goes out when the broker is back"
                return Carried(error=reason, silent=frozenset(known))
            if not any(post.result() for post in done):
                return Carried(error="已失效 over, or stopped, before it could go out", silent=frozenset(known))
            await self._ask(errand, frame, known, expected)
        except OverloadedError as error:
            return Carried(error=f"待发过多 {error}", silent=frozenset(known))
        finally:
            self._expecting.close(expected)
        return Carried(silent=frozenset(expected.missing), refused=expected.refused)

    async def probe(self) -> LinkHealth:
        """Say that we are there, and wait for the broker's word on it."""
        if self._sweeper is not None:
            post = self._post(self._topics.state(self._own_code), ONLINE, _STOPS, self._clock() + 60.0, retain=True)
            _, waiting = await asyncio.wait((post,), timeout=self._settings.answer_seconds)
            if waiting and self._health.state is LinkState.UP:
                return LinkHealth(LinkState.DOWN, self._clock(), "代理不应答 the broker does not answer")
        return self._health

    # -- publishing

    def _publish(self, errand: Errand, frame: bytes) -> Sequence[asyncio.Future[bool]]:
        """Have the frame said on every topic that it is for. Errors: OverloadedError."""
        message = errand.message
        ebm_id = "" if message is None else str(message.ebm_id)
        profile = errand.terminals[0].profile.name if errand.terminals else ""
        codes = frozenset(terminal.source for terminal in errand.terminals)
        topics = self._topics.for_targets(profile, errand.targets, codes, ebm_id)
        is_stop = errand.command is Command.STOP
        end = 0.0 if message is None else message.end.timestamp()
        if is_stop and ebm_id:
            self._take_back(ebm_id, topics)
        key = _STOPS if is_stop else (_FRAMES, *errand.priority)
        posts = []
        for topic in topics:
            # A stop takes the place of its start: who comes late and has the start hears that it is over.
            retain = bool(ebm_id) and self._topics.is_area(topic) and end > self._clock()
            until = min(errand.until, end) if retain else errand.until
            about = "" if is_stop else ebm_id
            posts.append(self._post(topic, frame, key, until, retain=retain, ebm_id=about, void=errand.void))
            if retain:
                self._retained.keep(topic, Kept(ebm_id, frame, end, is_start=not is_stop))
        ids = [terminal.id for terminal in errand.terminals]
        handed = asyncio.gather(*posts)
        handed.add_done_callback(lambda all_: self._handed(errand.order, ids, all_))
        return posts

    def _handed(self, order: int, ids: list[int], posts: asyncio.Future[list[bool]]) -> None:
        """Tell that the broker has it, whenever that came to be."""
        if not posts.cancelled() and any(posts.result()):
            self._events.carried(order, self.route, ids)

    def _take_back(self, ebm_id: str, replaced: Sequence[str]) -> None:
        """A message is over: no start of it may go out, nor stay retained, wherever its stop goes."""
        self._broker.withdraw(lambda post: post.ebm_id == ebm_id)
        for topic in self._retained.starts_of(ebm_id):
            if topic not in replaced:
                self._clear(topic)

    def _clear(self, topic: str) -> None:
        self._retained.forget(topic)
        self._post(topic, b"", _STOPS, float("inf"), retain=True)

    def _post(
        self,
        topic: str,
        payload: bytes,
        key: tuple[int, ...],
        until: float,
        *,
        retain: bool = False,
        ebm_id: str = "",
        void: Callable[[], bool] | None = None,
    ) -> asyncio.Future[bool]:
        return self._broker.post(topic, payload, key=key, retain=retain, until=until, ebm_id=ebm_id, void=void)

    async def _ask(self, errand: Errand, frame: bytes, known: dict[int, Known], expected: Expectation) -> None:
        """Wait for answers; say the same bytes to each who is silent, on a topic of its own."""
        for number in range(self._settings.tries):
            if number:
                for terminal in sorted(expected.missing):
                    topic = self._topics.down(known[terminal].source)
                    about = _start_of(errand)
                    key = (_FRAMES, *errand.priority)
                    self._post(topic, frame, key, errand.until, ebm_id=about, void=errand.void)
            if await expected.wait(self._settings.answer_seconds) or self._clock() >= errand.until:
                return

    # -- what comes from the broker

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        if (found := self._topics.of_terminal(topic)) is None:
            if retained and payload and self._topics.is_area(topic):
                self._retained.learn(topic, payload)
            return
        code, word = found
        if word == "up":
            self._mailbox.take(payload, code)
        elif word == "state" and payload == OFFLINE:
            known = self._events.find(code)
            if known is not None and self._presence.gone(known.id) is not None:
                self._events.lost(known)

    def _origin(self, known: Known, code: str) -> Origin | None:
        """A terminal speaks for itself alone; whether its topic proves that, only the broker's rules can say."""
        if known.source != code:
            return None
        kept = self._origins.get(known.id)
        if kept is None or kept[0] is not known:
            bound = self._settings.bound and self.route in known.terminal.routes
            authenticity = Authenticity.ADDRESS if bound else Authenticity.NONE
            kept = self._origins[known.id] = (known, Origin(f"{self.route}/{code}", bound, authenticity))
        return kept[1]

    def _settled(self, session: int, known: Known, result: int, origin: Origin) -> None:
        self._expecting.settle(session, known.id, result)

    def _reply(self, code: str, known: Known | None, frame: bytes) -> None:
        try:
            self._post(self._topics.down(code), frame, _ANSWERS, self._clock() + 60.0)
        except OverloadedError:
            # A heartbeat comes again.
            self.counters.fault("answer_not_held")

    # -- supervision

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for known in self._presence.sweep(loop.time()):
                self.counters.silent_peers_dropped += 1
                self._events.lost(known)
            for topic in self._retained.over(self._clock()):
                try:
                    self._clear(topic)
                except OverloadedError as error:
                    log.warning("retained frame not cleared yet", topic=topic, reason=str(error))

    def _stands(self, state: LinkState, detail: str) -> None:
        if state is LinkState.UP:
            self._say_again()
        if (state, detail) != (self._health.state, self._health.detail):
            self._health = LinkHealth(state, self._clock(), detail)
            self._events.link(self.route, self._health)

    def _say_again(self) -> None:
        """The broker may have lost what it was to retain: say all of it again. Who heard it before takes a repeat."""
        now = self._clock()
        for topic, kept in self._retained:
            if kept.until > now:
                key = (_FRAMES,) if kept.is_start else _STOPS
                ebm_id = kept.ebm_id if kept.is_start else ""
                # Beyond the limit of the queue if need be: these are few, and nobody else would say them.
                self._broker.post(
                    topic, kept.payload, key=key, retain=True, until=kept.until, ebm_id=ebm_id, held=True
                )  # fmt: skip


def access(settings: MqttLink, identifier: str) -> Access:
    """How to reach the broker of these settings. Errors: SettingsError, KeyMaterialError naming the file."""
    user = password = None
    if settings.password_file:
        try:
            lines = Path(settings.password_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(("password_file", f"{settings.password_file}: cannot be read: {error}")) from error
        if len(lines) < 2:
            raise SettingsError(("password_file", f"{settings.password_file}: needs a line each for user and password"))
        user, password = lines[:2]
    tls = None
    if settings.tls:
        files = (Path(name) if name else None for name in (settings.tls_ca, settings.tls_certificate, settings.tls_key))
        ca, certificate, key = files
        tls = client_context(ca=ca, certificate=certificate, key=key)
    return Access(
        settings.host,
        settings.port,
        identifier,
        five=settings.version == "5",
        user=user,
        password=password,
        tls=tls,
        keepalive=settings.keepalive_seconds,
        backoff_first=settings.backoff_first_seconds,
        backoff_longest=settings.backoff_longest_seconds,
        queue_limit=settings.queue_limit,
    )


def _start_of(errand: Errand) -> str:
    return str(errand.message.ebm_id) if errand.message is not None and errand.command is Command.START else ""


def _name(code: str) -> str:
    return code
