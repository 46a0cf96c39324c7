"""What live input may take, and when it counts as dead: the keys of ``[live]``; and what happens to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Options of live input, with their defaults; times in seconds, levels in dBFS, sizes in bytes.

    ``buffer_seconds`` of sound wait before it is sent; RTP that is later than ``most_delay_seconds`` loses its oldest.
    Nothing heard for ``stall_seconds`` is an alarm, for ``fallback_seconds`` the fallback instead of silence; so is
    sound below ``silence_dbfs`` for ``silence_seconds``. The first sound has ``wait_seconds``. ``end_seconds`` of
    fallback end the message. ``fallback`` is ``text`` (the message's text, spoken), ``signal``, or the name of a
    recorded file.
    """

    buffer_seconds: float = 0.3
    most_delay_seconds: float = 10.0
    stall_seconds: float = 1.0
    fallback_seconds: float = 3.0
    silence_dbfs: float = -55.0
    silence_seconds: float = 15.0
    wait_seconds: float = 10.0
    end_seconds: float = 60.0
    fallback: str = "text"
    file_seconds: float = 600.0
    record_bytes: int = 2 << 30
    record_days: float = 365.0


@dataclass(frozen=True, slots=True)
class RtpSource:
    """A telephone gateway or microphone that sends RTP to ``host``:``port`` of ours; heard from ``hosts`` alone."""

    port: int
    hosts: frozenset[str]
    host: str = "127.0.0.1"
    title: str = ""


@dataclass(frozen=True, slots=True)
class PushSource:
    """An operator's page or an encoder that sends sound as the body of a request."""

    title: str = ""


@dataclass(frozen=True, slots=True)
class PullSource:
    """A stream that is fetched from ``url``; ``media_type`` "": as the far end says."""

    url: str
    media_type: str = ""
    title: str = ""


Source = RtpSource | PushSource | PullSource


class LivePhase(StrEnum):
    """What is heard of a live message."""

    #: the signal before it, and until the first sound comes
    SIGNAL = "signal"
    LIVE = "live"
    #: the announcement that stands in for a source that is dead or silent
    FALLBACK = "fallback"
    OVER = "over"


class LiveKind(StrEnum):
    """What may be wrong with live input; each begins and ends."""

    LOST = "live_lost"
    SILENT = "live_silent"
    UNREADABLE = "live_unreadable"
    UNMEASURED = "live_unmeasured"
    UNRECORDED = "live_unrecorded"
    NO_PORT = "live_no_port"


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something about ``subject`` (an EBM id, or a source) begins to be wrong, or is well again (not ``active``)."""

    kind: LiveKind
    subject: str
    active: bool
    zh: str
    en: str


OnLive = Callable[[LiveEvent], None]
