"""What the demo watches: the fleet as the emulator knows it, the broadcast as the gateway proves it."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.cli.client import ApiClient
from gateway.cli.demo_processes import Child
from gateway.domain.ladder import Rung
from gateway.errors import EnvironmentLackingError

_PAUSE = 0.25
#: Seconds without any further registration, after which those that are there are taken as the fleet.
_PATIENCE = 10.0
_ACCEPT_TO_WIRE = re.compile(r"^ebgw_accept_to_wire_seconds_sum(?:\{[^}]*\})? ([0-9.e+-]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Broadcast:
    """How a broadcast stood when the demo stopped watching; ``seconds`` since it was posted."""

    coverage: dict[str, Any]
    seconds: float
    complete: bool

    def terminals(self, *rungs: Rung) -> int:
        """Terminals on any of these rungs."""
        return sum(self.coverage["states"].get(rung.label, 0) for rung in rungs)


def progress_on(console: Console) -> Progress:
    """Bars on a terminal; nothing moves in a pipe, where each step is said once."""
    return Progress(
        TextColumn("{task.description}", table_column=None),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


async def connected(
    console: Console, emulator: ApiClient, children: tuple[Child, ...], wanted: int, deadline: float
) -> dict[str, Any]:
    """Wait until the fleet has registered, or no more of it does; returns the emulator's summary."""
    best, since = -1, time.monotonic()
    with progress_on(console) as bars:
        bar = bars.add_task("终端注册 terminals registering", total=wanted)
        while True:
            summary: dict[str, Any] = (await emulator.get("/truth", terminals=0))["summary"]
            registered = summary["registered"]
            bars.update(bar, completed=registered)
            if registered > best:
                best, since = registered, time.monotonic()
            if registered >= wanted - summary["off"] or time.monotonic() - since > min(_PATIENCE, deadline):
                return summary
            all_run(children)
            await asyncio.sleep(_PAUSE)


async def reachable_now(emulator: ApiClient) -> frozenset[str]:
    """Codes of the terminals that could be reached now: connected, and neither silent, off, refusing nor deaf."""
    terminals: dict[str, dict[str, Any]] = (await emulator.get("/truth"))["terminals"]
    return frozenset(
        code
        for code, state in terminals.items()
        if state["connected"]
        and not (state["silent"] or state["off"] or state["refusing"] is not None)
        and state.get("faults", {}).get("loss", 0.0) < 1.0
    )


async def followed(
    console: Console,
    api: ApiClient,
    children: tuple[Child, ...],
    warning_id: str,
    reachable: frozenset[str],
    deadline: float,
) -> Broadcast:
    """Follow a warning until every reachable terminal is proven to have played, or ``deadline`` seconds are over."""
    begun = time.monotonic()
    complete = False
    with progress_on(console) as bars:
        lines = {
            rung: bars.add_task(label, total=len(reachable))
            for rung, label in (
                (Rung.ACKNOWLEDGED, "应答 answered     "),
                (Rung.PLAYING, "开始播出 began    "),
                (Rung.PLAYED, "播出完成 played   "),
            )
        }
        while True:
            now = Broadcast(
                await api.get(f"/api/v1/warnings/{warning_id}/coverage", rule="fraction"),
                time.monotonic() - begun,
                complete=False,
            )
            for rung, line in lines.items():
                bars.update(line, completed=now.terminals(*(r for r in Rung if r >= rung)))
            if complete or now.seconds > deadline:
                return Broadcast(now.coverage, now.seconds, complete)
            # The sums first: asking who it was is dear, and in vain before.
            if now.terminals(Rung.PLAYED) >= len(reachable):
                complete = reachable <= await _proven(api, warning_id)
                if complete:
                    continue
            all_run(children)
            await asyncio.sleep(_PAUSE)


async def _proven(api: ApiClient, warning_id: str) -> frozenset[str]:
    played = api.pages(f"/api/v1/warnings/{warning_id}/deliveries", rung=Rung.PLAYED.label)
    return frozenset([delivery["terminal"] async for delivery in played if delivery["reached"] == "proven"])


async def accept_to_wire_ms(api: ApiClient) -> float | None:
    """From the accepted request to the last frame written, as the gateway measured it; None where it did not."""
    found = _ACCEPT_TO_WIRE.search(await api.text("/metrics"))
    return round(float(found.group(1)) * 1000, 1) if found else None


def all_run(children: tuple[Child, ...]) -> None:
    """Errors: EnvironmentLackingError with the last words of a child that has ended."""
    for child in children:
        if not child.running:
            raise EnvironmentLackingError(f"{child.name} 已退出 / ended:\n{child.tail()}")
