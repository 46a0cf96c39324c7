"""``ebgw people``: who may use the console, and as what."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path

import click
from rich.table import Table

from gateway.cli.direct import open_store
from gateway.cli.options import AreasType, config_option, json_option
from gateway.cli.output import say_json, show
from gateway.console.desk import person_of, row_of
from gateway.domain.codes import AreaCode
from gateway.domain.people import Person, Position
from gateway.errors import NotFoundError, StateConflictError
from gateway.security.passwords import hash_password, new_totp_secret, totp_address
from gateway.settings import Settings, load_settings
from gateway.store import Store
from gateway.store import people_queries as queries
from gateway.store import queries as key_queries
from gateway.store.rows import AuditRow

_stdin = click.option(
    "--password-stdin", is_flag=True, help="从标准输入读口令 / read the password from standard input."
)


@click.group("people")
def people() -> None:
    """值班台人员 / People who use the console; a running gateway learns of them by itself."""


@people.command("add")
@click.argument("name")
@click.option(
    "--position",
    type=click.Choice([position.value for position in Position]),
    default="operator",
    show_default=True,
    help="岗位 / what he may see and do: docs/console.md.",
)
@click.option("--areas", type=AreasType(), required=True, help="负责区划，逗号分隔 / divisions, separated by commas.")
@click.option("--totp", is_flag=True, help="另用动态口令，密钥只显示一次 / one-time codes too; shown once.")
@_stdin
@config_option
@json_option
def add(
    name: str,
    position: str,
    areas: tuple[AreaCode, ...],
    totp: bool,
    password_stdin: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """新增人员 / Add somebody."""
    settings = load_settings(config)
    secret = new_totp_secret() if totp else ""
    person = Person(name, Position(position), areas, hash_password(_password(password_stdin)), secret)
    asyncio.run(_add(settings, person))
    address = totp_address(secret, name, settings.gateway.name) if secret else ""
    if as_json:
        say_json({"name": name, "position": position, "totp": address or None})
        return
    click.echo(f"已新增 added: {name}, {person.position.words}")
    if address:
        click.echo(f"请录入验证器，不再显示 / enter it into the app, it is not shown again:\n{address}")


@people.command("list")
@config_option
@json_option
def list_people(config: Path | None, as_json: bool) -> None:
    """列出人员 / Everybody, the disabled ones too."""
    found = asyncio.run(_list(load_settings(config)))
    if as_json:
        say_json(
            [
                {
                    "name": person.name,
                    "position": person.position.value,
                    "areas": list(map(str, person.areas)),
                    "totp": bool(person.totp),
                    "disabled": person.disabled,
                }
                for person in found
            ]
        )
        return
    table = Table("姓名 name", "岗位 position", "区划 areas", "动态口令 TOTP", "状态 state")
    for person in found:
        state = "停用 disabled" if person.disabled else "在用 in use"
        table.add_row(
            person.name, person.position.words, ", ".join(person.areas), "是 yes" if person.totp else "-", state
        )
    show(table)


@people.command("password")
@click.argument("name")
@_stdin
@config_option
def set_password(name: str, password_stdin: bool, config: Path | None) -> None:
    """更改口令 / Give somebody another password."""
    settings = load_settings(config)
    hashed = hash_password(_password(password_stdin))
    asyncio.run(_change(settings, name, "password_changed", password=hashed))
    click.echo(f"已更改 changed: {name}")


@people.command("disable")
@click.argument("name")
@config_option
def disable(name: str, config: Path | None) -> None:
    """停用：会话即刻失效，记录保留 / Nobody of that name gets in any more; what he did stays on record."""
    asyncio.run(_change(load_settings(config), name, "person_disabled", disabled=True))
    click.echo(f"已停用 disabled: {name}")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    said: str = click.prompt("口令 password", hide_input=True, confirmation_prompt="再次输入 again", err=True)
    return said


async def _add(settings: Settings, person: Person) -> None:
    async with open_store(settings) as store:
        await add_person(store, person, "cli")


async def add_person(store: Store, person: Person, actor: str) -> None:
    """Store somebody new. Errors: StateConflictError where the name is taken."""
    if person.name in {row.name for row in await store.read(queries.people)}:
        raise StateConflictError(f"{person.name}: 姓名已有，请用 the name is taken: ebgw people password, disable")
    if person.name in {row.name for row in await store.read(key_queries.keys)}:
        raise StateConflictError(f"{person.name}: 已是密钥持有者之名 is the name of a key: the audit knows names")
    now = time.time()
    detail = {"position": person.position.value, "areas": list(map(str, person.areas))}
    await store.write(row_of(person, now), AuditRow(now, actor, "person_added", person.name, detail))


async def _list(settings: Settings) -> list[Person]:
    async with open_store(settings) as store:
        return [person_of(row) for row in await store.read(queries.people)]


async def _change(settings: Settings, name: str, action: str, *, password: str = "", disabled: bool = False) -> None:
    async with open_store(settings) as store:
        row = next((row for row in await store.read(queries.people) if row.name == name), None)
        if row is None:
            raise NotFoundError(f"没有此人 there is nobody of that name: {name}")
        now = time.time()
        changed = replace(row, password=password or row.password, disabled=disabled or row.disabled, changed_at=now)
        await store.write(changed, AuditRow(now, "cli", action, name))
