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
from gateway.dispatch.terminals import TerminalBook, load_registry
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.publishers.reference import load_gazetteer
from gateway.settings import Settings, load_settings
from gateway.store import queries

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

    不给 --url 时直接写库，网关下次启动时生效 / without --url: into the store, in force from the next start.
    """
    count = asyncio.run(_post(url, key, file.read_bytes()) if url else _store(load_settings(config), file))
    if as_json:
        say_json({"imported": count, "file": str(file)})
    else:
        click.echo(f"已导入 imported {count:,} 终端 terminals")


async def _post(url: str, key: str, table: bytes) -> int:
    async with ApiClient(url, key) as api:
        answer = await api.post("/api/v1/terminals", table, "text/csv")
        return int(answer["added"]) + int(answer["changed"])


async def _store(settings: Settings, file: Path) -> int:
    folder = settings.reference.folder
    gazetteer = load_gazetteer(folder)
    profiles = load_profiles(folder / "profiles" if folder else None)
    found = read_registry_file(file, gazetteer, frozenset(profiles), settings.routes)
    async with open_store(settings) as store:
        return await TerminalBook(store, await load_registry(store), time.time).put(found, "cli")


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
    table = Table("编码 code", "物理地址 physical", "名称 name", "所在 place", "在用 in service", "连接 connected")
    for record in records:
        connected = record.get("connected")
        table.add_row(
            record["code"],
            record["physical_address"],
            record["name"],
            gazetteer.full_name(AreaCode(record["area"])),
            "是" if record["in_service"] else "否",
            "-" if connected is None else "是" if connected else "否",
        )
    table.caption = f"{len(records):,} 终端 terminals"
    return table
