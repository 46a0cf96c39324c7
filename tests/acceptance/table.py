"""Which test shows which row 条款与测试: the table of all chapters, and the mark by which a test takes its rows.

A chapter more is one entry of ``CHAPTERS`` and tests that say ``shows``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from tests.acceptance.adapter_clauses import ADAPTERS
from tests.acceptance.clauses import Chapter, Clause, Row
from tests.acceptance.platform_clauses import COUNTY_PLATFORM, PROVINCE
from tests.acceptance.terminal_clauses import TERMINALS

CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "GD/J 089-2018 附录 F",
        "大喇叭系统关键设备测量方法",
        "measurements of adapters and loudspeakers",
        (*ADAPTERS, *TERMINALS),
    ),
    Chapter(
        "GD/J 088-2018 附录 B",
        "县级应急广播平台的核心功能测量方法",
        "measurements of a county's platform",
        COUNTY_PLATFORM,
    ),
    Chapter(
        "县级村村响平台测试方案（18版标准）",
        "省平台对接测试十三项",
        "thirteen cases of a province's acceptance plan",
        PROVINCE,
    ),
)
#: Every row by its key, in the order of the chapters.
ROWS: dict[str, tuple[Clause, Row]] = {
    clause.key(row): (clause, row) for chapter in CHAPTERS for clause in chapter.clauses for row in clause.rows
}


def shows(*keys: str) -> pytest.MarkDecorator:
    """Mark a test as showing these rows; a number alone means all rows of its clause that are run."""
    return pytest.mark.shows(*keys)


def by(name: str, rows: Mapping[Any, Iterable[str]]) -> pytest.MarkDecorator:
    """One test for several clauses: a parameter, and the rows that each of its values shows."""
    values = [pytest.param(value, marks=shows(*keys), id=str(value)) for value, keys in rows.items()]
    return pytest.mark.parametrize(name, values)


def rows_of(key: str) -> list[str]:
    """The rows that a mark names. Errors: KeyError where it names none that is run."""
    found = [name for name, (clause, row) in ROWS.items() if not row.not_run and key in (clause.number, name)]
    if not found:
        raise KeyError(f"{key} is no row of the table that is run")
    return found


def rows_shown(marks: Iterable[pytest.Mark]) -> Iterator[str]:
    """The rows that the marks of a test name."""
    for mark in marks:
        if mark.name == "shows":
            for key in mark.args:
                yield from rows_of(key)
