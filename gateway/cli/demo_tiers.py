"""``ebgw demo --tiers``: a city's platform, two counties' platforms below it, and their terminals (GD/J 083-2018)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli.client import ApiClient
from gateway.cli.demo_folder import CITY, DemoFolder, demo_place, fill, registry_rows
from gateway.cli.demo_processes import Child
from gateway.cli.demo_report import show_result
from gateway.cli.demo_warning import adapt
from gateway.cli.demo_watch import Broadcast, all_run, connected, progress_on, reachable_now
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode, CertificateSerial, ResourceCode
from gateway.domain.zone import BEIJING

#: Names, divisions and codes of the platforms; the first is above the others.
TIERS: Final[Mapping[str, AreaCode]] = {
    "city": CITY,
    "anxi": AreaCode("350524000000"),
    "huian": AreaCode("350521000000"),
}
_TITLES: Final = {"city": "泉州市平台 city", "anxi": "安溪县平台 county", "huian": "惠安县平台 county"}
_PAUSE: Final = 0.25
_VALID: Final = timedelta(hours=1)
_REPORTS: Final = 100

_PLATFORM: Final = """
[platform]
enabled = true
port = {port}
progress_seconds = 1.0
[signing]
trust_file = "{trust}"
"""
_PEER: Final = """
[peers.{name}]
role = "{role}"
code = "{code}"
title = "{title}"
area = "{area}"
url = "http://127.0.0.1:{port}/ebd"
heartbeat_seconds = 2.0
retry_seconds = [0.5, 1.0, 5.0]
"""


def code_of(name: str) -> ResourceCode:
    """The code of a platform: its level and its division are all that makes it a city's or a county's."""
    area = TIERS[name]
    return ResourceCode.build(3 if name == "city" else 4, area, "0101", 1, "01", 1)


@dataclass(eq=False)
class Tier:
    """One platform at work. ``truth`` is the control of its terminals' emulator; the city has none of its own."""

    name: str
    folder: DemoFolder
    gateway: Child
    api: ApiClient
    emulator: Child | None = None
    truth: ApiClient | None = None
    reachable: frozenset[str] = field(default_factory=frozenset)

    @property
    def children(self) -> tuple[Child, ...]:
        """Its processes."""
        return (self.gateway,) if self.emulator is None else (self.gateway, self.emulator)


async def tiers_demo(
    console: Console, gazetteer: Gazetteer, source: bytes, wanted: int, *, actual: bool, keep: bool, deadline: float
) -> dict[str, Any]:
    """Run it; returns the last line."""
    begun = time.monotonic()
    counties = {name: area for name, area in TIERS.items() if name != "city"}
    all_rows = registry_rows(gazetteer, wanted)
    rows = {name: [row for row in all_rows if area.covers(AreaCode(row["area"]))] for name, area in counties.items()}
    with contextlib.closing(demo_place(keep)) as place:
        console.rule("应急广播网关演示：市县两级 Emergency broadcast gateway demo: city and counties")
        _say(console, f"数据目录 data folder: {place.path}")
        async with _running(place.path, gazetteer, rows) as tiers:
            city = tiers["city"]
            for tier in tiers.values():
                if tier.truth is not None:
                    summary = await connected(console, tier.truth, tier.children, len(rows[tier.name]), deadline)
                    tier.reachable = await reachable_now(tier.truth)
                    _say(console, f"{_TITLES[tier.name]}: {summary['registered']:,} 终端已注册 terminals registered")
            await _linked(console, city, tiers, deadline)
            result = await _broadcast(console, gazetteer, source, tiers, actual=actual, deadline=deadline)
            result["data_dir"] = str(place.path)
    _say(console, f"用时 took {time.monotonic() - begun:.1f} s; 数据 data: {place.path}")
    return result


@asynccontextmanager
async def _running(
    path: Path, gazetteer: Gazetteer, rows: Mapping[str, Sequence[dict[str, str]]]
) -> AsyncIterator[dict[str, Tier]]:
    ports = {name: _free_port() for name in TIERS}
    above = [{**row, "routes": f"platform:{name}"} for name, some in rows.items() for row in some]
    folders: dict[str, DemoFolder] = {}
    for number, name in enumerate(TIERS):
        (path / name).mkdir()
        more = _PLATFORM.format(port=ports[name], trust=path / f"{name}-trust.toml") + _peers(name, ports)
        folders[name] = await fill(
            path / name,
            gazetteer,
            rows.get(name, above),
            title=_TITLES[name].partition(" ")[0],
            code=code_of(name),
            more=more,
            links=rows.keys() if name == "city" else (),
            area=TIERS[name],
            certificate=CertificateSerial(f"{0x100 + number:012X}"),
        )
    for name in TIERS:
        others = [other for other in TIERS if other != name and "city" in (name, other)]
        trust = "".join(_trusted(other, folders[other]) for other in others)
        (path / f"{name}-trust.toml").write_text(trust, encoding="utf-8")
    async with AsyncExitStack() as stack:
        tiers: dict[str, Tier] = {}
        for name, folder in folders.items():
            arguments = ["-m", "gateway.cli", "run", "-c", str(folder.settings)]
            gateway = await stack.enter_async_context(Child(name, arguments, folder.path / "gateway.log"))
            ready = await gateway.line("ready")
            api = await stack.enter_async_context(ApiClient(ready["http"], folder.key))
            tier = tiers[name] = Tier(name, folder, gateway, api)
            if name in rows:
                tier.emulator = await stack.enter_async_context(_emulator(name, folder, ready))
                control = (await tier.emulator.line("ready"))["control"]
                tier.truth = await stack.enter_async_context(ApiClient(control))
        yield tiers


def _peers(name: str, ports: Mapping[str, int]) -> str:
    """The city has both counties below it, each county the city above."""
    found = []
    for other in TIERS:
        if other == name or "city" not in (name, other):
            continue
        role = "superior" if other == "city" else "subordinate"
        found.append(
            _PEER.format(
                name=other, role=role, code=code_of(other), title=_TITLES[other], area=TIERS[other], port=ports[other]
            )
        )
    return "".join(found)


def _trusted(name: str, folder: DemoFolder) -> str:
    facts = folder.signing.facts()
    public = facts["public_key"][-128:]
    return f'[[peer]]\ncode = "{code_of(name)}"\nserial = "{facts["certificate"]}"\npublic_key = "{public}"\n'


def _emulator(name: str, folder: DemoFolder, ready: Mapping[str, Any]) -> Child:
    facts = folder.signing.facts()
    options = {
        "--registry": str(folder.registry),
        "--public-key": facts["public_key"],
        "--certificate": facts["certificate"],
        "--scale": "150",
        "--gateway": ready["terminals"],
        "--feedback": ready["feedback"],
        "--return-limit": str(_REPORTS),
        "--journal": str(folder.path / "journal.jsonl"),
    }
    arguments = ["-m", "emulator", *(part for option in options.items() for part in option)]
    return Child(f"terminals of {name}", arguments, folder.path / "emulator.log")


async def _linked(console: Console, city: Tier, tiers: Mapping[str, Tier], deadline: float) -> None:
    """Wait until the city's links to the counties are up."""
    until = time.monotonic() + min(deadline, 30.0)
    while True:
        links = (await city.api.get("/api/v1/links"))["items"]
        down = [link["route"] for link in links if link["state"] != "up"]
        if not down or time.monotonic() > until:
            break
        all_run(tuple(child for tier in tiers.values() for child in tier.children))
        await asyncio.sleep(_PAUSE)
    for link in links:
        _say(console, f"链路 link {link['route']} {link['title']}: {link['state']}")


async def _broadcast(
    console: Console,
    gazetteer: Gazetteer,
    source: bytes,
    tiers: Mapping[str, Tier],
    *,
    actual: bool,
    deadline: float,
) -> dict[str, Any]:
    now = datetime.now(BEIJING).replace(microsecond=0)
    warning = adapt(source, area=CITY, area_name=gazetteer.name(CITY), now=now, expires=now + _VALID, actual=actual)
    mark = "" if actual else "  [black on yellow] 演练 drill [/]"
    console.rule(f"预警 Warning: {escape(warning.headline)}{mark}")
    city = tiers["city"]
    begun = time.monotonic()
    accepted = await city.api.post("/api/v1/warnings", warning.body, warning.media_type)
    ebm_id, warning_id = accepted["message_id"], accepted["warning_id"]
    _say(console, f"市平台已受理 accepted by the city: EBM {ebm_id}, {accepted['state']}")
    reachable = {tier.name: tier.reachable for tier in tiers.values() if tier.truth is not None}
    wanted = frozenset().union(*reachable.values())
    seconds: dict[str, float] = {}
    complete = False
    with progress_on(console) as bars:
        lines = {
            name: bars.add_task(f"{_TITLES[name]} {'转报 claimed' if name == 'city' else '证实 proven'}", total=total)
            for name, total in (("city", len(wanted)), *((name, len(some)) for name, some in reachable.items()))
        }
        while True:
            for name, tier in tiers.items():
                reached = await _reached(tier, ebm_id, "claimed" if name == "city" else "proven")
                bars.update(lines[name], completed=reached)
                if reached >= (len(wanted) if name == "city" else len(reachable[name])):
                    seconds.setdefault(name, round(time.monotonic() - begun, 2))
            complete = len(seconds) == len(tiers)
            if complete or time.monotonic() - begun > deadline:
                break
            all_run(tuple(child for tier in tiers.values() for child in tier.children))
            await asyncio.sleep(_PAUSE)
    coverage = await city.api.get(f"/api/v1/warnings/{warning_id}/coverage", rule="fraction")
    console.rule(f"结果 Result{mark}")
    await show_result(console, city.api, warning_id, Broadcast(coverage, time.monotonic() - begun, complete))
    figures = {name: await _figures(tier, ebm_id) for name, tier in tiers.items()}
    console.print(_table(figures, seconds))
    agreed = figures["city"]["claimed"] == sum(figures[name]["proven"] for name in reachable)
    if not agreed:
        console.print("[bold red]市平台所记与县平台不一致 the city's count is not that of the counties[/]")
    outcome = "none_reachable" if not wanted else "complete" if complete and agreed else "incomplete"
    return {"outcome": outcome, "ebm_id": ebm_id, "tiers": figures, "seconds": seconds, "coverage": coverage}


async def _figures(tier: Tier, ebm_id: str) -> dict[str, Any]:
    """Terminals by class, as this platform knows them."""
    found = await tier.api.get(f"/api/v1/warnings/{ebm_id}/coverage", rule="fraction")
    classes = {name: found["reached"][name]["terminals"] for name in ("proven", "claimed", "sent")}
    return {
        "terminals": found["target"]["terminals"],
        **classes,
        "unreached": found["target"]["terminals"] - sum(classes.values()),
    }


async def _reached(tier: Tier, ebm_id: str, standing: str) -> int:
    """Terminals of a class; 0 while the message has not come here."""
    items = (await tier.api.get("/api/v1/warnings", limit=5))["items"]
    if not any(item["message_id"] == ebm_id for item in items):
        return 0
    return int((await _figures(tier, ebm_id))[standing])


def _table(figures: Mapping[str, Mapping[str, Any]], seconds: Mapping[str, float]) -> Table:
    table = Table(title="各级平台所知 What each platform knows")
    heads = (
        "平台 platform",
        "终端 terminals",
        "证实 proven",
        "转报 claimed",
        "单向 sent",
        "未达 none",
        "齐于 all after s",
    )
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number == 0 else "right")
    for name, found in figures.items():
        cells = (f"{found[key]:,}" for key in ("terminals", "proven", "claimed", "sent", "unreached"))
        table.add_row(_TITLES[name], *cells, f"{seconds[name]:.2f}" if name in seconds else "-")
    return table


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _say(console: Console, text: str) -> None:
    console.print(escape(text), soft_wrap=True)
