"""Numbers that are never used twice: over restarts, kills, nodes, and the 10,000th message of a day."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from gateway.dispatch.numbers import EbmNumbers, Sessions
from gateway.domain.codes import EbmId
from gateway.domain.zone import BEIJING
from gateway.errors import StoreError
from gateway.store import Store, StoreSettings
from tests.gatewaykit import PLATFORM

NOON = datetime(2026, 11, 23, 12, tzinfo=BEIJING)


class Counters:
    """Durable counters: they outlive whoever reserves of them."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.asked = 0

    async def reserve(self, name: str, block: int) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        self.values[name] = self.values.get(name, 0) + block
        return self.values[name] - block + 1


def ebm(counters: Counters, borrowed: list[EbmId] | None = None) -> EbmNumbers:
    return EbmNumbers(counters.reserve, PLATFORM, (borrowed if borrowed is not None else []).append)


async def test_ebm_ids_name_platform_day_and_a_forced_number() -> None:
    first = await ebm(Counters()).take(NOON)
    assert first == f"{PLATFORM}202611230001"
    assert first.forced


async def test_the_day_is_beijings() -> None:
    late = datetime(2026, 11, 23, 17, 0, tzinfo=BEIJING)
    assert (await ebm(Counters()).take(late)).day == "20261123"
    assert (await ebm(Counters()).take(NOON.replace(day=24, hour=0))).day == "20261124"


async def test_a_kill_never_brings_a_number_back() -> None:
    counters, seen = Counters(), set[str]()
    for _ in range(20):
        numbers, sessions = ebm(counters), Sessions(counters.reserve, 0)  # what was in memory is gone
        for _ in range(7):
            for number in (await numbers.take(NOON), str(await sessions.take())):
                assert number not in seen
                seen.add(number)


async def test_takers_at_once_get_different_numbers() -> None:
    counters = Counters()
    numbers, sessions = ebm(counters), Sessions(counters.reserve, 3)
    taken = await asyncio.gather(*(numbers.take(NOON) for _ in range(100)), *(sessions.take() for _ in range(3000)))
    assert len(set(taken)) == 3100


async def test_the_ten_thousandth_of_a_day_borrows_from_the_next_and_says_so() -> None:
    counters, borrowed = Counters(), list[EbmId]()
    counters.values["ebm:20261123"] = 9980
    numbers = ebm(counters, borrowed)
    taken = [await numbers.take(NOON) for _ in range(25)]
    assert [int(x[31:]) for x in taken[:19]] == list(range(9981, 10000))
    assert [(x.day, int(x[31:])) for x in taken[19:]] == [("20261124", n) for n in range(1, 7)]
    assert borrowed == taken[19:]
    # after a restart it is still borrowed, and the next day goes on where the loan ended
    again = ebm(counters, borrowed)
    assert (await again.take(NOON)).day == "20261124"
    tomorrow = await again.take(NOON.replace(day=24))
    assert tomorrow.day == "20261124"
    assert tomorrow not in taken


async def test_a_used_up_day_costs_no_reservation_for_each_message() -> None:
    counters = Counters()
    counters.values["ebm:20261123"] = 9999
    numbers = ebm(counters)
    await numbers.take(NOON)
    before = counters.asked
    for _ in range(10):
        await numbers.take(NOON)
    assert counters.asked - before <= 1


async def test_when_a_week_is_used_up_it_is_an_error() -> None:
    counters = Counters()
    counters.values = {f"ebm:202611{day}": 9999 for day in range(23, 31)}
    with pytest.raises(StoreError, match="used up"):
        await ebm(counters).take(NOON)


async def test_session_ids_rise_and_carry_the_node() -> None:
    counters = Counters()
    sessions = Sessions(counters.reserve, 5)
    peeked = await sessions.peek()
    taken = [await sessions.take() for _ in range(2000)]
    assert taken[0] == peeked
    assert taken == sorted(set(taken))
    assert {number >> 28 for number in taken} == {5}
    assert min(taken) & 0x0FFFFFFF == 1
    assert counters.asked == 2


async def test_used_up_session_ids_are_an_error_and_never_wrap() -> None:
    counters = Counters()
    counters.values["session"] = 2**28 - 2
    sessions = Sessions(counters.reserve, 15)
    assert await sessions.take() == 2**32 - 1
    for _ in range(2):
        with pytest.raises(StoreError, match="used up"):
            await sessions.take()


async def test_a_failed_reservation_is_tried_again_and_loses_nothing() -> None:
    counters, fail = Counters(), [True]

    async def reserve(name: str, block: int) -> int:
        if fail[0]:
            raise StoreError("no disk")
        return await counters.reserve(name, block)

    sessions = Sessions(reserve, 0)
    with pytest.raises(StoreError):
        await sessions.take()
    fail[0] = False
    assert await sessions.take() == 1


async def test_with_the_real_store_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    taken: list[str] = []
    for _ in range(3):
        store = await Store.open(StoreSettings(f"sqlite:///{tmp_path}/e.db"), node=0)
        numbers, sessions = EbmNumbers(store.reserve, PLATFORM, lambda _: None), Sessions(store.reserve, 0)
        taken += [await numbers.take(NOON), f"{await sessions.take():010d}"]
        await store.close()
    assert len(set(taken)) == 6
    assert taken[::2] == sorted(taken[::2])
    assert taken[1::2] == sorted(taken[1::2])
