"""Outlines of counties, for warnings that come with shapes instead of codes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import shapely
from shapely.affinity import scale
from shapely.geometry import Point, Polygon, shape
from shapely.geometry.base import BaseGeometry

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.domain.warning import Circle
from gateway.publishers.reference.divisions import load_gazetteer
from gateway.publishers.reference.tables import packaged

#: Outlines are shrunk by this many degrees (about 100 m) before matching, so that a shape which follows a county's
#: border does not alarm every neighbour that shares the border. What meets none of them is matched to the whole ones.
_MARGIN = 0.001

_KM_PER_DEGREE = 111.32


class CountyOutlines:
    """County code → outline in lon/lat degrees; matching is planar and coarse: a county is in or out as a whole."""

    def __init__(self, shapes: Mapping[AreaCode, BaseGeometry]) -> None:
        self.shapes = dict(shapes)
        bounds = shapely.total_bounds(list(self.shapes.values())) if shapes else (0.0, 0.0, 0.0, 0.0)
        self._bounds: tuple[float, ...] = tuple(map(float, bounds))
        self._inner: list[tuple[AreaCode, BaseGeometry]] = []
        self._whole: list[tuple[AreaCode, BaseGeometry]] = []
        for code, outline in sorted(self.shapes.items()):
            whole = outline if outline.is_valid else shapely.make_valid(outline)
            inner = whole.buffer(-_MARGIN)
            inner = whole if inner.is_empty else inner
            shapely.prepare([inner, whole])
            self._inner.append((code, inner))
            self._whole.append((code, whole))

    def __len__(self) -> int:
        return len(self.shapes)

    def meeting_ring(self, ring: Iterable[tuple[float, float]]) -> tuple[AreaCode, ...]:
        """Counties that a ring of (lat, lon) points meets, by code."""
        points = [(lon, lat) for lat, lon in ring]
        if len(points) < 4 or not self._near(points):
            return ()
        return self._meeting(Polygon(points))

    def meeting_circle(self, circle: Circle) -> tuple[AreaCode, ...]:
        """Counties that a circle meets, by code; a radius of 0 is a point."""
        centre = Point(circle.lon, circle.lat)
        if circle.radius_km <= 0:
            return self._meeting(centre)
        height = circle.radius_km / _KM_PER_DEGREE
        # Near a pole a degree of longitude shrinks to nothing; the floor keeps the ellipse finite.
        width = height / max(0.01, math.cos(math.radians(circle.lat)))
        return self._meeting(scale(centre.buffer(1.0), width, height, origin=centre))

    def _near(self, points: list[tuple[float, float]]) -> bool:
        """Whether the points' own rectangle meets ours: most strangers' shapes need no geometry at all."""
        west, south, east, north = self._bounds
        lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
        return min(lons) <= east and max(lons) >= west and min(lats) <= north and max(lats) >= south

    def _meeting(self, figure: BaseGeometry) -> tuple[AreaCode, ...]:
        # ``intersects`` on a prepared outline only walks indexed edges: a ring that crosses itself a million times
        # costs no overlay, and needs no repair first.
        met = tuple(code for code, inner in self._inner if inner.intersects(figure))
        return met or tuple(code for code, whole in self._whole if whole.intersects(figure))


def load_outlines(gazetteer: Gazetteer | None = None) -> CountyOutlines:
    """Outlines of the package, joined by name to the counties of ``gazetteer`` (default: the one of the package)."""
    gazetteer = load_gazetteer() if gazetteer is None else gazetteer
    codes = {area.name: area.code for area in gazetteer if area.code.level is AreaLevel.COUNTY}
    document: dict[str, Any] = json.loads(packaged("county_outlines.geojson"))
    return CountyOutlines(
        {
            codes[feature["properties"]["name"]]: shape(feature["geometry"])
            for feature in document["features"]
            if feature["properties"]["name"] in codes
        }
    )
