"""What holds for every test: nothing may be left running behind it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.programmes.toolbox import Toolbox
from tests.programmes.soundkit import sound_programs


@pytest_asyncio.fixture
async def no_lingering_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves asyncio tasks behind."""
    before = asyncio.all_tasks()
    yield
    # A task that is only ending may have its last turns; the HTTP server's linger a second for bodies given up.
    for _ in range(300):
        left = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
        if not left:
            return
        await asyncio.sleep(0.005)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    pytest.fail("tasks left behind: " + ", ".join(f"{task.get_name()} {task.get_coro()}" for task in left))


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> None:
    """Look after every test that runs in a loop; the others need none."""
    if inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("no_lingering_tasks")


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    """ffmpeg and espeak-ng."""
    return sound_programs()
