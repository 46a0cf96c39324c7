"""Alarms 告警 as the store keeps them."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from gateway.api.models import AlarmBody, Page, PageQuery, instant, moment
from gateway.api.routes import Call, answer
from gateway.api.services import Services
from gateway.errors import NotFoundError
from gateway.store import queries
from gateway.store.rows import AlarmAcknowledgedRow, AuditRow


class AlarmsQuery(PageQuery):
    """Which alarms, newest first."""

    open_only: bool = Field(default=False, alias="open", description="只看未消除的 only those whose cause lasts")


async def list_alarms(call: Call) -> web.Response:
    """GET /api/v1/alarms."""
    asked = call.query(AlarmsQuery)
    page = await call.rooms.services.store.read(
        queries.alarms_page, asked.limit, asked.cursor, open_only=asked.open_only
    )
    return answer(
        Page[AlarmBody](
            items=[
                AlarmBody(
                    number=row.id,
                    kind=row.kind,
                    subject=row.subject,
                    text=row.text,
                    level=row.level,
                    raised_at=moment(row.raised_at),
                    last_at=moment(row.last_at),
                    count=row.count,
                    cleared_at=instant(row.cleared_at),
                    acknowledged_by=row.acknowledged_by,
                )
                for row in page.items
            ],
            next=page.next,
        )
    )


async def acknowledge(call: Call) -> web.Response:
    """POST /api/v1/alarms/{number}/acknowledge: again is no error."""
    await acknowledge_as(call.rooms.services, call.request.match_info["number"], call.holder.name)
    return web.Response(status=204)


async def acknowledge_as(services: Services, number: str, who: str) -> None:
    """Somebody has seen an alarm, by name; it asks to be seen again where it lasts. Errors: NotFoundError."""
    row = None
    if number.isdecimal() and len(number) < 18:
        row = await services.store.read(queries.alarm_by_id, int(number))
    if row is None:
        raise NotFoundError(f"没有此告警 no alarm {number[:20]!r}")
    await services.store.write(
        AlarmAcknowledgedRow(row.id, who),
        AuditRow(services.clock(), who, "alarm_acknowledged", row.subject, {"kind": row.kind, "number": row.id}),
        urgent=True,
    )
    services.dispatch.state.alarms.acknowledge(row.kind, row.subject, who)
