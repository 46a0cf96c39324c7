"""Warnings 应急信息: taken in, listed, shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field
from sqlalchemy import Row

from gateway.api import reads
from gateway.api.models import (
    AcceptanceBody,
    AreaName,
    NoticeBody,
    Page,
    PageQuery,
    Query,
    TargetsBody,
    WarningDetail,
    WarningItem,
    instant,
    moment,
)
from gateway.api.routes import Call, answer, answer_off_loop
from gateway.api.schemes import scheme_body
from gateway.api.services import Services
from gateway.dispatch.content import sent_text
from gateway.dispatch.submission import Acceptance, Facts, Submission
from gateway.domain.codes import AreaCode
from gateway.domain.message import Manner
from gateway.domain.warning import Warning
from gateway.errors import NotFoundError, RightsError, UnsupportedMediaError, WarningInvalid
from gateway.publishers.mapping import Assessment
from gateway.publishers.parse import MEDIA_TYPES
from gateway.publishers.rights import KeyKind, check_rights
from gateway.store import queries

#: A body above this is read in a thread: parsing it takes more than the loop may be held.
OFF_LOOP_BYTES: Final = 50_000


class PostQuery(Query):
    """How a warning is to sound."""

    recording: str = Field(
        default="", description="录音库中的名称，代替语音合成 a recorded file in the place of speech"
    )


async def post_warning(call: Call) -> web.Response:
    """POST /api/v1/warnings."""
    request, services, who = call.request, call.rooms.services, call.holder
    if request.content_type not in MEDIA_TYPES:
        raise UnsupportedMediaError(request.content_type, MEDIA_TYPES)
    body = await call.body()
    since = services.monotonic()
    media_type = request.headers["Content-Type"]
    work = partial(call.rooms.weigh, body, media_type, who)
    warning, found = await asyncio.to_thread(work) if len(body) > OFF_LOOP_BYTES else work()
    check_rights(who, warning, found.areas)
    if found.rules and not await _came_before(services, warning):
        raise WarningInvalid(*found.rules)
    facts = _facts(found)
    recording = call.query(PostQuery).recording
    if recording:
        if not call.is_operator:
            raise RightsError("recording", "仅操作员可播录音 / only an operator broadcasts a recorded file")
        await asyncio.to_thread(services.library.path, recording)
        facts = facts and replace(facts, manner=Manner.RECORDING, recording=recording)
    submission = Submission(
        warning=warning,
        body=body,
        media_type=media_type,
        publisher=who.name,
        operator=who.kind is KeyKind.OPERATOR,
        approval=who.approval_needed,
        since=since,
    )
    taken = await services.dispatch.accept(submission, facts, found.notices)
    return answer(acceptance_body(taken), 202 if taken.created else 200)


async def _came_before(services: Services, warning: Warning) -> bool:
    """Whether its identity is known: the same again is answered as before, though it may have expired since."""
    identity = warning.identity
    known = await services.store.read(
        queries.warning_by_identity, identity.sender, identity.identifier, sent_text(identity.sent)
    )
    return known is not None


def _facts(found: Assessment) -> Facts | None:
    facts = found.facts
    if facts is None:
        return None
    return Facts(
        areas=tuple(area.code for area in found.areas),
        ebm_class=facts.ebm_class,
        severity=facts.severity,
        event=facts.event,
        start=facts.start,
        end=facts.end,
        headline=facts.headline,
        text=facts.text,
        language=facts.tag,
    )


def links_of(warning_id: str) -> dict[str, str]:
    """Where to ask on about a warning."""
    base = f"/api/v1/warnings/{warning_id}"
    return {
        "self": base,
        "deliveries": f"{base}/deliveries",
        "coverage": f"{base}/coverage",
        "cancel": f"{base}/cancel",
    }


def acceptance_body(taken: Acceptance) -> AcceptanceBody:
    """What a publisher hears."""
    return AcceptanceBody(
        warning_id=taken.warning_id,
        message_id=taken.message_id,
        state=taken.state.value if taken.state is not None else None,
        targets=TargetsBody(
            areas=taken.targets.areas, terminals=taken.targets.terminals, population=taken.targets.population
        ),
        notices=[NoticeBody(code=notice.code, message=notice.message) for notice in taken.notices],
        links=links_of(taken.warning_id),
    )


async def list_warnings(call: Call) -> web.Response:
    """GET /api/v1/warnings: operators see all, publishers their own."""
    asked = call.query(PageQuery)
    publisher = None if call.is_operator else call.holder.name
    page = await call.rooms.services.store.read(reads.warnings_page, asked.limit, asked.cursor, publisher)
    return await answer_off_loop(
        lambda: Page[WarningItem](items=[WarningItem(**_item(row)) for row in page.items], next=page.next)
    )


async def get_warning(call: Call) -> web.Response:
    """GET /api/v1/warnings/{id}."""
    ids = await own_ids(call)
    row = await call.rooms.services.store.read(reads.warning_detail, ids.warning_id)
    if row is None:
        raise NotFoundError(f"warning {ids.warning_id} is not known")
    return answer(_detail(row, call.rooms.services))


async def own_ids(call: Call) -> reads.Ids:
    """What the path names, if the caller may see it. Errors: NotFoundError, RightsError."""
    name = call.request.match_info["id"]
    ids = await call.rooms.services.store.read(reads.ids_of, name)
    if ids is None:
        raise NotFoundError(f"没有此信息 no warning or message {name[:80]!r}")
    if not call.is_operator and ids.publisher != call.holder.name:
        raise RightsError("warning", "属于其他发布者 / it was published by somebody else")
    return ids


def _targets(row: Row[Any]) -> TargetsBody:
    counts = row.targets or {}
    return TargetsBody(
        areas=counts.get("areas", 0), terminals=counts.get("terminals", 0), population=counts.get("population", 0)
    )


def _item(row: Row[Any]) -> dict[str, Any]:
    return {
        "warning_id": row.id,
        "message_id": row.ebm_id,
        "state": row.state,
        "kind": row.kind,
        "status": row.status,
        "sender": row.sender,
        "identifier": row.identifier,
        "sent": row.sent,
        "publisher": row.publisher,
        "received_at": moment(row.received_at),
        "headline": row.headline or "",
        "severity": row.severity,
        "event": row.event,
        "ebm_class": row.ebm_class,
        "start": instant(row.start_at),
        "end": instant(row.end_at),
        "targets": _targets(row),
        "links": links_of(row.id),
    }


def _detail(row: Row[Any], services: Services) -> WarningDetail:
    codes = [AreaCode(code) for code in row.areas or ()]
    return WarningDetail(
        **_item(row),
        media_type=row.media_type,
        references=list(row.references or ()),
        notices=[NoticeBody(code=code, message=message) for code, message in row.notices or ()],
        areas=[AreaName(code=code, name=services.gazetteer.full_name(code)) for code in codes],
        text=row.text or "",
        severity_received=row.severity_received,
        volume=row.volume,
        programme_url=row.programme_url,
        state_at=instant(row.state_at),
        state_reason=row.state_reason or "",
        actor=row.actor or "",
        accepted_at=instant(row.accepted_at),
        activated_at=instant(row.activated_at),
        ended_at=instant(row.ended_at),
        supersedes=row.supersedes,
        scheme=scheme_body(row.scheme) if row.ebm_id else None,
    )
