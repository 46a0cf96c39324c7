"""Daily broadcasts: on air by schedule, once; silent where something more urgent plays; back afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.dispatch.daily_book import Programme
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import AreaCode
from gateway.domain.message import EbmClass, MessageState
from gateway.domain.schedule import AfterEmergency, DayKind, Schedule
from gateway.domain.zone import BEIJING
from gateway.errors import NotFoundError, StateConflictError
from gateway.protocols.ip_bodies import StartBroadcast
from tests.gatewaykit import (
    BareTerminal,
    Gateway,
    facts,
    hang_up,
    settings_for,
    submission,
    terminal,
    until,
    warning,
)

A, B = terminal("350524100001"), terminal("350524100002")
TOWN = "350524100000"
NEWS = Programme("news", "早间新闻", "stream", "rtp://239.1.1.9:5004", "33505000000000103010101", False)


def schedule(**changes: Any) -> Schedule:
    """On air since a minute ago, for ten minutes, unless told otherwise."""
    begun = datetime.now(BEIJING) - timedelta(seconds=60)
    given: dict[str, Any] = {
        "at": begun.timetz().replace(microsecond=0, tzinfo=None),
        "seconds": 660,
        "areas": (AreaCode(TOWN),),
        "volume": 40,
        **changes,
    }
    return Schedule(id="dawn", title="早间新闻", programme="news", **given)


@asynccontextmanager
async def on_air(folder: Path, *schedules: Schedule) -> AsyncIterator[tuple[Gateway, list[BareTerminal]]]:
    async with Gateway(settings_for(folder)) as gate:
        await gate.terminals.put((A, B), "test")
        lines = [await BareTerminal.connect(gate.ports.terminals, one) for one in (A, B)]
        await gate.daily.put_programme(NEWS, "test")
        for one in schedules:
            await gate.daily.put_schedule(one, "test")
        try:
            yield gate, lines
        finally:
            await hang_up()


def dailies(gate: Gateway) -> list[LiveMessage]:
    return [live for live in gate.state.messages.values() if live.message.ebm_class is EbmClass.DAILY]


def bodies(line: BareTerminal) -> list[StartBroadcast]:
    return [packet.body for packet in line.starts if isinstance(packet.body, StartBroadcast)]


async def test_what_is_due_goes_on_air_as_class_5_with_its_own_stream_and_volume(tmp_path: Path) -> None:
    async with on_air(tmp_path, schedule()) as (gate, lines):
        await until(lambda: all(line.starts for line in lines))
        (body,) = bodies(lines[0])
        assert (body.ebm_class, body.severity, body.event, body.volume) == (5, 4, "00000", 40)
        assert body.aux[0].data == NEWS.source.encode()
        (live,) = dailies(gate)
        assert live.message.headline == "早间新闻"


async def test_a_change_of_the_book_or_a_restart_begins_nothing_twice(tmp_path: Path) -> None:
    one = schedule()
    async with on_air(tmp_path, one) as (gate, lines):
        await until(lambda: lines[0].starts)
        await gate.daily.put_schedule(replace(one, volume=50), "test")
        await gate.daily.put_days([(datetime.now(BEIJING).date(), DayKind.WORKDAY, "")], "test")
        (live,) = dailies(gate)
        ebm_id = live.ebm_id
    async with Gateway(settings_for(tmp_path)) as gate:
        await until(lambda: dailies(gate))
        assert [live.ebm_id for live in dailies(gate)] == [ebm_id]


@pytest.mark.parametrize("how", ["disabled", "not today", "over"])
async def test_what_is_not_due_stays_silent(tmp_path: Path, how: str) -> None:
    today = datetime.now(BEIJING).date()
    cases: dict[str, dict[str, Any]] = {
        "disabled": {"enabled": False},
        "not today": {"last": today - timedelta(days=2), "first": today - timedelta(days=9)},
        "over": {"seconds": 1},
    }
    async with on_air(tmp_path, schedule(**cases[how])) as (gate, lines):
        lines[0].beat()
        await until(lambda: len(lines[0].answers) == 2)
        assert dailies(gate) == [] and lines[0].starts == []


async def test_it_gives_way_where_an_emergency_plays_and_comes_back_for_the_rest(tmp_path: Path) -> None:
    async with on_air(tmp_path, schedule()) as (gate, (near, far)):
        await until(lambda: near.starts and far.starts)
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(A.area))
        await until(lambda: near.stops)
        assert [body.ebm_class for body in bodies(near)] == [5, 4]
        assert far.stops == [] and len(far.starts) == 1
        await gate.dispatch.cancel(str(accepted.message_id), "operator", "all clear")
        await until(lambda: len(near.starts) == 3)
        back = bodies(near)[2]
        assert back.ebm_class == 5 and back.ebm_id != bodies(near)[0].ebm_id
        assert back.end == bodies(near)[0].end
        assert len(far.starts) == 1


async def test_it_gives_way_everywhere_and_comes_back_everywhere(tmp_path: Path) -> None:
    async with on_air(tmp_path, schedule()) as (gate, lines):
        await until(lambda: all(line.starts for line in lines))
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: all(line.stops for line in lines))
        assert dailies(gate)[0].state is MessageState.CANCELLED
        await gate.dispatch.cancel(str(accepted.message_id), "operator", "all clear")
        await until(lambda: all(len(line.starts) == 3 for line in lines))


async def test_what_is_to_be_dropped_stays_silent_for_the_day(tmp_path: Path) -> None:
    async with on_air(tmp_path, schedule(after=AfterEmergency.DROP)) as (gate, (near, _)):
        await until(lambda: near.starts)
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: near.stops)
        await gate.dispatch.cancel(str(accepted.message_id), "operator", "all clear")
        await until(lambda: len(near.stops) == 2)
        near.beat()
        await until(lambda: len(near.answers) == 2)
        assert [body.ebm_class for body in bodies(near)] == [5, 4]


async def test_what_falls_due_under_an_emergency_waits_for_its_end(tmp_path: Path) -> None:
    async with on_air(tmp_path) as (gate, (near, _)):
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: near.starts)
        await gate.daily.put_schedule(schedule(), "test")
        await gate.dispatch.cancel(str(accepted.message_id), "operator", "all clear")
        await until(lambda: [body.ebm_class for body in bodies(near)] == [4, 5])


async def test_what_gave_way_comes_back_after_a_restart_too(tmp_path: Path) -> None:
    async with on_air(tmp_path, schedule()) as (gate, (near, _)):
        await until(lambda: near.starts)
        accepted = await gate.dispatch.accept(submission(warning("w1")), facts(TOWN))
        await until(lambda: near.stops)
    async with Gateway(settings_for(tmp_path)) as gate:
        near = await BareTerminal.connect(gate.ports.terminals, A)
        await gate.dispatch.cancel(str(accepted.message_id), "operator", "all clear")
        await until(lambda: 5 in [body.ebm_class for body in bodies(near)])
        await hang_up()


async def test_an_operator_who_ends_it_ends_it_for_the_day(tmp_path: Path) -> None:
    async with on_air(tmp_path, schedule()) as (gate, (near, _)):
        await until(lambda: near.starts)
        (live,) = dailies(gate)
        await gate.dispatch.cancel(live.ebm_id, "operator", "wrong programme")
        await until(lambda: near.stops)
        gate.daily.on_change()
        near.beat()
        await until(lambda: len(near.answers) == 2)
        assert len(near.starts) == 1


async def test_the_book_refuses_what_would_leave_a_hole(tmp_path: Path) -> None:
    async with on_air(tmp_path, schedule(enabled=False)) as (gate, _):
        with pytest.raises(StateConflictError, match="dawn"):
            await gate.daily.drop_programme("news", "test")
        with pytest.raises(NotFoundError):
            await gate.daily.put_schedule(replace(schedule(), programme="none"), "test")
        await gate.daily.drop_schedule("dawn", "test")
        await gate.daily.drop_programme("news", "test")
        with pytest.raises(NotFoundError):
            await gate.daily.drop_schedule("dawn", "test")
    async with Gateway(settings_for(tmp_path)) as gate:
        assert (gate.daily.programmes, gate.daily.schedules) == ({}, {})
