"""The record of a run 验收记录: every row by number, with its result; printed, and written into a page of the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.table import ROWS, shown_by

PASS, FAIL, NOT_RUN = "通过 pass", "不通过 fail", "未执行 not run"
#: Between these lines of the page stands the table.
BEGIN, END = "<!-- table: make acceptance -->", "<!-- end of table -->"


class Verdict(NamedTuple):
    """What became of a test or a row, and why where it is no pass."""

    result: str
    reason: str = ""


def verdict_of(key: str, tests: list[str], outcomes: Mapping[str, Verdict]) -> Verdict:
    """A row passes when every test that shows it does."""
    _, row = ROWS[key]
    if row.not_run:
        return Verdict(NOT_RUN, row.not_run)
    found = [outcomes.get(test, Verdict(NOT_RUN, "未选中 not selected")) for test in tests]
    worst = (one for result in (FAIL, NOT_RUN) for one in found if one.result == result)
    return next(worst, Verdict(PASS) if found else Verdict(NOT_RUN, "没有测试 no test"))


def page_rows(shown: Mapping[str, list[str]], verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The table as Markdown."""
    yield "| 条款 clause | 名称 title | 应见 to be seen | 结果 result | 由何证明 shown by |"
    yield "|---|---|---|---|---|"
    last = ""
    for key, (clause, row) in ROWS.items():
        title = f"{clause.chinese} {clause.english}" if clause.number != last else ""
        last = clause.number
        result, reason = verdicts[key]
        tests = "<br>".join(f"`{name}`" for name in short(shown[key]))
        yield f"| {key} | {title} | {row.sees} | {result} | {tests or reason} |"


def short(tests: list[str]) -> list[str]:
    """File and function of tests, without what they are given."""
    names = (test.rpartition("/")[2].replace("::", ":").partition("[")[0] for test in tests)
    return list(dict.fromkeys(names))


@dataclass(eq=False)
class Reporter:
    """Gathers outcomes; prints the record when ``page`` is named, and writes it there when the run was whole."""

    page: Path | None
    outcomes: dict[str, Verdict] = field(default_factory=dict)
    shown: dict[str, list[str]] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Find out who shows what."""
        self.shown = shown_by(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an outcome; a failure while preparing or clearing up is a failure."""
        if report.failed:
            self.outcomes[report.nodeid] = Verdict(FAIL, str(report.longrepr).strip().rpartition("\n")[2])
        elif report.skipped and (known := getattr(report, "wasxfail", None)) is not None:
            self.outcomes[report.nodeid] = Verdict(FAIL, f"已知 known: {known}")
        elif report.skipped:
            self.outcomes[report.nodeid] = Verdict(NOT_RUN, str(report.longrepr))
        elif report.when == "call":
            self.outcomes.setdefault(report.nodeid, Verdict(PASS))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the record."""
        if self.page is None:
            return
        verdicts = {key: verdict_of(key, tests, self.outcomes) for key, tests in self.shown.items()}
        terminalreporter.section("GD/J 089-2018 附录 F 验收 acceptance")
        for key, (clause, row) in ROWS.items():
            result, reason = verdicts[key]
            said = f"{result}  {key}  {clause.chinese} {clause.english}：{row.sees}"
            terminalreporter.write_line(f"{said}（{reason}）" if reason else said)
        counts = [sum(one.result == result for one in verdicts.values()) for result in (PASS, FAIL, NOT_RUN)]
        summary = "  ".join(f"{name} {count}" for name, count in zip((PASS, FAIL, NOT_RUN), counts, strict=True))
        terminalreporter.write_line(f"仿真终端、环回网络 emulated terminals, loopback.  {summary}")
        if self._was_whole:
            self._write(self.page, "\n".join(page_rows(self.shown, verdicts)), summary)

    @property
    def _was_whole(self) -> bool:
        return all(test in self.outcomes for tests in self.shown.values() for test in tests) and all(
            self.shown[key] for key, (_, row) in ROWS.items() if not row.not_run
        )

    @staticmethod
    def _write(page: Path, table: str, summary: str) -> None:
        before, begin, rest = page.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        if begin and end:
            page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{summary}\n\n{END}{after}")
