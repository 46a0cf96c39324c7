"""Options that several commands share, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.domain.codes import AreaCode, CertificateSerial
from gateway.errors import InvalidValueError

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_URL = "http://127.0.0.1:8080"

config_option = click.option(
    "-c", "--config", "config", type=click.Path(dir_okay=False, path_type=Path), help="配置文件 settings file (TOML)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="输出 JSON / print JSON.")


def http_options(command: F) -> F:
    """``--url`` and ``--key`` of a running gateway, also by EBGW_URL and EBGW_KEY."""
    command = click.option("--key", envvar="EBGW_KEY", default="", help="密钥 key; environment EBGW_KEY.")(command)
    return click.option(
        "--url",
        envvar="EBGW_URL",
        default=DEFAULT_URL,
        show_default=True,
        help="网关地址 gateway; environment EBGW_URL.",
    )(command)


class AreaType(click.ParamType[AreaCode]):
    """A division of 2 to 12 digits; missing digits are zeros."""

    name = "AREA"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> AreaCode:
        """Fill up to 12 digits and check."""
        text = str(value)
        if len(text) not in (2, 4, 6, 9, 12):
            self.fail(f"{text!r}: 行政区划为 2、4、6、9 或 12 位 / a division has 2, 4, 6, 9 or 12 digits", param, ctx)
        try:
            return AreaCode(text.ljust(12, "0"))
        except InvalidValueError as error:
            self.fail(str(error), param, ctx)


class AreasType(click.ParamType[tuple[AreaCode, ...]]):
    """Divisions, separated by commas."""

    name = "AREA,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[AreaCode, ...]:
        """Split and convert each."""
        if isinstance(value, tuple):
            return value
        return tuple(AreaType().convert(part.strip(), param, ctx) for part in str(value).split(","))


class CertificateType(click.ParamType[CertificateSerial]):
    """A certificate number of 12 hexadecimal digits."""

    name = "HEX12"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> CertificateSerial:
        """Check the digits."""
        try:
            return CertificateSerial(str(value))
        except InvalidValueError as error:
            self.fail(str(error), param, ctx)


class PublicKeyType(click.ParamType[bytes]):
    """An SM2 public key x‖y, 128 hexadecimal digits."""

    name = "HEX128"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Check length and digits; a leading 04 of the uncompressed form is taken off."""
        if isinstance(value, bytes):
            return value
        text = "".join(str(value).split())
        text = text[2:] if len(text) == 130 and text.startswith("04") else text
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != 64:
            self.fail("公钥为 128 位十六进制 / a public key has 128 hexadecimal digits", param, ctx)
        return key
