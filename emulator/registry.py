"""Registry file 终端注册表: which terminals there are, with every fault named by row and column."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.domain.codes import PhysicalAddress, ResourceCode
from gateway.errors import InvalidValueError, RegistryError

#: Columns of the file; the emulator reads those named in ``_NEEDED``, and ``routes`` and ``in_service`` where present.
COLUMNS: Final = (
    "code", "physical_address", "name", "area", "profile", "routes", "lat", "lon", "radius_m", "in_service",
)  # fmt: skip
_NEEDED: Final = ("code", "physical_address")
_NO: Final = frozenset({"0", "false", "no", "否"})
#: Problems named before reading stops.
_ENOUGH: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One terminal to emulate."""

    code: ResourceCode
    physical: PhysicalAddress
    name: str = ""


def read_registry(path: Path, route: str = "ip") -> list[Row]:
    """Read the terminals in service that ``route`` reaches (``ip``, ``mqtt``, ``udp``).

    Raises RegistryError with row, column and rule of each fault.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _rows(csv.DictReader(file), route)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RegistryError((1, "file", str(error))) from error


def _rows(reader: csv.DictReader[str], route: str) -> list[Row]:
    missing = [column for column in _NEEDED if column not in (reader.fieldnames or ())]
    if missing:
        raise RegistryError(*((1, column, "column is missing") for column in missing))
    rows: list[Row] = []
    problems: list[tuple[int, str, str]] = []
    seen: dict[ResourceCode, int] = {}
    for number, record in enumerate(reader, 2):
        kinds = {way.strip().partition(":")[0] for way in (record.get("routes") or "ip").split(";")}
        if (record.get("in_service") or "").strip().lower() in _NO or route not in kinds:
            continue
        try:
            row = Row(
                ResourceCode((record["code"] or "").strip()),
                PhysicalAddress((record["physical_address"] or "").strip()),
                (record.get("name") or "").strip(),
            )
        except InvalidValueError as error:
            problems.append((number, error.field, error.rule))
        else:
            if row.code in seen:
                problems.append((number, "code", f"stands in row {seen[row.code]} already"))
            seen[row.code] = number
            rows.append(row)
        if len(problems) >= _ENOUGH:
            break
    if problems:
        raise RegistryError(*problems)
    return rows
