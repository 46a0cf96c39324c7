"""Authorisation lists 证书授权列表 over HTTP: applied for, taken, published, and who holds which."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiohttp import web
from pydantic import Field

from gateway.api.models import Page, PageQuery, Query, Reply, Request, instant
from gateway.api.problems import HttpProblem
from gateway.api.routes import Call, answer
from gateway.dispatch.application import make_application
from gateway.dispatch.authority import ListsRefused
from gateway.dispatch.publication import Holding, counts
from gateway.dispatch.topology import Device
from gateway.dispatch.trust_desk import TrustDesk
from gateway.domain.codes import ResourceCode
from gateway.errors import FrameError, InvalidValueError, StateConflictError, UnsupportedMediaError, Violation
from gateway.protocols.authorisation_files import build_application, parse_lists
from gateway.store.rows import AuditRow

XML: Final = "application/xml"
BYTES: Final = "application/octet-stream"


class ApplicationQuery(Query):
    """What is applied for."""

    root: str = Field(default="", max_length=64, description="根 the root; may be left out where there is one")
    whole: bool = Field(default=False, description="包括无变化的 also lists that would not change")


class ListsQuery(Query):
    """How a file of lists is taken."""

    without_us: bool = Field(default=False, description="接受不含本平台证书的列表 also lists that do not name us")


class ListsReply(Reply):
    """What became of a file of lists."""

    new: int
    same: int
    certificates: int


class PublishBody(Request):
    """To whom lists are brought: these devices, or all; those that hold theirs already only where ``again``."""

    devices: list[str] = Field(default_factory=list, max_length=10_000)
    again: bool = False


class PublicationReply(Reply):
    """How all devices stand, and whether a publication is under way; ``started`` counts those it goes to."""

    running: bool
    started: int
    counts: dict[str, int]


class HoldingBody(Reply):
    """One device. ``holding``: proven 自证, claimed 转报, sent 已发, outdated 旧列表, none 未持有, no_list 无列表.

    ``status``, ``route``, ``result`` and ``detail`` are of the last publication, if it went to this device.
    """

    code: str
    name: str
    kind: str
    above: str
    root: str
    receiver: str
    number: int | None
    authorised: tuple[str, ...]
    holding: str
    held_number: int | None
    held_at: datetime | None
    status: str | None
    route: str | None
    result: int
    detail: str


def desk_of(call: Call) -> TrustDesk:
    """The desk of lists. Errors: StateConflictError where no root is trusted."""
    desk = call.rooms.services.trust
    if desk is None:
        raise StateConflictError(
            "未设置 [signing] trust_file，没有受信任的根 no trust file is set, so no root is trusted"
        )
    return desk


async def get_application(call: Call) -> web.Response:
    """GET /api/v1/trust/application."""
    desk, asked, services = desk_of(call), call.query(ApplicationQuery), call.rooms.services
    code = ResourceCode(services.settings.gateway.code)
    desk.rotation.look()
    made = make_application(desk.authority, desk.trust, code, services.clock(), root=asked.root, whole=asked.whole)
    return web.Response(body=build_application(made), content_type=XML, charset="utf-8")


async def post_lists(call: Call) -> web.Response:
    """POST /api/v1/trust/lists."""
    desk, asked, kind = desk_of(call), call.query(ListsQuery), call.request.content_type
    if kind not in (XML, BYTES):
        raise UnsupportedMediaError(kind, (XML, BYTES))
    body = await call.body()
    try:
        signed = parse_lists(body)
        taken = await desk.authority.take(
            signed.lists, signed.certificates, actor=call.holder.name, without_us=asked.without_us
        )
    except FrameError as error:
        raise HttpProblem(
            400, Violation("", "file_malformed", f"不是授权列表文件 no file of lists: {error}")
        ) from error
    except ListsRefused as error:
        raise HttpProblem(422, *error.violations) from error
    return answer(ListsReply(new=taken.new, same=taken.same, certificates=taken.certificates))


async def get_lists(call: Call) -> web.Response:
    """GET /api/v1/trust/lists."""
    desk, asked = desk_of(call), call.query(PageQuery)
    devices = sorted(desk.authority.topology.devices(), key=lambda one: one.code)
    left = [one for one in devices if asked.cursor is None or one.code > asked.cursor]
    page = left[: asked.limit]
    cursor = str(page[-1].code) if len(left) > len(page) else None
    return answer(Page[HoldingBody](items=[_holding(desk, one) for one in page], next=cursor))


async def get_publication(call: Call) -> web.Response:
    """GET /api/v1/trust/publication."""
    return answer(_publication(desk_of(call), 0))


async def post_publication(call: Call) -> web.Response:
    """POST /api/v1/trust/publication."""
    desk, services = desk_of(call), call.rooms.services
    asked = await call.model(PublishBody, optional=True)
    devices = {str(one.code): one for one in desk.authority.topology.devices()}
    for position, code in enumerate(asked.devices):
        if code not in devices:
            raise InvalidValueError(f"devices/{position}", code, "不是接收授权列表的设备 / takes no lists")
    chosen = [devices[code] for code in dict.fromkeys(asked.devices)] or list(devices.values())
    wanted = [one for one in chosen if asked.again or desk.publisher.holding(one) is not Holding.PROVEN]
    due = [one for one in wanted if desk.authority.list_for(one) is not None]
    await services.store.write(
        AuditRow(services.clock(), call.holder.name, "publish_lists", "trust", {"devices": len(due)})
    )
    desk.publisher.start(due)
    return answer(_publication(desk, len(due)), 202)


def _publication(desk: TrustDesk, started: int) -> PublicationReply:
    found = counts(desk.publisher, desk.authority.topology.devices())
    return PublicationReply(running=desk.publisher.is_running, started=started, counts=found)


def _holding(desk: TrustDesk, device: Device) -> HoldingBody:
    paper, held = desk.authority.list_for(device), desk.authority.held_by(device)
    outcome = desk.publisher.outcome(device)
    return HoldingBody(
        code=device.code,
        name=device.name,
        kind="adapter" if device.adapter is not None else "terminal",
        above=device.above,
        root=device.receiver.root,
        receiver=device.receiver.serial,
        number=None if paper is None else paper.number,
        authorised=() if paper is None else paper.serials,
        holding=desk.publisher.holding(device).value,
        held_number=None if held is None else held.number,
        held_at=None if held is None else instant(held.at),
        status=None if outcome is None else outcome.status.value,
        route=None if outcome is None else outcome.route,
        result=0 if outcome is None else outcome.code,
        detail="" if outcome is None else outcome.detail,
    )
