"""Tables for a console of 100 columns: Chinese first, English beside, 演示估算 wherever people are an estimate.

They take plain data and give things that rich can print. Names come from files and devices, so they are shown as text:
no markup of theirs is obeyed, no control character passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gateway.coverage.contract import source_label
from gateway.coverage.figures import Figure, Reached, Target
from gateway.coverage.model import CoverageSnapshot
from gateway.coverage.standing import AreaStanding, Ratio, StandingCoverage
from gateway.domain.areas import PopulationSource
from gateway.domain.zone import BEIJING

#: What stands beside every figure of people that rests on an estimate.
ESTIMATE_MARK = "演示估算"

#: top, right, bottom, left of a cell.
_GAP = (0, 1, 0, 0)
_WIDE_BAR, _NARROW_BAR = 16, 4


@dataclass(frozen=True, slots=True)
class TerminalLine:
    """One terminal to be listed: ``state`` in words, ``seconds`` since the plan or None where nothing came."""

    code: str
    name: str
    place: str
    state: str
    seconds: float | None = None


def coverage_view(
    snapshot: CoverageSnapshot,
    *,
    slowest: Sequence[TerminalLine] = (),
    missing: Sequence[TerminalLine] = (),
    missing_total: int | None = None,
) -> RenderableType:
    """The whole picture of one message: classes, counties, the slowest terminals, those not reached."""
    parts: list[RenderableType] = [classes_table(snapshot), coverage_table(snapshot)]
    if slowest:
        parts.append(terminals_table("最慢终端 Slowest terminals", slowest))
    if missing:
        total = len(missing) if missing_total is None else missing_total
        shown = f"{len(missing)} / {total:,}" if total > len(missing) else f"{total:,}"
        parts.append(terminals_table(f"未到达终端 Terminals not reached: {shown}", missing))
    return Group(*parts)


def classes_table(snapshot: CoverageSnapshot) -> Table:
    """The three classes and, beside them, who answered."""
    table = _table("到达情况 Reached", snapshot.source, snapshot.as_of)
    table.add_column("证据 Evidence", no_wrap=True)
    table.add_column(_people_head("人口", "people", snapshot.source), justify="right", no_wrap=True)
    table.add_column("占比\nshare", justify="right", no_wrap=True)
    table.add_column("", width=_WIDE_BAR)
    table.add_column("村\nvillages", justify="right", no_wrap=True)
    table.add_column("终端\nterminals", justify="right", no_wrap=True)
    reached = snapshot.reached
    for label, style, figure in (
        ("已证实 proven", "bold green", reached.proven),
        ("转报 claimed", "yellow", reached.claimed),
        ("已发 sent", "cyan", reached.sent),
        ("已应答 answered (另计 beside)", "dim", snapshot.answered),
    ):
        table.add_row(Text(label, style), *_figure_cells(figure, style))
    table.add_section()
    table.add_row("目标 target", *_target_cells(snapshot.target))
    table.caption = _caption(f"规则 rule: {snapshot.rule.label}, {snapshot.rule.formula}", snapshot.source)
    return table


def coverage_table(snapshot: CoverageSnapshot) -> Table:
    """Coverage by county, the sum at the foot."""
    table = _table("按区县 By county", snapshot.source)
    table.add_column("区县\ncounty", overflow="fold")
    table.add_column(_people_head("人口", "people", snapshot.source), justify="right", no_wrap=True)
    table.add_column(_people_head("已证实", "proven", snapshot.source), justify="right", no_wrap=True)
    table.add_column("占比\nshare", justify="right", no_wrap=True)
    table.add_column("", width=_NARROW_BAR)
    table.add_column(_people_head("转报", "claimed", snapshot.source), justify="right", no_wrap=True)
    table.add_column(_people_head("已发", "sent", snapshot.source), justify="right", no_wrap=True)
    table.add_column("终端\nterminals", justify="right", no_wrap=True)
    table.add_column("应答\nanswered", justify="right", no_wrap=True)
    table.add_column("未达\nmissing", justify="right", no_wrap=True)
    for area in snapshot.areas:
        name = _plain(area.name)
        table.add_row(name, *_county_cells(area.target, area.reached, area.answered, area.unreached))
    table.add_section()
    table.add_row(
        Text("合计 total", "bold"),
        *_county_cells(snapshot.target, snapshot.reached, snapshot.answered, snapshot.unreached),
        style="bold",
    )
    return table


def terminals_table(title: str, lines: Sequence[TerminalLine]) -> Table:
    """A list of terminals, as given."""
    table = Table(title=Text(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=_GAP, pad_edge=False)
    table.add_column("编码 code", no_wrap=True)
    table.add_column("名称 name", no_wrap=True, overflow="ellipsis", max_width=20)
    table.add_column("所在 place", no_wrap=True, overflow="ellipsis", max_width=26)
    table.add_column("状态 state", no_wrap=True, overflow="ellipsis", max_width=20)
    table.add_column("秒 s", justify="right", no_wrap=True)
    for line in lines:
        seconds = "-" if line.seconds is None else f"{line.seconds:.2f}"
        table.add_row(_plain(line.code), _plain(line.name), _plain(line.place), _plain(line.state), seconds)
    return table


def standing_table(standing: StandingCoverage) -> Table:
    """Standing coverage of a division and of those below it."""
    table = _table("常态覆盖 Standing coverage", standing.source, standing.as_of)
    table.add_column("区划\ndivision", overflow="fold")
    table.add_column(_people_head("人口", "people", standing.source), justify="right", no_wrap=True)
    table.add_column("村\nvillages", justify="right", no_wrap=True)
    table.add_column("终端\nterminals", justify="right", no_wrap=True)
    table.add_column("在线\nonline", justify="right", no_wrap=True)
    table.add_column("规划覆盖\nplanned", justify="right", no_wrap=True)
    table.add_column("严格\nstrict", justify="right", no_wrap=True)
    table.add_column("在线覆盖\nlive", justify="right", no_wrap=True)
    table.add_column("演练证实\ndrilled", justify="right", no_wrap=True)
    table.add_column("村达标率\nvillages ≥2", justify="right", no_wrap=True)
    for area in standing.areas:
        table.add_row(_plain(area.name), *_standing_cells(area))
    table.add_section()
    table.add_row(_plain(standing.area.name), *_standing_cells(standing.area), style="bold")
    whole = standing.area
    rules = "; ".join(
        f"{r.rule} {r.formula}"
        for r in (whole.planned, whole.strict, whole.live, whole.drilled, whole.village_standard)
    )
    table.caption = _caption(rules, standing.source)
    return table


def _table(title: str, source: PopulationSource, as_of: float | None = None) -> Table:
    heading = Text(title, "bold")
    if source.estimate:
        heading.append("  ").append(f" {ESTIMATE_MARK} estimate ", "black on yellow")
    if as_of is not None:
        heading.append(f"  {datetime.fromtimestamp(as_of, BEIJING):%Y-%m-%d %H:%M:%S} 北京时间", "dim")
    return Table(
        title=heading, title_justify="left", box=box.SIMPLE_HEAD, padding=_GAP, pad_edge=False, caption_justify="left"
    )


def _caption(rule: str, source: PopulationSource) -> Text:
    caption = Text(rule, "dim")
    caption.append("\n人口来源 population: ").append_text(_plain(source_label(source)))
    if source.estimate:
        caption.append(f"  {ESTIMATE_MARK}", "yellow")
    return caption


def _people_head(chinese: str, english: str, source: PopulationSource) -> str:
    return f"{chinese}≈\n{english}" if source.estimate else f"{chinese}\n{english}"


def _figure_cells(figure: Figure, style: str) -> tuple[RenderableType, ...]:
    return (
        Text(f"{figure.population:,}", style),
        Text(f"{figure.share:.2%}", style),
        _bar(figure.share, style, _WIDE_BAR),
        f"{figure.villages:,}",
        f"{figure.terminals:,}",
    )


def _target_cells(target: Target) -> tuple[RenderableType, ...]:
    return (f"{target.population:,}", "", "", f"{target.villages:,}", f"{target.terminals:,}")


def _county_cells(target: Target, reached: Reached, answered: Figure, unreached: int) -> tuple[RenderableType, ...]:
    return (
        f"{target.population:,}",
        f"{reached.proven.population:,}",
        f"{reached.proven.share:.1%}",
        _bar(reached.proven.share, "green", _NARROW_BAR),
        f"{reached.claimed.population:,}",
        f"{reached.sent.population:,}",
        f"{target.terminals:,}",
        f"{answered.terminals:,}",
        Text(f"{unreached:,}", "bold red" if unreached else "green"),
    )


def _standing_cells(area: AreaStanding) -> tuple[RenderableType, ...]:
    return (
        f"{area.population:,}",
        f"{area.villages:,}",
        f"{area.registered:,}",
        f"{area.online:,}",
        _percent(area.planned),
        _percent(area.strict),
        _percent(area.live),
        _percent(area.drilled),
        _percent(area.village_standard),
    )


def _percent(ratio: Ratio) -> str:
    return f"{ratio.share:.1%}" if ratio.denominator else "-"


def _bar(share: float, style: str, cells: int) -> Text:
    full = min(cells, int(share * cells + 0.5))
    # Anything at all shows one cell, and only everything shows them all.
    full = max(full, 1) if share > 0 else 0
    full = min(full, cells - 1) if share < 1 else full
    return Text("█" * full, style).append("░" * (cells - full), "dim")


def _plain(text: str) -> Text:
    return Text("".join(character if character.isprintable() else "·" for character in text))
