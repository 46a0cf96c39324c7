"""Receivers 接收者, their profiles 设备档 and the routes 路由 that lead to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.codes import AreaCode, PhysicalAddress, ResourceCode
from gateway.domain.targets import TargetForm


class RouteKind(StrEnum):
    """Ways to a receiver."""

    IP = "ip"
    ADAPTER = "adapter"
    SERIAL = "serial"
    RDS = "rds"
    TS = "ts"
    MQTT = "mqtt"
    PLATFORM = "platform"


class UnsignedForm(StrEnum):
    """What stands where a signature would be (binary.md 2.7): nothing, a zero length, or 74 zero bytes."""

    NOTHING = "a"
    ZERO_LENGTH = "b"
    ZERO_BLOCK = "c"


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


@dataclass(frozen=True, slots=True)
class Terminal:
    """A loudspeaker terminal 终端 of the registry; ``radius_m`` is its audible radius in metres, 0 when unknown."""

    code: ResourceCode
    physical_address: PhysicalAddress
    name: str
    area: AreaCode
    profile: str = "gdj089-2018"
    routes: tuple[RouteKind, ...] = (RouteKind.IP,)
    lat: float | None = None
    lon: float | None = None
    radius_m: float = 0.0
    in_service: bool = True
