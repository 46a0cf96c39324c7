"""Who plays in a demo: what starts, who could be reached, and how a broadcast is followed to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console

from gateway.cli.client import ApiClient
from gateway.cli.demo_processes import Child
from gateway.cli.demo_watch import Broadcast, connected, followed, reachable_now


class Stage(Protocol):
    """Far ends of a demo that run."""

    async def gather(self, console: Console, wanted: int, deadline: float) -> int:
        """Wait until ``wanted`` terminals are there, or no more of them come; returns how many."""
        ...

    async def reachable(self) -> frozenset[str]:
        """Codes of those who could be reached now."""
        ...

    async def follow(
        self, console: Console, api: ApiClient, accepted: Mapping[str, Any], reachable: frozenset[str], deadline: float
    ) -> Broadcast:
        """Follow a warning until every reachable terminal has the best evidence, or ``deadline`` seconds are over."""
        ...

    def tell(self, console: Console) -> Mapping[str, Any]:
        """Print what else is to be told; returns it for the last line."""
        ...


class IpStage:
    """All terminals on their own connections: one emulator."""

    def __init__(self, children: tuple[Child, ...], truth: ApiClient) -> None:
        self._children, self._truth = children, truth

    async def gather(self, console: Console, wanted: int, deadline: float) -> int:
        """Wait for registrations."""
        summary = await connected(console, self._truth, self._children, wanted, deadline)
        return int(summary["registered"])

    async def reachable(self) -> frozenset[str]:
        """Connected and neither silent, off, refusing nor deaf."""
        return await reachable_now(self._truth)

    async def follow(
        self, console: Console, api: ApiClient, accepted: Mapping[str, Any], reachable: frozenset[str], deadline: float
    ) -> Broadcast:
        """The best evidence is their own word that they played."""
        return await followed(console, api, self._children, accepted["warning_id"], reachable, deadline)

    def tell(self, console: Console) -> Mapping[str, Any]:
        """Nothing more."""
        return {}
