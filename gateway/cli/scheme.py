"""``ebgw scheme``: schemes of messages that wait, play or are past, or the scheme of one."""

from __future__ import annotations

import asyncio
from typing import Any

import click
from rich.table import Table

from gateway.cli.client import ApiClient
from gateway.cli.options import http_options, json_option
from gateway.cli.output import say_json, show


@click.command("scheme")
@click.argument("warning_id", metavar="[ID]", required=False)
@click.option(
    "--list",
    "which",
    type=click.Choice(["waiting", "playing", "past"]),
    default="waiting",
    show_default=True,
    help="等待调度、正在播发、历史 / which messages.",
)
@http_options
@json_option
def scheme(warning_id: str | None, which: str, url: str, key: str, as_json: bool) -> None:
    """调度方案 / Schemes: of one warning (with its ID), or of all that wait, play or are past."""
    found = asyncio.run(_get(url, key, warning_id, which))
    if as_json:
        for one in found:
            say_json(one)
    elif warning_id:
        for line in scheme_lines(found[0]["scheme"]):
            click.echo(line)
    else:
        show(_table(found))


async def _get(url: str, key: str, warning_id: str | None, which: str) -> list[dict[str, Any]]:
    async with ApiClient(url, key) as api:
        if warning_id:
            return [await api.get(f"/api/v1/warnings/{warning_id}")]
        return [item async for item in api.pages("/api/v1/schemes", list=which)]


def _table(items: list[dict[str, Any]]) -> Table:
    table = Table("消息 message", "状态 state", "标题 headline", "预案 plan", "链路 carriers", "审核 approval")
    for item in items:
        scheme = item["scheme"]
        mark = "【演练】" if item["class"] <= 3 else ""
        table.add_row(
            item["message_id"],
            item["state"],
            mark + item["headline"],
            scheme["plan"] or "-",
            " ".join(f"{route}×{count}" for route, count in scheme["carriers"].items()) or "-",
            scheme["approval"]["words"] or "自动 automatic",
        )
    return table


def scheme_lines(scheme: dict[str, Any] | None) -> list[str]:
    """A scheme for people, line by line; also used for one that was only worked out."""
    if scheme is None:
        return ["没有消息，因而没有方案 no message, and so no scheme"]
    approval = scheme["approval"]
    said: list[tuple[str, object]] = [
        (
            "预案 plan",
            " ".join(filter(None, (scheme["plan"], scheme["title"]))) or "无，按配置 none, as the settings say",
        ),
        ("较不具体的预案 others", ", ".join(scheme["others"])),
        ("链路 routes", ", ".join(scheme["routes"]) + (" 仅此 only" if scheme["only_routes"] else "")),
        ("首选链路终端数 carriers", ", ".join(f"{r} {n}" for r, n in scheme["carriers"].items())),
        ("未覆盖终端 left out", scheme["left_out"] or ""),
        ("音量 volume", scheme["volume"]),
        ("播读遍数 repeats", scheme["repeats"]),
        ("播发时长 air time", None if scheme["air_seconds"] is None else f"{scheme['air_seconds']} s"),
        ("警报音 siren", scheme["siren"]),
        ("审核 approval", "须审核 by a second person" if approval["needed"] else "自动 automatic"),
        ("审核缘由 reasons", ", ".join(approval["reasons"])),
        ("审核角色 role", approval["role"]),
    ]
    return [f"  {name}: {value}" for name, value in said if value not in ("", None)]
