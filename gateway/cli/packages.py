"""``ebgw packages``: packages of the platform interface, to and from peers."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Any

import click
from rich.table import Table

from gateway.cli.client import ApiClient
from gateway.cli.options import http_options, json_option
from gateway.cli.output import say_json, show


@click.command("packages")
@click.option("--sent", is_flag=True, help="发出的 / those of ours; default: those of peers.")
@click.option(
    "--most", type=click.IntRange(1, 100_000), default=100, show_default=True, help="条数 how many, newest first."
)
@http_options
@json_option
def packages(sent: bool, most: int, url: str, key: str, as_json: bool) -> None:
    """平台数据包 / Packages of GD/J 083: what peers sent and were answered, what went to them."""
    found = asyncio.run(_get(url, key, "sent" if sent else "received", most))
    if as_json:
        for one in found:
            say_json(one)
        return
    table = Table(
        "时间 at", "对端 peer", "类型 kind", "编号 EBD", "状态 state", "次数 tries", "结果 result", "消息 EBM"
    )
    for one in islice(found, most):
        result = "—" if one["result"] is None else f"{one['result']} {one['words']}"
        table.add_row(
            one["at"],
            one["peer"],
            one["kind"],
            one["ebd_id"],
            one["state"],
            str(one["tries"]),
            result,
            one["message_id"] or "—",
        )
    show(table)


async def _get(url: str, key: str, direction: str, most: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with ApiClient(url, key) as api:
        async for item in api.pages("/api/v1/platform/packages", direction=direction):
            found.append(item)
            if len(found) == most:
                break
    return found
