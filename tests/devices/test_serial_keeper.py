"""Keeping a port: every phase, every wait, no clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.devices.serial_keeper import FIRST_WAIT, LONGEST_WAIT, Keeper, Phase, wait_before
from gateway.devices.serial_port import Port
from tests.gatewaykit import until


class Shelf:
    """A place where a port is, or is not."""

    def __init__(self) -> None:
        self.there = False
        self.closed = 0
        self.waits: list[int] = []
        self.phases: list[tuple[Phase, str]] = []
        self.go_on = asyncio.Event()
        self.keeper = Keeper(self.open, lambda phase, reason: self.phases.append((phase, reason)), self.wait)

    async def open(self) -> Port:
        if not self.there:
            raise FileNotFoundError("not there")
        return self  # type: ignore[return-value]

    def close(self) -> None:
        self.closed += 1

    def wait(self, attempt: int) -> Awaitable[None]:
        self.waits.append(attempt)
        self.go_on.clear()
        return self._held()

    async def _held(self) -> None:
        await self.go_on.wait()


async def test_a_port_is_tried_again_until_it_is_there_and_after_it_was_lost() -> None:
    shelf = Shelf()
    shelf.keeper.start()
    for attempt in (1, 2, 3):
        await until(lambda attempt=attempt: shelf.waits == list(range(1, attempt + 1)))  # type: ignore[misc]
        shelf.there = attempt == 3
        shelf.go_on.set()
    await until(lambda: shelf.keeper.phase is Phase.OPEN)
    shelf.keeper.lost("pulled out")
    assert (shelf.closed, shelf.keeper.port) == (1, None)
    assert shelf.phases[-1] == (Phase.WAITING, "pulled out")
    # After it was open the waits begin anew.
    await until(lambda: shelf.waits == [1, 2, 3, 1])
    shelf.go_on.set()
    await until(lambda: shelf.keeper.phase is Phase.OPEN)
    await shelf.keeper.stop()
    assert (shelf.closed, shelf.keeper.phase) == (2, Phase.CLOSED)


@pytest.mark.parametrize("attempt", range(1, 40))
def test_waits_grow_are_capped_and_never_the_same_for_all(attempt: int) -> None:
    longest, shortest = wait_before(attempt, 0.0), wait_before(attempt, 1.0)
    assert FIRST_WAIT / 2 <= shortest == longest / 2 <= longest <= LONGEST_WAIT
