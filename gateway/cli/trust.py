"""``ebgw trust``: certificates and authorisation lists."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import click
from rich.table import Table

from gateway.cli.client import ApiClient
from gateway.cli.options import http_options, json_option
from gateway.cli.output import say_json, show
from gateway.security.papers import day

_STATES = {
    "valid": "有效 valid",
    "expiring": "即将到期 expiring",
    "expired": "已到期 expired",
    "revoked": "已吊销 revoked",
    "early": "未生效 not yet",
}


@click.group("trust")
def trust() -> None:
    """证书与授权列表 / Certificates and authorisation lists (GD/J 081)."""


@trust.command("show")
@http_options
@json_option
def show_trust(url: str, key: str, as_json: bool) -> None:
    """证书一览 / Every certificate that the gateway relies on: holder, root, validity, revocation, use."""
    found = asyncio.run(_get(url, key))
    if as_json:
        say_json(found)
        return
    table = Table("编号 number", "持有者 holder", "根 root", "起 from", "止 to", "状态 state", "用途 used for")
    for item in found["certificates"]:
        left = item["days_left"]
        state = _STATES[item["state"]]
        if item["state"] == "expiring":
            state += f"，剩 {left} 天 days"
        table.add_row(
            item["number"],
            item["holder"],
            item["root"],
            _moment(item["valid_from"]) or "-",
            _moment(item["valid_to"]) or "不过期 never",
            f"{state}: {item['revoked']}" if item["revoked"] else state,
            "; ".join(item["uses"]) or "-",
        )
    show(table)


async def _get(url: str, key: str) -> dict[str, Any]:
    async with ApiClient(url, key) as api:
        found: dict[str, Any] = await api.get("/api/v1/trust")
        return found


def _moment(text: str | None) -> str:
    return day(datetime.fromisoformat(text).timestamp()) if text else ""
