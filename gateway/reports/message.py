"""The report of one message 单次播发报告, also of a drill: made from what is committed, months later the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from gateway.coverage.books import Books, OpenBook
from gateway.coverage.contract import source_label
from gateway.coverage.figures import Figure, Rule
from gateway.dispatch.live import LogEntry, Sent
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Rung
from gateway.domain.message import Command, EbmClass
from gateway.domain.orders import Receipt
from gateway.domain.plans import Scheme
from gateway.domain.warning import Severity
from gateway.errors import FrameError
from gateway.protocols import feedback, ip
from gateway.reports.model import Column, Curve, Dot, Kind, Report, Table, Value, text_of
from gateway.store.rows import AuditRow, MessageRow, WarningRow

#: Seconds from the whole warning to its last frame (GD/J 088-2018 table 1; 089-2018 tables 1 to 3 for the front end).
LIMITS: Final = {Severity.RED: 10.0}
LIMIT_BELOW: Final = 30.0

_T, _N, _P, _S, _AT = Kind.TEXT, Kind.COUNT, Kind.SHARE, Kind.SECONDS, Kind.TIME
_MARKS: Final = (0.5, 0.9, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Source:
    """All that a report is made from; ``audit`` what people did to the message, oldest first."""

    row: MessageRow
    warning: WarningRow | None
    opened: OpenBook
    books: Books
    gazetteer: Gazetteer
    audit: Sequence[AuditRow]
    event: str
    gateway: str
    made_by: str
    made_at: float


@dataclass(slots=True)
class _Seen:
    """What the log says of one terminal."""

    routes: list[str] = field(default_factory=list)
    first_sent: float = math.inf
    receipts: list[Receipt] = field(default_factory=list)


def message_report(source: Source) -> Report:
    """Make the report; takes a second for thousands of receivers, so it belongs into a thread."""
    row = source.row
    drill = EbmClass(row.ebm_class).is_drill
    seen = _seen(source.opened.live.log)
    found = source.opened.book.snapshot(source.made_at, Rule.FRACTION, source.opened.state)
    tables = (
        _about(source),
        _people(source),
        _counties(source),
        _timeliness(source, seen),
        _missing(source),
        _acts(source),
        _evidence(seen),
        _receivers(source, seen),
        _raw(source, seen),
    )
    points = [(p.t - row.accepted_at, p.proven, p.claimed, p.sent, p.answered) for p in found.timeline]
    return Report(
        name=f"{'drill' if drill else 'message'}-{row.ebm_id}",
        title=row.headline,
        subtitle="演练报告 Report of a drill" if drill else "应急广播播发报告 Report of a broadcast",
        made_at=source.made_at,
        made_by=source.made_by,
        gateway=source.gateway,
        drill=drill,
        estimate=found.source.estimate,
        tables=tables,
        curve=Curve(points, found.target.population),
        dots=_dots(source),
    )


def _seen(log: Iterable[LogEntry]) -> dict[int, _Seen]:
    seen: dict[int, _Seen] = {}
    for entry in log:
        if isinstance(entry, Receipt):
            if entry.terminal_id is not None:
                seen.setdefault(entry.terminal_id, _Seen()).receipts.append(entry)
        elif isinstance(entry, Sent) and entry.command is Command.START:
            for number in entry.terminals:
                about = seen.setdefault(number, _Seen())
                about.routes.append(str(entry.route))
                about.first_sent = min(about.first_sent, entry.at)
    return seen


def _about(source: Source) -> Table:
    row, warning, gazetteer = source.row, source.warning, source.gazetteer
    scheme = Scheme.from_facts(cast("Mapping[str, Any] | None", row.scheme))
    areas = "、".join(gazetteer.full_name(AreaCode(code)) for code in row.areas)
    known: list[tuple[str, Value]] = [
        ("标题 headline", row.headline),
        ("正文 text", row.text),
        ("性质 kind", EbmClass(row.ebm_class).label),
        ("事件 event", f"{row.event} {source.event}"),
        ("级别 level", Severity(row.severity).label),
        ("区域 areas", areas),
        ("状态 state", f"{row.state} {row.state_reason}".strip()),
        ("应急广播消息编码 EBM", row.ebm_id),
        ("发布者 publisher", "" if warning is None else warning.publisher),
        ("信息标识 identity", "" if warning is None else f"{warning.sender}, {warning.identifier}, {warning.sent}"),
        ("处置人 actor", row.actor),
        ("预案 plan", f"{scheme.plan} {scheme.title}".strip() or "无 none"),
        ("审核 approval", ", ".join(scheme.ruling.reasons) if scheme.ruling.needed else "无须 none"),
        ("受理 accepted", _clock(row.accepted_at)),
        ("播出 on air", _clock(row.activated_at)),
        ("停播时间 end of air time", _clock(row.end_at)),
        ("结束 over", _clock(row.ended_at)),
        ("人口来源 population", source_label(gazetteer.source)),
    ]
    columns = (Column("项 item"), Column("内容 what"))
    return Table("about", "概况 About", columns, [(name, value) for name, value in known])


def _clock(at: float | None) -> str:
    return text_of(at, _AT)


def _people(source: Source) -> Table:
    rows: list[tuple[Value, ...]] = []
    for rule in (Rule.FRACTION, Rule.ANY):
        found = source.opened.book.snapshot(source.made_at, rule, source.opened.state)
        classes: list[tuple[str, Figure]] = [
            ("已证实 proven", found.reached.proven),
            ("转报 claimed", found.reached.claimed),
            ("已发 sent", found.reached.sent),
            ("已应答 answered（另计 beside）", found.answered),
        ]
        rows += [
            (
                rule.label, rule.formula, name, figure.population, found.target.population, figure.share,
                figure.villages, found.target.villages, figure.terminals, found.target.terminals,
            )
            for name, figure in classes
        ]  # fmt: skip
    columns = (
        Column("规则 rule"),
        Column("公式 formula"),
        Column("证据 evidence"),
        Column("人口 people", _N),
        Column("目标人口 of", _N),
        Column("占比 share", _P),
        Column("村 villages", _N),
        Column("目标村 of", _N),
        Column("终端 terminals", _N),
        Column("目标终端 of", _N),
    )
    note = f"人口来源 population: {source_label(source.gazetteer.source)}"
    return Table("coverage", "覆盖 Coverage", columns, rows, note)


def _counties(source: Source) -> Table:
    found = source.opened.book.snapshot(source.made_at, Rule.FRACTION, source.opened.state)
    rows: list[tuple[Value, ...]] = [
        (
            str(area.code), area.name, area.target.population, area.reached.proven.population,
            area.reached.proven.share, area.reached.claimed.population, area.reached.sent.population,
            area.target.terminals, area.answered.terminals, area.unreached,
        )
        for area in found.areas
    ]  # fmt: skip
    columns = (
        Column("代码 code"),
        Column("区县 county"),
        Column("人口 people", _N),
        Column("已证实 proven", _N),
        Column("占比 share", _P),
        Column("转报 claimed", _N),
        Column("已发 sent", _N),
        Column("终端 terminals", _N),
        Column("应答 answered", _N),
        Column("未达 missing", _N),
    )
    return Table("counties", "按区县 By county", columns, rows, f"规则 rule: {Rule.FRACTION.label}")


def _timeliness(source: Source, seen: Mapping[int, _Seen]) -> Table:
    """Seconds from acceptance to each rung; the standard limits the last frame of all."""
    began, book = source.row.accepted_at, source.opened.book
    sent = [about.first_sent - began for about in seen.values() if math.isfinite(about.first_sent)]
    times: dict[str, list[float]] = {"已发 sent": sent, "已应答 acknowledged": [], "播放 playing": []}
    for _, delivery in book.coverage.deliveries():
        for name, rung in (("已应答 acknowledged", Rung.ACKNOWLEDGED), ("播放 playing", Rung.PLAYING)):
            if math.isfinite(delivery.times[rung]):
                times[name].append(delivery.times[rung] - began)
    limit = LIMITS.get(Severity(source.row.severity), LIMIT_BELOW)
    started = source.row.activated_at
    # What waits for a person or for its hour is not slow: the limit is for what goes on air by itself.
    waited = started is not None and started - began > 1.0
    rows: list[tuple[Value, ...]] = []
    for name, found in times.items():
        marks = [_mark(sorted(found), share) for share in _MARKS]
        verdict = "—"
        if name.startswith("已发") and marks[-1] is not None:
            verdict = "经等待，不计 waited" if waited else "达标 met" if marks[-1] < limit else "超时 not met"
        rows.append((name, len(found), *marks, limit if name.startswith("已发") else None, verdict))
    columns = (
        Column("阶 rung"),
        Column("终端 terminals", _N),
        *(Column(f"p{share * 100:g} 秒 s", _S) for share in _MARKS[:-1]),
        Column("最慢 slowest 秒 s", _S),
        Column("限值 limit 秒 s", _S),
        Column("判定 verdict"),
    )
    note = (
        "自受理起秒数；限值：GD/J 088-2018 表 1，Ⅰ级 10 秒、其余 30 秒内发出 seconds from acceptance; limits of table 1"
    )
    return Table("timeliness", "时效 Timeliness", columns, rows, note)


def _mark(ordered: Sequence[float], share: float) -> float | None:
    return None if not ordered else ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def _missing(source: Source) -> Table:
    villages = [one for one in source.opened.book.coverage.villages() if one.best is None]
    villages.sort(key=lambda one: (-one.population, one.code))
    rows: list[tuple[Value, ...]] = []
    for one in villages:
        outcomes = Counter(source.opened.book.outcome(n, source.opened.state).value for n in one.terminals)
        why = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items())) or "无终端 no terminal"
        name = source.gazetteer.full_name(one.code)
        rows.append((str(one.code), name, one.population, len(one.terminals), why))
    columns = (
        Column("代码 code"),
        Column("村 village"),
        Column("人口 people", _N),
        Column("终端 terminals", _N),
        Column("终端结果 outcomes"),
    )
    return Table("missing", f"未到达的村 Villages not reached: {len(rows)}", columns, rows)


def _acts(source: Source) -> Table:
    rows = [(row.at, row.actor, row.action, "" if row.detail is None else str(row.detail)) for row in source.audit]
    columns = (Column("时间 when", _AT), Column("何人 who"), Column("何事 what"), Column("详情 detail"))
    return Table("acts", "人员处置 What people did", columns, rows)


def _evidence(seen: Mapping[int, _Seen]) -> Table:
    """The raw frames of every receipt, read and checked once more."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for about in seen.values():
        for receipt in about.receipts:
            counts[receipt.kind, receipt.authenticity or "none", _intact(receipt)] += 1
    rows = [(*key, count) for key, count in sorted(counts.items())]
    columns = (
        Column("证据 evidence"),
        Column("真实性 authenticity"),
        Column("原始帧复核 raw frame"),
        Column("条数 receipts", _N),
    )
    note = "真实性为接收时所判；原始帧在制表时重新校验 authenticity as found on arrival; frames checked again now"
    return Table("evidence", "证据 Evidence", columns, rows, note)


def _intact(receipt: Receipt) -> str:
    parsers: Mapping[str, Callable[[bytes], object]] = {"ip": ip.parse, "feedback": feedback.parse}
    parse = parsers.get(receipt.protocol)
    if parse is None or not receipt.raw:
        return "无 none"
    try:
        parse(receipt.raw)
    except FrameError as error:
        return f"不符 broken: {type(error).__name__}"
    return "完好 intact"


def _receivers(source: Source, seen: Mapping[int, _Seen]) -> Table:
    opened, began, nothing = source.opened, source.row.accepted_at, _Seen()
    rows: list[tuple[Value, ...]] = []
    for number in opened.live.terminals:
        terminal, known, about = source.books.terminal(number), opened.book.delivery(number), seen.get(number, nothing)
        spent = [None if math.isinf(at) else at - began for at in known.times]
        rows.append(
            (
                str(number) if terminal is None else str(terminal.code),
                "" if terminal is None else terminal.name,
                "" if terminal is None else source.gazetteer.full_name(terminal.area),
                known.rung.label,
                opened.book.outcome(number, opened.state).value,
                None if known.reached is None else known.reached.name.lower(),
                about.routes[-1] if about.routes else None,
                len(about.routes),
                None if math.isinf(about.first_sent) else about.first_sent - began,
                spent[Rung.ACKNOWLEDGED],
                spent[Rung.PLAYING],
                spent[Rung.PLAYED],
                len(about.receipts),
            )
        )
    columns = (
        Column("终端 terminal"),
        Column("名称 name"),
        Column("所在 place"),
        Column("阶 rung"),
        Column("结果 outcome"),
        Column("证据 reached"),
        Column("路由 route"),
        Column("发送 sent", _N),
        Column("已发 sent 秒 s", _S),
        Column("应答 ack 秒 s", _S),
        Column("播放 playing 秒 s", _S),
        Column("播完 played 秒 s", _S),
        Column("回执 receipts", _N),
    )
    return Table("receivers", f"逐终端 Receivers: {len(rows)}", columns, rows, bulk=True)


def _raw(source: Source, seen: Mapping[int, _Seen]) -> Table:
    rows: list[tuple[Value, ...]] = []
    for number in source.opened.live.terminals:
        terminal = source.books.terminal(number)
        code = str(number) if terminal is None else str(terminal.code)
        rows.extend(
            (
                code,
                receipt.received_at,
                receipt.kind,
                receipt.code,
                receipt.authenticity or "none",
                receipt.peer,
                "是 yes" if receipt.late else "",
                receipt.raw.hex(),
            )
            for receipt in (seen[number].receipts if number in seen else ())
        )
    columns = (
        Column("终端 terminal"),
        Column("时间 at", _AT),
        Column("证据 evidence"),
        Column("结果码 code", _N),
        Column("真实性 authenticity"),
        Column("来自 peer"),
        Column("迟到 late"),
        Column("原始帧 raw, hex"),
    )
    return Table("receipts", f"原始回执 Raw receipts: {len(rows)}", columns, rows, bulk=True)


def _dots(source: Source) -> list[Dot]:
    found = []
    for number in source.opened.live.terminals:
        terminal = source.books.terminal(number)
        if terminal is not None and terminal.lat is not None and terminal.lon is not None:
            reached = source.opened.book.delivery(number).reached
            found.append(Dot(terminal.lat, terminal.lon, "none" if reached is None else reached.name.lower()))
    return found
