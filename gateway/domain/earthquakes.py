"""Earthquake warnings 地震预警: an event and its reports, when its shear waves arrive where, and what is said.

Pure functions; the speed and the decay of intensity are choices of the settings, each with its source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.codes import AreaCode
from gateway.domain.warning import Severity, Status

_EARTH_KM: Final = 6371.0
#: Areas that are named in the words, nearest first.
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A point: degrees WGS 84, and depth in km."""

    lat: float
    lon: float
    depth_km: float = 10.0


@dataclass(frozen=True, slots=True)
class Quake:
    """One report 第 ``report`` 报 of an event; a higher report replaces a lower one. ``intensities`` by division, where
    the publisher knows them; ``arrivals`` likewise.
    """

    event_id: str
    report: int
    origin: datetime
    place: Place
    magnitude: float
    where: str
    sent: datetime
    status: Status = Status.ACTUAL
    intensities: Mapping[AreaCode, float] | None = None
    arrivals: Mapping[AreaCode, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Decay:
    """Intensity at ``r`` km of epicentral distance: ``a + b·M − c·lg(r + r0)``.

    The default is the long axis for eastern China of 汪素云, 俞言祥 and others (2000).
    """

    a: float = 5.019
    b: float = 1.446
    c: float = 4.136
    r0: float = 24.0

    def intensity(self, magnitude: float, km: float) -> float:
        """Intensity on the scale of GB/T 17742, not rounded."""
        return self.a + self.b * magnitude - self.c * math.log10(km + self.r0)


@dataclass(frozen=True, slots=True)
class Shaken:
    """One division that is warned: how far it is (km), how hard it will shake, and when the S wave arrives."""

    area: AreaCode
    km: float
    intensity: float
    arrival: datetime

    def seconds(self, now: datetime) -> int:
        """Whole seconds until the S wave; below 0 where it is there."""
        return math.floor((self.arrival - now).total_seconds())


def distance_km(place: Place, lat: float, lon: float) -> float:
    """Along the ground, km."""
    phi, psi = math.radians(place.lat), math.radians(lat)
    half_lat, half_lon = (psi - phi) / 2, math.radians(lon - place.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(phi) * math.cos(psi) * math.sin(half_lon) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(chord)))


def shaken(
    quake: Quake,
    centres: Mapping[AreaCode, tuple[float, float]],
    *,
    speed: float,
    decay: Decay,
    least: float,
) -> tuple[Shaken, ...]:
    """Divisions of intensity ``least`` and more, nearest first.

    ``centres`` are (lat, lon) of those that may be warned; ``speed`` of S waves in km/s. What the publisher says of a
    division goes over what is computed.
    """
    found = []
    for area, (lat, lon) in centres.items():
        km = distance_km(quake.place, lat, lon)
        said = None if quake.intensities is None else quake.intensities.get(area)
        if quake.intensities is not None and said is None:
            continue
        intensity = decay.intensity(quake.magnitude, km) if said is None else said
        if intensity < least:
            continue
        arrival = None if quake.arrivals is None else quake.arrivals.get(area)
        if arrival is None:
            arrival = quake.origin + timedelta(seconds=math.hypot(km, quake.place.depth_km) / speed)
        found.append(Shaken(area, km, intensity, arrival))
    return tuple(sorted(found, key=lambda one: (one.arrival, one.area)))


def severity_of(intensity: float) -> Severity:
    """Level of the warning by intensity: 7 and more red, 6 orange, 5 yellow, else blue (levels of the provinces)."""
    for least, severity in ((7.0, Severity.RED), (6.0, Severity.ORANGE), (5.0, Severity.YELLOW)):
        if intensity >= least - 0.5:
            return severity
    return Severity.BLUE


def words_of(quake: Quake, hit: Sequence[Shaken], names: Mapping[AreaCode, str], now: datetime) -> str:
    """What is said: short, the nearest first, each with its countdown 倒计时 as it stands ``now``."""
    soon = [one for one in hit if one.seconds(now) > 0]
    there = [one for one in hit if one.seconds(now) <= 0]
    said = [f"地震预警！{quake.where}发生{quake.magnitude:.1f}级地震。"]
    if there:
        said.append("、".join(names[one.area] for one in there[:_NAMED]) + "已受影响。")
    if soon:
        said.append("，".join(f"{names[one.area]}{one.seconds(now)}秒" for one in soon[:_NAMED]) + "后地震波到达。")
    said.append("请立即避险！")
    return "".join(said)


def end_of(hit: Sequence[Shaken], now: datetime, hold: float) -> datetime:
    """When it ends by itself: ``hold`` seconds after the last arrival, or after now where all are there."""
    last = max((one.arrival for one in hit), default=now)
    return max(last, now) + timedelta(seconds=hold)
