"""Real processes for tests: a daemon and an emulator that share a town of terminals, and clients of both.

Nothing stays behind: every process is ended by its own id when its ``with`` block ends, and by the kernel should the
test's process die first.
"""

from __future__ import annotations

import asyncio
import csv
import ctypes
import inspect
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout

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

CITY = AreaCode("350500000000")
#: 安溪县, and three of its towns.
COUNTY = AreaCode("350524000000")
TOWNS = (AreaCode("350524100000"), AreaCode("350524101000"), AreaCode("350524102000"))
#: Below the kernel's ephemeral ports: a client that dials a closed port of that range may meet itself.
_PORTS = range(20000, 32000)
_PR_SET_PDEATHSIG = 1
_END_SECONDS = 15.0


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


async def until(condition: Callable[[], Any], seconds: float = 20.0, what: str = "") -> Any:
    """Wait until something is true and return it; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        value = await found if inspect.isawaitable(found) else found
        if value:
            return value
        assert time.monotonic() < deadline, f"did not come true within {seconds:g} s: {what or condition}"
        await asyncio.sleep(0.02)


def _die_with_parent() -> None:
    """In the child before it begins."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child whose standard output is JSON Lines, kept in a file as its log is."""

    def __init__(self, folder: Path, name: str, arguments: Sequence[str], before: Sequence[str] = ()) -> None:
        self.name = name
        self.out, self.log = folder / f"{name}.out", folder / f"{name}.log"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EBGW_")}
        with self.out.open("wb") as out, self.log.open("wb") as log:
            self._child = subprocess.Popen(
                [*before, sys.executable, *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=environment, preexec_fn=_die_with_parent,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    @property
    def rss(self) -> int:
        """Resident memory in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def lines(self) -> list[dict[str, Any]]:
        """Whole lines said so far."""
        whole = self.out.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    async def line(self, event: str, seconds: float = 30.0) -> dict[str, Any]:
        """Wait for a line with this event."""

        def said() -> dict[str, Any] | None:
            found = next((line for line in self.lines() if line.get("event") == event), None)
            assert found or self.running, f"{self.name} ended: {self.tail()}"
            return found

        found: dict[str, Any] = await until(said, seconds, f"{self.name} says {event}")
        return found

    def tail(self) -> str:
        """The last words of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._child.kill()
        self._child.wait()

    def end(self) -> int:
        """SIGTERM, then SIGKILL if that was not enough; returns the exit code."""
        if self.running:
            self._child.terminate()
            try:
                self._child.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._child.wait()


class Refused(Exception):
    """An answer of 400 and above."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status} {body}")
        self.status = status


class Gone(Exception):
    """No answer: nobody listens, or the connection broke."""


class Client:
    """JSON over HTTP to one address; ``async with``."""

    def __init__(self, url: str, key: str = "", seconds: float = 10.0) -> None:
        self._url, self._seconds = url, seconds
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def __aenter__(self) -> Self:
        self._session = ClientSession(headers=self._headers, timeout=ClientTimeout(self._seconds))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        media_type: str = "application/json",
    ) -> tuple[int, Any]:
        """Status and body. Errors: Refused, Gone."""
        content = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, Mapping) else body
        headers = {"Content-Type": media_type} if content is not None else {}
        data = None if content is None else BytesIO(content)
        try:
            async with self._session.request(method, self._url + path, data=data, headers=headers) as response:
                text = await response.text()
                if response.status >= 400:
                    raise Refused(response.status, text)
                return response.status, json.loads(text)
        except (ClientError, OSError, TimeoutError) as error:
            raise Gone(f"{method} {path}: {error or type(error).__name__}") from error

    async def get(self, path: str) -> Any:
        return (await self.call("GET", path))[1]

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return (await self.call("POST", path, body))[1]

    async def put(self, path: str, body: Mapping[str, Any]) -> Any:
        return (await self.call("PUT", path, body))[1]

    async def deliveries(self, warning_id: str) -> dict[str, dict[str, Any]]:
        """All deliveries by terminal."""
        found: dict[str, dict[str, Any]] = {}
        cursor = ""
        while True:
            page = await self.get(f"/api/v1/warnings/{warning_id}/deliveries?limit=1000{cursor}")
            found.update((item["terminal"], item) for item in page["items"])
            if not page["next"]:
                return found
            cursor = f"&cursor={page['next']}"


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
    http, d, e = free_ports(3)
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


@contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    """Fail when a block took longer."""
    begun = time.monotonic()
    yield
    took = time.monotonic() - begun
    assert took <= seconds, f"{what} took {took:.1f} s, at most {seconds:g} were allowed"
