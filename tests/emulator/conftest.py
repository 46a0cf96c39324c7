from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from emulator.fleet import Fleet
from emulator.settings import FleetSettings, ReturnMode, TerminalSettings
from tests.emulator.reference import CERTIFICATE, Server, keys, rows

FleetMaker = Callable[..., Awaitable[Fleet]]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A reference platform; whatever a test leaves running on the loop fails it."""
    server = Server()
    await server.start()
    yield server
    await server.close()
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def make_fleet(server: Server) -> AsyncIterator[FleetMaker]:
    """Start a fleet of ``count`` terminals at the reference platform, all registered unless told otherwise."""
    fleets: list[Fleet] = []

    async def make(count: int = 1, *, wait: bool = True, **changes: Any) -> Fleet:
        settings: dict[str, Any] = {
            "gateway": server.gateway,
            "feedback": server.feedback,
            "keys": {CERTIFICATE: keys().public},
            "terminal": TerminalSettings(heartbeat=0.1, registration_retry=0.05, scale=100),
            "backoff": 0.02,
            "backoff_cap": 0.1,
            "dialling": 16,
            "returns": ReturnMode.SHORT,
        }
        fleet = Fleet(rows(count), FleetSettings(**{**settings, **changes}))
        fleets.append(fleet)
        await fleet.start()
        if wait:
            async with asyncio.timeout(10):
                await fleet.all_registered.wait()
        return fleet

    yield make
    for fleet in fleets:
        await fleet.close()
