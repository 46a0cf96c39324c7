"""The report of a month 月度报告: every message with what it reached, and the month's sums (GD/J 088-2018 6.2.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.coverage.contract import source_label
from gateway.coverage.model import CoverageSnapshot
from gateway.domain.areas import PopulationSource
from gateway.domain.message import EbmClass
from gateway.domain.warning import Severity
from gateway.reports.model import Column, Kind, Report, Table, Value
from gateway.store.rows import AlarmRow, MessageRow

_N, _P, _AT = Kind.COUNT, Kind.SHARE, Kind.TIME


@dataclass(frozen=True, slots=True)
class Told:
    """One message of the month with its coverage; None where it never went on air."""

    row: MessageRow
    publisher: str
    coverage: CoverageSnapshot | None


def month_report(
    month: str,
    messages: Sequence[Told],
    alarms: Sequence[AlarmRow],
    source: PopulationSource,
    *,
    gateway: str,
    made_by: str,
    made_at: float,
) -> Report:
    """Make the report of ``month`` (2026-11)."""
    counts = Counter((EbmClass(one.row.ebm_class), Severity(one.row.severity), one.row.state) for one in messages)
    sums: list[tuple[Value, ...]] = [
        (ebm_class.label, severity.label, state, count)
        for (ebm_class, severity, state), count in sorted(counts.items())
    ]
    rows: list[tuple[Value, ...]] = []
    for one in messages:
        row, found = one.row, one.coverage
        rows.append(
            (
                row.ebm_id,
                EbmClass(row.ebm_class).label,
                Severity(row.severity).label,
                row.headline,
                one.publisher,
                row.accepted_at,
                row.state,
                row.targets["population"],
                None if found is None else found.reached.proven.population,
                None if found is None else found.reached.proven.share,
                row.targets["terminals"],
                None if found is None else found.unreached,
            )
        )
    kinds = Counter((row.kind, row.level) for row in alarms)
    about = [
        ("月份 month", month),
        ("消息 messages", str(len(messages))),
        ("其中演练 of which drills", str(sum(EbmClass(one.row.ebm_class).is_drill for one in messages))),
        ("告警 alarms", str(len(alarms))),
        ("人口来源 population", source_label(source)),
    ]
    tables = (
        Table("about", "概况 About", (Column("项 item"), Column("内容 what")), about),
        Table(
            "sums",
            "分类合计 Sums",
            (Column("类型 class"), Column("级别 level"), Column("状态 state"), Column("条数 messages", _N)),
            sums,
        ),
        Table(
            "messages",
            "逐条 Messages",
            (
                Column("编码 EBM"),
                Column("类型 class"),
                Column("级别 level"),
                Column("标题 headline"),
                Column("发布者 publisher"),
                Column("受理 accepted", _AT),
                Column("状态 state"),
                Column("目标人口 people", _N),
                Column("已证实 proven", _N),
                Column("占比 share", _P),
                Column("终端 terminals", _N),
                Column("未达 missing", _N),
            ),
            rows,
            "规则 rule: 按比例 fraction",
        ),
        Table(
            "alarms",
            "告警 Alarms",
            (Column("类别 kind"), Column("级别 level"), Column("次数 alarms", _N)),
            [(*key, count) for key, count in sorted(kinds.items())],
        ),
    )
    return Report(
        name=f"month-{month}",
        title=month,
        subtitle="应急广播月度报告 Report of a month",
        made_at=made_at,
        made_by=made_by,
        gateway=gateway,
        drill=False,
        estimate=source.estimate,
        tables=tables,
    )
