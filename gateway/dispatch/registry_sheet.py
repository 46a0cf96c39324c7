"""The registry as a table for people: written as csv or xlsx, read from either, and what a file would change."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell

from gateway.dispatch.registry import Registry
from gateway.dispatch.registry_file import COLUMNS
from gateway.domain.receiver import Terminal
from gateway.errors import RegistryError

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: A workbook that unpacks to more is no registry.
_MOST_BYTES: Final = 100_000_000
#: Columns whose digits a spreadsheet rounds when it takes them for numbers.
_DIGITS: Final = ("code", "physical_address", "area")


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a terminal that a file would change."""

    code: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Differences:
    """What a file would do: codes that are new, fields that change, and how many rows stay as they are."""

    added: tuple[str, ...]
    changes: tuple[Change, ...]
    changed: int
    same: int


def row_of(terminal: Terminal) -> dict[str, str]:
    """A terminal as a row of the registry file."""
    return {
        "code": str(terminal.code),
        "physical_address": str(terminal.physical_address),
        "name": terminal.name,
        "area": str(terminal.area),
        "profile": terminal.profile,
        "routes": ";".join(map(str, terminal.routes)),
        "lat": "" if terminal.lat is None else repr(terminal.lat),
        "lon": "" if terminal.lon is None else repr(terminal.lon),
        "radius_m": f"{terminal.radius_m:g}",
        "in_service": "1" if terminal.in_service else "0",
    }


def differences(terminals: Iterable[Terminal], registry: Registry) -> Differences:
    """What these terminals would change."""
    added: list[str] = []
    changes: list[Change] = []
    changed = same = 0
    for terminal in terminals:
        entry = registry.by_code(terminal.code)
        if entry is None:
            added.append(str(terminal.code))
            continue
        old, new = row_of(entry.terminal), row_of(terminal)
        here = [Change(old["code"], name, old[name], new[name]) for name in COLUMNS if old[name] != new[name]]
        changes += here
        changed += bool(here)
        same += not here
    return Differences(tuple(added), tuple(changes), changed, same)


def csv_table(terminals: Iterable[Terminal]) -> bytes:
    """UTF-8 with a byte order mark, as spreadsheets want it; reads back as it is."""
    lines = io.StringIO(newline="")
    writer = csv.DictWriter(lines, COLUMNS)
    writer.writeheader()
    writer.writerows(map(row_of, terminals))
    return b"\xef\xbb\xbf" + lines.getvalue().encode()


def xlsx_table(terminals: Iterable[Terminal]) -> bytes:
    """A workbook whose cells are all text, so that no spreadsheet rounds a code."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("terminals")
    sheet.append(list(COLUMNS))
    for terminal in terminals:
        cells = []
        for value in row_of(terminal).values():
            cell = WriteOnlyCell(sheet, value=value)
            cell.data_type, cell.number_format = "s", "@"
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def lines_of(body: bytes, media_type: str) -> Sequence[str]:
    """The lines of a registry file, from csv or from the first sheet of a workbook. Errors: RegistryError."""
    if media_type != XLSX:
        try:
            return io.StringIO(body.decode("utf-8-sig"), newline="").readlines()
        except UnicodeDecodeError as error:
            raise RegistryError((0, "*", f"is not UTF-8: {error.reason} at byte {error.start}")) from error
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            if sum(item.file_size for item in packed.infolist()) > _MOST_BYTES:
                raise RegistryError((0, "*", f"unpacks to more than {_MOST_BYTES} bytes"))
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        rows = list(book.worksheets[0].iter_rows(values_only=True))
        book.close()
    except RegistryError:
        raise
    except Exception as error:
        # openpyxl raises whatever its parser does.
        raise RegistryError((0, "*", f"is no workbook: {type(error).__name__}")) from error
    return _as_lines(rows)


def _as_lines(rows: Sequence[Sequence[Any]]) -> list[str]:
    if not rows:
        raise RegistryError((1, "*", "is empty"))
    names = ["" if cell is None else str(cell).strip() for cell in rows[0]]
    while names and not names[-1]:
        names.pop()
    wide = len(names)
    faults: list[tuple[int, str, str]] = []
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(names)
    for number, row in enumerate(rows[1:], 2):
        cells = list(row[:wide]) + [None] * (wide - len(row))
        if all(cell is None for cell in cells):
            continue
        for name, cell in zip(names, cells, strict=True):
            if name in _DIGITS and isinstance(cell, int | float) and not isinstance(cell, bool):
                faults.append((number, name, "must be text: as a number a spreadsheet has rounded it"))
        writer.writerow(["" if cell is None else _text(cell) for cell in cells])
    if faults:
        raise RegistryError(*faults[:200])
    return io.StringIO(lines.getvalue(), newline="").readlines()


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
