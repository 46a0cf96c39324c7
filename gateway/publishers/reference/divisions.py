"""Divisions with their people, and the two readings of township codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from gateway.domain.areas import Area, Gazetteer, PopulationSource
from gateway.domain.codes import AreaCode, AreaLevel
from gateway.errors import InvalidValueError, RegistryError
from gateway.publishers.reference.tables import packaged, read_table, rows

DIVISIONS = "divisions.csv"
PEOPLE = "village_population.csv"

#: What the figures in the package are; LICENCES.md has the long form.
_DEMO_SOURCE = PopulationSource(
    name="演示估算：第七次人口普查县级数字在各村均分 (demonstration estimate: census 2020 split equally over villages)",
    date="2020-11-01",
    estimate=True,
)


@dataclass(frozen=True, slots=True)
class TownshipReading:
    """One township code as the ministry's list (MCA 民政部) reads it, where the bureau's (NBS 国家统计局) differs.

    ``nbs_code`` is the code that the bureau gives to that same township, or None when it lists no such township.
    """

    code: AreaCode
    name: str
    nbs_code: AreaCode | None


def load_gazetteer(path: Path | None = None) -> Gazetteer:
    """Divisions joined with people by village.

    ``path`` is a folder with ``divisions.csv`` (code, name; urban_rural_proxy, functional_zone, in_service when known)
    and ``village_population.csv`` (code and population; is_estimate, source and date when known); None takes the tables
    of 泉州 in the package, whose people figures are 演示估算. Raises RegistryError with rows and columns.
    """
    if path is None:
        people, _ = _people(packaged(PEOPLE))
        return Gazetteer(_areas(packaged(DIVISIONS), people), _DEMO_SOURCE)
    people, source = _people(read_table(path / PEOPLE))
    return Gazetteer(_areas(read_table(path / DIVISIONS), people), source)


@cache
def load_township_readings() -> Mapping[AreaCode, TownshipReading]:
    """MCA township code → reading, for every code that NBS gives to another township or not at all."""
    by_code: dict[AreaCode, TownshipReading] = {}
    for _, row in rows(packaged("township_readings.csv"), "township", "nbs_statistical_code", "mca_code_quhua"):
        nbs, mca = row["nbs_statistical_code"], row["mca_code_quhua"]
        if mca and mca != nbs:
            reading = TownshipReading(AreaCode(mca), row["township"], AreaCode(nbs) if nbs else None)
            by_code[reading.code] = reading
    return MappingProxyType(by_code)


def _people(text: str) -> tuple[dict[AreaCode, int], PopulationSource]:
    """People by village code, and where the figures come from."""
    found: dict[AreaCode, int] = {}
    names, dates, estimate = set(), set(), False
    problems: list[tuple[int, str, str]] = []
    column = "population_demo" if "population_demo" in text.partition("\n")[0].split(",") else "population"
    for number, row in rows(text, "code", column):
        figure = row[column].strip()
        if not (figure.isascii() and figure.isdigit() and len(figure) <= 9):
            problems.append((number, column, f"{figure[:20]!r} is not a number of people"))
            continue
        code = _code(row["code"], number, problems)
        if code in found:
            problems.append((number, "code", f"{code} stands twice"))
        elif code:
            found[code] = int(figure)
        estimate = estimate or row.get("is_estimate", "0").strip() not in ("", "0")
        names.add(row.get("source", "").strip())
        dates.add(row.get("date", "").strip())
    _refuse(problems)
    name = "; ".join(sorted(filter(None, names))) or "local table 本地人口表"
    name = f"演示估算 {name}" if estimate and "估算" not in name else name
    return found, PopulationSource(name=name, date=max(dates, default=""), estimate=estimate)


def _areas(text: str, people: Mapping[AreaCode, int]) -> list[Area]:
    found: dict[AreaCode, Area] = {}
    problems: list[tuple[int, str, str]] = []
    for number, row in rows(text, "code", "name"):
        code = _code(row["code"], number, problems)
        if not row["name"].strip():
            problems.append((number, "name", "is empty"))
        if code is None:
            continue
        if code in found:
            problems.append((number, "code", f"{code} stands twice"))
        setting = row.get("urban_rural_proxy", "").strip()
        if setting not in ("urban", "rural", ""):
            problems.append((number, "urban_rural_proxy", f"{setting[:20]!r} is not urban, rural or empty"))
        found[code] = Area(
            code=code,
            name=row["name"].strip(),
            population=people.get(code, 0),
            urban={"urban": True, "rural": False}.get(setting),
            zone=row.get("functional_zone", "").strip(),
            in_service=row.get("in_service", "1").strip() != "0",
        )
    strangers = (code for code in people if code not in found or code.level is not AreaLevel.VILLAGE)
    problems.extend((0, "code", f"{code} of {PEOPLE} is no village of {DIVISIONS}") for code in strangers)
    _refuse(problems)
    return list(found.values())


def _code(text: str, number: int, problems: list[tuple[int, str, str]]) -> AreaCode | None:
    try:
        return AreaCode(text.strip())
    except InvalidValueError as error:
        problems.append((number, "code", f"{text[:20]!r}: {error.rule}"))
        return None


def _refuse(problems: list[tuple[int, str, str]]) -> None:
    if problems:
        raise RegistryError(*problems[:50])
