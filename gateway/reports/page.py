"""A report as one page of html: nothing is loaded from elsewhere, and it prints."""

from __future__ import annotations

from typing import Final

import jinja2

from gateway.reports.map import CountyMap
from gateway.reports.model import Curve, Kind, Report, text_of

_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("gateway.reports"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_ENVIRONMENT.globals.update(text_of=text_of, Kind=Kind)
_WIDTH, _HEIGHT, _LEFT, _BELOW = 640, 240, 70, 30


def html_of(report: Report, drawing: CountyMap) -> bytes:
    """The page, UTF-8."""
    dots = [(*drawing.place(dot.lat, dot.lon), dot.reached) for dot in report.dots]
    template = _ENVIRONMENT.get_template("report.html")
    return template.render(report=report, map=drawing, dots=dots, chart=_chart(report.curve)).encode()


def _chart(curve: Curve) -> dict[str, object] | None:
    """Lines of people over time in a box of 640 by 240, None where there is nothing to draw."""
    if len(curve.points) < 2:
        return None
    longest = max(point[0] for point in curve.points) or 1.0
    most = max(curve.target, 1)
    across, up = (_WIDTH - _LEFT) / longest, (_HEIGHT - _BELOW - 10) / most

    def line(which: int) -> str:
        return " ".join(
            f"{_LEFT + point[0] * across:.1f},{_HEIGHT - _BELOW - point[which] * up:.1f}" for point in curve.points
        )

    names = ("已证实 proven", "转报 claimed", "已发 sent", "已应答 answered")
    return {
        "lines": [(name, line(which)) for which, name in enumerate(names, 1)],
        "most": most,
        "longest": longest,
    }
