"""Decisions 处置 of people about messages: approve, reject, cancel, silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from aiohttp import web

from gateway.api import reads
from gateway.api.models import (
    AcceptanceBody,
    ApproveBody,
    AreasBody,
    ReasonBody,
    StopBody,
    StoppedMessage,
    StopReply,
    TargetsBody,
)
from gateway.api.routes import Call, answer
from gateway.api.services import Services
from gateway.api.warnings import links_of, own_ids
from gateway.domain.approval import Refused, Role, refusal
from gateway.domain.codes import AreaCode
from gateway.domain.message import MessageState
from gateway.domain.plans import Scheme
from gateway.errors import GatewayError, InvalidValueError, NotFoundError, RightsError, StateConflictError
from gateway.publishers.rights import Publisher, check_areas
from gateway.store import queries
from gateway.store.rows import AuditRow, MessageRow

#: Action in the audit of somebody who heard a message's finished programme.
HEARD: Final = "heard"


async def approve(call: Call) -> web.Response:
    """POST /api/v1/warnings/{id}/approve."""
    ids, row = await message_in_path(call)
    body = await call.model(ApproveBody, optional=True)
    await approve_as(call.rooms.services, call.holder, row, override=body.override, reason=body.reason)
    return await _now(call, ids, row.ebm_id, 202)


async def approve_as(services: Services, who: Publisher, row: MessageRow, *, override: bool, reason: str) -> None:
    """Let a waiting message go on air. Errors: RightsError, InvalidValueError, StateConflictError."""
    refused = await refusal_for(services, who, row)
    if refused is not None:
        if not (override and who.role is Role.ADMINISTRATOR):
            raise RightsError("approval", f"{refused.words} ({refused.value})")
        if not reason.strip():
            raise InvalidValueError("reason", reason, "越权审核须说明理由 / an override must say why")
        detail = {"rule": refused.value, "reason": reason}
        await services.store.write(
            AuditRow(services.clock(), who.name, "approve_override", row.ebm_id, detail), urgent=True
        )
    await services.dispatch.approve(row.ebm_id, who.name)


async def refusal_for(services: Services, who: Publisher, row: MessageRow) -> Refused | None:
    """Why somebody may not approve a message, None where he may."""
    rules = services.settings.approval
    warning = await services.store.read(queries.warning_by_id, row.warning_id)
    own = rules.second_person and warning is not None and warning.publisher == who.name
    heard = not rules.listen or await services.store.read(queries.has_done, who.name, HEARD, row.ebm_id)
    scheme = Scheme.from_facts(cast("Mapping[str, Any] | None", row.scheme))
    return refusal(scheme.ruling, who.role, own=own, heard=heard)


async def set_areas(call: Call) -> web.Response:
    """POST /api/v1/warnings/{id}/areas: whom a waiting message is for, in place of what was understood."""
    ids, row = await message_in_path(call)
    body = await call.model(AreasBody)
    areas = call.divisions(body.areas)
    check_areas(call.holder, areas)
    await call.rooms.services.dispatch.set_areas(row.ebm_id, areas, call.holder.name, body.reason)
    return await _now(call, ids, row.ebm_id, 202)


async def reject(call: Call) -> web.Response:
    """POST /api/v1/warnings/{id}/reject; again is no error."""
    ids, row = await message_in_path(call)
    body = await call.model(ReasonBody, optional=True)
    if row.state == MessageState.REJECTED.value:
        return await _now(call, ids, row.ebm_id, 200)
    await call.rooms.services.dispatch.reject(row.ebm_id, call.holder.name, body.reason)
    return await _now(call, ids, row.ebm_id, 202)


async def cancel(call: Call) -> web.Response:
    """POST /api/v1/warnings/{id}/cancel: 202, again 200, over otherwise 409."""
    ids, row = await message_in_path(call)
    body = await call.model(ReasonBody, optional=True)
    services = call.rooms.services
    if row.state == MessageState.CANCELLED.value:
        return await _now(call, ids, row.ebm_id, 200)
    try:
        first = await services.dispatch.cancel(row.ebm_id, call.holder.name, body.reason)
    except StateConflictError:
        # Somebody else's cancel may be on its way to the disk: what stands there in the end is the answer.
        if not await _cancelled_meanwhile(call, row.ebm_id):
            raise
        first = False
    return await _now(call, ids, row.ebm_id, 202 if first else 200)


async def stop(call: Call) -> web.Response:
    """POST /api/v1/stop: everything in some divisions falls silent."""
    body = await call.model(StopBody)
    services, who = call.rooms.services, call.holder
    areas: list[AreaCode] = []
    for position, digits in enumerate(body.areas):
        try:
            area = AreaCode(digits)
        except InvalidValueError as error:
            raise InvalidValueError(f"areas/{position}", digits, error.rule) from error
        if area not in services.gazetteer:
            raise InvalidValueError(f"areas/{position}", digits, "未知的行政区划 / no division of this gateway")
        areas.append(area)
    check_areas(who, areas)
    await services.store.write(
        AuditRow(services.clock(), who.name, "stop", ",".join(body.areas), {"reason": body.reason}), urgent=True
    )
    concerned = await services.dispatch.silence(areas, who.name, body.reason)
    messages = [StoppedMessage(message_id=ebm_id, terminals=count) for ebm_id, count in concerned.items()]
    return answer(StopReply(messages=messages, terminals=sum(concerned.values())), 202)


async def message_in_path(call: Call) -> tuple[reads.Ids, MessageRow]:
    """The message named in the path; an operator's key must hold its areas. Errors: NotFoundError, RightsError."""
    ids = await own_ids(call)
    row = await _row(call, ids.ebm_id)
    if call.is_operator:
        check_areas(call.holder, map(AreaCode, row.areas))
    return ids, row


async def _row(call: Call, ebm_id: str | None) -> MessageRow:
    row = await call.rooms.services.store.read(queries.message_by_id, ebm_id) if ebm_id is not None else None
    if row is None:
        raise NotFoundError("没有消息 no message was made for this warning")
    return row


async def _cancelled_meanwhile(call: Call, ebm_id: str) -> bool:
    services = call.rooms.services
    live = services.dispatch.state.messages.get(ebm_id)
    if live is not None and live.ending:
        try:
            # Commits are in order: once this one is back, that one is on disk too.
            await services.store.write(
                AuditRow(services.clock(), call.holder.name, "cancel_again", ebm_id), urgent=True
            )
        except GatewayError:
            return False
    row = await services.store.read(queries.message_by_id, ebm_id)
    return row is not None and row.state == MessageState.CANCELLED.value


async def _now(call: Call, ids: reads.Ids, ebm_id: str, status: int) -> web.Response:
    row = await _row(call, ebm_id)
    counts = row.targets
    body = AcceptanceBody(
        warning_id=ids.warning_id,
        message_id=row.ebm_id,
        state=row.state,
        targets=TargetsBody(areas=counts["areas"], terminals=counts["terminals"], population=counts["population"]),
        notices=[],
        links=links_of(ids.warning_id),
    )
    return answer(body, status)
