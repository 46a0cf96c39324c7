"""Tables as files for spreadsheets: csv in a zip, and xlsx."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from gateway.reports.model import Kind, Report, Value, raw_of, text_of

#: What makes a spreadsheet take text for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_FORMATS: Final = {Kind.COUNT: "#,##0", Kind.SHARE: "0.00%", Kind.SECONDS: "0.000"}
_LONGEST_CELL: Final = 32_000
_SHEET_NAME: Final = 31


def csv_of(report: Report) -> bytes:
    """A zip with one csv for each table, UTF-8 with a BOM, as spreadsheets want it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, table in enumerate(report.tables, 1):
            lines = io.StringIO(newline="")
            writer = csv.writer(lines)
            writer.writerow([column.title for column in table.columns])
            for row in table.rows:
                cells = zip(row, table.columns, strict=True)
                writer.writerow([_harmless(raw_of(value, column.kind)) for value, column in cells])
            archive.writestr(f"{place:02d}-{table.key}.csv", "\ufeff" + lines.getvalue())
        archive.writestr("README.txt", "\ufeff" + _heading(report) + "\n")
    return packed.getvalue()


def xlsx_of(report: Report) -> bytes:
    """A workbook with one sheet for each table."""
    book = Workbook(write_only=True)
    bold = Font(bold=True)
    for table in report.tables:
        sheet = book.create_sheet(table.title.partition(":")[0].replace("/", " ")[:_SHEET_NAME])
        sheet.append([_heading(report)])
        sheet.append([table.title, table.note])
        head = [WriteOnlyCell(sheet, value=column.title) for column in table.columns]
        for cell in head:
            cell.font = bold
        sheet.append(head)
        formats = [_FORMATS.get(column.kind) for column in table.columns]
        for row in table.rows:
            cells = []
            for value, column, form in zip(row, table.columns, formats, strict=True):
                given = _harmless(raw_of(value, column.kind))
                if form is None or given is None:
                    cells.append(given)
                    continue
                cell = WriteOnlyCell(sheet, value=given)
                cell.number_format = form
                cells.append(cell)
            sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _heading(report: Report) -> str:
    made = text_of(report.made_at, Kind.TIME)
    mark = "；演练 DRILL" if report.drill else ""
    return f"{report.gateway}：{report.subtitle}：{report.title}；{made} 北京时间 Beijing time，{report.made_by}{mark}"


def _harmless(value: Value) -> Value:
    """Text that would be a formula gets an apostrophe before it; what no cell holds is cut, and says so."""
    if not isinstance(value, str):
        return value
    clean = "".join(character if character.isprintable() or character == "\n" else "·" for character in value)
    if len(clean) > _LONGEST_CELL:
        clean = clean[:_LONGEST_CELL] + "…"
    return f"'{clean}" if clean.startswith(_FORMULA) and not _is_number(clean) else clean


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
