"""Plans 调度预案 and schemes 调度方案: what was decided beforehand, and what follows for messages (GD/J 088 6.2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from aiohttp import web
from pydantic import AwareDatetime, Field
from sqlalchemy import Row

from gateway.api import reads
from gateway.api.models import Page, PageQuery, Reply, RulingBody, SchemeBody, TargetsBody, instant, moment
from gateway.api.routes import Call, answer, answer_off_loop
from gateway.dispatch.planner import reasons_in_words
from gateway.domain.message import MessageState
from gateway.domain.plans import Plan

#: The three lists of GD/J 088-2018 6.2.6 d: 等待调度, 正在播发, 历史播发.
LISTS: Mapping[str, tuple[MessageState, ...]] = {
    "waiting": (MessageState.AWAITING_APPROVAL, MessageState.ACCEPTED),
    "playing": (MessageState.ACTIVE,),
    "past": tuple(state for state in MessageState if state.is_over),
}


class SchemesQuery(PageQuery):
    """Which list."""

    list: Literal["waiting", "playing", "past"] = Field(
        default="waiting", description="waiting 等待调度, playing 正在播发, past 历史播发"
    )


class SchemeItem(Reply):
    """A message with its scheme."""

    warning_id: str
    message_id: str
    state: str
    headline: str
    publisher: str
    severity: int
    event: str
    ebm_class: int = Field(serialization_alias="class", description="广播类型, GD/J 089-2018 table D.5")
    accepted_at: AwareDatetime
    start: AwareDatetime | None
    end: AwareDatetime | None
    volume: int
    targets: TargetsBody
    scheme: SchemeBody


class PlanBody(Reply):
    """A plan as it stands in the settings; what is empty holds always, what is null stays as it was."""

    name: str
    title: str
    events: list[str]
    severities: list[int]
    areas: list[str]
    statuses: list[str]
    publishers: list[str]
    routes: list[str]
    only_routes: bool
    volume: int | None
    repeats: int | None
    air_seconds: int | None
    siren: str | None
    approval: str | None
    approval_role: str


class PlansReply(Reply):
    """All plans, by name."""

    items: list[PlanBody]


def scheme_body(facts: Any) -> SchemeBody:
    """What the store keeps of a scheme, for people; the empty one for a message from before there were any."""
    if not facts:
        facts = {"plan": "", "title": "", "approval": {"needed": False, "reasons": [], "role": ""}}
    ruling = facts["approval"]
    rest = {name: value for name, value in facts.items() if name != "approval"}
    return SchemeBody(approval=RulingBody(**ruling, words=reasons_in_words(ruling["reasons"])), **rest)


async def list_schemes(call: Call) -> web.Response:
    """GET /api/v1/schemes: operators see all, publishers their own."""
    asked = call.query(SchemesQuery)
    publisher = None if call.is_operator else call.holder.name
    states = [state.value for state in LISTS[asked.list]]
    page = await call.rooms.services.store.read(reads.schemes_page, states, asked.limit, asked.cursor, publisher)
    return await answer_off_loop(
        lambda: Page[SchemeItem](items=[_item(row) for row in page.items], next=page.next),
    )


def _item(row: Row[Any]) -> SchemeItem:
    return SchemeItem(
        warning_id=row.warning_id,
        message_id=row.ebm_id,
        state=row.state,
        headline=row.headline,
        publisher=row.publisher,
        severity=row.severity,
        event=row.event,
        ebm_class=row.ebm_class,
        accepted_at=moment(row.accepted_at),
        start=instant(row.start_at),
        end=instant(row.end_at),
        volume=row.volume,
        targets=TargetsBody(**row.targets),
        scheme=scheme_body(row.scheme),
    )


async def list_plans(call: Call) -> web.Response:
    """GET /api/v1/plans."""
    plans = sorted(call.rooms.services.settings.planned, key=lambda plan: plan.name)
    return answer(PlansReply(items=[_plan(plan) for plan in plans]))


def _plan(plan: Plan) -> PlanBody:
    return PlanBody(
        name=plan.name,
        title=plan.title,
        events=list(plan.events),
        severities=[int(severity) for severity in plan.severities],
        areas=[str(area) for area in plan.areas],
        statuses=[status.value for status in plan.statuses],
        publishers=list(plan.publishers),
        routes=list(plan.routes),
        only_routes=plan.only_routes,
        volume=plan.volume,
        repeats=plan.repeats,
        air_seconds=plan.air_seconds,
        siren=None if plan.siren is None else plan.siren.value,
        approval=None if plan.approval is None else plan.approval.value,
        approval_role=plan.approval_role,
    )
