"""The line to one MQTT broker 消息代理: comes back by itself, and keeps in order what could not be said meanwhile."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import aiomqtt
import structlog
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.devices.bearer import LinkState
from gateway.errors import OverloadedError

log = structlog.get_logger(__name__)

#: Nagle's algorithm and a peer's delayed acknowledgement make a publish take 43 ms.
_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
#: Publishes on their way at once, and seconds that each may take before the line counts as broken.
_IN_FLIGHT = 20
_PATIENCE = 5.0
#: Seconds for which a broker that knows MQTT 5 keeps for us what terminals say while we are away.
_SESSION_SECONDS = 24 * 3600
_LONGEST_EXPIRY = 0xFFFFFFFF


@dataclass(order=True, slots=True)
class Post:
    """One publish; sorts by ``key``, and in order of asking where that is equal.

    ``done`` is True once the broker has acknowledged it (PUBACK), False once it need not go any more. ``until`` in Unix
    seconds: later it is not said, and a broker of MQTT 5 forgets it.
    """

    key: tuple[int, ...]
    number: int
    topic: str = field(compare=False)
    payload: bytes = field(compare=False)
    retain: bool = field(compare=False)
    until: float = field(compare=False)
    done: asyncio.Future[bool] = field(compare=False)
    ebm_id: str = field(compare=False, default="")
    #: asked right before the first byte: whether it must not be said any more
    void: Callable[[], bool] | None = field(compare=False, default=None)

    def is_over(self, now: float) -> bool:
        """Whether its time has passed, or what it says is over."""
        return now >= self.until or (self.void is not None and self.void())

    def end(self, said: bool) -> None:
        """Tell whoever waits."""
        if not self.done.done():
            self.done.set_result(said)


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a broker. Times in seconds."""

    host: str
    port: int
    identifier: str
    five: bool = True
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    keepalive: int = 15
    backoff_first: float = 0.5
    backoff_longest: float = 15.0
    queue_limit: int = 1000


class _Straight(asyncio.Queue[aiomqtt.Message]):
    """Hands each message on at once: the client's own queue costs a task for each."""

    def __init__(self, maxsize: int = 0, *, take: Callable[[aiomqtt.Message], None]) -> None:
        super().__init__(maxsize)
        self._take = take

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Hand it on."""
        self._take(item)


class Broker:
    """One broker. ``take`` gets topic, payload and whether it was retained; ``stands`` hears how the line stands."""

    def __init__(
        self,
        access: Access,
        *,
        hears: Iterable[str],
        presence: str,
        words: tuple[bytes, bytes],
        take: Callable[[str, bytes, bool], None],
        stands: Callable[[LinkState, str], None],
        clock: Callable[[], float],
    ) -> None:
        self._access, self._hears = access, [(topic, 1) for topic in hears]
        self._presence, self._words = presence, words
        self._take, self._stands, self._clock = take, stands, clock
        self._waiting: list[Post] = []
        self._numbers = count()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._chance = random.Random()  # noqa: S311 - spreads reconnections, keeps no secret
        self.up = False

    def open(self) -> None:
        """Begin to try; never waits for the broker."""
        self._task = asyncio.create_task(self._run(), name=f"broker {self._access.host}:{self._access.port}")

    async def close(self) -> None:
        """Say that we go, and go; what waits is not said any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        for post in self._waiting:
            post.end(False)
        self._waiting.clear()

    def post(
        self,
        topic: str,
        payload: bytes,
        *,
        key: tuple[int, ...],
        retain: bool,
        until: float,
        ebm_id: str = "",
        held: bool = False,
        void: Callable[[], bool] | None = None,
    ) -> asyncio.Future[bool]:
        """Have something said, now or when the broker is back, unless it is ``void`` by then.

        Errors: OverloadedError where too much waits, unless it was ``held`` in another place already.
        """
        if len(self._waiting) >= self._access.queue_limit and not held:
            raise OverloadedError(f"{len(self._waiting)} frames wait for the broker, no more are held")
        done = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, Post(key, next(self._numbers), topic, payload, retain, until, done, ebm_id, void))
        self._wake.set()
        return done

    def withdraw(self, unwanted: Callable[[Post], bool]) -> None:
        """Do not say what has not been said yet."""
        for post in self._waiting:
            if unwanted(post):
                post.end(False)

    # -- inside

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with self._client() as client:
                    client.pending_calls_threshold = _IN_FLIGHT
                    try:
                        await client.subscribe(self._hears)
                        await client.publish(self._presence, self._words[0], qos=1, retain=True)
                        failures = 0
                        self.up = True
                        self._stands(LinkState.UP, "已连接 connected")
                        await self._serve(client)
                    except asyncio.CancelledError:
                        # A broker sends the last will of those only who go without a word.
                        await client.publish(self._presence, self._words[1], qos=1, retain=True, timeout=1.0)
                        raise
                    finally:
                        self.up = False
            except (aiomqtt.MqttError, OSError) as error:
                self._stands(LinkState.DOWN, f"代理不可达 broker not reachable: {_words(error)}")
                cancelling = asyncio.current_task()
                if cancelling is not None and cancelling.cancelling():
                    return
            except Exception as error:
                # Whatever it is, the line must be tried again: nobody else would.
                log.error("broker line failed", reason=str(error), exc_info=error)
                self._stands(LinkState.DOWN, f"内部错误 internal error: {_words(error)}")
            await asyncio.sleep(self._pause(failures))
            failures += 1

    def _pause(self, failures: int) -> float:
        longest: float = min(self._access.backoff_longest, self._access.backoff_first * 2.0 ** min(failures, 16))
        return longest * (0.5 + 0.5 * self._chance.random())

    def _client(self) -> aiomqtt.Client:
        access = self._access
        properties = None
        if access.five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _SESSION_SECONDS
        return aiomqtt.Client(
            access.host,
            access.port,
            identifier=access.identifier,
            protocol=aiomqtt.ProtocolVersion.V5 if access.five else aiomqtt.ProtocolVersion.V311,
            # The broker keeps for us what terminals say while we are away.
            clean_session=None if access.five else False,
            clean_start=False if access.five else MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
            username=access.user,
            password=access.password,
            tls_context=access.tls,
            keepalive=access.keepalive,
            timeout=_PATIENCE,
            will=aiomqtt.Will(self._presence, self._words[1], qos=1, retain=True),
            queue_type=partial(_Straight, take=self._heard),  # type: ignore[arg-type]  # called as a class is
            socket_options=[_NO_DELAY],
        )

    def _heard(self, message: aiomqtt.Message) -> None:
        payload = message.payload
        if not isinstance(payload, bytes):
            return
        try:
            self._take(str(message.topic), payload, message.retain)
        except Exception as error:
            # One message must not take the line down with it.
            log.error("message not taken", topic=str(message.topic)[:120], reason=str(error), exc_info=error)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Say what waits until the line breaks."""
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watch = asyncio.create_task(self._watch(client), name="watch of broker")
        pump = asyncio.create_task(self._pump(client, broken), name="publishes to broker")
        try:
            done, _ = await asyncio.wait((watch, pump, broken), return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            watch.cancel()
            pump.cancel()
            await asyncio.gather(watch, pump, return_exceptions=True)
            if not broken.cancel():
                broken.exception()  # the watch may have told it first

    async def _watch(self, client: aiomqtt.Client) -> None:
        """Raise MqttError when the line breaks; messages take the way of ``_Straight``."""
        async for _ in client.messages:
            pass

    async def _pump(self, client: aiomqtt.Client, broken: asyncio.Future[None]) -> None:
        window = asyncio.Semaphore(_IN_FLIGHT)
        publishes: set[asyncio.Task[None]] = set()
        try:
            while True:
                while self._waiting:
                    await window.acquire()
                    post = heapq.heappop(self._waiting) if self._waiting else None
                    if post is None or post.done.done() or post.is_over(self._clock()):
                        window.release()
                        if post is not None:
                            post.end(False)
                        continue
                    task = asyncio.create_task(self._publish(client, post, window, broken), name=f"to {post.topic}")
                    publishes.add(task)
                    task.add_done_callback(publishes.discard)
                self._wake.clear()
                await self._wake.wait()
        finally:
            for task in publishes:
                task.cancel()
            await asyncio.gather(*publishes, return_exceptions=True)

    async def _publish(
        self, client: aiomqtt.Client, post: Post, window: asyncio.Semaphore, broken: asyncio.Future[None]
    ) -> None:
        said = False
        try:
            expiry = self._expiry(post.until)
            await client.publish(post.topic, post.payload, qos=1, retain=post.retain, properties=expiry)
            said = True
        except aiomqtt.MqttError as error:
            if not broken.done():
                broken.set_exception(error)
        finally:
            window.release()
            if said:
                post.end(True)
            else:
                # In its old place: what comes back before it is said after it.
                heapq.heappush(self._waiting, post)

    def _expiry(self, until: float) -> Properties | None:
        if not self._access.five or math.isinf(until):
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = min(_LONGEST_EXPIRY, max(1, math.ceil(until - self._clock())))
        return properties


def _words(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
