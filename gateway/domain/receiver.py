"""Receivers 接收者, their profiles 设备档 and the routes 路由 that lead to them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.codes import AreaCode, PhysicalAddress, ResourceCode
from gateway.domain.targets import TargetForm
from gateway.errors import InvalidValueError


class RouteKind(StrEnum):
    """Ways to a receiver."""

    #: the terminal's own TCP connection
    IP = "ip"
    ADAPTER = "adapter"
    SERIAL = "serial"
    RDS = "rds"
    TS = "ts"
    MQTT = "mqtt"
    UDP = "udp"
    PLATFORM = "platform"

    @property
    def is_one_way(self) -> bool:
        """Whether no answer can come back on it."""
        return self in (RouteKind.RDS, RouteKind.TS)


#: Names of links in the settings.
_LINK_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True)
class Route:
    """路由: one way to a receiver. ``link`` names the adapter, line, output or broker of the settings; none for IP."""

    kind: RouteKind
    link: str = ""

    def __post_init__(self) -> None:
        if (self.kind is RouteKind.IP) is bool(self.link):
            rule = "takes no link" if self.link else f"must name its link, as {self.kind}:NAME"
            raise InvalidValueError("route", str(self), rule)
        if self.link and not _LINK_NAME.fullmatch(self.link):
            raise InvalidValueError("route", str(self), "link: must be a-z, 0-9, '_', '.', '-'; at most 32 characters")

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.link}" if self.link else self.kind.value

    @classmethod
    def parse(cls, text: str) -> Route:
        """Read ``ip`` or ``kind:link``. Errors: InvalidValueError."""
        kind, _, link = text.partition(":")
        if kind not in RouteKind.__members__.values():
            raise InvalidValueError("route", text, f"must begin with one of {', '.join(RouteKind)}")
        return cls(RouteKind(kind), link)


#: The terminal's own TCP connection.
IP_ROUTE = Route(RouteKind.IP)


class UnsignedForm(StrEnum):
    """What stands where a signature would be (binary.md 2.7): nothing, a zero length, or 74 zero bytes."""

    NOTHING = "a"
    ZERO_LENGTH = "b"
    ZERO_BLOCK = "c"


class TimeBase(StrEnum):
    """Whose clock the seconds of GD/J 089-2018 appendix A and table E.10 count: UTC, or the wall in Beijing."""

    UNIX = "unix"
    BEIJING = "beijing"


@dataclass(frozen=True, slots=True)
class Profile:
    """How a kind of device speaks; a data file that integrators add to."""

    name: str
    title: str = ""
    protocol: str = "ip"
    #: bytes of a code on the wire: 12 (GD/J 089-2018) or 9 (the draft before it, reading only).
    code_length: int = 12
    target_form: TargetForm = TargetForm.STD
    #: form of our unsigned answers to it.
    unsigned_form: UnsignedForm = UnsignedForm.ZERO_LENGTH
    #: seconds between heartbeats that it is expected to keep.
    heartbeat_seconds: float = 10.0

    def __post_init__(self) -> None:
        if self.code_length not in (9, 12):
            raise InvalidValueError("code_length", self.code_length, "must be 12 (GD/J 089-2018) or 9 (its draft)")
        if not 0 < self.heartbeat_seconds < math.inf:
            raise InvalidValueError("heartbeat_seconds", self.heartbeat_seconds, "must be a number above 0")


@dataclass(frozen=True, slots=True)
class Terminal:
    """A loudspeaker terminal 终端 of the registry; ``radius_m`` is its audible radius in metres, 0 when unknown."""

    code: ResourceCode
    physical_address: PhysicalAddress
    name: str
    area: AreaCode
    profile: str = "gdj089-2018"
    #: in order of preference
    routes: tuple[Route, ...] = (IP_ROUTE,)
    lat: float | None = None
    lon: float | None = None
    radius_m: float = 0.0
    in_service: bool = True

    def __post_init__(self) -> None:
        if (self.lat is None) is not (self.lon is None):
            raise InvalidValueError("lat, lon", (self.lat, self.lon), "must be given together")
        if self.lat is not None and not -90 <= self.lat <= 90:
            raise InvalidValueError("lat", self.lat, "must be -90 to 90 degrees")
        if self.lon is not None and not -180 <= self.lon <= 180:
            raise InvalidValueError("lon", self.lon, "must be -180 to 180 degrees")
        if not 0 <= self.radius_m < math.inf:
            raise InvalidValueError("radius_m", self.radius_m, "must be a number of metres, 0 when unknown")
