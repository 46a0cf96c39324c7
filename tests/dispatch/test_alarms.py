"""Alarms: once while they last, counted, stored now and then, cleared, taken over after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.dispatch.alarms import Alarm, AlarmLevel, Alarms
from gateway.errors import OverloadedError, StoreError
from gateway.store import Store, StoreSettings, queries
from gateway.store.rows import AlarmClearedRow, AlarmRow, Row
from tests.gatewaykit import Gateway, settings_for


class Sink:
    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.now = 1000.0
        self.error: Exception | None = None

    def __call__(self, *rows: Row) -> object:
        if self.error is not None:
            raise self.error
        self.rows.extend(rows)
        return None

    @property
    def counts(self) -> list[int]:
        return [row.count for row in self.rows if isinstance(row, AlarmRow)]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def alarms(sink: Sink) -> Alarms:
    return Alarms(sink, lambda: sink.now, quiet=30, limit=3)


def test_the_first_is_stored_and_the_same_again_only_counts(alarms: Alarms, sink: Sink) -> None:
    for text in ("one", "two", "three"):
        alarms.raise_("kind", "subject", text)
        sink.now += 1
    (alarm,) = alarms.open
    assert (alarm.text, alarm.count, alarm.raised_at, alarm.last_at) == ("three", 3, 1000, 1002)
    assert sink.counts == [1]


def test_while_it_lasts_it_is_stored_once_in_the_quiet_time_and_no_count_is_lost(alarms: Alarms, sink: Sink) -> None:
    for _ in range(100):
        alarms.raise_("kind", "subject", "text")
        sink.now += 10
    assert len(sink.counts) == 1 + 99 // 3
    assert sum(sink.counts) == alarms.open[0].count == 100
    assert [row.last_at for row in sink.rows[-1:] if isinstance(row, AlarmRow)] == [1990]


def test_a_flood_is_stored_by_the_thousand(alarms: Alarms, sink: Sink) -> None:
    for _ in range(2500):
        alarms.raise_("kind", "subject", "text")
    assert sink.counts == [1, 1000, 1000]


def test_a_level_may_rise(alarms: Alarms) -> None:
    alarms.raise_("kind", "subject", "text")
    alarms.raise_("kind", "subject", "text", AlarmLevel.CRITICAL)
    assert alarms.open[0].level is AlarmLevel.CRITICAL


def test_cleared_is_cleared_and_comes_as_new(alarms: Alarms, sink: Sink) -> None:
    alarms.raise_("kind", "subject", "text")
    alarms.clear("kind", "subject")
    alarms.clear("kind", "subject")
    assert list(alarms.open) == []
    assert sum(isinstance(row, AlarmClearedRow) for row in sink.rows) == 1
    alarms.raise_("kind", "subject", "text")
    assert alarms.open[0].count == 1
    assert sink.counts == [1, 1]


def test_newest_stand_first(alarms: Alarms, sink: Sink) -> None:
    for subject in ("a", "b"):
        alarms.raise_("kind", subject, "text")
        sink.now += 1
    alarms.raise_("kind", "a", "text")
    assert [alarm.subject for alarm in alarms.open] == ["a", "b"]


def test_a_full_list_lets_the_oldest_go_and_still_tells_what_is_new(alarms: Alarms, sink: Sink) -> None:
    for number in range(5):
        alarms.raise_("kind", str(number), "text")
    assert {alarm.subject for alarm in alarms.open} == {"2", "3", "4"}
    assert len(sink.counts) == 5


@pytest.mark.parametrize("error", [OverloadedError("full"), StoreError("closed")])
def test_raising_never_fails_and_is_stored_later(alarms: Alarms, sink: Sink, error: Exception) -> None:
    sink.error = error
    alarms.raise_("kind", "subject", "text")
    alarms.raise_("other", "subject", "text")
    alarms.clear("other", "subject")
    assert [alarm.kind for alarm in alarms.open] == ["kind"]
    sink.error = None
    sink.now += 31
    alarms.raise_("kind", "subject", "text")
    assert sink.counts == [2]


async def test_a_commit_that_fails_is_stored_later() -> None:
    sink = Sink()
    futures: list[asyncio.Future[None]] = []

    def submit(*rows: Row) -> object:
        sink(*rows)
        futures.append(asyncio.get_running_loop().create_future())
        return futures[-1]

    alarms = Alarms(submit, lambda: sink.now)
    alarms.raise_("kind", "subject", "text")
    futures[0].set_exception(StoreError("disk"))
    await asyncio.sleep(0)
    sink.now += 31
    alarms.raise_("kind", "subject", "text")
    futures[1].set_result(None)
    await asyncio.sleep(0)
    assert sink.counts == [1, 2]


def test_restored_alarms_go_on(alarms: Alarms, sink: Sink) -> None:
    alarms.restore(Alarm("kind", "subject", "text", AlarmLevel.NOTICE, 1.0, 2.0, 7))
    alarms.raise_("kind", "subject", "text")
    assert (alarms.open[0].count, alarms.open[0].raised_at) == (8, 1.0)
    assert sink.counts == [1]


async def test_after_a_restart_what_was_open_is_open_and_what_was_cleared_is_not(tmp_path: Path) -> None:
    async with Gateway(settings_for(tmp_path)) as gate:
        for number in range(3):
            gate.state.alarms.raise_("kind", str(number), "text", AlarmLevel.CRITICAL)
        gate.state.alarms.clear("kind", "1")
    async with Gateway(settings_for(tmp_path)) as gate:
        assert {(a.subject, a.level) for a in gate.state.alarms.open} == {("0", "critical"), ("2", "critical")}
    store = await Store.open(StoreSettings(f"sqlite:///{tmp_path}/ebgw.db"))
    assert len((await store.read(queries.alarms_page)).items) == 3
    await store.close()
