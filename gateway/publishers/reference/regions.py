"""Regional words 区域词 with the divisions that a stated source gives to them, such as 沿海乡镇 of a county."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.errors import InvalidValueError, RegistryError
from gateway.publishers.reference.tables import packaged, read_table, rows

REGIONS = "regions.csv"


@dataclass(frozen=True, slots=True)
class Region:
    """What ``words`` mean within ``of``, and who says so."""

    of: AreaCode
    words: str
    divisions: tuple[AreaCode, ...]
    source: str


class Regions:
    """The table of regions, by division and words."""

    def __init__(self, regions: Iterable[Region] = ()) -> None:
        self._by_words: Mapping[tuple[AreaCode, str], Region] = {(r.of, r.words): r for r in regions}

    def __len__(self) -> int:
        return len(self._by_words)

    def get(self, of: AreaCode, words: str) -> Region | None:
        """The region, or None where no source gives it."""
        return self._by_words.get((of, words))


def load_regions(gazetteer: Gazetteer, folder: Path | None = None) -> Regions:
    """The table ``regions.csv`` of ``folder`` (code, words, divisions parted by blanks, source), else of the package.

    The package's own has no rows: no public source was found that lists the townships of a coast or a mountain side,
    and the outlines at hand are of counties. Raises RegistryError with rows and columns.
    """
    local = folder / REGIONS if folder is not None else None
    text = read_table(local) if local is not None and local.exists() else packaged(REGIONS)
    found: list[Region] = []
    problems: list[tuple[int, str, str]] = []
    for number, row in rows(text, "code", "words", "divisions", "source"):
        of = _code(row["code"], number, "code", gazetteer, problems)
        inside = [_code(digits, number, "divisions", gazetteer, problems) for digits in row["divisions"].split()]
        if not row["words"].strip() or not row["source"].strip() or not inside:
            problems.append((number, "", "words, divisions and source must all be there"))
        if of is None or None in inside:
            continue
        divisions = tuple(code for code in inside if code is not None)
        strange = [code for code in divisions if not of.covers(code) or code == of]
        problems.extend((number, "divisions", f"{code} does not lie inside {of}") for code in strange)
        found.append(Region(of, row["words"].strip(), divisions, row["source"].strip()))
    if problems:
        raise RegistryError(*problems[:50])
    return Regions(found)


def _code(
    digits: str, number: int, column: str, gazetteer: Gazetteer, problems: list[tuple[int, str, str]]
) -> AreaCode | None:
    try:
        code = AreaCode(digits.strip())
    except InvalidValueError as error:
        problems.append((number, column, f"{digits[:20]!r}: {error.rule}"))
        return None
    if code not in gazetteer:
        problems.append((number, column, f"{code} is no division of divisions.csv"))
        return None
    return code
