"""Killed with -9 at random instants: whatever was acknowledged is there afterwards, whole."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time

from gateway.store import Store, StoreSettings, queries
from tests.store.samples import ebm, message, warning

_KILLS = 10


def _run_and_kill(url: str, run: int, delay: float, *kind: str) -> list[list[str]]:
    """Start the child, let it work for ``delay`` seconds after its first word, kill it; the words it said."""
    command = [sys.executable, "-m", "tests.store.crash_child", url, str(run), *kind]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    said = bytearray()
    deadline = time.monotonic() + 20
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                break
            chunk = os.read(child.stdout.fileno(), 65_536)
            assert chunk, "the child ended by itself"
            if not said:
                deadline = time.monotonic() + delay
            said += chunk
    finally:
        child.send_signal(signal.SIGKILL)
        rest, errors = child.communicate()
    assert child.returncode == -signal.SIGKILL, errors.decode()
    assert said, errors.decode()
    return [line.split() for line in (bytes(said) + rest).decode().splitlines()]


async def test_everything_acknowledged_survives_kill_9(sqlite_url: str) -> None:
    chance = random.Random(89)
    warnings: set[int] = set()
    receipts: set[int] = set()
    blocks: list[int] = []
    for run in range(_KILLS):
        for word, *numbers in _run_and_kill(sqlite_url, run, chance.uniform(0.0, 0.08)):
            if word == "warning":
                warnings.add(int(numbers[0]))
            elif word == "block":
                blocks.append(int(numbers[0]))
            else:
                receipts.update(range(int(numbers[0]), int(numbers[1]) + 1))
    store = await Store.open(StoreSettings(url=sqlite_url))
    kept = {row.seq for row in await store.read(queries.receipts_of, ebm(1))}
    missing = [n for n in warnings if await store.read(queries.warning_by_id, f"w-{n:05d}") != warning(n)]
    counts = await store.read(queries.counts)
    last = await store.read(queries.message_by_id, ebm(max(warnings)))
    await store.close()
    assert len(warnings) >= _KILLS and len(receipts) >= _KILLS
    assert not missing
    assert receipts <= kept
    # both rows of a call or none, also of calls that nobody heard of again
    assert counts["warnings"] == counts["messages"] >= len(warnings)
    assert last == message(max(warnings))
    assert len(set(blocks)) == len(blocks) and all(block % 16 == 1 for block in blocks)


async def test_receipts_on_their_way_from_blocks_to_rows_survive_kill_9(sqlite_url: str) -> None:
    chance = random.Random(90)
    told: set[int] = set()
    both = 0
    for run in range(_KILLS):
        for _, first, last in _run_and_kill(sqlite_url, run, chance.uniform(0.02, 0.15), "bursts"):
            told.update(range(int(first), int(last) + 1))
        # opened and closed before anything becomes a row: what the kill left is looked at as it lies there
        store = await Store.open(StoreSettings(url=sqlite_url, idle=60.0))
        kept = [row.seq for row in await store.read(queries.receipts_of, ebm(1))]
        both += 0 < store.packed < len(kept)
        await store.close()
        assert kept == sorted(set(kept)), "a receipt stands twice"
        assert told <= set(kept)
    assert both, "no kill came between blocks and rows"
