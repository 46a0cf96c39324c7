"""``ebgw deliveries``: one warning, terminal by terminal."""

from __future__ import annotations

import asyncio
from typing import Any

import click
from rich.table import Table

from gateway.cli.client import ApiClient
from gateway.cli.options import http_options, json_option
from gateway.cli.output import say_json, show
from gateway.domain.ladder import Rung


@click.command("deliveries")
@click.argument("warning_id", metavar="ID")
@click.option("--rung", type=click.Choice([rung.label for rung in Rung]), help="只看此阶 / only this rung.")
@http_options
@json_option
def deliveries(warning_id: str, rung: str | None, url: str, key: str, as_json: bool) -> None:
    """逐终端投递情况 / Deliveries of a warning, terminal by terminal, with their evidence (--json)."""
    found = asyncio.run(_get(url, key, warning_id, rung))
    if as_json:
        for delivery in found:
            say_json(delivery)
        return
    table = Table("终端 terminal", "所在 place", "阶 rung", "结果 outcome", "证据 reached", "发送 attempts")
    for d in found:
        table.add_row(
            d["terminal"], d["area_name"], d["rung"], d["outcome"], d["reached"] or "未达 no", str(d["attempts"])
        )
    show(table)


async def _get(url: str, key: str, warning_id: str, rung: str | None) -> list[dict[str, Any]]:
    async with ApiClient(url, key) as api:
        return [item async for item in api.pages(f"/api/v1/warnings/{warning_id}/deliveries", rung=rung)]
