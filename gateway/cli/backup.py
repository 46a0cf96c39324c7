"""``ebgw backup`` and ``ebgw restore``: the store, copied while the gateway works, and put back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.cli.direct import open_store
from gateway.cli.options import config_option, json_option
from gateway.cli.output import say_json
from gateway.settings import Settings, load_settings
from gateway.store.backup import backup, restore


@click.command("backup")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@config_option
@json_option
def backup_command(target: Path, config: Path | None, as_json: bool) -> None:
    """备份数据库到新文件，运行中亦可 / Copy the store to a new file, also while the gateway works."""
    size = asyncio.run(_backup(load_settings(config), target))
    if as_json:
        say_json({"file": str(target), "bytes": size})
    else:
        click.echo(f"已备份 saved {target} ({size:,} 字节 bytes); 密钥另行保管 keys are kept apart")


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@json_option
def restore_command(source: Path, config: Path | None, as_json: bool) -> None:
    """从备份恢复；不覆盖已有数据库 / Put a backup where the settings say; never over a database."""
    settings = load_settings(config)
    restore(source, settings.store_url)
    if as_json:
        say_json({"store": settings.store_url, "from": str(source)})
    else:
        click.echo(f"已恢复 restored {settings.store_url} from {source}")


async def _backup(settings: Settings, target: Path) -> int:
    async with open_store(settings) as store:
        return await backup(store, target)
