"""``ebgw coverage``: whom a warning reached, or whom the terminals could reach now."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from gateway.cli.client import ApiClient
from gateway.cli.options import AreaType, http_options, json_option
from gateway.cli.output import say_json, show
from gateway.cli.snapshots import snapshot_of, standing_of
from gateway.coverage.figures import Rule
from gateway.coverage.table import coverage_view, standing_table
from gateway.domain.codes import AreaCode


@click.command("coverage")
@click.argument("warning_id", metavar="[ID]", required=False)
@click.option(
    "--area", type=AreaType(), default="3505", show_default=True, help="常态覆盖的区划 / for standing coverage."
)
@click.option("--rule", type=click.Choice([rule.value for rule in Rule]), help="口径 / how people are counted.")
@http_options
@json_option
def coverage(warning_id: str | None, area: AreaCode, rule: str | None, url: str, key: str, as_json: bool) -> None:
    """预警覆盖 (给出 ID) 或常态覆盖 / Coverage of a warning (with its ID), or standing coverage."""
    answer = asyncio.run(_get(url, key, warning_id, area, rule))
    if as_json:
        say_json(answer)
    elif warning_id:
        show(coverage_view(snapshot_of(answer)))
    else:
        show(standing_table(standing_of(answer)))


async def _get(url: str, key: str, warning_id: str | None, area: AreaCode, rule: str | None) -> Any:
    async with ApiClient(url, key) as api:
        if warning_id:
            return await api.get(f"/api/v1/warnings/{warning_id}/coverage", rule=rule)
        return await api.get("/api/v1/coverage", area=area.prefix or "000000000000")
