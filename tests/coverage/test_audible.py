"""Audible coverage: circles that overlap count once, borders are crossed, what cannot be used is told."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely

from gateway.coverage.audible import GridPoint, audible, load_grid
from gateway.domain.codes import AreaCode
from gateway.domain.receiver import Terminal
from gateway.errors import EnvironmentLackingError
from gateway.publishers.reference import load_gazetteer
from tests.gatewaykit import terminal

GAZETTEER = load_gazetteer()
ANXI, HUIAN = AreaCode("350524000000"), AreaCode("350521000000")
#: Two squares of 0.1 degrees beside each other.
OUTLINES = {ANXI: shapely.box(118.0, 25.0, 118.1, 25.1), HUIAN: shapely.box(118.1, 25.0, 118.2, 25.1)}


def at(
    lat: float | None, lon: float | None, radius: float, area: str = "350524100201", number: int = 1, **more: Any
) -> Terminal:
    return replace(terminal(area, number), lat=lat, lon=lon, radius_m=radius, **more)


def test_one_circle_is_as_large_as_a_circle_and_two_in_one_place_are_no_more() -> None:
    one = at(25.05, 118.05, 1000.0)
    (anxi, _) = sorted(audible(OUTLINES, GAZETTEER, [one]), key=lambda area: area.code != ANXI)
    assert anxi.heard_km2 == pytest.approx(math.pi, rel=0.01)
    assert anxi.km2 == pytest.approx(11.0773 * 11.132 * math.cos(math.radians(25.05)), rel=0.001)
    both = [one, at(25.05, 118.05, 1000.0, number=2)]
    again = {area.code: area for area in audible(OUTLINES, GAZETTEER, both)}
    assert again[ANXI].heard_km2 == anxi.heard_km2 and again[ANXI].terminals == 2
    assert again[HUIAN].heard_km2 == 0.0 and again[HUIAN].share == 0.0


def test_a_border_is_crossed_and_each_county_has_its_half() -> None:
    found = {area.code: area for area in audible(OUTLINES, GAZETTEER, [at(25.05, 118.1, 1000.0)])}
    assert found[ANXI].heard_km2 == pytest.approx(math.pi / 2, rel=0.01)
    assert found[HUIAN].heard_km2 == pytest.approx(math.pi / 2, rel=0.01)
    assert (found[ANXI].terminals, found[HUIAN].terminals) == (1, 0)


def test_what_cannot_be_used_is_told_and_does_not_count() -> None:
    terminals = [
        at(None, None, 300.0),
        at(25.05, 118.05, 0.0, number=2),
        at(25.05, 118.05, 300.0, number=3, in_service=False),
    ]
    anxi = next(area for area in audible(OUTLINES, GAZETTEER, terminals) if area.code == ANXI)
    assert (anxi.terminals, anxi.unplaced, anxi.unmeasured, anxi.heard_km2) == (2, 1, 1, 0.0)
    assert anxi.people is None and anxi.people_share is None


def test_people_of_a_grid_within_hearing(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "lat,lon,people\n25.05,118.05,300\n25.055,118.05,100\n25.09,118.09,600\n25.05,118.15,50\n", encoding="utf-8"
    )
    grid = load_grid(file)
    assert grid[0] == GridPoint(25.05, 118.05, 300.0)
    found = {area.code: area for area in audible(OUTLINES, GAZETTEER, [at(25.05, 118.05, 1000.0)], grid)}
    assert (found[ANXI].people, found[ANXI].heard_people, found[ANXI].people_share) == (1000, 400, 0.4)
    assert (found[HUIAN].people, found[HUIAN].heard_people) == (50, 0)


@pytest.mark.parametrize(
    "text", ["lat,lon\n1,2\n", "lat,lon,people\nx,2,3\n", "lat,lon,people\n91,2,3\n", "lat,lon,people\n1,2,-3\n"]
)
def test_a_grid_that_is_none_is_refused_by_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(EnvironmentLackingError, match="line 2"):
        load_grid(file)
    with pytest.raises(EnvironmentLackingError):
        load_grid(tmp_path / "none.csv")
