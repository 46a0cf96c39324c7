"""The map 地图: outlines of counties and terminals with a position, drawn without anything from elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import shapely
from shapely.geometry.base import BaseGeometry

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.publishers.reference.outlines import CountyOutlines

#: Width of the drawing in its own units.
WIDTH: Final = 1000
#: Degrees by which outlines are simplified (about 200 m): nobody sees more at this size.
_SIMPLER: Final = 0.002
_MARGIN: Final = 10.0


@dataclass(frozen=True, slots=True)
class County:
    """One county: its outline, and where its name stands."""

    code: AreaCode
    name: str
    #: closed rings of points, the outer ones first
    rings: tuple[tuple[tuple[float, float], ...], ...]
    x: float
    y: float

    @property
    def path(self) -> str:
        """The outline as an SVG path."""
        return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in ring) + "Z" for ring in self.rings)


class CountyMap:
    """An equirectangular drawing, true to scale at the middle latitude of the region."""

    def __init__(self, outlines: CountyOutlines, gazetteer: Gazetteer) -> None:
        shapes = outlines.shapes
        west, south, east, north = shapely.total_bounds(list(shapes.values())) if shapes else (0.0, 0.0, 1.0, 1.0)
        self._west, self._north = float(west), float(north)
        self._squeeze = math.cos(math.radians((south + north) / 2))
        self._scale = (WIDTH - 2 * _MARGIN) / max(1e-9, float(east - west) * self._squeeze)
        self.height = round(float(north - south) * self._scale + 2 * _MARGIN)
        self.counties = tuple(self._county(code, shape, gazetteer.name(code)) for code, shape in sorted(shapes.items()))

    def place(self, lat: float, lon: float) -> tuple[float, float]:
        """Where a position in degrees stands in the drawing."""
        x = (lon - self._west) * self._squeeze * self._scale + _MARGIN
        return round(x, 1), round((self._north - lat) * self._scale + _MARGIN, 1)

    def _county(self, code: AreaCode, shape: BaseGeometry, name: str) -> County:
        simple = shape.simplify(_SIMPLER)
        polygons = [part for part in getattr(simple, "geoms", [simple]) if part.geom_type == "Polygon"]
        rings = tuple(self._ring(ring) for polygon in polygons for ring in (polygon.exterior, *polygon.interiors))
        middle = max(polygons, key=lambda polygon: polygon.area).representative_point()
        return County(code, name, rings, *self.place(middle.y, middle.x))

    def _ring(self, ring: BaseGeometry) -> tuple[tuple[float, float], ...]:
        return tuple(self.place(lat, lon) for lon, lat in ring.coords)
