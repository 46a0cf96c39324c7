"""``ebgw decode``: frames as hexadecimal in, what they say out (docs/decode.md)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import click

from gateway.cli.group import EXIT_FAILED, EXIT_USAGE
from gateway.cli.options import PublicKeyType, json_option
from gateway.cli.output import say_json
from gateway.protocols.decode import decode

#: Longest line that is looked at: the largest frame has 65,535 bytes, two digits each, with room for white space.
_LINE_LIMIT = 400_000


@click.command("decode")
@click.argument("frame", metavar="HEX|-", nargs=-1, required=True)
@click.option("--public-key", type=PublicKeyType(), help="平台公钥，验签用 / platform key, to verify signatures.")
@json_option
@click.pass_context
def decode_command(ctx: click.Context, frame: tuple[str, ...], public_key: bytes | None, as_json: bool) -> None:
    """解析帧 / Read frames of GD/J 085, 086, 087 and 089-2018 (- : 每行一帧 one frame a line).

    退出码 exit: 0 完整无误 whole and right, 1 有误 broken.
    """
    if "-" in frame and len(frame) > 1:
        raise click.UsageError("- 单独使用 / - stands alone")
    verify = _verifier() if public_key is not None else None
    lines: Iterable[str] = _lines() if frame == ("-",) else ["".join(frame)]
    broken = seen = False
    for line in lines:
        seen = True
        result = decode(line[:_LINE_LIMIT], public_key, verify)
        broken = broken or result["error"] is not None
        say_json(result) if as_json else _show(result)
    if not seen:
        click.echo("没有帧 / no frame on standard input", err=True)
        ctx.exit(EXIT_USAGE)
    if broken:
        ctx.exit(EXIT_FAILED)


def _verifier() -> Any:
    from gateway.security.sm2 import default_provider

    return default_provider().verify


def _lines() -> Iterable[str]:
    # Bytes that are no text must be told as such by the decoder, and never stop the rest.
    for raw in sys.stdin.buffer:
        line = raw.decode("ascii", "replace").strip()
        if line:
            yield line


def _show(result: dict[str, Any]) -> None:
    click.echo(f"{result['protocol'] or '?'}  {result['kind'] or '?'}")
    for name, value in result["fields"].items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        click.echo(f"  {name:<16} {shown}")
    for name in ("checksum", "signature", "error"):
        if result[name] is not None:
            click.echo(f"  {name:<16} " + ", ".join(f"{key}={value}" for key, value in result[name].items()))
