"""Tables: right at 100 columns, honest about estimates, deaf to markup from outside."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from gateway.coverage.figures import Figure, Reached, Rule, Target
from gateway.coverage.model import AreaCoverage, CoverageSnapshot, TimelinePoint
from gateway.coverage.standing import standing
from gateway.coverage.table import (
    ESTIMATE_MARK,
    TerminalLine,
    classes_table,
    coverage_table,
    coverage_view,
    standing_table,
    terminals_table,
)
from gateway.domain.areas import PopulationSource
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Outcome, Rung
from tests.coverage.town import CITY, Town

ESTIMATED = PopulationSource("census split evenly", "2020-11-01", estimate=True)
OFFICIAL = PopulationSource("census", "2020-11-01", estimate=False)


def _printed(thing: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)
    console.print(thing)
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def _snapshot(source: PopulationSource = ESTIMATED, county: str = "晋江市") -> CoverageSnapshot:
    target = Target(8_782_285, 2572, 4021)
    reached = Reached(
        Figure(5_270_113, 0.6001, 1500, 2400), Figure(1_756_457, 0.2, 500, 800), Figure(1_310_000, 0.1492, 400, 600)
    )
    answered, states = Figure(8_000_000, 0.9109, 2500, 3800), dict.fromkeys(Rung, 0)
    area = AreaCoverage(AreaCode("350582000000"), county, target, reached, answered, states, unreached=221)
    return CoverageSnapshot(
        as_of=1_785_000_000.0,
        rule=Rule.FRACTION,
        target=target,
        reached=reached,
        answered=answered,
        states=states,
        outcomes=dict.fromkeys(Outcome, 0),
        areas=(area,) * 3,
        source=source,
        timeline=(TimelinePoint(1_785_000_000.0, 0, 0, 0, 0),),
    )


LINE = TerminalLine("63505240010010314010401", "凤城镇先声社区居委会 1 号", "安溪县凤城镇", "sent unreachable", None)


def test_everything_fits_a_hundred_columns_and_no_figure_is_cut() -> None:
    text = _printed(coverage_view(_snapshot(), slowest=[LINE], missing=[LINE] * 3, missing_total=221))
    assert max(cell_len(line) for line in text.splitlines()) <= 100
    for figure in ("8,782,285", "5,270,113", "1,756,457", "1,310,000", "4,021", "3,800", "221"):
        assert figure in text
    assert "…" not in _printed(coverage_table(_snapshot()))


def test_columns_stand_under_each_other_though_characters_are_wide() -> None:
    lines = [line for line in _printed(coverage_table(_snapshot())).splitlines() if "8,782,285" in line]
    assert len(lines) == 4
    ends = {cell_len(line[: line.index("8,782,285")]) for line in lines}
    assert len(ends) == 1


@pytest.mark.parametrize("make", [classes_table, coverage_table])
def test_an_estimate_says_so_and_an_official_figure_does_not(make: object) -> None:
    assert callable(make)
    assert ESTIMATE_MARK in _printed(make(_snapshot(ESTIMATED)))
    assert ESTIMATE_MARK not in _printed(make(_snapshot(OFFICIAL)))


def test_the_rule_its_formula_and_the_source_stand_beside_the_figures() -> None:
    text = _printed(classes_table(_snapshot()))
    for word in ("fraction", "min(1, n/N)", "census split evenly", "2020-11-01", "已证实 proven", "北京时间"):
        assert word in text
    assert "2026-07-26 01:20:00" in text


def test_names_from_outside_are_text_and_nothing_else() -> None:
    hostile = TerminalLine("1", "[red]x[/red]\x1b[2J", "a\nb", "\x07", 1.5)
    text = _printed(terminals_table("t", [hostile]))
    assert "[red]x[/red]·[2J" in text
    assert "a·b" in text
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]" in _printed(coverage_table(_snapshot(county="[bold]")))


def test_a_list_says_how_many_it_does_not_show() -> None:
    text = _printed(coverage_view(_snapshot(), missing=[LINE], missing_total=221))
    assert "1 / 221" in text
    assert "slowest" not in text.lower()


def test_seconds_are_shown_and_their_absence_too() -> None:
    text = _printed(terminals_table("t", [LINE, TerminalLine("2", "n", "p", "playing", 1.234)]))
    assert "1.23" in text
    assert text.count(" -") >= 1


def test_standing_coverage_shows_divisions_sum_and_rules() -> None:
    town = Town((900, 400, 500), (2, 1, 0))
    result = standing(town.gazetteer, CITY, [(a, True) for a in town.terminals.values()], as_of=1_785_000_000.0)
    text = _printed(standing_table(result))
    assert max(cell_len(line) for line in text.splitlines()) <= 100
    for word in ("鲤城区", "安溪县", "泉州市", "72.2%", "50.0%", "[N ≥ 2]", ESTIMATE_MARK):
        assert word in text


def test_a_bar_shows_something_for_anything_and_all_only_for_all() -> None:
    def bars(share: float) -> tuple[int, int]:
        snapshot = _snapshot()
        reached = Reached(Figure(1, share, 1, 1), Figure(0, 0.0, 0, 0), Figure(0, 0.0, 0, 0))
        area = AreaCoverage(
            snapshot.areas[0].code, "x", snapshot.target, reached, snapshot.answered, snapshot.states, 0
        )
        shown = CoverageSnapshot(
            0.0, Rule.ANY, snapshot.target, reached, snapshot.answered, {}, {}, (area,), OFFICIAL, ()
        )
        line = next(row for row in _printed(coverage_table(shown)).splitlines() if row.strip().startswith("x"))
        return line.count("█"), line.count("░")

    assert bars(0.0)[0] == 0
    assert bars(0.0001)[0] == 1
    assert bars(0.9999)[1] == 1
    assert bars(1.0)[1] == 0
