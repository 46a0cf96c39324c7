"""The cut 断路: a bus loses its line in mid-broadcast, and what becomes of the terminals that it had not served yet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.cli.client import ApiClient
from gateway.cli.demo_evidence import has_best, seconds_after
from gateway.cli.demo_town import COUNTIES
from gateway.domain.receiver import RouteKind

_LOOK: Final = 0.05


@dataclass(frozen=True, slots=True)
class Cut:
    """A line that was dropped: its route, when (Unix seconds), how, and who had answered on it until then."""

    route: str
    at: float
    how: str
    answered: frozenset[str]


async def cut_in_the_middle(
    api: ApiClient, bus: ApiClient, warning_id: str, route: str, terminals: int, deadline: float
) -> Cut | None:
    """Unplug a bus once a third of its terminals has answered; None where that did not come in time."""
    wanted = max(1, terminals // 3)
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        rows = api.pages(
            f"/api/v1/warnings/{warning_id}/deliveries", area=COUNTIES[RouteKind.SERIAL], rung="acknowledged"
        )
        answered = frozenset([row["terminal"] async for row in rows if row["route"] == route])
        if len(answered) >= wanted:
            await bus.post("/unplug", {})
            return Cut(route, time.time(), "端口拔出 port unplugged", answered)
        await asyncio.sleep(_LOOK)
    return None


def failover(cut: Cut, deliveries: Sequence[Mapping[str, Any]], first_routes: Mapping[str, str]) -> dict[str, Any]:
    """What became of the terminals of the line that was cut."""
    own = [each for each in deliveries if first_routes[each["terminal"]] == cut.route]
    accepted = datetime.fromisoformat(own[0]["times"]["planned"]).timestamp()
    moved: dict[str, list[Mapping[str, Any]]] = {}
    for delivery in own:
        if delivery["route"] not in (None, cut.route):
            moved.setdefault(delivery["route"], []).append(delivery)
    return {
        "route": cut.route,
        "how": cut.how,
        "at_ms": round((cut.at - accepted) * 1000),
        "terminals": len(own),
        "answered_before": sum(each["route"] == cut.route and has_best(each, cut.route) for each in own),
        "not_served": sum(each["route"] == cut.route and not has_best(each, cut.route) for each in own),
        "moved": {route: _moved(route, some, cut) for route, some in sorted(moved.items())},
    }


def _moved(route: str, deliveries: Sequence[Mapping[str, Any]], cut: Cut) -> dict[str, Any]:
    times = sorted(
        seconds_after(next(start["at"] for start in each["starts"] if start["route"] == route), cut.at)
        for each in deliveries
    )
    return {
        "terminals": len(deliveries),
        "with_best": sum(map(has_best, deliveries)),
        "first_start_ms": round(times[0] * 1000),
        "last_start_ms": round(times[-1] * 1000),
    }
