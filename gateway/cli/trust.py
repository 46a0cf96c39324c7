"""``ebgw trust``: certificates and authorisation lists."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from gateway.cli.client import ApiClient
from gateway.cli.group import EXIT_FAILED
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

_HOLDING = {
    "proven": "自证 proven",
    "claimed": "转报 claimed",
    "sent": "已发 sent",
    "outdated": "旧列表 outdated",
    "none": "未持有 none",
    "no_list": "无列表 no list",
}
_HELD = ("proven", "claimed", "sent")
_LISTS = "/api/v1/trust"
_BYTES = "application/octet-stream"
#: Seconds between two looks at a publication.
_LOOK = 0.5


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


@trust.command("apply")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="写入此文件 write here; default: print.")
@click.option("--root", default="", help="根，只有一个时可省略 / the root; may be left out where there is one.")
@click.option("--whole", is_flag=True, help="包括无变化的列表 / also lists that would not change.")
@http_options
def apply(out: Path | None, root: str, whole: bool, url: str, key: str) -> None:
    """生成证书授权列表申请文件 / Make the application for authorisation lists, for the root to sign."""
    text = asyncio.run(_application(url, key, root, whole))
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"已写入 written: {out}")


async def _application(url: str, key: str, root: str, whole: bool) -> str:
    async with ApiClient(url, key) as api:
        return await api.text("/api/v1/trust/application", root=root, whole=str(whole).lower())


@trust.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--without-us", is_flag=True, help="接受不含本平台证书的列表 / also lists that do not name us.")
@http_options
@json_option
def import_lists(file: Path, without_us: bool, url: str, key: str, as_json: bool) -> None:
    """导入已签名的授权列表，全部或全不 / Take a file of signed lists: all of it, or nothing with every broken rule."""
    taken = asyncio.run(_import(url, key, file.read_bytes(), without_us))
    if as_json:
        say_json(taken)
    else:
        new, same, papers = taken["new"], taken["same"], taken["certificates"]
        click.echo(f"新列表 new {new}，已有 same {same}，证书 certificates {papers}")


async def _import(url: str, key: str, data: bytes, without_us: bool) -> dict[str, Any]:
    kind = "application/xml" if b"<" in data[:64] and data.lstrip()[:5] in (b"<?xml", b"<Cert") else _BYTES
    async with ApiClient(url, key) as api:
        taken: dict[str, Any] = await api.post("/api/v1/trust/lists", data, kind, without_us=str(without_us).lower())
        return taken


@trust.command("publish")
@click.option("--device", "devices", multiple=True, help="只发给此设备，可多次 / only to this device; may be repeated.")
@click.option("--again", is_flag=True, help="已持有者也重发 / also to those that hold theirs.")
@click.option("--wait", "seconds", default=600.0, show_default=True, help="最多等待秒数 / seconds to wait at most.")
@http_options
@json_option
@click.pass_context
def publish(
    ctx: click.Context, devices: tuple[str, ...], again: bool, seconds: float, url: str, key: str, as_json: bool
) -> None:
    """经所有链路发布授权列表，逐台列出持有情况 / Publish the lists over every route; tells each device.

    退出码 exit: 0 各设备均已自证、转报或已发 all are proven, claimed or sent, 1 有设备未持有 some hold none.
    """
    items = asyncio.run(_publish(url, key, list(devices), again, seconds))
    _show_holding(items, as_json)
    ctx.exit(0 if all(item["holding"] in _HELD for item in items) else EXIT_FAILED)


async def _publish(url: str, key: str, devices: list[str], again: bool, seconds: float) -> list[dict[str, Any]]:
    async with ApiClient(url, key) as api:
        await api.post(f"{_LISTS}/publication", {"devices": devices, "again": again})
        try:
            async with asyncio.timeout(seconds):
                while (await api.get(f"{_LISTS}/publication"))["running"]:  # noqa: ASYNC110 - far away
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            click.echo("仍在发布，以下为目前情况 still under way; as far as it is", err=True)
        found = [item async for item in api.pages(f"{_LISTS}/lists")]
    return [item for item in found if not devices or item["code"] in devices]


@trust.command("lists")
@http_options
@json_option
def lists(url: str, key: str, as_json: bool) -> None:
    """授权列表及各设备持有情况 / The lists in force, and which one each device is known to hold."""
    _show_holding(asyncio.run(_lists(url, key)), as_json)


async def _lists(url: str, key: str) -> list[dict[str, Any]]:
    async with ApiClient(url, key) as api:
        return [item async for item in api.pages(f"{_LISTS}/lists")]


def _show_holding(items: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for item in items:
            say_json(item)
        return
    table = Table(
        "设备 device", "名称 name", "接收端 receiver", "列表 list", "授权 authorised", "持有 held", "最近发布 last"
    )
    for item in items:
        last = " ".join(filter(None, (item["status"], item["route"], item["detail"])))
        result = f" {item['result']}" if item["result"] else ""
        table.add_row(
            item["code"],
            item["name"],
            f"{item['root']}/{item['receiver']}",
            "-" if item["number"] is None else str(item["number"]),
            " ".join(item["authorised"]) or "-",
            _HOLDING[item["holding"]] + ("" if item["held_number"] is None else f" {item['held_number']}"),
            f"{last}{result}" or "-",
        )
    show(table)


@trust.command("rotate")
@click.option("--now", is_flag=True, help="改用下一密钥 sign with the next key; without it only shown.")
@click.option("--force", is_flag=True, help="虽有设备未自证持有 / though some are not proven to hold it.")
@click.option("--reason", default="", help="强制的原因 / why it is forced.")
@http_options
@json_option
def rotate(now: bool, force: bool, reason: str, url: str, key: str, as_json: bool) -> None:
    """密钥更替 / The next signing key: who holds a list that names it, and with --now it signs."""
    state = asyncio.run(_rotate(url, key, {"force": force, "reason": reason} if now else None))
    if as_json:
        say_json(state)
        return
    click.echo(f"现行 signs    {state['current']}")
    click.echo(f"下一 next     {state['next'] or '无 none (ebgw keys next)'}")
    click.echo(f"已自证 proven {state['ready']}/{state['devices']}")
    for code in state["missing"] if state["next"] else ():
        click.echo(f"  未自证 not proven: {code}")


async def _rotate(url: str, key: str, body: dict[str, Any] | None) -> dict[str, Any]:
    async with ApiClient(url, key) as api:
        path = f"{_LISTS}/rotation"
        state: dict[str, Any] = await api.get(path) if body is None else await api.post(path, body)
        return state
