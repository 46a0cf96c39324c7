"""The group of all commands: loads them late, and turns every error of ours into words and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from gateway.errors import (
    EnvironmentLackingError,
    GatewayError,
    KeyMaterialError,
    RegistryError,
    SettingsError,
    WarningError,
)

EXIT_FAILED, EXIT_USAGE, EXIT_ENVIRONMENT = 1, 2, 3

#: Chinese words for the codes of the error tree; an error's own text follows them.
_WORDS = {
    "environment": "运行环境不足",
    "key_material": "密钥或证书不可用",
    "settings": "配置有误",
    "registry": "台账或表格有误",
    "store": "数据库出错",
    "row_refused": "数据不合规则",
    "not_found": "未找到",
    "forbidden": "权限不足",
    "state_conflict": "状态不允许",
    "overloaded": "请求过多",
    "invalid_value": "取值有误",
    "unsupported_media": "不支持的媒体类型",
    "http": "网关未接受",
}


class CommandGroup(click.Group):
    """A group whose commands are named by ``module:attribute``."""

    def __init__(self, *arguments: Any, commands_at: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(self._at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command."""
        where = self._at.get(cmd_name)
        if where is None:
            return None
        module, _, attribute = where.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run; an error of ours ends the process with its words and its exit code, never a traceback."""
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            click.echo(words_of(error), err=True)
            ctx.exit(exit_code_of(error))
        except BrokenPipeError:
            # Whoever read our output has gone; the interpreter must not complain once more at its end.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123  # closed by the end of the process
            ctx.exit(EXIT_FAILED)
        except OSError as error:
            # A file or a folder that the machine does not let us have.
            where = f"{error.filename}: " if error.filename else ""
            click.echo(words_of(EnvironmentLackingError(f"{where}{error.strerror or error}")), err=True)
            ctx.exit(EXIT_ENVIRONMENT)


def exit_code_of(error: GatewayError) -> int:
    """3 where the machine or a key lacks something, 1 otherwise."""
    return EXIT_ENVIRONMENT if isinstance(error, EnvironmentLackingError | KeyMaterialError) else EXIT_FAILED


def words_of(error: GatewayError) -> str:
    """An error for people: Chinese first, English beside, one line for each broken rule."""
    head = f"错误 {_WORDS.get(error.code, '未能完成')} / error {error.code}"
    lines = _lines(error)
    return f"{head}: {lines[0]}" if len(lines) == 1 else "\n  ".join([f"{head}:", *lines])


def _lines(error: GatewayError) -> list[str]:
    if isinstance(error, SettingsError):
        lines = [f"{key}: {rule}" for key, rule in error.problems]
    elif isinstance(error, RegistryError):
        lines = [f"第 {row} 行 row {row}, {column}: {rule}" for row, column, rule in error.problems]
    elif isinstance(error, WarningError):
        lines = [f"{v.path or '/'}: {v.code}: {v.message}" for v in error.violations]
    else:
        lines = [str(error)]
    return lines or [str(error)]
