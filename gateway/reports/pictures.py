"""The map and the curve of a report on paper, as drawings of ReportLab."""

from __future__ import annotations

from typing import Final

from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Polygon, PolyLine, String
from reportlab.lib import colors
from reportlab.lib.units import mm

from gateway.reports.map import WIDTH, CountyMap
from gateway.reports.model import Curve, Kind, Report, text_of

_MAP_HEIGHT: Final = 105 * mm
_CHART: Final = (120 * mm, 60 * mm)
_GAP: Final = 14 * mm
_INK: Final = {
    "proven": colors.HexColor("#1b6e2d"),
    "claimed": colors.HexColor("#c98a00"),
    "sent": colors.HexColor("#0b4f8a"),
    "none": colors.HexColor("#a8071a"),
    "answered": colors.HexColor("#444444"),
}
_LINES: Final = (
    ("proven", "已证实 proven", None),
    ("claimed", "转报 claimed", [5, 3]),
    ("sent", "已发 sent", [2, 2]),
    ("answered", "已应答 answered", [8, 3]),
)


def pictures(report: Report, drawing: CountyMap, face: str) -> Drawing:
    """Map on the left, curve on the right; what there is nothing for is left out."""
    scale = _MAP_HEIGHT / drawing.height
    beside = WIDTH * scale + _GAP if report.dots else 0.0
    sheet = Drawing(beside + _CHART[0], _MAP_HEIGHT if report.dots else _CHART[1])
    if report.dots:
        sheet.add(_map(report, drawing, face, scale))
    if len(report.curve.points) > 1:
        chart = _chart(report.curve, face)
        chart.translate(beside, sheet.height - _CHART[1])
        sheet.add(chart)
    return sheet


def _map(report: Report, drawing: CountyMap, face: str, scale: float) -> Group:
    def at(x: float, y: float) -> tuple[float, float]:
        return x * scale, (drawing.height - y) * scale

    group = Group()
    for county in drawing.counties:
        for ring in county.rings:
            flat = [value for point in ring for value in at(*point)]
            group.add(Polygon(flat, fillColor=colors.HexColor("#f2f5f8"), strokeColor=colors.grey, strokeWidth=0.4))
    for dot in report.dots:
        x, y = at(*drawing.place(dot.lat, dot.lon))
        ink = _INK[dot.reached]
        if dot.reached == "none":
            group.add(Line(x - 1.2, y - 1.2, x + 1.2, y + 1.2, strokeColor=ink, strokeWidth=0.6))
            group.add(Line(x - 1.2, y + 1.2, x + 1.2, y - 1.2, strokeColor=ink, strokeWidth=0.6))
        else:
            fill = ink if dot.reached == "proven" else None
            group.add(Circle(x, y, 1.0, fillColor=fill, strokeColor=ink, strokeWidth=0.4))
    for county in drawing.counties:
        x, y = at(county.x, county.y)
        group.add(String(x, y, county.name, fontName=face, fontSize=6, textAnchor="middle"))
    legend = "实心圆 已证实 proven，空心圆 转报、已发 claimed, sent，叉 未到达 not reached"
    group.add(String(0, 1, legend, fontName=face, fontSize=5.5))
    return group


def _chart(curve: Curve, face: str) -> Group:
    width, height = _CHART
    left, below = 42.0, 26.0
    longest = max(point[0] for point in curve.points) or 1.0
    most = max(curve.target, 1)
    group = Group()
    group.add(Line(left, below, width, below, strokeWidth=0.5))
    group.add(Line(left, below, left, height, strokeWidth=0.5))
    group.add(String(left - 3, height - 7, text_of(most, Kind.COUNT), fontName=face, fontSize=6, textAnchor="end"))
    group.add(String(width, below - 8, f"{longest:.1f} 秒 s", fontName=face, fontSize=6, textAnchor="end"))
    for which, (key, name, dash) in enumerate(_LINES, 1):
        flat = [
            value
            for point in curve.points
            for value in (
                left + point[0] / longest * (width - left),
                below + float(point[which]) / most * (height - below - 8),
            )
        ]
        group.add(PolyLine(flat, strokeColor=_INK[key], strokeWidth=1, strokeDashArray=dash))
        x = left + (which - 1) * (width - left) / 4
        group.add(Line(x, 9, x + 16, 9, strokeColor=_INK[key], strokeWidth=1, strokeDashArray=dash))
        group.add(String(x + 18, 7, name, fontName=face, fontSize=5.5))
    return group
