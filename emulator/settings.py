"""Settings of a run, each with its unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from emulator.faults import HEALTHY, Faults
from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError


class Claims(StrEnum):
    """What a terminal that should play a stream goes by when it reports that it plays; real devices differ."""

    #: the start frame: it reports play and success whatever comes
    TOLD = "told"
    #: sound: it reports play once it hears some, a fault when none comes, and success only of what it heard
    HEARD = "heard"


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """How terminals behave."""

    #: seconds between heartbeats until 回传周期 is set (GD/J 089-2018 table D.9 tag 7).
    heartbeat: float = 10.0
    #: seconds until an unregistered terminal tries again.
    registration_retry: float = 3.0
    #: heartbeats in a row without an answer, after which the line is given up.
    missed_limit: int = 10
    #: air time is this much shorter than it says.
    scale: float = 1.0
    #: how far SigTime may be from the terminal's clock, in seconds.
    replay_window: float = 300.0
    #: seconds for which an answer is kept for a repeat of its request.
    repeat_window: float = 60.0
    #: seconds that a frame may take to become whole.
    frame_patience: float = 5.0
    #: whether a lower message waits for the air (answer 0) or is refused (answer 73).
    keeps_queue: bool = True
    #: whether frames repeat on its bearer: then a start is fresh until the end of its message, and a stop always.
    repeating: bool = False
    #: what its word on playing rests on, where it has a player; None: it has none, and takes starts at their word.
    player: Claims | None = None

    def __post_init__(self) -> None:
        for name in ("heartbeat", "registration_retry", "scale", "replay_window", "repeat_window", "frame_patience"):
            if not getattr(self, name) > 0:
                raise InvalidValueError(name, getattr(self, name), "must be above 0")
        if self.missed_limit < 1:
            raise InvalidValueError("missed_limit", self.missed_limit, "must be at least 1")


@dataclass(frozen=True, slots=True)
class PlayerSettings:
    """How terminals receive the streams that starts name. Times in seconds.

    ``patience``: without sound, this long is a silence. ``linger``: so long it is told after a stop whether more comes.
    ``tape``: folder for what the first ``tapes`` terminals heard, as mp3 and wav; ``interface``: address of the one on
    which multicast groups are joined.
    """

    patience: float = 3.0
    linger: float = 6.0
    tape: Path | None = None
    tapes: int = 4
    ffmpeg: str = "ffmpeg"
    interface: str = "0.0.0.0"  # noqa: S104 - the system's choice of an interface

    def __post_init__(self) -> None:
        for name in ("patience", "linger"):
            if not getattr(self, name) > 0:
                raise InvalidValueError(name, getattr(self, name), "must be above 0 seconds")
        if self.tapes < 0:
            raise InvalidValueError("tapes", self.tapes, "must be at least 0")


class ReturnMode(StrEnum):
    """How reports of appendix E travel."""

    #: a connection for each report, closed in order by both sides: the only mode that tells whether it arrived.
    SHORT = "short"
    #: one connection for each terminal, kept.
    LONG = "long"
    #: the terminal's line of appendix D, where the gateway serves both on one port.
    SAME = "same"


class Bearer(StrEnum):
    """What carries the frames of appendices D and E; all but TCP are this project's extension."""

    TCP = "tcp"
    UDP = "udp"
    MQTT = "mqtt"


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """How terminals meet a broker: topics as docs/mqtt.md has them."""

    prefix: str = "ebgw"
    profile: str = "gdj089-2018"
    five: bool = True
    #: seconds between signs of life to the broker.
    keepalive: int = 30
    #: by resource code; a terminal that has one logs in under its code, so that the broker can tell who speaks.
    passwords: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """How the fleet meets the gateway. Addresses are (host, port); times in seconds."""

    gateway: tuple[str, int]
    feedback: tuple[str, int]
    keys: dict[CertificateSerial, bytes]
    terminal: TerminalSettings = field(default_factory=TerminalSettings)
    seed: int = 1
    faults: Faults = HEALTHY
    #: share of the fleet that suffers ``faults``.
    share: float = 1.0
    #: first connections opened in a second, and attempts under way at once.
    connect_rate: float = 2000.0
    dialling: int = 64
    #: waits between attempts to connect double from the first to the second, each shortened by chance by up to a half.
    backoff: float = 0.2
    backoff_cap: float = 3.0
    returns: ReturnMode = ReturnMode.SHORT
    #: report connections open at once, tries for one report, seconds for one try.
    return_limit: int = 200
    return_tries: int = 50
    return_patience: float = 10.0
    journal: Path | None = None
    #: what ``gateway`` is: its port for TCP or UDP, or a broker.
    bearer: Bearer = Bearer.TCP
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    #: multicast address and port that UDP terminals listen to as well, and the address of the interface.
    group: tuple[str, int] | None = None
    interface: str = "0.0.0.0"  # noqa: S104 - the system's choice of an interface
    #: None: starts are taken at their word, and nothing is listened to.
    player: PlayerSettings | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise InvalidValueError("share", self.share, "must be 0-1")
        if (self.player is None) is not (self.terminal.player is None):
            raise InvalidValueError("player", self.player, "must be there for the fleet and its terminals, or for none")
        if self.bearer is not Bearer.TCP and self.returns is not ReturnMode.SAME:
            raise InvalidValueError("returns", self.returns.value, f"must be same: {self.bearer} carries both")
        for name in ("connect_rate", "dialling", "backoff", "backoff_cap", "return_limit", "return_patience"):
            if not getattr(self, name) > 0:
                raise InvalidValueError(name, getattr(self, name), "must be above 0")
