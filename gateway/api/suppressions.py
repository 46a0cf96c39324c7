"""Suppressions 未再播发: warnings that came and were not broadcast again, each with its rule (docs/publishers.md)."""

from __future__ import annotations

from aiohttp import web
from pydantic import AwareDatetime

from gateway.api.models import Page, PageQuery, Reply, moment
from gateway.api.routes import Call, answer
from gateway.publishers.rights import KeyKind
from gateway.store import queries


class SuppressionItem(Reply):
    """One warning that was not broadcast again."""

    at: AwareDatetime
    publisher: str
    rule: str
    warning_id: str
    identifier: str
    message_id: str | None


async def list_suppressions(call: Call) -> web.Response:
    """GET /api/v1/suppressions."""
    asked = call.query(PageQuery)
    own = None if call.holder.kind is KeyKind.OPERATOR else call.holder.name
    page = await call.rooms.services.store.read(queries.suppressed_page, asked.limit, asked.cursor, own)
    items = []
    for row in page.items:
        detail = row.detail if isinstance(row.detail, dict) else {}
        items.append(
            SuppressionItem(
                at=moment(row.at),
                publisher=row.actor,
                rule=str(detail.get("rule", "")),
                warning_id=row.subject,
                identifier=str(detail.get("identifier", "")),
                message_id=detail.get("message_id"),
            )
        )
    return answer(Page[SuppressionItem](items=items, next=page.next))


async def heartbeat(call: Call) -> web.Response:
    """POST /api/v1/heartbeat: the publisher is there; every other call with its key says so too."""
    return web.Response(status=204)
