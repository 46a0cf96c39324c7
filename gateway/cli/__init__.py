"""The command line 命令行, ``ebgw``: one module for each family of commands, loaded when its command is used."""

from __future__ import annotations

import click

from gateway.cli.group import CommandGroup

#: Command → where its click command is; a module is imported only when its command runs or shows its help.
COMMANDS = {
    "run": "gateway.cli.run:run",
    "publish": "gateway.cli.publish:publish",
    "scheme": "gateway.cli.scheme:scheme",
    "coverage": "gateway.cli.coverage:coverage",
    "deliveries": "gateway.cli.deliveries:deliveries",
    "packages": "gateway.cli.packages:packages",
    "report": "gateway.cli.report:report",
    "terminals": "gateway.cli.terminals:terminals",
    "keys": "gateway.cli.keys:keys",
    "people": "gateway.cli.people:people",
    "trust": "gateway.cli.trust:trust",
    "check-config": "gateway.cli.check_config:check_config",
    "check-warning": "gateway.cli.check_warning:check_warning_command",
    "decode": "gateway.cli.decode:decode_command",
    "backup": "gateway.cli.backup:backup_command",
    "restore": "gateway.cli.backup:restore_command",
    "emulate": "emulator.cli:emulate",
    "demo": "gateway.cli.demo:demo",
}


@click.command(cls=CommandGroup, commands_at=COMMANDS)
@click.version_option(package_name="ebgw", prog_name="ebgw")
def main() -> None:
    """应急广播网关 Emergency broadcast gateway.

    退出码 exit codes: 0 成功 done, 1 未成 not so, 2 用法 usage, 3 环境 environment.
    """
