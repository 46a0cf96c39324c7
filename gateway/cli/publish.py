"""``ebgw publish``: post a warning to a running gateway, as a publisher would."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from gateway.cli.client import ApiClient
from gateway.cli.group import EXIT_FAILED
from gateway.cli.options import http_options, json_option
from gateway.cli.output import say_json
from gateway.publishers.parse import guess_media_type


@click.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--media-type", help="默认按内容判断 / told from the content by default.")
@http_options
@json_option
@click.pass_context
def publish(ctx: click.Context, file: Path, media_type: str | None, url: str, key: str, as_json: bool) -> None:
    """发布一条预警 (CAP、12379、JSON) / Post a warning (CAP, 12379 dialect, JSON), or a bundle of them."""
    body = file.read_bytes()
    answer = asyncio.run(_post(url, key, body, media_type or guess_media_type(body)))
    if as_json:
        say_json(answer)
    else:
        for item in answer.get("items", [answer]):
            _show(item)
    ctx.exit(EXIT_FAILED if answer.get("refused") else 0)


def _show(answer: dict[str, Any]) -> None:
    """One answer; those of a bundle say which warning they are about."""
    if "path" in answer:
        click.echo(f"{answer['path']}  {answer['identifier']}  {answer['status']}")
        for error in (answer["problem"] or {}).get("errors", ()):
            click.echo(f"拒绝 refused  {error['code']} {error['path']}: {error['message']}")
        if answer["acceptance"] is None:
            return
        answer = answer["acceptance"]
    targets = answer.get("targets") or {}
    click.echo(f"已受理 accepted  {answer.get('warning_id')}  {answer.get('message_id')}  {answer.get('state')}")
    click.echo(
        f"目标 targets: {targets.get('areas', 0)} 区划 areas, {targets.get('terminals', 0):,} 终端 terminals, "
        f"{targets.get('population', 0):,} 人 people"
    )
    for notice in answer.get("notices") or ():
        click.echo(f"提示 notice {notice['code']}: {notice['message']}")


async def _post(url: str, key: str, body: bytes, media_type: str) -> Any:
    async with ApiClient(url, key) as api:
        return await api.post("/api/v1/warnings", body, media_type)
