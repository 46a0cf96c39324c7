"""``ebgw keys``: the gateway's signing key, and the keys of publishers and operators."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from gateway.api.keys import issue_key
from gateway.cli.direct import open_store
from gateway.cli.options import AreasType, CertificateType, config_option, json_option
from gateway.cli.output import say_json, show
from gateway.daemon import FIRST_CERTIFICATE, sm2_provider
from gateway.domain.approval import Role
from gateway.domain.codes import AreaCode, CertificateSerial
from gateway.domain.hours import Hours
from gateway.domain.warning import Severity, Status
from gateway.errors import InvalidValueError, NotFoundError, StateConflictError
from gateway.publishers.profile import Profile
from gateway.publishers.rights import KeyKind, Publisher
from gateway.publishers.wrappers import Wrapper
from gateway.security.keyring import next_file
from gateway.security.keys import SigningKey, load_key_file, new_key_file
from gateway.settings import Settings, load_settings
from gateway.store import Store, people_queries, queries
from gateway.store.rows import AuditRow, KeyRevokedRow, KeyRow

_SEVERITIES = [severity.name.lower() for severity in sorted(Severity, key=lambda s: s.rank) if severity]


@click.group("keys")
def keys() -> None:
    """密钥 / Keys: the signing key, and those of publishers and operators."""


@keys.command("new")
@config_option
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="默认按配置 / default: as in the settings."
)
@click.option("--certificate", type=CertificateType(), default=str(FIRST_CERTIFICATE), show_default=True)
@json_option
def new(config: Path | None, file: Path | None, certificate: CertificateSerial, as_json: bool) -> None:
    """生成 SM2 签名密钥 (0600) / Make an SM2 signing key; an existing file is never overwritten."""
    settings = load_settings(config)
    path = file or settings.key_file
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    provider = sm2_provider(settings.signing.provider)
    _show_key(path, new_key_file(path, certificate, provider=provider, now=datetime.now(UTC)), as_json)


@keys.command("next")
@config_option
@click.option("--certificate", type=CertificateType(), required=True, help="新证书编号 number of its certificate.")
@json_option
def next_key(config: Path | None, certificate: CertificateSerial, as_json: bool) -> None:
    """生成下一签名密钥，尚不使用 / Make the key that is to follow; it signs after ebgw trust rotate --now."""
    settings = load_settings(config)
    path = next_file(settings.key_file)
    provider = sm2_provider(settings.signing.provider)
    _show_key(path, new_key_file(path, certificate, provider=provider, now=datetime.now(UTC)), as_json)


@keys.command("show")
@config_option
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="默认按配置 / default: as in the settings."
)
@json_option
def show_key(config: Path | None, file: Path | None, as_json: bool) -> None:
    """显示公钥与证书编号 / Show what terminals need: public key and certificate number; the key is tested."""
    settings = load_settings(config)
    path = file or settings.key_file
    _show_key(path, load_key_file(path, provider=sm2_provider(settings.signing.provider)), as_json)


def _show_key(path: Path, key: SigningKey, as_json: bool) -> None:
    facts = {"file": str(path), **key.facts()}
    if as_json:
        say_json(facts)
        return
    for name, value in facts.items():
        click.echo(f"{name:<12} {value}")


@keys.group("publisher")
def publisher() -> None:
    """发布者与值班员的密钥 / Keys of publishers and operators; a running gateway learns of them by itself."""


@publisher.command("add")
@click.argument("name")
@click.option("--areas", type=AreasType(), required=True, help="可发布区划，逗号分隔 / divisions, separated by commas.")
@click.option(
    "--severity", type=click.Choice(_SEVERITIES), default="red", show_default=True, help="最高级别 / highest."
)
@click.option(
    "--status",
    "statuses",
    default="Actual,Exercise,Test",
    show_default=True,
    help="允许的 CAP status，逗号分隔 / separated by commas.",
)
@click.option("--events", default="*", show_default=True, help="事件类型，如 11B*,10201 / event types.")
@click.option("--profile", type=click.Choice([p.value for p in Profile]), default="strict", show_default=True)
@click.option(
    "--wrappers",
    help="可用的外包装 alerts,edxl,atom 或 none / bundles that it may send; default: all when tolerant, else none.",
)
@click.option("--operator", is_flag=True, help="值班员 / may approve, cancel and silence.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default="operator",
    show_default=True,
    help="角色 / who may approve what: docs/plans.md.",
)
@click.option("--hours", default="", help="可发布时段，如 06:00-21:00，逗号分隔 / when it may publish, Beijing time.")
@click.option("--weekdays", default="1234567", show_default=True, help="星期，1 为周一 / days of the week, 1 Monday.")
@click.option("--earthquake", is_flag=True, help="可发地震预警，不经审核 / may send earthquake warnings: nobody waits.")
@click.option("--approval", is_flag=True, help="需他人审核 / an operator must approve.")
@config_option
@json_option
def add(
    name: str,
    areas: tuple[AreaCode, ...],
    severity: str,
    statuses: str,
    events: str,
    profile: str,
    wrappers: str | None,
    operator: bool,
    role: str,
    hours: str,
    weekdays: str,
    earthquake: bool,
    approval: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """新增密钥，只显示一次 / Add a key; it is shown once and never again."""
    holder = Publisher(
        name=name,
        kind=KeyKind.OPERATOR if operator else KeyKind.PUBLISHER,
        areas=areas,
        event_types=tuple(part.strip() for part in events.split(",") if part.strip()),
        highest_severity=Severity[severity.upper()],
        statuses=_statuses(statuses),
        approval_needed=approval,
        earthquake=earthquake,
        role=Role(role),
        hours=_hours(hours, weekdays),
        profile=Profile(profile),
        wrappers=None if wrappers is None else _wrappers(wrappers),
    )
    plain = asyncio.run(_add(load_settings(config), holder))
    if as_json:
        say_json({"name": name, "key": plain, "kind": holder.kind.value})
    else:
        click.echo(plain)
        click.echo("请立即保存，不再显示 / keep it now, it is not shown again", err=True)


def _hours(spans: str, weekdays: str) -> Hours | None:
    if not spans.strip():
        return None
    try:
        return Hours.parse((span.strip() for span in spans.split(",")), (int(day) for day in weekdays))
    except (InvalidValueError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="--hours, --weekdays") from error


def _statuses(text: str) -> tuple[Status, ...]:
    known = {status.value.lower(): status for status in Status}
    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name.lower() not in known:
            raise click.BadParameter(f"{name!r} 不在 is none of {', '.join(Status)}", param_hint="--status")
    return tuple(known[name.lower()] for name in names)


def _wrappers(text: str) -> frozenset[Wrapper]:
    names = {part.strip().lower() for part in text.split(",") if part.strip()} - {"none"}
    for name in names - set(Wrapper):
        raise click.BadParameter(f"{name!r} 不在 is none of {', '.join(Wrapper)}", param_hint="--wrappers")
    return frozenset(map(Wrapper, names))


async def _add(settings: Settings, holder: Publisher) -> str:
    async with open_store(settings) as store:
        return await add_key(store, holder)


async def add_key(store: Store, holder: Publisher) -> str:
    """Store a fresh key for ``holder``; returns the key itself, which is kept nowhere."""
    if holder.name in {row.name for row in await store.read(people_queries.people)}:
        raise StateConflictError(f"{holder.name}: 已是值班台人员之名 is the name of a person: the audit knows names")
    now = time.time()
    plain, row = issue_key(holder, now)
    await store.write(row, AuditRow(now, "cli", "key_added", holder.name))
    return plain


@publisher.command("list")
@config_option
@json_option
def list_keys(config: Path | None, as_json: bool) -> None:
    """列出密钥持有者 / Who holds keys, with their rights."""
    rows = asyncio.run(_list(load_settings(config)))
    if as_json:
        say_json([{"name": r.name, "kind": r.kind, "rights": r.rights, "created_at": r.created_at} for r in rows])
        return
    table = Table("名称 name", "类别 kind", "权限 rights")
    for row in rows:
        rights: Any = row.rights
        said = "; ".join(f"{key}: {','.join(map(str, v)) if isinstance(v, list) else v}" for key, v in rights.items())
        table.add_row(row.name, row.kind, said)
    show(table)


async def _list(settings: Settings) -> tuple[KeyRow, ...]:
    async with open_store(settings) as store:
        return await store.read(queries.keys)


@publisher.command("revoke")
@click.argument("name")
@config_option
def revoke(name: str, config: Path | None) -> None:
    """吊销密钥 / Take a key back."""
    asyncio.run(_revoke(load_settings(config), name))
    click.echo(f"已吊销 revoked: {name}")


async def _revoke(settings: Settings, name: str) -> None:
    async with open_store(settings) as store:
        if name not in {row.name for row in await store.read(queries.keys)}:
            raise NotFoundError(f"没有名为 {name!r} 的密钥 / no key of that name")
        now = time.time()
        await store.write(KeyRevokedRow(name, now), AuditRow(now, "cli", "key_revoked", name))
