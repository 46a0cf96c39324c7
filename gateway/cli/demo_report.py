"""The end of the demo: who was reached, by county and by both rules, who was slowest, who is missing."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console

from gateway.cli.client import ApiClient
from gateway.cli.demo_watch import Broadcast
from gateway.cli.snapshots import snapshot_of
from gateway.coverage.table import TerminalLine, classes_table, coverage_view

_SHOWN = 5


@dataclass(slots=True)
class Extremes:
    """Slowest terminals and those not reached, of all deliveries."""

    slowest: list[TerminalLine] = field(default_factory=list)
    missing: list[TerminalLine] = field(default_factory=list)
    missing_total: int = 0


async def extremes(deliveries: AsyncIterator[dict[str, Any]]) -> Extremes:
    """Look at every delivery once, keeping a few."""
    found = Extremes()
    slowest: list[tuple[float, str, TerminalLine]] = []
    async for delivery in deliveries:
        seconds = _seconds(delivery)
        if delivery["reached"] is None:
            found.missing_total += 1
            if len(found.missing) < _SHOWN:
                found.missing.append(_line(delivery, None))
            continue
        if seconds is None:
            # Sent on a one-way link: nobody knows when it began.
            continue
        entry = (seconds, delivery["terminal"], _line(delivery, seconds))
        heapq.heappush(slowest, entry) if len(slowest) < _SHOWN else heapq.heappushpop(slowest, entry)
    found.slowest = [line for *_, line in sorted(slowest, key=lambda entry: (-entry[0], entry[1]))]
    return found


def _seconds(delivery: dict[str, Any]) -> float | None:
    """From the plan until it began to play."""
    times = delivery["times"]
    began = min(filter(None, (times["playing"], times["played"])), default=None)
    if began is None:
        return None
    return (datetime.fromisoformat(began) - datetime.fromisoformat(times["planned"])).total_seconds()


def _line(delivery: dict[str, Any], seconds: float | None) -> TerminalLine:
    state = f"{delivery['rung']} / {delivery['outcome']}"
    if delivery["result"] and delivery["result"]["code"]:
        state += f" ({delivery['result']['code']})"
    return TerminalLine(delivery["terminal"], delivery["name"], delivery["area_name"], state, seconds)


async def show_result(console: Console, api: ApiClient, warning_id: str, broadcast: Broadcast) -> dict[str, Any]:
    """Print the tables; returns the coverage by the lenient rule."""
    found = await extremes(api.pages(f"/api/v1/warnings/{warning_id}/deliveries"))
    by_any: dict[str, Any] = await api.get(f"/api/v1/warnings/{warning_id}/coverage", rule="any")
    console.print(
        coverage_view(
            snapshot_of(broadcast.coverage),
            slowest=found.slowest,
            missing=found.missing,
            missing_total=found.missing_total,
        )
    )
    console.print(classes_table(snapshot_of(by_any)))
    return by_any


def verdict(
    broadcast: Broadcast,
    *,
    registered: int,
    reachable: int,
    accept_to_wire_ms: float | None,
    changed: list[dict[str, str]],
    data_dir: str,
) -> dict[str, Any]:
    """The demo's last line, design.md §6. *Reachable* is the emulator's count when the warning was posted."""
    coverage = broadcast.coverage
    classes = {name: coverage["reached"][name]["terminals"] for name in ("proven", "claimed", "sent")}
    outcome = "none_reachable" if not reachable else "complete" if broadcast.complete else "incomplete"
    return {
        "outcome": outcome,
        "terminals": {
            "registered": registered,
            "reachable": reachable,
            "answered": coverage["answered"]["terminals"],
            **classes,
            "unreached": coverage["target"]["terminals"] - sum(classes.values()),
        },
        "coverage": coverage,
        "accept_to_wire_ms": accept_to_wire_ms,
        "changed": changed,
        "data_dir": data_dir,
    }
