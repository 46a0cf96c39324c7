"""Reports 报告: of a message, a drill or a month, in four forms with the same numbers, and as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal, cast

from aiohttp import web
from pydantic import Field, StringConstraints

from gateway.api.models import Query, Reply
from gateway.api.routes import JSON, Call
from gateway.api.services import Services
from gateway.api.warnings import own_ids
from gateway.coverage.figures import Rule
from gateway.domain.message import MessageState
from gateway.domain.zone import BEIJING
from gateway.errors import InvalidValueError, NotFoundError
from gateway.reports.map import CountyMap
from gateway.reports.message import Source, message_report
from gateway.reports.model import Kind, Report, raw_of
from gateway.reports.month import Told, month_report
from gateway.reports.page import html_of
from gateway.reports.paper import pdf_of
from gateway.reports.proof import Proof, digest_of
from gateway.reports.sheets import csv_of, xlsx_of
from gateway.store import queries, report_queries

FORMS: Final = {
    "html": "text/html",
    "csv": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": JSON,
}
_ENDINGS: Final = {"csv": "zip"}
#: The proof of a file goes in this header, and beside it as FILE.sig.json by ``ebgw report``.
PROOF_HEADER: Final = "Ebgw-Signature"
_OFF_AIR: Final = frozenset({MessageState.AWAITING_APPROVAL, MessageState.ACCEPTED, MessageState.REJECTED})

Form = Literal["html", "csv", "xlsx", "pdf", "json"]


class ReportQuery(Query):
    """In which form."""

    format: Form = Field(
        default="html", description="html, csv (zip 内每表一个 one csv for each table), xlsx, pdf, json"
    )


class MonthQuery(ReportQuery):
    """Which month."""

    month: Annotated[str, StringConstraints(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")] = Field(
        description="月份 such as 2026-11, of Beijing"
    )


class TableBody(Reply):
    """One table: titles of its columns, what they are, and the rows; shares 0..1, times of Beijing."""

    key: str
    title: str
    columns: list[str]
    kinds: list[str]
    rows: list[list[Any]]
    note: str


class ReportBody(Reply):
    """A report as JSON."""

    name: str
    title: str
    subtitle: str
    drill: bool
    estimate: bool
    tables: list[TableBody]


async def get_report(call: Call) -> web.Response:
    """GET /api/v1/warnings/{id}/report, also of a drill."""
    asked = call.query(ReportQuery)
    ids = await own_ids(call)
    if ids.ebm_id is None:
        raise NotFoundError("没有消息 no message was made for this warning")
    return await answer_report(call.rooms.services, await report_of(call, ids.ebm_id), asked.format, call.rooms.reports)


async def report_of(call: Call, ebm_id: str) -> Callable[[], Report]:
    """Work that makes the report of a message, for a thread. Errors: NotFoundError."""
    return await message_work(call.rooms.services, ebm_id, call.holder.name)


async def message_work(services: Services, ebm_id: str, who: str) -> Callable[[], Report]:
    """The same for whoever asks. Errors: NotFoundError."""
    opened = await services.books.open(ebm_id)
    row = await services.store.read(queries.message_by_id, ebm_id)
    if row is None:
        raise NotFoundError("没有此消息 no such message")
    source = Source(
        row=row,
        warning=await services.store.read(queries.warning_by_id, row.warning_id),
        opened=opened,
        books=services.books,
        gazetteer=services.gazetteer,
        audit=await services.store.read(report_queries.acts_on, ebm_id),
        event=services.event_names.get(row.event, ""),
        gateway=services.settings.gateway.name,
        made_by=who,
        made_at=services.clock(),
    )
    return partial(message_report, source)


async def get_month(call: Call) -> web.Response:
    """GET /api/v1/reports/month."""
    asked = call.query(MonthQuery)
    services = call.rooms.services
    start, end = _month(asked.month)
    if start > services.clock():
        raise InvalidValueError("month", asked.month, "尚未开始 / has not begun")
    told = []
    for row, publisher in await services.store.read(report_queries.messages_of_month, start, end):
        found = None
        if MessageState(row.state) not in _OFF_AIR and row.activated_at is not None:
            opened = await services.books.open(row.ebm_id)
            found = opened.book.snapshot(services.clock(), Rule.FRACTION, opened.state)
        told.append(Told(row, publisher, found))
    alarms = await services.store.read(report_queries.alarms_of_month, start, end)
    work = partial(
        month_report,
        asked.month,
        told,
        alarms,
        services.gazetteer.source,
        gateway=services.settings.gateway.name,
        made_by=call.holder.name,
        made_at=services.clock(),
    )
    return await answer_report(services, work, asked.format, call.rooms.reports)


def _month(month: str) -> tuple[float, float]:
    year, number = map(int, month.split("-"))
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=BEIJING)
    return datetime(year, number, 1, tzinfo=BEIJING).timestamp(), following.timestamp()


async def answer_report(
    services: Services, work: Callable[[], Report], form: str, turn: asyncio.Semaphore
) -> web.Response:
    """Make a report in a thread, one at a time, and send it with its proof."""
    async with turn:
        report, body = await asyncio.to_thread(_written, work, form, services)
    digest = digest_of(body)
    block = await services.dispatch.errands.sign(digest)
    name = f"{report.name}.{_ENDINGS.get(form, form)}"
    headers = {
        PROOF_HEADER: Proof(digest, block).text(),
        "Content-Disposition": f'{"inline" if form == "html" else "attachment"}; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        "Cache-Control": "no-store",
    }
    charset = "utf-8" if form in ("html", "json") else None
    return web.Response(body=body, content_type=FORMS[form], charset=charset, headers=headers)


def _written(work: Callable[[], Report], form: str, services: Services) -> tuple[Report, bytes]:
    report, drawing = work(), CountyMap(services.outlines, services.gazetteer)
    if form == "html":
        return report, html_of(report, drawing)
    if form == "csv":
        return report, csv_of(report)
    if form == "xlsx":
        return report, xlsx_of(report)
    if form == "pdf":
        return report, pdf_of(report, drawing, services.settings.reports.font)
    return report, report_body(report).model_dump_json().encode()


def report_body(report: Report) -> ReportBody:
    """The report as JSON."""
    tables = []
    for table in report.tables:
        kinds: list[Kind] = [column.kind for column in table.columns]
        rows = [[raw_of(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in table.rows]
        tables.append(
            TableBody(
                key=table.key,
                title=table.title,
                columns=[column.title for column in table.columns],
                kinds=[kind.value for kind in kinds],
                rows=cast("list[list[Any]]", rows),
                note=table.note,
            )
        )
    return ReportBody(
        name=report.name,
        title=report.title,
        subtitle=report.subtitle,
        drill=report.drill,
        estimate=report.estimate,
        tables=tables,
    )
