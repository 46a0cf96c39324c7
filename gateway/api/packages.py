"""Packages 业务数据包 of the platform interface: what peers sent and were answered, and what went to them."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import AwareDatetime, Field

from gateway.api.models import Page, PageQuery, Reply, instant, moment
from gateway.api.routes import Call, answer
from gateway.store import package_queries


class PackagesQuery(PageQuery):
    """Which way."""

    direction: Literal["received", "sent"] = Field(default="received", description="received 收到, sent 发出")


class PackageItem(Reply):
    """One package. ``state`` of ours: waiting, delivered, refused, given_up; of a peer's: received."""

    direction: str
    peer: str
    ebd_id: str
    kind: str
    at: AwareDatetime = Field(description="收到或生成 when it came, or was made")
    state: str
    tries: int
    result: int | None = Field(description="ResultCode, GD/J 083-2018 table 35; null: no answer yet")
    words: str
    message_id: str | None
    related: str | None = Field(description="所应答的包 the package that it answers")
    done_at: AwareDatetime | None


async def list_packages(call: Call) -> web.Response:
    """GET /api/v1/platform/packages, newest first."""
    asked = call.query(PackagesQuery)
    store = call.rooms.services.store
    items: list[PackageItem] = []
    if asked.direction == "received":
        came = await store.read(package_queries.received_packages_page, asked.limit, asked.cursor)
        rest = came.next
        items = [
            PackageItem(
                direction="received",
                peer=row.peer,
                ebd_id=row.ebd_id,
                kind=row.kind,
                at=moment(row.received_at),
                state="received",
                tries=1,
                result=row.result,
                words=row.words,
                message_id=row.ebm_id,
                related=row.related,
                done_at=moment(row.received_at),
            )
            for row in came.items
        ]
    else:
        went = await store.read(package_queries.sent_packages_page, asked.limit, asked.cursor)
        rest = went.next
        items = [
            PackageItem(
                direction="sent",
                peer=row.peer,
                ebd_id=row.ebd_id,
                kind=row.kind,
                at=moment(row.made_at),
                state=row.state,
                tries=row.tries,
                result=row.result,
                words=row.words,
                message_id=row.ebm_id,
                related=row.related,
                done_at=instant(row.done_at),
            )
            for row in went.items
        ]
    return answer(Page[PackageItem](items=items, next=rest))
