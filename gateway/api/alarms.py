"""Alarms 告警 as the store keeps them."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from gateway.api.models import AlarmBody, Page, PageQuery, instant, moment
from gateway.api.routes import Call, answer
from gateway.store import queries


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
