from __future__ import annotations

import csv
import time
from importlib import resources
from pathlib import Path

import pytest

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.domain.warning import Circle
from gateway.errors import RegistryError
from gateway.publishers.reference import (
    CountyOutlines,
    load_event_aliases,
    load_event_names,
    load_gazetteer,
    load_outlines,
    load_township_readings,
)

DIVISIONS = "code,name,in_service\n350524000000,安溪县,1\n350524100000,凤城镇,1\n350524100201,先声村,1\n"
PEOPLE = "code,population\n350524100201,1200\n"


def folder(path: Path, divisions: str = DIVISIONS, people: str = PEOPLE) -> Path:
    (path / "divisions.csv").write_text(divisions, encoding="utf-8")
    (path / "village_population.csv").write_text(people, encoding="utf-8")
    return path


def problems(path: Path) -> tuple[tuple[int, str, str], ...]:
    with pytest.raises(RegistryError) as refused:
        load_gazetteer(path)
    return refused.value.problems


def test_quanzhou_has_its_counted_divisions_and_people(gazetteer: Gazetteer) -> None:
    assert len(gazetteer) == 2759
    assert len(gazetteer.counties()) == 11
    assert len(gazetteer.villages) == 2572
    assert gazetteer.population(AreaCode("350500000000")) == 8_782_285
    assert sum(gazetteer.population(county.code) for county in gazetteer.counties()) == 8_782_285


def test_the_shipped_people_figures_say_that_they_are_an_estimate(gazetteer: Gazetteer) -> None:
    assert gazetteer.source.estimate
    assert "演示估算" in gazetteer.source.name
    assert gazetteer.source.date == "2020-11-01"


def test_jinmen_is_listed_and_not_in_service(gazetteer: Gazetteer) -> None:
    jinmen = gazetteer.get(AreaCode("350527000000"))
    assert jinmen is not None
    assert not jinmen.in_service
    assert gazetteer.population(jinmen.code) == 0


def test_zones_stand_beside_the_codes(gazetteer: Gazetteer) -> None:
    assert {area.zone for area in gazetteer if area.zone} == {"泉州台商投资区", "泉州经济技术开发区(清濛)"}
    assert {area.urban for area in gazetteer.villages} == {True, False}


def test_an_own_gazetteer_is_read_from_a_folder(tmp_path: Path) -> None:
    own = load_gazetteer(folder(tmp_path))
    assert [area.name for area in own.villages] == ["先声村"]
    assert own.population(AreaCode("350524000000")) == 1200
    assert not own.source.estimate
    estimated = "code,population,is_estimate,source,date\n350524100201,1200,1,街道统计,2026-01-01\n"
    source = load_gazetteer(folder(tmp_path, people=estimated)).source
    assert (source.name, source.date, source.estimate) == ("演示估算 街道统计", "2026-01-01", True)


@pytest.mark.parametrize(
    ("divisions", "people", "problem"),
    [
        (DIVISIONS + "35052410020,x,1\n", PEOPLE, (5, "code")),
        (DIVISIONS + "350524100201,x,1\n", PEOPLE, (5, "code")),
        (DIVISIONS + "350524100202,,1\n", PEOPLE, (5, "name")),
        (DIVISIONS + "350524100202,x\n", PEOPLE, (5, "")),
        ("name\nx\n", PEOPLE, (1, "code")),
        (DIVISIONS, "code,people\n350524100201,1\n", (1, "population")),
        (DIVISIONS, PEOPLE + "350524100201,5\n", (3, "code")),
        (DIVISIONS, "code,population\n350524100201,-5\n", (2, "population")),
        (DIVISIONS, "code,population\n350524100999,5\n", (0, "code")),
        (DIVISIONS, "code,population\n350524000000,5\n", (0, "code")),
    ],
)
def test_faults_of_tables_are_named_by_row_and_column(
    tmp_path: Path, divisions: str, people: str, problem: tuple[int, str]
) -> None:
    found = problems(folder(tmp_path, divisions, people))
    assert (found[0][0], found[0][1]) == problem


def test_missing_and_unreadable_tables(tmp_path: Path) -> None:
    assert problems(tmp_path)[0][1] == "village_population.csv"
    folder(tmp_path)
    (tmp_path / "divisions.csv").write_bytes(b"code,name\n350524000000,\xb0\xb2\n")
    assert problems(tmp_path)[0][1:] == ("divisions.csv", "is not UTF-8 text")


def test_event_names_of_both_families() -> None:
    names = load_event_names()
    assert (names["11B03"], names["10203"], names["10300"]) == ("暴雨", "暴雨", "地震灾害")
    assert len(names) == 400


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("暴雨", "11B03"),
        ("暴雨事件", "11B03"),
        ("台风", "11B01"),
        ("沙尘暴", "11B07"),
        ("typhoon", "11B01"),
        ("地震", "11C00"),
    ],
)
def test_names_lead_to_the_code_that_most_sources_give(words: str, code: str) -> None:
    assert load_event_aliases()[words] == code


def test_readings_hold_only_what_the_tables_read_differently(gazetteer: Gazetteer) -> None:
    readings = load_township_readings()
    assert readings[AreaCode("350582101000")].name == "陈埭镇"
    assert readings[AreaCode("350582101000")].nbs_code == "350582103000"
    assert AreaCode("350524100000") not in readings
    swapped = [reading for reading in readings.values() if reading.nbs_code]
    assert len(swapped) == 15
    assert all(gazetteer.name(reading.nbs_code) == reading.name for reading in swapped if reading.nbs_code)


def test_outlines_stand_for_every_county(gazetteer: Gazetteer, outlines: CountyOutlines) -> None:
    assert set(load_outlines().shapes) == set(outlines.shapes)
    assert set(outlines.shapes) == {a.code for a in gazetteer if a.code.level == 4}
    west, south, east, north = outlines.shapes[AreaCode("350524000000")].bounds
    assert (117 < west < east < 119, 24 < south < north < 26) == (True, True)


def test_a_shape_along_a_border_does_not_meet_the_neighbours(outlines: CountyOutlines) -> None:
    anxi = outlines.shapes[AreaCode("350524000000")]
    ring = tuple((lat, lon) for lon, lat in anxi.exterior.coords)
    assert outlines.meeting_ring(ring) == ("350524000000",)


def test_a_point_on_a_border_still_meets_a_county(outlines: CountyOutlines) -> None:
    for lon, lat in list(outlines.shapes[AreaCode("350524000000")].exterior.coords)[::200]:
        assert outlines.meeting_circle(Circle(lat, lon, 0.0)), (lat, lon)


def test_circles_widen_with_their_radius(outlines: CountyOutlines) -> None:
    met = [len(outlines.meeting_circle(Circle(25.05, 118.18, radius))) for radius in (0.0, 5.0, 60.0, 200.0, 20_000.0)]
    assert met[0] == 1
    assert met == sorted(met)
    assert met[-1] == 12
    assert outlines.meeting_circle(Circle(90.0, 0.0, 100.0)) == ()


def test_a_ring_that_crosses_itself_everywhere_costs_no_overlay(outlines: CountyOutlines) -> None:
    ring = [(24.5 + (n * 7919 % 10_007) / 8000, 117.6 + (n * 104_729 % 10_009) / 8000) for n in range(50_000)]
    begin = time.monotonic()
    assert len(outlines.meeting_ring([*ring, ring[0]])) == 12
    assert time.monotonic() - begin < 3


def test_every_table_has_its_licence_line() -> None:
    root = resources.files("gateway.publishers.reference")
    licences = root.joinpath("LICENCES.md").read_text(encoding="utf-8")
    tables = [item.name for item in root.iterdir() if item.name.endswith((".csv", ".xsd", ".geojson"))]
    assert len(tables) == 8
    assert all(f"`{name}`" in licences for name in tables)
    for name in tables:
        if name.endswith(".csv"):
            assert list(csv.reader(root.joinpath(name).read_text(encoding="utf-8").splitlines()))
