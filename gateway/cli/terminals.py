"""``ebgw terminals``: the registry, through a running gateway or straight into its store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from gateway.cli.client import ApiClient
from gateway.cli.direct import open_store
from gateway.cli.options import AreaType, config_option, json_option
from gateway.cli.output import say_json, show
from gateway.devices.profiles import load_profiles
from gateway.dispatch.registry_file import read_registry_file
from gateway.dispatch.terminals import TerminalBook, load_registry, row_of
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.domain.receiver import Terminal
from gateway.publishers.reference import load_gazetteer
from gateway.settings import Settings, load_settings
from gateway.store import queries

#: Terminals of one HTTP request, well below the default body limit.
_CHUNK = 1000
_URL = click.option(
    "--url", envvar="EBGW_URL", help="运行中的网关；不给则直接写库 / a running gateway; none: the store."
)
_KEY = click.option("--key", envvar="EBGW_KEY", default="", help="密钥 key; environment EBGW_KEY.")


@click.group("terminals")
def terminals() -> None:
    """终端台账 / The registry of terminals."""


@terminals.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@_URL
@_KEY
@json_option
def import_file(file: Path, config: Path | None, url: str | None, key: str, as_json: bool) -> None:
    """导入 CSV 台账 / Import a CSV registry: all rows or none.

    不给 --url 时直接写库，网关下次启动时生效 / without --url it goes into the store and is in force from the next start.
    """
    settings = load_settings(config)
    gazetteer = load_gazetteer(settings.reference.folder)
    folder = settings.reference.folder / "profiles" if settings.reference.folder else None
    found = read_registry_file(file, gazetteer, frozenset(load_profiles(folder)))
    count = asyncio.run(_post(url, key, found) if url else _store(settings, found))
    if as_json:
        say_json({"imported": count, "file": str(file)})
    else:
        click.echo(f"已导入 imported {count:,} 终端 terminals, {len({t.area for t in found}):,} 村 divisions")


async def _post(url: str, key: str, found: Sequence[Terminal]) -> int:
    async with ApiClient(url, key) as api:
        for start in range(0, len(found), _CHUNK):
            await api.post("/api/v1/terminals", {"terminals": list(map(as_record, found[start : start + _CHUNK]))})
    return len(found)


async def _store(settings: Settings, found: Sequence[Terminal]) -> int:
    async with open_store(settings) as store:
        return await TerminalBook(store, await load_registry(store), time.time).put(found, "cli")


def as_record(terminal: Terminal) -> dict[str, Any]:
    """A terminal as the HTTP interface takes it."""
    record = asdict(row_of(terminal))
    del record["id"], record["deleted"]
    return record


@terminals.command("list")
@click.option("--area", type=AreaType(), default="000000000000", help="区划 / division.")
@config_option
@_URL
@_KEY
@json_option
def list_terminals(area: AreaCode, config: Path | None, url: str | None, key: str, as_json: bool) -> None:
    """列出台账 / List the registry."""
    settings = load_settings(config)
    records = asyncio.run(_from_http(url, key, area) if url else _from_store(settings, area))
    if as_json:
        for record in records:
            say_json(record)
        return
    show(_table(records, load_gazetteer(settings.reference.folder)))


async def _from_http(url: str, key: str, area: AreaCode) -> list[dict[str, Any]]:
    async with ApiClient(url, key) as api:
        return [record async for record in api.pages("/api/v1/terminals", area=area.prefix or None)]


async def _from_store(settings: Settings, area: AreaCode) -> list[dict[str, Any]]:
    async with open_store(settings) as store:
        rows = await store.read(queries.terminals)
    return [
        {name: value for name, value in asdict(row).items() if name not in ("id", "deleted")}
        for row in sorted(rows, key=lambda row: row.code)
        if row.area.startswith(area.prefix)
    ]


def _table(records: Sequence[dict[str, Any]], gazetteer: Gazetteer) -> Table:
    table = Table("编码 code", "物理地址 physical", "名称 name", "所在 place", "在用 in service", "在线 online")
    for record in records:
        online = record.get("online")
        table.add_row(
            record["code"],
            record["physical_address"],
            record["name"],
            gazetteer.full_name(AreaCode(record["area"])),
            "是" if record["in_service"] else "否",
            "-" if online is None else "是" if online else "否",
        )
    table.caption = f"{len(records):,} 终端 terminals"
    return table
