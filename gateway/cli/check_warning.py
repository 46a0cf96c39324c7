"""``ebgw check-warning``: what the gateway would make of a publisher's body, without sending anything."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.cli.group import EXIT_FAILED
from gateway.cli.options import config_option, json_option
from gateway.cli.output import say_json
from gateway.cli.scheme import scheme_lines
from gateway.dispatch.planner import Planner, called, settled_by_person
from gateway.dispatch.registry import Entry, Registry
from gateway.dispatch.registry_file import read_registry_file
from gateway.domain.approval import Weighed
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.domain.message import AirTime, EbmClass
from gateway.domain.plans import Case
from gateway.domain.receiver import Route
from gateway.domain.warning import Severity, Status
from gateway.publishers.check import check_body, check_warning
from gateway.publishers.mapping import MappingPolicy
from gateway.publishers.parse import unsealing
from gateway.publishers.profile import Profile
from gateway.publishers.reference import load_gazetteer, load_outlines, load_regions
from gateway.publishers.signature import Seal, load_seal
from gateway.publishers.spans import because
from gateway.publishers.wrappers import Wrapper, default_wrappers
from gateway.settings import Settings, load_settings


@click.command("check-warning")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--profile", type=click.Choice([p.value for p in Profile]), default="strict", show_default=True)
@click.option("--media-type", help="默认按内容判断 / told from the content by default.")
@click.option(
    "--registry",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="台账 CSV，用于计数 / registry whose terminals are counted.",
)
@click.option("--bundle", is_flag=True, help="可用外包装 / read <alerts>, EDXL-DE, Atom; tolerant does so anyway.")
@click.option(
    "--certificate",
    "certificates",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="验签证书 PEM，默认按 --publisher 的配置 / held against; default: those set for --publisher.",
)
@click.option("--publisher", default="", help="以此发布者的身份选预案 / whose plans hold.")
@config_option
@json_option
@click.pass_context
def check_warning_command(
    ctx: click.Context,
    file: Path,
    profile: str,
    media_type: str | None,
    registry: Path | None,
    bundle: bool,
    certificates: tuple[Path, ...],
    publisher: str,
    config: Path | None,
    as_json: bool,
) -> None:
    """检查一条预警会如何处理 / What would be made of a warning; nothing is sent.

    valid: 读得懂 understood; accepted: 此时此地会播发 would be broadcast now and here. 退出码 exit: 0 accepted, 1 not.
    """
    settings = load_settings(config)
    gazetteer = load_gazetteer(settings.reference.folder)
    counter = _Counter(gazetteer, registry, settings.routes)
    outlines = load_outlines(gazetteer)
    regions = load_regions(gazetteer, settings.reference.folder)
    seal = _seal(settings, publisher, certificates)
    planner = Planner(settings.planned, settings.approval.rules())

    def check(body: bytes, kind: str | None) -> dict[str, Any]:
        verdict = check_warning(
            body,
            kind,
            Profile(profile),
            datetime.now(UTC),
            gazetteer,
            outlines,
            counter,
            AirTime(settings.air_time.by_severity()),
            policy=MappingPolicy(drill_class=EbmClass(settings.dispatch.exercise_class)),
            regions=regions,
            unseal=unsealing(seal, datetime.now(UTC)),
        )
        if (scheme := _scheme(verdict, planner, counter, publisher)) is not None:
            verdict["message"]["scheme"] = scheme
        return verdict

    wrappers = frozenset(Wrapper) if bundle else default_wrappers(Profile(profile))
    verdict = check_body(file.read_bytes(), media_type, Profile(profile), wrappers, check)
    mark = " (演示估算)" if gazetteer.source.estimate else ""
    if as_json:
        say_json(verdict)
    else:
        for item in verdict.get("items", [verdict]):
            _show(item, mark)
    ctx.exit(0 if verdict["accepted"] else EXIT_FAILED)


def _seal(settings: Settings, publisher: str, certificates: tuple[Path, ...]) -> Seal:
    """The certificates that signatures are held against."""
    set_for = settings.publishers.get(publisher)
    return load_seal(certificates or (set_for.certificates if set_for else ()))


class _Counter:
    """Counts receivers of areas: people from the gazetteer, terminals from a registry file where one is given."""

    def __init__(self, gazetteer: Gazetteer, registry: Path | None, links: Set[Route]) -> None:
        self._gazetteer = gazetteer
        terminals = read_registry_file(registry, gazetteer, links=links) if registry else ()
        self.registry = Registry(Entry(number, terminal) for number, terminal in enumerate(terminals, 1))

    def __call__(self, areas: tuple[AreaCode, ...]) -> tuple[int, int]:
        """Terminals and people inside ``areas``."""
        return len(self.registry.in_areas(areas)), sum(
            village.population for village in self._gazetteer.villages_in(areas)
        )


def _scheme(verdict: dict[str, Any], planner: Planner, counter: _Counter, publisher: str) -> dict[str, Any] | None:
    """The scheme 调度方案 that it would have, None where nothing would be broadcast."""
    message, areas = verdict["message"], tuple(AreaCode(area["code"]) for area in verdict["areas"])
    if not message or message["class"] is None:
        return None
    severity, status = Severity(message["severity"]), Status(message["status"])
    weighed = Weighed(publisher, severity, status, verdict["receivers"]["population"], len(areas))
    case = Case(message["event"], severity, areas, status, publisher)
    scheme = planner.scheme(case, EbmClass(message["class"]), weighed)
    if message["held"]:
        scheme = replace(scheme, ruling=settled_by_person(scheme.ruling))
    scheme, _ = called(scheme, counter.registry, (entry.id for entry in counter.registry.in_areas(areas)))
    return scheme.facts()


def _show_reading(reading: dict[str, Any]) -> None:
    """The words of an area, span by span: what each means and by which rule, or why a person must decide."""
    click.echo(f"  文字区域 area text: {reading['text'][:200]}")
    for span in reading["spans"][:50]:
        mark, why = ("?", because(span["doubt"])) if span["doubt"] else ("=", span["rule"])
        codes = " ".join(span["codes"][:5]) + (" …" if len(span["codes"]) > 5 else "")
        click.echo(f"    {span['start']}-{span['end']} {span['words'][:60]} {mark} {codes} ({why})")


def _show(verdict: dict[str, Any], mark: str) -> None:
    yes, no = "是 yes", "否 no"
    if "path" in verdict:
        click.echo(f"{verdict['path']}  {verdict['identifier']}")
    click.echo(
        f"读得懂 valid: {yes if verdict['valid'] else no}    会播发 accepted: {yes if verdict['accepted'] else no}"
    )
    for rule in verdict["rules"]:
        click.echo(f"  规则 rule {rule['code']} {rule['path']}: {rule['message']}")
    message = verdict["message"]
    if message:
        if message["held"]:
            click.echo("  待人确认区域 held: a person must say which areas are meant")
        click.echo(f"  {message['headline']}")
        click.echo(f"  {message['event_name']} {message['event']}, {message['severity_name']}, {message['class_name']}")
        for notice in message["notices"]:
            click.echo(f"  提示 notice {notice['code']}: {notice['message']}")
        for reading in message["area_text"]:
            _show_reading(reading)
    for area in verdict["areas"][:20]:
        click.echo(f"  区域 area {area['code']} {area['name']} ({area['matched_by']})")
    if message and "scheme" in message:
        click.echo("\n".join(scheme_lines(message["scheme"])))
    receivers = verdict["receivers"]
    if receivers["population"]:
        click.echo(f"  {receivers['terminals']:,} 终端 terminals, {receivers['population']:,} 人 people{mark}")
