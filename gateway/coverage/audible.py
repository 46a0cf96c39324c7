"""Audible coverage 可听覆盖: the ground within hearing of the terminals, a union of circles: none counts twice.

Distances are taken on a plane of its own for each county, true at the county's middle latitude: within 0.4 degrees of
it lengths are off by less than 0.4 % (at 25° N). Hearing is not round, and a radius is somebody's word: the figure says
how many terminals it could not use.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import shapely
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from gateway.coverage.figures import share
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.domain.receiver import Terminal
from gateway.errors import EnvironmentLackingError

#: Metres of a degree of latitude (GRS 80, 25° N: 110,773 m).
_METRES: Final = 110_773.0
#: Metres of a degree of longitude at the equator.
_METRES_EAST: Final = 111_320.0
#: Sides of a quarter of a circle: an area off by 0.6 %.
_SEGMENTS: Final = 8


@dataclass(frozen=True, slots=True)
class GridPoint:
    """People who live about one point, degrees of WGS 84."""

    lat: float
    lon: float
    people: float


@dataclass(frozen=True, slots=True)
class AudibleArea:
    """One county: square kilometres of its outline, and of those within hearing; people where there is a grid.

    ``unplaced``: terminals in service without a position; ``unmeasured``: without a radius. Neither counts.
    """

    code: AreaCode
    name: str
    km2: float
    heard_km2: float
    terminals: int
    unplaced: int
    unmeasured: int
    people: int | None
    heard_people: int | None

    @property
    def share(self) -> float:
        """Of the ground, four decimals."""
        return round(self.heard_km2 / self.km2, 4) if self.km2 else 0.0

    @property
    def people_share(self) -> float | None:
        """Of the people of the grid."""
        return None if self.people is None or self.heard_people is None else share(self.heard_people, self.people)


def audible(
    outlines: Mapping[AreaCode, BaseGeometry],
    gazetteer: Gazetteer,
    terminals: Iterable[Terminal],
    grid: Sequence[GridPoint] = (),
) -> list[AudibleArea]:
    """What is within hearing of the terminals in service, by county; takes some tenths of a second for thousands.

    Circles reach over borders: a county hears its neighbours' loudspeakers too.
    """
    serving = [terminal for terminal in terminals if terminal.in_service]
    placed = [t for t in serving if t.lat is not None and t.lon is not None and t.radius_m > 0]
    found = []
    for code, outline in sorted(outlines.items()):
        own = [terminal for terminal in serving if terminal.area.county == code]
        west, south, east, north = outline.bounds
        middle = (south + north) / 2
        across = _METRES_EAST * math.cos(math.radians(middle))
        flat = [across, 0.0, 0.0, _METRES, 0.0, 0.0]
        ground = affine_transform(shapely.make_valid(outline), flat)
        near = [t for t in placed if _near(t, (west, south, east, north), across)]
        heard = shapely.intersection(_circles(near, across), ground) if near else shapely.Polygon()
        people = heard_people = None
        if grid:
            people, heard_people = _people(grid, ground, heard, across)
        found.append(
            AudibleArea(
                code=code,
                name=gazetteer.name(code),
                km2=round(ground.area / 1e6, 3),
                heard_km2=round(heard.area / 1e6, 3),
                terminals=len(own),
                unplaced=sum(1 for t in own if t.lat is None or t.lon is None),
                unmeasured=sum(1 for t in own if t.lat is not None and t.radius_m <= 0),
                people=people,
                heard_people=heard_people,
            )
        )
    return found


def _circles(terminals: Sequence[Terminal], across: float) -> BaseGeometry:
    points = shapely.points([(float(t.lon or 0) * across, float(t.lat or 0) * _METRES) for t in terminals])
    return shapely.union_all(shapely.buffer(points, [t.radius_m for t in terminals], quad_segs=_SEGMENTS))


def _near(terminal: Terminal, box: tuple[float, float, float, float], across: float) -> bool:
    west, south, east, north = box
    up, side = terminal.radius_m / _METRES, terminal.radius_m / across
    lat, lon = float(terminal.lat or 0), float(terminal.lon or 0)
    return south - up <= lat <= north + up and west - side <= lon <= east + side


def _people(grid: Sequence[GridPoint], ground: BaseGeometry, heard: BaseGeometry, across: float) -> tuple[int, int]:
    xs = [point.lon * across for point in grid]
    ys = [point.lat * _METRES for point in grid]
    shapely.prepare([ground, heard])
    inside = shapely.contains_xy(ground, xs, ys)
    hears = shapely.contains_xy(heard, xs, ys)
    whole = math.fsum(point.people for point, here in zip(grid, inside, strict=True) if here)
    reached = math.fsum(p.people for p, here, yes in zip(grid, inside, hears, strict=True) if here and yes)
    return round(whole), round(reached)


def load_grid(path: Path) -> tuple[GridPoint, ...]:
    """A csv with columns lat, lon, people. Errors: EnvironmentLackingError, naming the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            points = []
            for row in reader:
                try:
                    point = GridPoint(float(row["lat"]), float(row["lon"]), float(row["people"]))
                except (KeyError, TypeError, ValueError) as error:
                    raise EnvironmentLackingError(
                        f"{path}: line {reader.line_num}: lat, lon, people: {error}"
                    ) from error
                if not (-90 <= point.lat <= 90 and -180 <= point.lon <= 180 and 0 <= point.people < 1e9):
                    raise EnvironmentLackingError(f"{path}: line {reader.line_num}: is out of bounds")
                points.append(point)
    except OSError as error:
        raise EnvironmentLackingError(f"[coverage] grid {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EnvironmentLackingError(f"[coverage] grid {path}: is not UTF-8") from error
    return tuple(points)
