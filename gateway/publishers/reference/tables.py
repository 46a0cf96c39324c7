"""Reading CSV tables of reference data, with faults by row and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from gateway.errors import RegistryError


def packaged(name: str) -> str:
    """Text of a table that ships with the package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def read_table(path: Path) -> str:
    """Text of a table on disk; raise RegistryError when it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RegistryError((1, path.name, f"cannot be read: {error.strerror}")) from None
    except UnicodeDecodeError:
        raise RegistryError((1, path.name, "is not UTF-8 text")) from None


def rows(text: str, *columns: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV table with their numbers (the header is 1); ``columns`` must be there."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise RegistryError(*((1, name, "column is missing") for name in missing))
        for number, row in enumerate(reader, 2):
            if None in row or None in row.values():
                raise RegistryError((number, "", "has more or fewer fields than the header"))
            yield number, row
    except csv.Error as error:
        raise RegistryError((reader.line_num, "", f"is not CSV: {error}")) from None
