"""What the rooms of dispatch share: the live messages and orders, and the tools handed in by the daemon."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.devices.bearer import Bearer
from gateway.devices.connection import Connection
from gateway.dispatch.aims import Aims
from gateway.dispatch.alarms import Alarms
from gateway.dispatch.frames import FrameMaker
from gateway.dispatch.live import LiveMessage, LiveOrder
from gateway.dispatch.numbers import EbmNumbers, Sessions
from gateway.dispatch.pacer import Pacer
from gateway.dispatch.planner import Planner
from gateway.dispatch.registry import Registry
from gateway.dispatch.retry import RetryRule
from gateway.dispatch.sound import NoSound, Sound
from gateway.domain.areas import Gazetteer
from gateway.domain.message import AirTime, frame_priority
from gateway.domain.receiver import Profile, Route
from gateway.store import Store


class Links(Protocol):
    """The part of the hub that dispatch needs."""

    @property
    def current(self) -> Mapping[int, Connection]:
        """The connection of each terminal that has one."""
        ...

    @property
    def writers(self) -> Mapping[int, Callable[[bytes], object]]:
        """What writes to the current connection of each terminal."""
        ...

    @property
    def contested(self) -> Container[int]:
        """Terminals with more than one live connection."""
        ...

    def links(self, terminal_id: int) -> tuple[Connection, ...]:
        """Every live connection of a terminal."""
        ...


class NoLinks:
    """Stands for the hub until there is one: recovery needs none."""

    @property
    def current(self) -> Mapping[int, Connection]:
        """Nothing is connected yet."""
        return {}

    @property
    def writers(self) -> Mapping[int, Callable[[bytes], object]]:
        """Nothing is connected yet."""
        return {}

    @property
    def contested(self) -> Container[int]:
        """Nobody is claimed twice."""
        return ()

    def links(self, terminal_id: int) -> tuple[Connection, ...]:
        """No connection yet."""
        return ()


@dataclass(frozen=True, slots=True)
class DispatchPolicy:
    """Settings of dispatch; times in seconds."""

    own_code: str
    region: str
    retry: RetryRule
    air_time: AirTime
    answer_seconds: float = 5.0
    epoch_seconds: float = 60.0
    send_ahead: float = 30.0
    slice: int = 256
    volume: int = 80
    programme_url: str = "rtp://239.1.1.1:5004"
    exercise_class: int = 2
    #: a message over for so long leaves memory; its evidence stays in the store
    linger: float = 900.0


#: Broadcasts whose accept-to-wire times are kept one by one.
_TIMES_KEPT: Final = 1000
#: Bounds of the accept-to-wire histogram, in seconds.
WIRE_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class Counters:
    """Plain counts for the metrics."""

    warnings: int = 0
    messages: int = 0
    orders: int = 0
    frames_sent: int = 0
    answers_by_result: dict[int, int] = field(default_factory=dict)
    answers_unknown_session: int = 0
    reports_by_kind: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    renewals: int = 0
    given_up: int = 0
    #: seconds from acceptance to the last frame written, of the newest broadcasts
    accept_to_wire: list[float] = field(default_factory=list)
    #: the same since the start: how many fell into each bucket (the last: above all bounds), and their sum
    wire_counts: list[int] = field(default_factory=lambda: [0] * (len(WIRE_BUCKETS) + 1))
    wire_seconds: float = 0.0

    def on_wire(self, seconds: float) -> None:
        """Note the time from acceptance to the last frame written of one broadcast."""
        self.accept_to_wire.append(seconds)
        del self.accept_to_wire[:-_TIMES_KEPT]
        self.wire_counts[bisect_left(WIRE_BUCKETS, seconds)] += 1
        self.wire_seconds += seconds


@dataclass(slots=True, eq=False)
class State:
    """Everything live. ``clock`` gives Unix seconds, ``monotonic`` seconds for time-outs."""

    policy: DispatchPolicy
    store: Store
    registry: Registry
    profiles: Mapping[str, Profile]
    gazetteer: Gazetteer
    links: Links
    frames: FrameMaker
    signing: Executor
    sessions: Sessions
    numbers: EbmNumbers
    pacer: Pacer
    alarms: Alarms
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    #: every bearer of the settings by its route
    bearers: dict[Route, Bearer] = field(default_factory=dict)
    messages: dict[str, LiveMessage] = field(default_factory=dict)
    orders: dict[int, LiveOrder] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    sound: Sound = field(default_factory=NoSound)
    planner: Planner = field(default_factory=Planner)
    aims: Aims = field(init=False)

    def __post_init__(self) -> None:
        self.aims = Aims(self.registry, self.profiles, self.gazetteer)

    def in_force(self) -> list[LiveMessage]:
        """Messages whose starts may be written, most urgent first."""
        return sorted((m for m in self.messages.values() if m.wanted), key=lambda m: priority_of(m))


def priority_of(live: LiveMessage) -> tuple[int, ...]:
    """Sort key of a message's frames, most urgent first."""
    message = live.message
    return frame_priority(message.ebm_class, int(message.ebm_id[0]), message.severity, message.start, message.event)
