"""Area descriptions in the style of real warnings, what they truly mean, and how they are read: the confusion table.

``python -m tests.publishers.phrases`` writes the table into docs/areas.md; a test holds the page to it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.domain.warning import Severity, Status, Warning, WarningIdentity, WarningKind
from gateway.publishers.area_text import read_area_text
from gateway.publishers.reference import load_gazetteer
from gateway.publishers.sender_home import home_of
from gateway.publishers.spans import Reading

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "areas.md"
BEGIN, END = "<!-- phrases: begin -->", "<!-- phrases: end -->"


@dataclass(frozen=True)
class Phrase:
    """``meant``: what it truly means, None where the words alone do not say; ``within``: what may be in it then."""

    text: str
    sender: str
    meant: frozenset[AreaCode] | None
    within: frozenset[AreaCode]
    source: str


@dataclass(frozen=True)
class Judged:
    phrase: Phrase
    reading: Reading

    @property
    def strange(self) -> set[AreaCode]:
        """Divisions that it names though they are not meant; in a proposal to a person too."""
        allowed = self.phrase.within | (self.phrase.meant or frozenset())
        return {code for code in self.reading.codes if not any(one.covers(code) for one in allowed)}

    @property
    def verdict(self) -> str:
        if self.strange:
            return "wrong"
        if self.reading.certain:
            return "right" if frozenset(self.reading.codes) == self.phrase.meant else "wrong"
        if self.phrase.meant == frozenset() and self.reading.elsewhere:
            return "right"
        return "unresolved"

    @property
    def missed(self) -> bool:
        """Whether a person would have understood it from the words alone."""
        return self.verdict == "unresolved" and self.phrase.meant is not None


@cache
def gazetteer() -> Gazetteer:
    return load_gazetteer()


@cache
def phrases() -> tuple[Phrase, ...]:
    by_name = {gazetteer().full_name(area.code): area.code for area in gazetteer()}
    with (HERE / "data" / "area_phrases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Phrase(
            row["phrase"],
            row["sender"],
            None if row["meant"] == "?" else frozenset(by_name[name] for name in row["meant"].split()),
            frozenset(by_name[name] for name in row["within"].split()),
            row["source"],
        )
        for row in rows
    )


def home(sender: str) -> AreaCode | None:
    identity = WarningIdentity("office", "1", datetime(2026, 11, 26, tzinfo=UTC))
    warning = Warning(
        identity, Status.ACTUAL, WarningKind.ALERT, "Public", None, "", Severity.UNKNOWN, sender_name=sender
    )
    return home_of(warning, gazetteer())


def judge(phrase: Phrase) -> Judged:
    return Judged(phrase, read_area_text(phrase.text, gazetteer(), home=home(phrase.sender)))


def table() -> str:
    """The confusion table and every phrase, as the page has it."""
    judged = [judge(phrase) for phrase in phrases()]
    count = {name: sum(one.verdict == name for one in judged) for name in ("right", "unresolved", "wrong")}
    lines = [
        f"{len(judged)} phrases, {sum(one.phrase.source.startswith('real') for one in judged)} of them out of real"
        " warnings and the standard's samples:",
        "",
        "| | right 正确 | unresolved 待人确认 | wrong 错误 |",
        "|---|---|---|---|",
        f"| phrases | {count['right']} | {count['unresolved']} | {count['wrong']} |",
        f"| of them certain from their words alone | {count['right']} | {sum(one.missed for one in judged)} | |",
        "",
        "| phrase | sender | read as | rules, or doubts |",
        "|---|---|---|---|",
    ]
    lines += [_line(one) for one in judged]
    return "\n".join(lines)


def _line(one: Judged) -> str:
    reading = one.reading
    names = [gazetteer().full_name(code) for code in reading.codes]
    shown = "、".join(names[:4]) + (f" … ({len(names)})" if len(names) > 4 else "")
    why = ", ".join(dict.fromkeys(str(span.doubt or span.rule) for span in reading.spans))
    mark = shown if reading.certain else "?" + (f" ({shown})" if shown else "")
    real = " ⁽ʳ⁾" if one.phrase.source.startswith("real") else ""
    return f"| {one.phrase.text.replace('|', chr(92) + '|')}{real} | {one.phrase.sender} | {mark} | {why} |"


def page(text: str) -> str:
    """The page with the table of today."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
