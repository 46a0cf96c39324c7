"""The table itself: it is whole, each row that is run has its tests, and what fails is told as a failure."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tests.acceptance as folder
from tests.acceptance.clauses import CONTROL, Clause
from tests.acceptance.listing import PAGE, written
from tests.acceptance.report import FAIL, NOT_RUN, PASS, Outcome, Reporter, verdict_of
from tests.acceptance.table import CHAPTERS, ROWS, rows_of, rows_shown

CLAUSES = [clause for chapter in CHAPTERS for clause in chapter.clauses]
RUN = [key for key, (_, row) in ROWS.items() if not row.not_run]
ROOT = Path(__file__).parents[2]


def marked() -> set[str]:
    """Rows that the tests of this folder name, whether these are collected now or not."""
    found: set[str] = set()
    for module in pkgutil.iter_modules(folder.__path__):
        if not module.name.startswith("test_"):
            continue
        for test in vars(import_module(f"{folder.__name__}.{module.name}")).values():
            marks = getattr(test, "pytestmark", ()) if callable(test) else ()
            sets = [value for mark in marks if mark.name == "parametrize" for value in mark.args[1]]
            found.update(rows_shown(marks))
            found.update(key for value in sets if hasattr(value, "marks") for key in rows_shown(value.marks))
    return found


def test_numbers_are_unique() -> None:
    assert len(ROWS) == sum(len(clause.rows) for clause in CLAUSES)


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.number)
def test_every_letter_of_the_text_is_told(clause: Clause) -> None:
    told = {*clause.acts, *(row.letter for row in clause.rows if row.letter)}
    assert told == set(clause.letters)
    run = [row for row in clause.rows if not row.not_run]
    assert not run or CONTROL in [row.name for row in run]


def test_every_row_that_is_run_is_shown_by_a_test() -> None:
    assert sorted(set(RUN) - marked()) == []


def test_a_mark_names_a_row_that_is_run() -> None:
    assert rows_of("F.6.5") == ["F.6.5 c", "F.6.5 d", f"F.6.5 {CONTROL}"]
    for wrong in ("F.9.1", "F.1.1 z", "F.1.1 d"):
        with pytest.raises(KeyError):
            rows_of(wrong)


def test_the_page_lists_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page, "python -m tests.acceptance.listing"


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ({"one": Outcome(PASS, saw={"F.6.1 c": "x"}), "two": Outcome(PASS, saw={"F.6.1 c": "y"})}, PASS),
        ({"one": Outcome(PASS, saw={"F.6.1 c": "x"}), "two": Outcome(PASS, saw={"F.6.1 d": "y"})}, FAIL),
        ({"one": Outcome(PASS, saw={"F.6.1 c": "x"}), "two": Outcome(FAIL, "boom")}, FAIL),
        ({"one": Outcome(NOT_RUN, "skipped"), "two": Outcome(FAIL, "boom")}, FAIL),
        ({"one": Outcome(PASS, saw={"F.6.1 c": "x"})}, NOT_RUN),
    ],
)
def test_a_row_passes_when_all_its_tests_do_and_saw_something(outcomes: dict[str, Outcome], result: str) -> None:
    assert verdict_of("F.6.1 c", ["one", "two"], outcomes).result == result


def test_a_row_without_a_test_fails() -> None:
    assert verdict_of("F.6.1 c", [], {}).result == FAIL
    assert verdict_of("F.6.8 c 升级 upgrade", [], {}).result == NOT_RUN


def test_a_row_that_fails_fails_the_run() -> None:
    reporter = Reporter(Path("record.md"), shown={key: ["all"] if key in RUN else [] for key in ROWS})
    reporter.outcomes["all"] = Outcome(PASS, saw=dict.fromkeys(RUN, "seen"))
    session: Any = SimpleNamespace(exitstatus=0)
    reporter.pytest_sessionfinish(session)
    assert session.exitstatus == 0
    reporter.outcomes["all"].saw.pop("F.6.1 c")
    reporter.pytest_sessionfinish(session)
    assert session.exitstatus == 1


TEST = """
from tests.acceptance.table import shows

@shows("F.6.1 c")
def test_good(saw):
    saw("c", "a start | of 203 B")

@shows("F.6.1 d")
def test_bad(saw):
    saw("d", "it plays")
    assert False, "it did not play"

@shows("F.6.2 c")
def test_stray(saw):
    saw("d", "a row of another test")
"""


def test_the_record_is_printed_and_written(tmp_path: Path) -> None:
    test, page = tmp_path / "test_sample.py", tmp_path / "build" / "record.md"
    test.write_text(TEST)
    plugin = ("-p", "tests.acceptance.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin, "--acceptance-page", str(page), str(test)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    rows = {line.split(" | ")[0].strip("| "): line for line in page.read_text(encoding="utf-8").splitlines()}
    assert rows["F.6.1 c"].endswith("a start \\| of 203 B | 通过 pass |")
    assert "it did not play" in rows["F.6.1 d"] and rows["F.6.1 d"].endswith("不通过 fail |")
    assert "KeyError" in rows["F.6.2 c"] and rows["F.6.2 c"].endswith("不通过 fail |")
    assert rows["F.6.8 c 升级 upgrade"].endswith("未执行 not run |")
    assert "通过 pass｜c｜开播输出为 D 0x01 is put out｜a start | of 203 B" in run.stdout
