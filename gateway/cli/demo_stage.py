"""Who plays in a demo: what starts, who could be reached, and how a broadcast is followed to its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median
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

    def __init__(self, children: tuple[Child, ...], truth: ApiClient, tape: Path) -> None:
        self._children, self._truth, self._tape = children, truth, tape
        self._heard: list[dict[str, Any]] = []

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
        broadcast = await followed(console, api, self._children, accepted["warning_id"], reachable, deadline)
        self._heard = await self._truth.get("/sound")
        return broadcast

    def tell(self, console: Console) -> Mapping[str, Any]:
        """What their players heard."""
        sounding = [one for one in self._heard if one["first"] is not None]
        seconds = [one["seconds"] for one in sounding]
        firsts = [one["first"] for one in sounding]
        heard = {
            "players": len(self._heard),
            "heard": len(sounding),
            "seconds": round(median(seconds), 2) if seconds else None,
            "first_ms": round(median(firsts) * 1000, 1) if firsts else None,
            "lost": sum(one["lost"] for one in self._heard),
        }
        if sounding:
            console.print(
                f"声音 sound: {heard['heard']:,}/{heard['players']:,} 播放器听到 players heard it, "
                f"中位 median {heard['seconds']} s, 指令到首声 start to first sound {heard['first_ms']} ms; "
                f"录音 tape: {self._tape}",
                soft_wrap=True,
            )
        elif self._heard:
            console.print("[bold]无声 no sound: 播放器未听到 no player heard anything[/]")
        return {"sound": heard}
