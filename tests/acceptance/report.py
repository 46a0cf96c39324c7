"""The record of a run 验收记录: every row by number, what was really seen, the result; printed and written."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.security.sm2 import default_provider
from tests.acceptance.table import CHAPTERS, ROWS, rows_shown

PASS, FAIL, NOT_RUN = "通过 pass", "不通过 fail", "未执行 not run"
#: Property of a test: the key of a row and what was seen of it.
SAW = "saw"


class Verdict(NamedTuple):
    """What became of a row: the result, and what was seen or why it is no pass."""

    result: str
    seen: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of a test; ``saw`` by the key of a row."""

    result: str
    reason: str = ""
    saw: dict[str, str] = field(default_factory=dict)


def verdict_of(key: str, tests: list[str], outcomes: Mapping[str, Outcome]) -> Verdict:
    """A row passes when every test that shows it does, and each has noted what it saw."""
    _, row = ROWS[key]
    if row.not_run:
        return Verdict(NOT_RUN, row.not_run)
    if not tests:
        return Verdict(FAIL, "没有测试 no test shows it")
    found = [outcomes.get(test, Outcome(NOT_RUN, "未选中 not selected")) for test in tests]
    for result in (FAIL, NOT_RUN):
        for one in found:
            if one.result == result:
                return Verdict(result, one.reason)
    if not all(one.saw.get(key) for one in found):
        return Verdict(FAIL, "测试未记录所见 a test noted nothing that it saw")
    return Verdict(PASS, "；".join(one.saw[key] for one in found))


def table(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The record as Markdown, chapter by chapter."""
    for chapter in CHAPTERS:
        yield f"## {chapter.source} {chapter.chinese} {chapter.english}"
        yield ""
        yield "| 条款 clause | 名称 name | 所做 done | 应见 to be seen | 所见 seen | 结果 result |"
        yield "|---|---|---|---|---|---|"
        for clause in chapter.clauses:
            head = (f"{clause.chinese} {clause.english}", clause.does)
            for row in clause.rows:
                result, seen = verdicts[clause.key(row)]
                yield "| " + " | ".join(map(_cell, (clause.key(row), *head, row.sees, seen, result))) + " |"
                head = ("", "")
        yield ""


def lines(verdicts: Mapping[str, Verdict]) -> Iterator[str]:
    """The same for a terminal: clause by clause, a line for each row."""
    for chapter in CHAPTERS:
        yield f"{chapter.source} {chapter.chinese} {chapter.english}"
        for clause in chapter.clauses:
            yield f"{clause.number}  {clause.chinese} {clause.english}｜所做 done: {clause.does}"
            for row in clause.rows:
                result, seen = verdicts[clause.key(row)]
                yield f"    {result}｜{row.name}｜{row.sees}｜{seen}"


def counts(verdicts: Mapping[str, Verdict]) -> str:
    """How many rows passed, failed and were not run."""
    found = [one.result for one in verdicts.values()]
    return "，".join(f"{result} {found.count(result)}" for result in (PASS, FAIL, NOT_RUN))


def _cause(longrepr: object) -> str:
    """Why a test failed, in one line."""
    crash = getattr(longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(longrepr).strip().rpartition("\n")[2]
    return str(text).partition("\n")[0].strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


@dataclass(eq=False)
class Reporter:
    """Gathers outcomes; prints and writes the record when ``page`` is named, and then fails the run if a row failed."""

    page: Path | None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    shown: dict[str, list[str]] = field(default_factory=lambda: {key: [] for key in ROWS})

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Find out who shows what, before some are deselected."""
        for item in items:
            for key in rows_shown(item.iter_markers("shows")):
                self.shown[key].append(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an outcome; a failure while preparing or clearing up is a failure."""
        outcome = self.outcomes.setdefault(report.nodeid, Outcome(NOT_RUN))
        if report.failed:
            outcome.result, outcome.reason = FAIL, _cause(report.longrepr)
        elif report.skipped and (known := getattr(report, "wasxfail", None)) is not None:
            outcome.result, outcome.reason = FAIL, f"已知 known: {known}"
        elif report.skipped:
            outcome.reason = str(report.longrepr)
        elif report.when == "call":
            outcome.result = PASS
        for name, value in report.user_properties:
            if name == SAW and isinstance(value, tuple | list):
                outcome.saw[value[0]] = value[1]

    def verdicts(self) -> dict[str, Verdict]:
        """The result of every row."""
        return {key: verdict_of(key, tests, self.outcomes) for key, tests in self.shown.items()}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A row that failed fails the run, also where pytest itself was content."""
        if self.page is not None and any(one.result == FAIL for one in self.verdicts().values()):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the record, and write it."""
        if self.page is None:
            return
        verdicts = self.verdicts()
        terminalreporter.section("验收 acceptance")
        for line in lines(verdicts):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"{counts(verdicts)}。{_SETTING}。{self.page}")
        self.page.parent.mkdir(parents=True, exist_ok=True)
        self.page.write_text("\n".join((_head(), f"{counts(verdicts)}。", "", *table(verdicts))), encoding="utf-8")


_SETTING = "仿真终端、真实守护进程对象与环回套接字 emulated terminals, the real daemon, sockets of loopback"


def _head() -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S %z")
    return (
        "# 验收记录 Record of acceptance\n\n"
        f"{when}，Python {platform.python_version()}，SM2: {default_provider().name}。{_SETTING}。"
        "所做、方法见 what is done and how: docs/acceptance.md。\n"
    )
