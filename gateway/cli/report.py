"""``ebgw report``: reports of a message, a drill or a month as files, and the proof that a file is one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from gateway.api.reports import FORMS, PROOF_HEADER
from gateway.cli.client import ApiClient
from gateway.cli.group import EXIT_FAILED
from gateway.cli.options import config_option, http_options, json_option
from gateway.cli.output import say_json, show
from gateway.daemon import sm2_provider
from gateway.errors import EnvironmentLackingError
from gateway.reports.proof import Proof
from gateway.security.keys import load_key_file
from gateway.settings import load_settings

#: Tables that a console shows; the others are for files.
_SHOWN = ("about", "coverage", "counties", "timeliness", "missing", "evidence", "acts", "sums", "messages", "alarms")
_form = click.option(
    "--format",
    "form",
    type=click.Choice([form for form in FORMS if form != "json"]),
    help="写成文件 / write a file in this form; default: tables on the console.",
)
_out = click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="文件名 / its name; default: as the gateway names it.",
)


@click.group("report")
def report() -> None:
    """报告 / Reports: of a message, a drill, a month."""


@report.command("message")
@click.argument("warning_id", metavar="ID")
@_form
@_out
@http_options
@json_option
def message(warning_id: str, form: str | None, out: Path | None, url: str, key: str, as_json: bool) -> None:
    """单次播发报告 / The report of a message, by the id of its warning or its EBM id."""
    _make(f"/api/v1/warnings/{warning_id}/report", {}, f"message-{warning_id}", form, out, url, key, as_json)


@report.command("drill")
@click.argument("drill_id", metavar="ID")
@_form
@_out
@http_options
@json_option
def drill(drill_id: str, form: str | None, out: Path | None, url: str, key: str, as_json: bool) -> None:
    """演练报告 / The report of a drill."""
    _make(f"/api/v1/warnings/{drill_id}/report", {}, f"drill-{drill_id}", form, out, url, key, as_json)


@report.command("month")
@click.argument("month", metavar="YYYY-MM")
@_form
@_out
@http_options
@json_option
def month(month: str, form: str | None, out: Path | None, url: str, key: str, as_json: bool) -> None:
    """月度报告 / The report of a month."""
    _make("/api/v1/reports/month", {"month": month}, f"month-{month}", form, out, url, key, as_json)


@report.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--public-key", help="网关公钥，64 字节十六进制 / of the gateway, hexadecimal; default: by the settings.")
@config_option
@click.pass_context
def verify(ctx: click.Context, file: Path, public_key: str | None, config: Path | None) -> None:
    """核对报告未被改动 / Hold a file against FILE.sig.json; exit 1 where it is not what the gateway made."""
    settings = load_settings(config)
    provider = sm2_provider(settings.signing.provider)
    try:
        own = bytes.fromhex(public_key or "") or load_key_file(settings.key_file, provider=provider).pair.public
    except ValueError:
        raise click.BadParameter("须为十六进制 / must be hexadecimal", param_hint="--public-key") from None
    beside = file.with_name(f"{file.name}.sig.json")
    if not beside.exists():
        raise EnvironmentLackingError(f"{beside}: 没有签名文件 / there is no proof beside the file")
    proof = Proof.read(beside.read_text(encoding="utf-8"))
    if not proof.holds(file.read_bytes(), own, provider):
        click.echo(
            "不符：文件已改动，或非此网关所签 / no: the file was changed, or another gateway signed it", err=True
        )
        ctx.exit(EXIT_FAILED)
    click.echo(f"相符 it is what the gateway made; certificate {proof.block.certificate}")


def _make(
    path: str,
    query: dict[str, str],
    name: str,
    form: str | None,
    out: Path | None,
    url: str,
    key: str,
    as_json: bool,
) -> None:
    if form is None:
        found = asyncio.run(_json(path, query, url, key))
        if as_json:
            say_json(found)
        else:
            _show(found)
        return
    body, proof = asyncio.run(_file(path, {**query, "format": form}, url, key))
    target = out or Path(f"{name}.{'zip' if form == 'csv' else form}")
    target.write_bytes(body)
    target.with_name(f"{target.name}.sig.json").write_text(f"{proof}\n", encoding="utf-8")
    if as_json:
        say_json({"file": str(target), "bytes": len(body)})
    else:
        click.echo(f"{target} ({len(body):,} bytes), {target.name}.sig.json")


def _show(found: dict[str, Any]) -> None:
    mark = "  演练 DRILL" if found["drill"] else ""
    click.echo(f"{found['subtitle']}: {found['title']}{mark}")
    for table in found["tables"]:
        if table["key"] in _SHOWN and table["rows"]:
            grid = Table(*table["columns"], title=table["title"], title_justify="left", caption=table["note"] or None)
            for row in table["rows"]:
                grid.add_row(*("—" if value is None else str(value) for value in row))
            show(grid)


async def _json(path: str, query: dict[str, str], url: str, key: str) -> dict[str, Any]:
    async with ApiClient(url, key) as api:
        found: dict[str, Any] = await api.get(path, **query, format="json")
        return found


async def _file(path: str, query: dict[str, str], url: str, key: str) -> tuple[bytes, str]:
    async with ApiClient(url, key, seconds=120) as api:
        return await api.file(path, PROOF_HEADER, **query)
