"""Earthquake warnings 地震预警 from the settings: which divisions may be warned, and by which rules."""

from __future__ import annotations

from gateway.dispatch.quakes import QuakeRules, Quakes
from gateway.dispatch.service import Dispatch
from gateway.domain.codes import AreaCode
from gateway.domain.message import EbmClass
from gateway.publishers.reference import CountyOutlines
from gateway.settings import Settings


def make_quakes(settings: Settings, dispatch: Dispatch, outlines: CountyOutlines) -> Quakes:
    """Takes earthquake warnings for the counties of the region; a point inside each stands for all of it."""
    region, section = AreaCode(settings.gateway.region), settings.earthquake
    centres = {}
    for code, outline in outlines.shapes.items():
        if region.covers(code) or code.covers(region):
            point = outline.representative_point()
            centres[region if code.covers(region) else code] = (point.y, point.x)
    rules = QuakeRules(
        decay=section.law,
        speed=section.s_km_per_second,
        least=section.least_intensity,
        hold=section.hold_seconds,
        stale=section.stale_seconds,
        volume=section.volume,
    )
    return Quakes(dispatch, centres, rules, EbmClass(settings.dispatch.exercise_class))
