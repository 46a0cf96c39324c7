"""What monitoring may take, and when it complains: the keys of ``[monitor]``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """Options of monitoring, with their defaults; times in seconds, sizes in bytes.

    ``first_port`` 0 takes any free port. ``ports`` bounds all streams at once, ``ports_for_each_link`` those of one
    adapter. A stream is *stalled* after ``stall_seconds`` without a packet, *silent* after ``silence_seconds`` of sound
    below ``silence_dbfs``, and given up after ``idle_seconds`` without a packet.
    """

    host: str = "127.0.0.1"
    first_port: int = 6000
    ports: int = 16
    ports_for_each_link: int = 4
    stall_seconds: float = 5.0
    silence_dbfs: float = -50.0
    silence_seconds: float = 10.0
    idle_seconds: float = 600.0
    listeners: int = 8
    file_seconds: float = 600.0
    record_bytes: int = 2 << 30
    record_days: float = 30.0


class MonitorKind(StrEnum):
    """What may be wrong with a monitored stream; each begins and ends."""

    STALLED = "monitor_stalled"
    SILENT = "monitor_silent"
    UNMEASURED = "monitor_unmeasured"
    UNRECORDED = "monitor_unrecorded"
    NO_PORT = "monitor_no_port"


@dataclass(frozen=True, slots=True)
class MonitorEvent:
    """Something about ``subject`` (a link) begins to be wrong, or is well again (not ``active``)."""

    kind: MonitorKind
    subject: str
    active: bool
    zh: str
    en: str


OnMonitor = Callable[[MonitorEvent], None]
