"""The registry file 终端台账文件: CSV of design.md §6, read with every fault named by row and column."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode, PhysicalAddress, ResourceCode
from gateway.domain.receiver import IP_ROUTE, Route, Terminal
from gateway.errors import InvalidValueError, RegistryError

COLUMNS = (
    "code",
    "physical_address",
    "name",
    "area",
    "profile",
    "routes",
    "lat",
    "lon",
    "radius_m",
    "in_service",
)

#: Faults shown before the rest is only counted.
_SHOWN = 200


def _number(field: str, text: str, low: float, high: float) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise InvalidValueError(field, text, "must be a number") from None
    if not low <= value <= high:
        raise InvalidValueError(field, text, f"must be {low:g} to {high:g}")
    return value


def _flag(text: str) -> bool:
    if text not in ("", "0", "1"):
        raise InvalidValueError("in_service", text, "must be 0 or 1")
    return text != "0"


def _routes(text: str, links: Set[Route]) -> tuple[Route, ...]:
    routes = [Route.parse(part.strip()) for part in (text or "ip").replace("|", ";").split(";")]
    for route in routes:
        if route != IP_ROUTE and route not in links:
            known = ", ".join(sorted(map(str, links))) or "none"
            raise InvalidValueError("routes", route, f"names a link that is not in the settings; there: {known}")
    if len(set(routes)) < len(routes):
        raise InvalidValueError("routes", text, "names a route twice")
    return tuple(routes)


def _area(text: str, code: ResourceCode, gazetteer: Gazetteer) -> AreaCode:
    area = AreaCode(text)
    if area not in gazetteer:
        raise InvalidValueError("area", text, "is not a division of this gateway's tables")
    if code.area != area:
        raise InvalidValueError(
            "area", text, f"differs from digits 2-13 of the code: {code.area} {gazetteer.full_name(code.area)}"
        )
    return area


def read_row(
    row: Mapping[str, str], gazetteer: Gazetteer, profiles: frozenset[str], links: Set[Route] = frozenset()
) -> tuple[Terminal | None, list[tuple[str, str]]]:
    """One row as a terminal, with the list of its (column, rule) faults; None where it has any.

    ``links``: the routes beside IP that the settings know.
    """
    problems: list[tuple[str, str]] = []

    def take(column: str, make: Callable[[str], object]) -> object:
        try:
            return make((row.get(column) or "").strip())
        except InvalidValueError as error:
            problems.append((column, f"{error.value!r}: {error.rule}"))
        return None

    def profile(text: str) -> str:
        name = text or "gdj089-2018"
        if name not in profiles:
            raise InvalidValueError("profile", name, f"is not a known profile ({', '.join(sorted(profiles))})")
        return name

    code = take("code", ResourceCode)
    values = {
        "physical_address": take("physical_address", PhysicalAddress),
        "name": (row.get("name") or "").strip(),
        "area": take("area", lambda t: _area(t, code, gazetteer) if isinstance(code, ResourceCode) else AreaCode(t)),
        "profile": take("profile", profile),
        "routes": take("routes", lambda t: _routes(t, links)),
        "lat": take("lat", lambda t: _number("lat", t, -90, 90)),
        "lon": take("lon", lambda t: _number("lon", t, -180, 180)),
        "radius_m": take("radius_m", lambda t: _number("radius_m", t, 0, 100_000) or 0.0),
        "in_service": take("in_service", _flag),
    }
    if problems:
        return None, problems
    try:
        return Terminal(code=code, **values), []  # type: ignore[arg-type]
    except InvalidValueError as error:
        return None, [(error.field, f"{error.value!r}: {error.rule}")]


def read_registry(
    lines: Iterable[str],
    gazetteer: Gazetteer,
    profiles: frozenset[str] = frozenset({"gdj089-2018"}),
    links: Set[Route] = frozenset(),
) -> list[Terminal]:
    """All rows as terminals.

    Errors: RegistryError with every fault (row, column, rule); nothing is taken when one row is wrong.
    """
    reader = csv.DictReader(lines)
    try:
        return _read_rows(reader, gazetteer, profiles, links)
    except csv.Error as error:
        raise RegistryError((reader.line_num + 1, "*", f"is not CSV: {error}")) from error


def _read_rows(
    reader: csv.DictReader[str], gazetteer: Gazetteer, profiles: frozenset[str], links: Set[Route]
) -> list[Terminal]:
    missing = [name for name in COLUMNS[:4] if name not in (reader.fieldnames or ())]
    unknown = [name for name in (reader.fieldnames or ()) if name not in COLUMNS]
    if missing or unknown:
        faults = [(1, name, "column is missing") for name in missing]
        raise RegistryError(*faults, *((1, str(name), "column is not known") for name in unknown))
    terminals: list[Terminal] = []
    problems: list[tuple[int, str, str]] = []
    codes: dict[str, int] = {}
    addresses: dict[str, int] = {}
    for row in reader:
        # The line of the file, for an editor counts empty lines too.
        number = reader.line_num
        if None in row:
            problems.append((number, "*", "has more fields than the header"))
            continue
        terminal, faults_here = read_row(row, gazetteer, profiles, links)
        problems.extend((number, column, rule) for column, rule in faults_here)
        if terminal is None:
            continue
        for seen, value, column in (
            (codes, terminal.code, "code"),
            (addresses, terminal.physical_address, "physical_address"),
        ):
            if value in seen:
                problems.append((number, column, f"{value} stands in row {seen[value]} already"))
            seen.setdefault(value, number)
        terminals.append(terminal)
    if problems:
        more = len(problems) - _SHOWN
        tail = [(problems[_SHOWN][0], "*", f"and {more} more faults")] if more > 0 else []
        raise RegistryError(*problems[:_SHOWN], *tail)
    return terminals


def read_registry_file(
    path: Path,
    gazetteer: Gazetteer,
    profiles: frozenset[str] = frozenset({"gdj089-2018"}),
    links: Set[Route] = frozenset(),
) -> list[Terminal]:
    """The same from a file in UTF-8, with or without a byte order mark."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return read_registry(file, gazetteer, profiles, links)
    except OSError as error:
        raise RegistryError((0, str(path), f"cannot be read: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise RegistryError((0, str(path), f"is not UTF-8: {error.reason} at byte {error.start}")) from error
