"""The watchdog 值守 sees what no other room does: a message short of its target, terminals gone, a full disk."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.api.services import Services
from gateway.coverage.figures import Rule
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import AreaCode
from gateway.domain.message import EbmClass, MessageState
from gateway.errors import GatewayError

log = structlog.get_logger(__name__)

SHORT: Final = "coverage_short"
GONE: Final = "terminals_offline"
DISK: Final = "disk_low"
_LOOK: Final = 5.0
#: Terminals of a county below which their share says nothing.
_FEW: Final = 5


class Watchdog:
    """Looks every few seconds; an alarm that it raised it clears when the cause is gone."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._section = services.settings.alarms
        self._short: set[str] = set()
        #: since when too few terminals of a county are online, by monotonic time
        self._few: dict[AreaCode, float] = {}

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look again and again, until cancelled."""
        while True:
            await pause(_LOOK)
            try:
                await self.look()
            except (GatewayError, OSError) as error:
                log.warning("watchdog cannot look", error=str(error))

    async def look(self) -> None:
        """One look at everything."""
        await self._messages()
        self._terminals()
        await self._disk()

    async def _messages(self) -> None:
        services, alarms = self._services, self._services.dispatch.state.alarms
        rule, target = Rule(services.settings.coverage.rule), services.settings.coverage.target
        short: set[str] = set()
        for live in list(services.dispatch.state.messages.values()):
            if not self._is_due(live):
                continue
            opened = await services.books.open(live.ebm_id)
            found = opened.book.snapshot(services.clock(), rule, opened.state)
            reached = found.reached
            share = reached.proven.share + reached.claimed.share + reached.sent.share
            if share < target:
                short.add(live.ebm_id)
                words = (
                    f"{live.message.headline}: 覆盖 {share:.1%}，低于目标 {target:.0%}，未达 {found.unreached} 个终端 "
                    "short of the target"
                )
                if live.ebm_id not in self._short:
                    alarms.raise_(SHORT, live.ebm_id, words, AlarmLevel.CRITICAL)
        for ebm_id in self._short - short:
            alarms.clear(SHORT, ebm_id)
        self._short = short

    def _is_due(self, live: LiveMessage) -> bool:
        if live.state is not MessageState.ACTIVE or live.activated_at is None:
            return False
        if live.message.ebm_class in (EbmClass.SYSTEM_DRILL, EbmClass.DAILY):
            return False
        return self._services.clock() - live.activated_at >= self._section.coverage_after_seconds

    def _terminals(self) -> None:
        services, alarms = self._services, self._services.dispatch.state.alarms
        online, now = services.hub.current.keys(), services.monotonic()
        served: Counter[AreaCode] = Counter()
        here: Counter[AreaCode] = Counter()
        counties: dict[str, AreaCode] = {}
        for entry in services.dispatch.state.registry:
            terminal = entry.terminal
            # Only those of a connection of their own are known to be there or not.
            if not terminal.in_service or not any(route.kind.value == "ip" for route in terminal.routes):
                continue
            county = counties.get(terminal.area[:6]) or counties.setdefault(terminal.area[:6], terminal.area.county)
            served[county] += 1
            here[county] += entry.id in online
        for county, count in served.items():
            if count < _FEW or here[county] >= count * self._section.online_share:
                self._few.pop(county, None)
                alarms.clear(GONE, str(county))
                continue
            since = self._few.setdefault(county, now)
            if now - since >= self._section.offline_seconds:
                name = services.gazetteer.name(county)
                words = f"{name}: {count} 个终端只有 {here[county]} 个在线 only so many of its terminals are online"
                if (GONE, str(county)) not in {(alarm.kind, alarm.subject) for alarm in alarms.open}:
                    alarms.raise_(GONE, str(county), words, AlarmLevel.CRITICAL)

    async def _disk(self) -> None:
        folder, alarms = self._services.settings.gateway.data_dir, self._services.dispatch.state.alarms
        usage = await asyncio.to_thread(shutil.disk_usage, folder)
        if usage.free < self._section.disk_bytes:
            words = f"{folder}: 仅剩 {usage.free / 1e9:.1f} GB free"
            alarms.raise_(DISK, str(folder), words, AlarmLevel.CRITICAL)
        else:
            alarms.clear(DISK, str(folder))
