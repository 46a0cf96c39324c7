"""Which test shows which row 条款与测试: the table of all clauses, and the mark by which a test takes its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.acceptance.adapter_clauses import ADAPTERS
from tests.acceptance.clauses import Clause, Row
from tests.acceptance.terminal_clauses import TERMINALS

CLAUSES: tuple[Clause, ...] = (*ADAPTERS, *TERMINALS)
#: Every row by its key, in the order of the numbers.
ROWS: dict[str, tuple[Clause, Row]] = {clause.key(row): (clause, row) for clause in CLAUSES for row in clause.rows}


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
        raise KeyError(f"{key} is no row of appendix F that is run")
    return found


def shown_by(items: Iterable[pytest.Item]) -> dict[str, list[str]]:
    """Node ids of the tests that show a row, by its key."""
    found: dict[str, list[str]] = {name: [] for name in ROWS}
    for item in items:
        for mark in item.iter_markers("shows"):
            for key in mark.args:
                for name in rows_of(key):
                    found[name].append(item.nodeid)
    return found
