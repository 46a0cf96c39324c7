"""``ebgw demo --bearers``: the far end of every bearer in processes of their own, and one line cut in mid-broadcast."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from gateway.cli.client import ApiClient
from gateway.cli.demo_bearer_table import bearers_table, cut_table
from gateway.cli.demo_broker import broker, listening
from gateway.cli.demo_cut import Cut, cut_in_the_middle, failover
from gateway.cli.demo_evidence import Truth, by_bearer, contradictions, has_best
from gateway.cli.demo_links import Far, LinkPlan
from gateway.cli.demo_processes import Child
from gateway.cli.demo_town import CUT_BUS
from gateway.cli.demo_watch import Broadcast, all_run, progress_on, reachable_now
from gateway.domain.receiver import IP_ROUTE, RouteKind

_PAUSE: Final = 0.25
#: Seconds without anything new, after which those that are there are taken as all.
_PATIENCE: Final = 15.0
_CUT_ROUTE: Final = f"{RouteKind.SERIAL.value}:{CUT_BUS}"


@dataclass(frozen=True, slots=True)
class FarEnd:
    """An emulator that runs: what it stands for, and its control."""

    route: str
    child: Child
    truth: ApiClient


@asynccontextmanager
async def far_ends(
    plan: LinkPlan, ready: Mapping[str, Any], folder: Path, common: Sequence[str], ip: Child | None
) -> AsyncIterator[tuple[list[FarEnd], list[Child]]]:
    """Start broker and emulators; ``common`` are the arguments of every emulator, ``ip`` serves connections, if any."""
    async with AsyncExitStack() as stack:
        others: list[Child] = []
        if plan.broker is not None:
            child = await stack.enter_async_context(broker(plan.broker, folder / "mosquitto.log"))
            await listening(child, plan.broker.port)
            others.append(child)
        children = [(str(IP_ROUTE), ip)] if ip is not None else []
        children += [(far.route, _emulator(far, folder, common)) for far in plan.far_ends(ready)]
        for _, child in children:
            await stack.enter_async_context(child)
        ends: list[FarEnd] = []
        for route, child in children:
            control = (await child.line("ready"))["control"]
            ends.append(FarEnd(route, child, await stack.enter_async_context(ApiClient(control))))
        yield ends, others


def _emulator(far: Far, folder: Path, common: Sequence[str]) -> Child:
    arguments = ["-m", "emulator", *common, *far.arguments, "--journal", str(folder / f"journal-{far.name}.jsonl")]
    return Child(far.name, arguments, folder / f"emulator-{far.name}.log")


class BearerStage:
    """Terminals on every bearer (``demo_stage.Stage``)."""

    def __init__(
        self,
        ends: Sequence[FarEnd],
        children: tuple[Child, ...],
        api: ApiClient,
        first_routes: Mapping[str, str],
    ) -> None:
        self._ends, self._children, self._api, self._first = ends, children, api, first_routes
        self._reachable: frozenset[str] = frozenset()
        self._deliveries: list[dict[str, Any]] = []
        self._truths: dict[str, Truth] = {}
        self._cut: Cut | None = None

    async def gather(self, console: Console, wanted: int, deadline: float) -> int:
        """Wait until terminals are registered and links are up, or nothing more comes."""
        best, since = -1, time.monotonic()
        with progress_on(console) as bars:
            bar = bars.add_task("终端与链路就绪 terminals and links", total=wanted)
            while True:
                there = len(await self.reachable())
                down = [link["route"] for link in await self._links() if link["state"] != "up"]
                bars.update(bar, completed=there)
                if there - len(down) > best:
                    best, since = there - len(down), time.monotonic()
                if (there >= wanted and not down) or time.monotonic() - since > min(_PATIENCE, deadline):
                    for route in down:
                        console.print(f"链路未通 link not up: {route}")
                    return there
                all_run(self._children)
                await asyncio.sleep(_PAUSE)

    async def reachable(self) -> frozenset[str]:
        """Those who can be reached on one of their ways."""
        found = await asyncio.gather(*(_reachable(end) for end in self._ends))
        return frozenset().union(*found)

    async def follow(
        self, console: Console, api: ApiClient, accepted: Mapping[str, Any], reachable: frozenset[str], deadline: float
    ) -> Broadcast:
        """Cut a bus in the middle, and wait for the best evidence of everyone on the way that is left to them."""
        begun = time.monotonic()
        warning_id = accepted["warning_id"]
        self._reachable = reachable
        cutting = asyncio.create_task(self._cut_bus(warning_id, deadline))
        try:
            complete = await self._until_best(console, warning_id, begun + deadline, cutting)
        finally:
            cutting.cancel()
            await asyncio.gather(cutting, return_exceptions=True)
        coverage = await api.get(f"/api/v1/warnings/{warning_id}/coverage", rule="fraction")
        seconds = time.monotonic() - begun
        for end in self._ends:
            self._truths[end.route] = Truth.of(await end.truth.text("/journal"), accepted["message_id"])
        return Broadcast(coverage, seconds, complete and not contradictions(self._deliveries, self._truths))

    def tell(self, console: Console) -> Mapping[str, Any]:
        """Tables of the bearers and of the cut."""
        bearers = by_bearer(self._deliveries, self._first, self._reachable, self._truths, self._cut_route)
        cut = failover(self._cut, self._deliveries, self._first) if self._cut is not None else None
        wrong = contradictions(self._deliveries, self._truths)
        console.print(bearers_table(bearers))
        if cut is not None:
            console.print(cut_table(cut))
        for each in wrong[:5]:
            console.print(f"[bold red]与终端日志不符 contradicted by the journal: {each['terminal']} {each['rule']}[/]")
        return {"bearers": bearers, "cut": cut, "contradictions": wrong}

    # -- inside

    @property
    def _cut_route(self) -> str:
        return self._cut.route if self._cut is not None else ""

    async def _links(self) -> list[dict[str, Any]]:
        links: list[dict[str, Any]] = (await self._api.get("/api/v1/links"))["items"]
        return links

    async def _cut_bus(self, warning_id: str, deadline: float) -> None:
        bus = next((end for end in self._ends if end.route == _CUT_ROUTE), None)
        if bus is None:
            return
        terminals = sum(route == _CUT_ROUTE for route in self._first.values())
        self._cut = await cut_in_the_middle(self._api, bus.truth, warning_id, _CUT_ROUTE, terminals, deadline)

    async def _until_best(self, console: Console, warning_id: str, until: float, cutting: asyncio.Task[None]) -> bool:
        with progress_on(console) as bars:
            bar = bars.add_task("证据已齐 best evidence", total=len(self._reachable))
            while True:
                pages = self._api.pages(f"/api/v1/warnings/{warning_id}/deliveries")
                self._deliveries = [row async for row in pages]
                best = {row["terminal"] for row in self._deliveries if has_best(row, self._cut_route)}
                bars.update(bar, completed=len(best & self._reachable))
                if cutting.done():
                    cutting.result()
                    if self._reachable <= best:
                        return True
                if time.monotonic() > until:
                    return False
                all_run(self._children)
                await asyncio.sleep(_PAUSE)


async def _reachable(end: FarEnd) -> frozenset[str]:
    if end.route.startswith(RouteKind.ADAPTER.value):
        return frozenset((await end.truth.get("/truth"))["adapter"]["terminals"])
    return await reachable_now(end.truth)
