"""The registry 台账 as a file: taken out, tried, and put in."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from gateway.api.models import Query, Reply
from gateway.api.routes import Call, answer
from gateway.api.terminals import put_terminals
from gateway.dispatch.registry_file import read_registry
from gateway.dispatch.registry_sheet import CSV, XLSX, csv_table, differences, lines_of, xlsx_table
from gateway.domain.receiver import Terminal
from gateway.errors import UnsupportedMediaError
from gateway.publishers.rights import check_areas

#: Changes and new codes that an answer lists.
_LISTED: Final = 200


class ExportQuery(Query):
    """Which terminals, in which form."""

    format: Literal["csv", "xlsx"] = "csv"
    area: Annotated[str, StringConstraints(pattern=r"^\d{2,12}$")] | None = Field(
        default=None, description="区划代码前缀 digits that the area begins with"
    )


class RegistryQuery(Query):
    """Whether it is only tried."""

    dry_run: bool = Field(default=False, description="只核对，不写入 only say what it would do")


class ChangeBody(Reply):
    """One field that changes."""

    code: str
    column: str
    before: str
    after: str


class RegistryReply(Reply):
    """What a file does, or would do; terminals that it does not name stay as they are."""

    dry_run: bool
    added: int
    changed: int
    same: int
    new: list[str] = Field(description="新终端编码，至多 200 codes that are new")
    changes: list[ChangeBody] = Field(description="变更，至多 200 what changes")


async def export_registry(call: Call) -> web.Response:
    """GET /api/v1/registry: the whole registry, or a division's, as a file."""
    asked = call.query(ExportQuery)
    registry = call.rooms.services.dispatch.state.registry
    chosen = [entry.terminal for entry in registry if entry.terminal.area.startswith(asked.area or "")]
    chosen.sort(key=lambda terminal: terminal.code)
    make = csv_table if asked.format == "csv" else xlsx_table
    body = await asyncio.to_thread(make, chosen)
    headers = {"Content-Disposition": f'attachment; filename="registry.{asked.format}"'}
    return web.Response(body=body, content_type=CSV if asked.format == "csv" else XLSX, headers=headers)


async def import_registry(call: Call) -> web.Response:
    """POST /api/v1/registry: all rows or none; with ``dry_run`` nothing is written."""
    asked = call.query(RegistryQuery)
    media = call.request.content_type
    if media not in (CSV, XLSX):
        raise UnsupportedMediaError(media, (CSV, XLSX))
    body = await call.body()
    services = call.rooms.services

    def read() -> list[Terminal]:
        lines = lines_of(body, media)
        return read_registry(lines, services.gazetteer, frozenset(services.profiles), services.settings.routes)

    terminals = await asyncio.to_thread(read)
    check_areas(call.holder, dict.fromkeys(terminal.area for terminal in terminals))
    found = await asyncio.to_thread(partial(differences, terminals, services.dispatch.state.registry))
    if not asked.dry_run:
        await put_terminals(call, terminals)
    return answer(
        RegistryReply(
            dry_run=asked.dry_run,
            added=len(found.added),
            changed=found.changed,
            same=found.same,
            new=list(found.added[:_LISTED]),
            changes=[
                ChangeBody(**{name: getattr(one, name) for name in ChangeBody.model_fields})
                for one in found.changes[:_LISTED]
            ],
        )
    )
