"""``ebgw decode``: frames as hexadecimal in, what they say out (docs/decode.md)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from gateway.cli.group import EXIT_FAILED, EXIT_USAGE
from gateway.cli.options import PublicKeyType, json_option
from gateway.cli.output import say_json
from gateway.protocols.decode import decode

#: Longest line that is looked at: the largest frame has 65,535 bytes, two digits each, with room for white space.
_LINE_LIMIT = 400_000
#: What is read as a file, and up to which size: packages of the field have at most some megabytes of sound.
_FILES = (".tar", ".xml")
_FILE_LIMIT = 100 * 1024 * 1024


@click.command("decode")
@click.argument("frame", metavar="HEX|-|FILE", nargs=-1, required=True)
@click.option("--public-key", type=PublicKeyType(), help="平台公钥，验签用 / platform key, to verify signatures.")
@json_option
@click.pass_context
def decode_command(ctx: click.Context, frame: tuple[str, ...], public_key: bytes | None, as_json: bool) -> None:
    """解析帧 / Read frames of GD/J 085, 086, 087 and 089-2018 (- : 每行一帧 one frame a line).

    也解析平台接口数据包文件 / also a package of the platform interface (GD/J 082, 083): FILE.tar, FILE.xml.

    退出码 exit: 0 完整无误 whole and right, 1 有误 broken.
    """
    if "-" in frame and len(frame) > 1:
        raise click.UsageError("- 单独使用 / - stands alone")
    verify = _verifier() if public_key is not None else None
    lines: Iterable[str | bytes] = _given(frame)
    broken = seen = False
    for line in lines:
        seen = True
        result = decode(line if isinstance(line, bytes) else line[:_LINE_LIMIT], public_key, verify)
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


def _given(frame: tuple[str, ...]) -> Iterable[str | bytes]:
    if frame == ("-",):
        return _lines()
    if len(frame) == 1 and frame[0].lower().endswith(_FILES):
        path = Path(frame[0])
        try:
            if path.stat().st_size > _FILE_LIMIT:
                raise click.UsageError(f"{path}: 文件超过 / the file exceeds {_FILE_LIMIT} bytes")
            return [path.read_bytes()]
        except OSError as error:
            raise click.UsageError(f"{path}: {error.strerror}") from error
    return ["".join(frame)]


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
