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
from gateway.dispatch.registry_file import read_registry
from gateway.dispatch.registry_sheet import CSV, XLSX, csv_table, differences, lines_of, xlsx_table
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


#: Changes that the command lists.
_LISTED = 200


@click.group("terminals")
def terminals() -> None:
    """终端台账 / The registry of terminals."""


@terminals.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@_URL
@_KEY
@click.option("--dry-run", is_flag=True, help="只核对，不写入 / only say what it would do.")
@json_option
def import_file(file: Path, config: Path | None, url: str | None, key: str, dry_run: bool, as_json: bool) -> None:
    """导入台账 CSV 或 XLSX / Import a registry file, csv or xlsx: all rows or none.

    不给 --url 时直接写库，网关下次启动时生效 / without --url: into the store, in force from the next start.
    """
    body, media = file.read_bytes(), XLSX if file.suffix.lower() == ".xlsx" else CSV
    if url:
        found = asyncio.run(_post(url, key, body, media, dry_run))
    else:
        found = asyncio.run(_store(load_settings(config), body, media, dry_run))
    count = found["added"] + found["changed"] + found["same"]
    if as_json:
        say_json({"imported": 0 if dry_run else count, "file": str(file), **found})
        return
    verb = "核对 would be imported" if dry_run else "已导入 imported"
    click.echo(f"{verb} {count:,} 终端 terminals: 新增 new {found['added']}, 变更 changed {found['changed']}")
    for change in found["changes"]:
        click.echo(f"  {change['code']} {change['column']}: {change['before']!r} → {change['after']!r}")


async def _post(url: str, key: str, body: bytes, media: str, dry_run: bool) -> dict[str, Any]:
    async with ApiClient(url, key) as api:
        found: dict[str, Any] = await api.post("/api/v1/registry", body, media, dry_run="true" if dry_run else None)
        return found


async def _store(settings: Settings, body: bytes, media: str, dry_run: bool) -> dict[str, Any]:
    folder = settings.reference.folder
    gazetteer = load_gazetteer(folder)
    profiles = load_profiles(folder / "profiles" if folder else None)
    terminals = read_registry(lines_of(body, media), gazetteer, frozenset(profiles), settings.routes)
    async with open_store(settings) as store:
        registry = await load_registry(store)
        found = differences(terminals, registry)
        if not dry_run:
            await TerminalBook(store, registry, time.time).put(terminals, "cli")
    return {
        "added": len(found.added),
        "changed": found.changed,
        "same": found.same,
        "changes": [asdict(change) for change in found.changes[:_LISTED]],
    }


@terminals.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@config_option
@_URL
@_KEY
def export_file(file: Path, config: Path | None, url: str | None, key: str) -> None:
    """导出台账，按扩展名 CSV 或 XLSX / Write the registry to a file, csv or xlsx by its ending."""
    form = "xlsx" if file.suffix.lower() == ".xlsx" else "csv"
    body = asyncio.run(_fetch(url, key, form) if url else _export(load_settings(config), form))
    file.write_bytes(body)
    click.echo(f"{file} ({len(body):,} bytes)")


async def _fetch(url: str, key: str, form: str) -> bytes:
    async with ApiClient(url, key, seconds=120) as api:
        body, _ = await api.file("/api/v1/registry", "Content-Type", format=form)
        return body


async def _export(settings: Settings, form: str) -> bytes:
    async with open_store(settings) as store:
        registry = await load_registry(store)
    found = sorted((entry.terminal for entry in registry), key=lambda terminal: terminal.code)
    return xlsx_table(found) if form == "xlsx" else csv_table(found)


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
