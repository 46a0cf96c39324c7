"""Terminals 终端台账: listed, added one by one or by file, changed, taken out; strangers 未登记设备."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from gateway.api.models import Page, PageQuery, Query, Reply, Request, StrangerBody, moment
from gateway.api.routes import JSON, Call, answer, answer_off_loop
from gateway.dispatch.registry_file import read_registry, read_row
from gateway.domain.receiver import Terminal
from gateway.errors import (
    InvalidValueError,
    NotFoundError,
    RegistryError,
    StateConflictError,
    UnsupportedMediaError,
    Violation,
    WarningInvalid,
)
from gateway.publishers.rights import check_areas
from gateway.store import queries

CSV: Final = "text/csv"


class TerminalBody(Request):
    """A terminal as it is put into the registry."""

    code: str = Field(description="资源编码, 23 digits (GD/J 080-2018)")
    physical_address: str = Field(description="物理地址编码, hexadecimal")
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    area: str = Field(description="行政区划代码, 12 digits, as in the code")
    profile: str = "gdj089-2018"
    routes: Annotated[list[str], Field(min_length=1, max_length=10)] = Field(
        default=["ip"], description="路由，按优先次序 in order of preference: ip, or kind:link of the settings"
    )
    lat: float | None = None
    lon: float | None = None
    radius_m: float = 0.0
    in_service: bool = True


class TerminalReply(Reply):
    """A terminal of the registry, and how it stands now."""

    code: str
    physical_address: str
    name: str
    area: str
    area_name: str
    profile: str
    routes: list[str]
    lat: float | None
    lon: float | None
    radius_m: float
    in_service: bool
    connected: bool
    disputed: bool = Field(description="two live connections claim it: it proves nothing")


class ImportReply(Reply):
    """What an imported file did."""

    added: int
    changed: int


class TerminalsQuery(PageQuery):
    """Which terminals."""

    area: Annotated[str, StringConstraints(pattern=r"^\d{2,12}$")] | None = Field(
        default=None, description="区划代码前缀 digits that the area begins with"
    )


class StrangersQuery(Query):
    """How many strangers, latest first."""

    limit: int = Field(default=100, ge=1, le=1000)


class StrangersReply(Reply):
    """Devices that the registry does not know, latest first."""

    items: list[StrangerBody]
    next: Literal[None] = None


async def list_terminals(call: Call) -> web.Response:
    """GET /api/v1/terminals, by code."""
    asked = call.query(TerminalsQuery)
    services = call.rooms.services
    page = await services.store.read(queries.terminals_page, asked.limit, asked.cursor, asked.area or "")
    registry = services.dispatch.state.registry
    known = [entry.terminal for row in page.items if (entry := registry.by_code(row.code)) is not None]
    return await answer_off_loop(
        lambda: Page[TerminalReply](items=[_reply(call, terminal) for terminal in known], next=page.next)
    )


async def get_terminal(call: Call) -> web.Response:
    """GET /api/v1/terminals/{code}."""
    return answer(_reply(call, _known(call)))


async def post_terminals(call: Call) -> web.Response:
    """POST /api/v1/terminals: one as JSON, or a registry file as CSV."""
    if call.request.content_type == CSV:
        return await _import(call)
    if call.request.content_type != JSON:
        raise UnsupportedMediaError(call.request.content_type, (JSON, CSV))
    terminal = _terminal(call, await call.model(TerminalBody))
    registry = call.rooms.services.dispatch.state.registry
    if registry.by_code(terminal.code) is not None:
        raise StateConflictError(f"终端 {terminal.code} 已登记 is in the registry already; PUT changes it")
    await put_terminals(call, [terminal])
    where = {"Location": f"/api/v1/terminals/{terminal.code}"}
    return answer(_reply(call, terminal), 201, where)


async def put_terminal(call: Call) -> web.Response:
    """PUT /api/v1/terminals/{code}: add or change."""
    body = await call.model(TerminalBody)
    if body.code != call.request.match_info["code"]:
        raise InvalidValueError("code", body.code, "must be the code in the path")
    terminal = _terminal(call, body)
    before = call.rooms.services.dispatch.state.registry.by_code(terminal.code)
    if before is not None:
        check_areas(call.holder, [before.terminal.area])
    await put_terminals(call, [terminal])
    return answer(_reply(call, terminal), 200 if before is not None else 201)


async def delete_terminal(call: Call) -> web.Response:
    """DELETE /api/v1/terminals/{code}: what it did stays on record."""
    terminal = _known(call)
    check_areas(call.holder, [terminal.area])
    await call.rooms.services.terminals.remove(terminal.code, call.holder.name)
    return web.Response(status=204)


async def list_strangers(call: Call) -> web.Response:
    """GET /api/v1/strangers."""
    asked = call.query(StrangersQuery)
    rows = await call.rooms.services.store.read(queries.strangers, asked.limit)
    return answer(
        StrangersReply(
            items=[
                StrangerBody(
                    source=row.source,
                    physical_address=row.physical_address,
                    peer=row.peer,
                    reason=row.reason,
                    first_seen=moment(row.first_seen),
                    last_seen=moment(row.last_seen),
                    count=row.count,
                )
                for row in rows
            ]
        )
    )


async def _import(call: Call) -> web.Response:
    raw = await call.body()
    services = call.rooms.services
    try:
        text = raw.decode("utf-8-sig")
        lines = io.StringIO(text, newline="")
        # Four thousand rows take a tenth of a second.
        terminals = await asyncio.to_thread(
            read_registry, lines, services.gazetteer, frozenset(services.profiles), services.settings.routes
        )
    except UnicodeDecodeError as error:
        raise RegistryError((0, "*", f"is not UTF-8: {error.reason} at byte {error.start}")) from error
    except csv.Error as error:
        raise RegistryError((0, "*", f"is not CSV: {error}")) from error
    registry = services.dispatch.state.registry
    changed = sum(1 for terminal in terminals if registry.by_code(terminal.code) is not None)
    await put_terminals(call, terminals)
    return answer(ImportReply(added=len(terminals) - changed, changed=changed))


def _terminal(call: Call, body: TerminalBody) -> Terminal:
    """The body as a terminal by the rules of the registry file. Errors: WarningInvalid with every fault by field."""
    services = call.rooms.services
    row = {
        "code": body.code,
        "physical_address": body.physical_address,
        "name": body.name,
        "area": body.area,
        "profile": body.profile,
        "routes": ";".join(body.routes),
        "lat": "" if body.lat is None else repr(body.lat),
        "lon": "" if body.lon is None else repr(body.lon),
        "radius_m": repr(body.radius_m),
        "in_service": "1" if body.in_service else "0",
    }
    terminal, problems = read_row(row, services.gazetteer, frozenset(services.profiles), services.settings.routes)
    if terminal is None:
        raise WarningInvalid(*(Violation(column, "invalid_value", rule) for column, rule in problems))
    return terminal


async def put_terminals(call: Call, terminals: list[Terminal]) -> None:
    """Store them, if the key holds their areas and no other terminal has one of their addresses."""
    services, registry = call.rooms.services, call.rooms.services.dispatch.state.registry
    check_areas(call.holder, dict.fromkeys(terminal.area for terminal in terminals))
    coming = {terminal.code for terminal in terminals}
    holders = {e.terminal.physical_address: e.terminal.code for e in registry if e.terminal.code not in coming}
    taken = [(t, holders[t.physical_address]) for t in terminals if t.physical_address in holders]
    if taken:
        terminal, other = taken[0]
        raise StateConflictError(
            f"物理地址 {terminal.physical_address} 已属于 {other} / this physical address is that of another terminal"
        )
    await services.terminals.put(terminals, call.holder.name)


def _known(call: Call) -> Terminal:
    digits = call.request.match_info["code"]
    entry = call.rooms.services.dispatch.state.registry.by_code(digits)
    if entry is None:
        raise NotFoundError(f"没有终端 no terminal {digits[:40]!r} in the registry")
    return entry.terminal


def _reply(call: Call, terminal: Terminal) -> TerminalReply:
    services = call.rooms.services
    entry = services.dispatch.state.registry.by_code(terminal.code)
    number = entry.id if entry is not None else 0
    return TerminalReply(
        code=terminal.code,
        physical_address=terminal.physical_address,
        name=terminal.name,
        area=terminal.area,
        area_name=services.gazetteer.full_name(terminal.area),
        profile=terminal.profile,
        routes=list(map(str, terminal.routes)),
        lat=terminal.lat,
        lon=terminal.lon,
        radius_m=terminal.radius_m,
        in_service=terminal.in_service,
        connected=services.hub.is_online(number),
        disputed=services.hub.is_disputed(number),
    )
