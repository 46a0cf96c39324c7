"""Keys: who is let in, and how soon a change is felt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.api.auth import Keys
from gateway.api.keys import issue_key
from gateway.api.problems import HttpProblem
from gateway.domain.codes import AreaCode
from gateway.errors import StoreError
from gateway.publishers.rights import Publisher, hash_key
from gateway.store import Store, StoreSettings
from gateway.store.rows import KeyRevokedRow, KeyRow
from tests.api.apikit import Api

OWNER = Publisher("someone", areas=(AreaCode("350524000000"),))


def reader(rows: list[KeyRow]) -> tuple[Keys, Callable[[], int]]:
    """Keys over a list, and how often it was read."""
    reads = 0

    async def read() -> list[KeyRow]:
        nonlocal reads
        reads += 1
        return [row for row in rows if row.revoked_at is None]

    return Keys(read, refresh=0.02), lambda: reads


async def test_a_key_is_known_by_its_hash() -> None:
    plain, row = issue_key(OWNER, 0.0)
    keys, _ = reader([row])
    await keys.open()
    assert await keys.holder(f"Bearer {plain}") == OWNER
    assert await keys.holder(f"bearer  {plain} ") == OWNER
    await keys.close()


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "x"])
async def test_no_key_is_401_and_says_how(header: str | None) -> None:
    keys, _ = reader([])
    with pytest.raises(HttpProblem) as raised:
        await keys.holder(header)
    assert raised.value.status == 401
    assert raised.value.headers["WWW-Authenticate"] == "Bearer"


async def test_the_hash_is_no_key() -> None:
    plain, row = issue_key(OWNER, 0.0)
    keys, _ = reader([row])
    await keys.open()
    with pytest.raises(HttpProblem):
        await keys.holder(f"Bearer {hash_key(plain)}")
    await keys.close()


async def test_many_unknown_keys_at_once_cost_one_read() -> None:
    keys, reads = reader([])
    found = await asyncio.gather(*(keys.holder(f"Bearer wrong{i}") for i in range(50)), return_exceptions=True)
    assert all(isinstance(error, HttpProblem) for error in found)
    assert reads() == 1
    await keys.close()


async def test_a_revoked_key_is_refused_after_the_next_refresh() -> None:
    plain, row = issue_key(OWNER, 0.0)
    rows = [row]
    keys, _ = reader(rows)
    await keys.open()
    await keys.holder(f"Bearer {plain}")
    rows.clear()
    deadline = time.monotonic() + 5
    while True:
        try:
            await keys.holder(f"Bearer {plain}")
        except HttpProblem:
            break
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    await keys.close()


async def test_keys_in_force_outlive_a_store_that_cannot_be_read() -> None:
    plain, row = issue_key(OWNER, 0.0)
    reads = 0

    async def read() -> list[KeyRow]:
        nonlocal reads
        reads += 1
        if reads > 1:
            raise StoreError("disk is gone")
        return [row]

    keys = Keys(read, refresh=0.005)
    await keys.open()
    while reads < 3:
        await asyncio.sleep(0.005)
    assert await keys.holder(f"Bearer {plain}") == OWNER
    await keys.close()


async def test_one_broken_row_does_not_lock_out_the_others() -> None:
    plain, row = issue_key(OWNER, 0.0)
    keys, _ = reader([KeyRow("broken", "0" * 64, "publisher", {"areas": ["x"]}, 0.0), row])
    await keys.open()
    assert (await keys.holder(f"Bearer {plain}")).name == "someone"
    await keys.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_key_added_and_revoked_by_another_process_is_felt(api: Api) -> None:
    plain, row = issue_key(Publisher("late", areas=(AreaCode("350524000000"),)), time.time())
    assert (await api.get("/api/v1/warnings", plain)).status == 401
    other = await Store.open(StoreSettings(api.gateway.settings.store_url), node=9)
    await other.write(row)
    assert (await api.get("/api/v1/warnings", plain)).status == 200
    await other.write(KeyRevokedRow("late", time.time()))
    await other.close()
    deadline = time.monotonic() + 10
    while (await api.get("/api/v1/warnings", plain)).status == 200:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert (await api.get("/api/v1/warnings", plain)).status == 401
