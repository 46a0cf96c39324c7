"""The list of clauses in docs/acceptance.md 条款清单; ``python -m tests.acceptance.listing`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.acceptance.clauses import Clause, Row
from tests.acceptance.table import CHAPTERS

PAGE = Path(__file__).parents[2] / "docs" / "acceptance.md"
#: Between these lines of the page stands the list.
BEGIN, END = "<!-- list: python -m tests.acceptance.listing -->", "<!-- end of list -->"


def listing() -> str:
    """All clauses, what is done and what is to be seen, as Markdown."""
    return "\n".join(line for chapter in CHAPTERS for line in _chapter(chapter.clauses, f"### {chapter.source}"))


def _chapter(clauses: tuple[Clause, ...], head: str) -> Iterator[str]:
    yield head
    yield ""
    yield "| 条款 clause | 名称 name | 所做 done | 应见 to be seen |"
    yield "|---|---|---|---|"
    for clause in clauses:
        rows = "<br>".join(_row(row) for row in clause.rows)
        yield f"| {clause.number} | {clause.chinese} {clause.english} | {clause.does} | {rows} |"
    yield ""


def _row(row: Row) -> str:
    reason = f"（**未执行 not run**：{row.not_run}）" if row.not_run else ""
    return f"**{row.name}** {row.sees}{reason}"


def written(page: str) -> str:
    """The page with the list of today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{listing()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
