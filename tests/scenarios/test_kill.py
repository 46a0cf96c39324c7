"""The daemon is killed at thirty random instants; afterwards the emulator's journal and the store are read.

No lost warning, no lost confirmed receipt, nothing played twice without a reboot between, nothing playing after its
stop was answered, no terminal without an end, no number used twice.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.judging import is_served, lives_of, read_store, unaccounted
from tests.scenarios.probe import Probe
from tests.scenarios.processes import Client, Gone, Process, until
from tests.scenarios.publishing import Issued, Publisher
from tests.scenarios.shown import Shown
from tests.scenarios.town import Town, make_town

KILLS = 30
TERMINALS = 100
#: Another run of other instants: EBGW_TEST_KILL_SEED=7
SEEDS = [int(seed) for seed in os.environ.get("EBGW_TEST_KILL_SEED", "2018").split(",")]
#: Every so manieth kill hits the start-up and the first moments after it.
_STARTING = 4
#: Share of the others that strike when the first byte of an order arrives.
_AT_FIRST_BYTE = 0.4
#: About how long a start takes until it serves, in seconds.
_START_SECONDS = 1.5


@dataclass(slots=True)
class _Run:
    """One run: the town, who publishes, who looks, and what the emulator is made to suffer."""

    town: Town
    api: Client
    control: Client
    publisher: Publisher
    dice: random.Random
    probe: Probe
    shown: Shown = field(default_factory=Shown)
    work: asyncio.Task[None] | None = None
    kills: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Let the publisher do the next thing, unless the last one still waits for its answer."""
        if self.work is not None and self.work.done():
            self.work.result()
            self.work = None
        if self.work is None:
            self.work = asyncio.create_task(self.publisher.act())

    async def kill_while_starting(self, daemon: Process) -> None:
        await asyncio.sleep(self.dice.uniform(0.1, 1.1) * _START_SECONDS)
        self._kill(daemon, "starting")

    async def kill_at_work(self, daemon: Process) -> None:
        self.probe.ordered.clear()
        at_first_byte = self.dice.random() < _AT_FIRST_BYTE
        await daemon.line("ready")
        if self.dice.random() < 0.6:
            await self.control.put("/faults", {"clear": True})
            await self._gathered()
            await self._finished()
            self.probe.ordered.clear()
        await self._disturb()
        self.begin()
        if at_first_byte:
            # Nothing that was done since the order's commit is on disk.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.probe.ordered.wait(), 0.5)
            self._kill(daemon, "first byte" if self.probe.ordered.is_set() else "answered")
            return
        # From the first milliseconds, before anything is on disk, to the end of a broadcast.
        await asyncio.sleep(10 ** self.dice.uniform(-3, -0.4))
        self._kill(daemon, "work" if self.work is not None and not self.work.done() else "answered")

    def _kill(self, daemon: Process, during: str) -> None:
        assert daemon.running, daemon.tail()
        daemon.kill()
        self.kills[during] = self.kills.get(during, 0) + 1

    async def _gathered(self) -> None:
        async def all_there() -> bool:
            summary = (await self.control.get("/truth?terminals=0"))["summary"]
            return bool(summary["registered"] >= TERMINALS)

        await until(all_there, what="all terminals register")

    async def _finished(self) -> None:
        """Whatever waits for its answer gets it."""
        if self.work is not None:
            await asyncio.wait_for(self.work, 20)
            self.work = None

    async def _disturb(self) -> None:
        fate = self.dice.random()
        if fate < 0.25:
            await self.control.post("/reboot", {"share": self.dice.uniform(0.05, 0.3)})
        elif fate < 0.4:
            await self.control.post("/disconnect", {"share": self.dice.uniform(0.1, 0.5)})
        elif fate < 0.55:
            await self.control.put("/faults", {"share": 0.2, "drop": 0.2, "loss": 0.1})
        else:
            await self.control.put("/faults", {"clear": True})

    async def watch(self) -> None:
        """Look at one warning after the other, through all kills."""
        while True:
            for issued in self.publisher.issued[-6:]:
                with suppress(Gone):
                    await self.shown.look(self.api, issued.warning_id)
            await asyncio.sleep(0.02)

    async def settle(self) -> None:
        """Everybody healthy; wait until every terminal has what it is owed and no report waits."""
        await self.control.put("/faults", {"clear": True})
        await self._finished()
        await self._gathered()

        async def quiet() -> bool:
            truth = await self.control.get("/truth")
            return not truth["summary"]["reports_waiting"] and not _noise(truth, self.publisher.issued)

        with suppress(AssertionError):  # what is missing is named by the rules below
            await until(quiet, 12)
        await asyncio.sleep(0.15)


def _noise(truth: dict[str, Any], issued: list[Issued]) -> list[str]:
    """Terminals that still hold what is over or was silenced there."""
    over = {one.message_id for one in issued if one.state != "active"}
    silenced = {(one.message_id, terminal) for one in issued for terminal in one.silenced}
    return [
        f"{terminal} still holds {ebm_id}"
        for terminal, state in truth["terminals"].items()
        for ebm_id in state["live"]
        if ebm_id in over or (ebm_id, terminal) in silenced
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
async def test_killed_at_thirty_instants_nothing_promised_is_lost(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    town = await make_town(
        tmp_path,
        TERMINALS + 1,
        dispatch={"answer_seconds": 0.6, "backoff_first_seconds": 0.2, "backoff_longest_seconds": 1.0},
    )
    # The last one is played by the test itself.
    *emulated, probed = town.terminals
    town = replace(town, terminals=tuple(emulated))
    begun = time.monotonic()
    async with AsyncExitStack() as stack:
        emulator = stack.enter_context(
            town.emulator(terminals=TERMINALS, seed=seed, scale=60, backoff=0.05, backoff_cap=0.3)
        )
        control = await stack.enter_async_context(Client((await emulator.line("ready"))["control"]))
        api = await stack.enter_async_context(town.api())
        probe = Probe(probed, town.d)
        run = _Run(town, api, control, Publisher(town, api, dice), dice, probe)
        watcher, probing = asyncio.create_task(run.watch()), asyncio.create_task(probe.run())
        stack.push_async_callback(_ended, watcher, probing)
        for number in range(KILLS):
            with town.daemon() as daemon:
                if number % _STARTING == _STARTING - 1:
                    await run.kill_while_starting(daemon)
                else:
                    await run.kill_at_work(daemon)
            assert not watcher.done(), watcher.result()
        with town.daemon() as daemon:
            await daemon.line("ready")
            await run.settle()
            await _ended(watcher)
            await _judge(run)
    print(
        f"seed {seed}: {time.monotonic() - begun:.1f} s, kills {run.kills}, did {len(run.publisher.done)}: "
        f"{ {what: run.publisher.done.count(what) for what in set(run.publisher.done)} }, looks {run.shown.looks}, "
        f"receipts held {run.shown.receipts}"
    )


async def _ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _judge(run: _Run) -> None:
    town, api, issued = run.town, run.api, run.publisher.issued
    truth = await run.control.get("/truth")
    assert truth["summary"]["registered"] == TERMINALS
    assert not _noise(truth, issued)
    for one in issued:
        await run.shown.look(api, one.warning_id)
        known = await api.get(f"/api/v1/warnings/{one.warning_id}")
        assert (known["message_id"], known["state"]) == (one.message_id, one.state), one.identifier
        status, again = await api.call("POST", "/api/v1/warnings", one.body)
        assert (status, again["warning_id"], again["message_id"]) == (200, one.warning_id, one.message_id)
    for warning_id in run.publisher.cancels.values():
        assert (await api.get(f"/api/v1/warnings/{warning_id}"))["kind"] == "Cancel"
    journal = town.journal()
    lives, broken = lives_of(journal)
    assert not broken, broken[:5]
    kept = read_store(town.database)
    assert len(set(kept.messages.values())) == len(kept.messages)
    assert kept.messages == {one.message_id: one.warning_id for one in issued}
    confirmed, lost = unaccounted(journal, kept)
    assert not lost, lost[:5]
    in_force = {one.message_id for one in issued if one.state == "active"}
    for terminal, life in lives.items():
        assert life.open <= in_force, f"{terminal} never ended {life.open - in_force}"
    for one in issued:
        if one.state == "active":
            waiting = [t for t in one.targets - one.silenced if not is_served(lives[t], one.message_id)]
            assert not waiting, f"{one.identifier} never came to {waiting[:5]} ({len(waiting)} terminals)"
    assert confirmed > 0
    plays, reboots = sum(life.plays for life in lives.values()), sum(life.reboots for life in lives.values())
    print(f"{plays} plays, {reboots} reboots, {confirmed} reports confirmed, {kept.receipts} receipts in the store")


@pytest.mark.parametrize("trigger", ["keys", "ebgw.db", "ebgw.db-wal"])
async def test_killed_in_its_very_first_start_it_starts_the_next_time(trigger: str, tmp_path: Path) -> None:
    """While it makes its key, or its tables: what it left half made must not keep it from starting."""
    dice = random.Random(f"{trigger} {tmp_path.name}")
    town = await make_town(tmp_path, 1)
    data = tmp_path / "data"
    shutil.rmtree(data)
    with town.daemon() as daemon:
        made = data / trigger
        while not made.exists() and daemon.running:
            await asyncio.sleep(0.0005)
        await asyncio.sleep(dice.uniform(0, 0.03))
        daemon.kill()
        assert not daemon.lines()
    with town.daemon() as daemon:
        await daemon.line("ready")
        async with town.api() as api:
            assert (await api.get("/healthz"))["status"] == "ok"
