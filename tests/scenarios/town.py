"""A town for tests: what a daemon and an emulator share as files, and both of them running."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.cli.keys import add_key
from gateway.daemon import FIRST_CERTIFICATE
from gateway.dispatch.registry_file import COLUMNS
from gateway.dispatch.terminals import TerminalBook, load_registry
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode, PhysicalAddress, ResourceCode
from gateway.domain.receiver import Terminal
from gateway.publishers.reference import load_gazetteer
from gateway.publishers.rights import KeyKind, Publisher
from gateway.security.keys import new_key_file
from gateway.security.sm2 import default_provider
from gateway.store import Store, StoreSettings
from tests.ports import free_port
from tests.scenarios.processes import Client, Process, until

CITY = AreaCode("350500000000")
#: 安溪县, and three of its towns.
COUNTY = AreaCode("350524000000")
TOWNS = (AreaCode("350524100000"), AreaCode("350524101000"), AreaCode("350524102000"))


@dataclass(slots=True)
class Town:
    """A data folder with settings, signing key, registry and an operator's key: all that both processes need."""

    folder: Path
    settings: Path
    registry: Path
    public_key: str
    certificate: str
    key: str
    terminals: tuple[Terminal, ...]
    http: int
    d: int
    e: int
    _runs: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    @property
    def database(self) -> Path:
        return self.folder / "data" / "ebgw.db"

    def codes_in(self, *areas: str) -> set[str]:
        """Terminals in these divisions."""
        prefixes = tuple(AreaCode(area).prefix for area in areas)
        return {str(t.code) for t in self.terminals if t.area.startswith(prefixes)}

    def daemon(self, before: Sequence[str] = ()) -> Process:
        """Start the daemon; it says ``ready``."""
        return Process(
            self.folder, f"gateway-{next(self._runs)}", ["-m", "gateway.cli", "run", "-c", str(self.settings)], before
        )

    def emulator(self, **options: object) -> Process:
        """Start the emulator; it says ``ready`` with its control address, then ``connected``."""
        wanted: dict[str, object] = {
            "gateway": f"127.0.0.1:{self.d}",
            "feedback": f"127.0.0.1:{self.e}",
            "registry": self.registry,
            "public-key": self.public_key,
            "certificate": self.certificate,
            "journal": self.journal_file,
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        arguments = [part for name, value in wanted.items() for part in (f"--{name}", str(value))]
        return Process(self.folder, "emulator", ["-m", "emulator", *arguments])

    @property
    def journal_file(self) -> Path:
        return self.folder / "journal.jsonl"

    def journal(self) -> list[dict[str, Any]]:
        """Whole lines of the emulator's journal; it is written every 50 ms."""
        return [json.loads(line) for line in self.journal_file.read_text().rpartition("\n")[0].splitlines()]

    def api(self) -> Client:
        return Client(f"http://127.0.0.1:{self.http}", self.key)


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    lines: list[str] = []
    for name, keys in sections.items():
        lines.append(f"[{name}]")
        for key, value in keys.items():
            lines.append(f"{key} = {json.dumps(str(value) if isinstance(value, Path) else value)}")
    return "\n".join(lines) + "\n"


def terminals_of(gazetteer: Gazetteer, count: int, areas: Sequence[AreaCode] = TOWNS) -> tuple[Terminal, ...]:
    """Terminals spread over some divisions: the first village of each, then the second."""
    villages = sorted(gazetteer.villages_in(areas), key=lambda village: (village.code[9:], village.code))
    made: list[Terminal] = []
    for number in range(count):
        village = villages[number % len(villages)]
        code = ResourceCode.build(6, village.code, "0314", 1, "04", number // len(villages) + 1)
        physical = PhysicalAddress(f"3505{number + 1:08d}")
        made.append(Terminal(code, physical, f"{village.name}{number}", village.code))
    return tuple(made)


async def make_town(folder: Path, count: int, **sections: Mapping[str, object]) -> Town:
    """Prepare a data folder for ``count`` terminals; ``sections`` add to the settings."""
    data = folder / "data"
    (data / "keys").mkdir(parents=True, mode=0o700)
    http, d, e = (free_port() for _ in range(3))
    wanted: dict[str, dict[str, object]] = {
        "gateway": {"data_dir": data},
        "http": {"port": http},
        "terminals": {"port": d},
        "feedback": {"port": e},
        "log": {"format": "json"},
    }
    for name, keys in sections.items():
        wanted[name] = {**wanted.get(name, {}), **keys}
    settings = folder / "gateway.toml"
    settings.write_text(_toml(wanted))
    terminals = terminals_of(load_gazetteer(), count)
    registry = folder / "registry.csv"
    with registry.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(
            (t.code, t.physical_address, t.name, t.area, t.profile, "ip", "", "", "300", "1") for t in terminals
        )
    signing = new_key_file(
        data / "keys" / "signing.json", FIRST_CERTIFICATE, provider=default_provider(), now=datetime.now(UTC)
    )
    store = await Store.open(StoreSettings(f"sqlite:///{data / 'ebgw.db'}"))
    try:
        await TerminalBook(store, await load_registry(store), time.time).put(terminals, "test")
        key = await add_key(store, Publisher("test", KeyKind.OPERATOR, areas=(CITY,)))
    finally:
        await store.close()
    facts = signing.facts()
    return Town(
        folder, settings, registry, facts["public_key"], facts["certificate"], key, terminals, http, d, e
    )  # fmt: skip


def warning_body(
    identifier: str, areas: Sequence[str] = (), kind: str = "Alert", references: Sequence[str] = (), hours: float = 2
) -> dict[str, Any]:
    """A warning in our JSON form; post the same object again for the same warning."""
    now = datetime.now(UTC).replace(microsecond=0)
    body: dict[str, Any] = {
        "sender": "安溪县气象台",
        "identifier": identifier,
        "sent": now.isoformat(),
        "status": "Actual",
        "kind": kind,
        "event": "11B03",
        "severity": "orange",
        "headline": f"暴雨橙色预警 {identifier}",
        "text": "请注意防范。",
        "areas": [{"code": area} for area in areas],
        "references": [{"identifier": reference} for reference in references],
    }
    if kind != "Cancel":
        body["expires"] = (now + timedelta(hours=hours)).isoformat()
    return body


@dataclass(slots=True)
class Scene:
    """A town with its daemon, its emulator and clients of both; all terminals registered."""

    town: Town
    daemon: Process
    emulator: Process
    api: Client
    control: Client

    async def registered(self, count: int | None = None) -> None:
        """Wait until so many terminals are registered, all by default."""
        wanted = len(self.town.terminals) if count is None else count

        async def enough() -> bool:
            summary = (await self.control.get("/truth?terminals=0"))["summary"]
            return bool(summary["registered"] >= wanted)

        await until(enough, what=f"{wanted} terminals register")


class Stage:
    """``async with Stage(town, …) as scene``: both processes up, ended in order whatever happens.

    ``emulator`` are options of the emulator; ``before`` stands before the daemon's command, for instance strace.
    """

    def __init__(self, town: Town, emulator: Mapping[str, object], before: Sequence[str] = ()) -> None:
        self._town, self._before, self._options = town, before, emulator
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Scene:
        town = self._town
        async with AsyncExitStack() as stack:
            daemon = stack.enter_context(town.daemon(self._before))
            await daemon.line("ready")
            emulator = stack.enter_context(town.emulator(**self._options))
            control = await stack.enter_async_context(Client((await emulator.line("ready"))["control"]))
            api = await stack.enter_async_context(town.api())
            scene = Scene(town, daemon, emulator, api, control)
            await scene.registered()
            self._stack = stack.pop_all()
        return scene

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
