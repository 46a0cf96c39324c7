"""Drills 应急演练: three depths on the live path, planned or at once, each with its report (GD/J 088-2018 6.2.9)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field, StringConstraints

from gateway.api.models import Page, PageQuery, Reply, Request, moment
from gateway.api.routes import Call, answer, divisions_of
from gateway.api.services import Services
from gateway.api.warnings import acceptance_body
from gateway.coverage.contract import CoverageBody, to_contract
from gateway.coverage.figures import Rule
from gateway.dispatch.live import Sent
from gateway.dispatch.submission import Acceptance, Facts, Submission
from gateway.domain.approval import Role
from gateway.domain.events import EventType
from gateway.domain.message import Command, EbmClass, Manner
from gateway.domain.orders import Receipt
from gateway.domain.warning import Severity, Status, Warning, WarningIdentity, WarningKind, WarningText
from gateway.errors import InvalidValueError, NotFoundError, RightsError
from gateway.publishers.rights import Publisher, check_areas
from gateway.store import package_queries, queries
from gateway.store.rows import AuditRow

#: Action in the audit of whoever made a drill.
DRILL: Final = "drill"
MEDIA_TYPE: Final = "application/x-drill"
_DEPTHS: Final = {
    "platform": EbmClass.SYSTEM_DRILL,
    "front_end": EbmClass.SIMULATED_DRILL,
    "terminal": EbmClass.REAL_DRILL,
}
_NAMES: Final = {int(ebm_class): name for name, ebm_class in _DEPTHS.items()}
_TEST_EVENT: Final = EventType("00000")


class DrillRequest(Request):
    """A drill. ``start`` in the future: planned; ``announced`` false: only administrators see it before it begins."""

    depth: Literal["platform", "front_end", "terminal"] = Field(
        description="platform 平台演练 (只生成、发送签名的消息包), front_end 前端演练, terminal 终端演练 (实际播出)"
    )
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    areas: Annotated[list[str], Field(min_length=1, max_length=1000)]
    start: AwareDatetime | None = None
    seconds: Annotated[int, Field(ge=10, le=7200)] = 120
    announced: bool = True
    severity: Literal["red", "orange", "yellow", "blue"] = "blue"


class DrillItem(Reply):
    """One drill."""

    message_id: str
    title: str
    depth: str
    announced: bool
    made_by: str
    made_at: AwareDatetime
    start: AwareDatetime | None
    end: AwareDatetime | None
    state: str


class PackageBody(Reply):
    """A package of a drill on a platform route."""

    peer: str
    ebd_id: str
    state: str
    result: int | None
    words: str


class TimesBody(Reply):
    """Seconds from acceptance; null: it has not happened. The lists: half, 95 %, all so far."""

    first_frame: float | None
    last_frame: float | None
    acknowledged: list[float]
    playing: list[float]


class DrillReport(DrillItem):
    """演练报告: what was meant, what was reached, how quickly, who was not, and what platforms answered."""

    coverage: CoverageBody
    times: TimesBody
    unreached: list[str] = Field(description="codes of terminals that gave no evidence, at most 1,000")
    unreached_count: int
    packages: list[PackageBody]


async def post_drill(call: Call) -> web.Response:
    """POST /api/v1/drills."""
    body = await call.model(DrillRequest)
    taken = await make_drill(call.rooms.services, call.holder, body, await call.request.read())
    return answer(acceptance_body(taken), 202)


async def make_drill(services: Services, who: Publisher, body: DrillRequest, raw: bytes) -> Acceptance:
    """Hold a drill for a person; ``raw`` is what is kept of how it was asked for.

    Errors: RightsError, InvalidValueError, those of the store.
    """
    if Status.EXERCISE not in who.statuses:
        raise RightsError("status", f"{who.name} 无权发起演练 / may not hold drills")
    areas = divisions_of(services, body.areas)
    check_areas(who, areas)
    now = datetime.fromtimestamp(services.clock(), UTC)
    start = max(body.start or now, now)
    if start - now > timedelta(days=31):
        raise InvalidValueError("start", start, "不晚于 31 天后 / must be within 31 days")
    severity = Severity[body.severity.upper()]
    warning = Warning(
        identity=WarningIdentity(f"drill:{services.settings.gateway.code}", secrets.token_hex(8), now),
        status=Status.EXERCISE,
        kind=WarningKind.ALERT,
        scope="Public",
        event=_TEST_EVENT,
        event_text="演练",
        severity=severity,
        texts=(WarningText("zh-CN", body.title, body.text),),
    )
    facts = Facts(
        areas=tuple(areas),
        ebm_class=_DEPTHS[body.depth],
        severity=severity,
        event=_TEST_EVENT,
        start=start,
        end=start + timedelta(seconds=body.seconds),
        headline=body.title,
        text=body.text,
        manner=Manner.WARNING,
    )
    submission = Submission(warning, raw, MEDIA_TYPE, who.name, operator=True)
    taken = await services.dispatch.accept(submission, facts)
    detail: dict[str, str | bool] = {"title": body.title, "depth": body.depth, "announced": body.announced}
    await services.store.write(AuditRow(services.clock(), who.name, DRILL, str(taken.message_id), detail), urgent=True)
    return taken


async def list_drills(call: Call) -> web.Response:
    """GET /api/v1/drills: those that are not announced show once they have begun."""
    asked = call.query(PageQuery)
    page = await call.rooms.services.store.read(queries.acted_page, DRILL, asked.limit, asked.cursor)
    items = [item for row in page.items if (item := await _item(call, row)) is not None]
    return answer(Page[DrillItem](items=[DrillItem(**item) for item in items], next=page.next))


async def get_drill(call: Call) -> web.Response:
    """GET /api/v1/drills/{id}: its report, as it stands."""
    ebm_id, services = call.request.match_info["id"], call.rooms.services
    row = await services.store.read(queries.acted_on, DRILL, ebm_id)
    item = None if row is None else await _item(call, row)
    if item is None:
        raise NotFoundError(f"没有此演练 no drill {ebm_id[:80]!r}")
    opened = await call.rooms.books.open(ebm_id)
    rule = Rule(services.settings.coverage.rule)
    missing = opened.book.coverage.unreached()
    terminals = (call.rooms.books.terminal(number) for number in missing[:1000])
    packages = await services.store.read(package_queries.sent_about, ebm_id)
    return answer(
        DrillReport(
            **item,
            coverage=to_contract(opened.book.snapshot(services.clock(), rule, opened.state)),
            times=_times(opened.live.log, opened.live.accepted_at),
            unreached=[str(one.code) for one in terminals if one is not None],
            unreached_count=len(missing),
            packages=[
                PackageBody(peer=one.peer, ebd_id=one.ebd_id, state=one.state, result=one.result, words=one.words)
                for one in packages
            ],
        )
    )


def is_hidden(row: AuditRow, start: float, now: float) -> bool:
    """Whether it is to surprise: nobody but who made it and administrators see it before it begins."""
    detail = row.detail if isinstance(row.detail, dict) else {}
    return not detail.get("announced", True) and now < start


async def _item(call: Call, row: AuditRow) -> dict[str, Any] | None:
    """One drill as people see it; None while this caller may not."""
    services, detail = call.rooms.services, row.detail if isinstance(row.detail, dict) else {}
    message = await services.store.read(queries.message_by_id, row.subject)
    if message is None:
        return None
    may_see = row.actor == call.holder.name or call.holder.role is Role.ADMINISTRATOR
    if is_hidden(row, message.start_at, services.clock()) and not may_see:
        return None
    return {
        "message_id": row.subject,
        "title": str(detail.get("title", "")),
        "depth": _NAMES.get(message.ebm_class, ""),
        "announced": bool(detail.get("announced", True)),
        "made_by": row.actor,
        "made_at": moment(row.at),
        "start": moment(message.start_at),
        "end": moment(message.end_at),
        "state": message.state,
    }


def _times(log: Iterable[object], began: float) -> TimesBody:
    frames: list[float] = []
    first: dict[str, dict[int, float]] = {"acknowledged": {}, "playing": {}}
    for entry in log:
        if isinstance(entry, Sent) and entry.command is Command.START:
            frames.append(entry.at - began)
        elif isinstance(entry, Receipt) and entry.terminal_id is not None:
            kind = "playing" if entry.kind in ("playing", "played") else entry.kind
            if kind in first:
                first[kind].setdefault(entry.terminal_id, entry.received_at - began)
    return TimesBody(
        first_frame=round(min(frames), 3) if frames else None,
        last_frame=round(max(frames), 3) if frames else None,
        acknowledged=_marks(first["acknowledged"].values()),
        playing=_marks(first["playing"].values()),
    )


def _marks(seconds: Iterable[float]) -> list[float]:
    """Half, 95 % and all of them."""
    found = sorted(seconds)
    if not found:
        return []
    return [round(found[max(0, -(-len(found) * share // 100) - 1)], 3) for share in (50, 95, 100)]
