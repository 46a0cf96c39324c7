"""UDP against emulated terminals with a socket each, over a good network and a bad one."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog

from emulator.faults import Faults
from gateway.devices.bearer import LinkState
from gateway.domain.ladder import Authenticity
from gateway.errors import EnvironmentLackingError, InvalidValueError
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.ip_bodies import ServiceType
from tests.devices.bearers import message
from tests.devices.harness import answer, beat
from tests.devices.netns import said_in_there
from tests.devices.udp_group_child import SCENARIOS
from tests.devices.udp_relay import Relay
from tests.devices.udp_town import Town, played
from tests.emulator.reference import until
from tests.ports import free_port

MakeTown = Callable[..., Awaitable[Town]]


@pytest.fixture
async def make_town() -> AsyncIterator[MakeTown]:
    towns: list[Town] = []

    async def make(count: int = 4, **settings: Any) -> Town:
        town = Town(count, **settings)
        towns.append(town)
        await town.bearer.open()
        return town

    yield make
    for town in towns:
        await town.close()


async def test_each_is_reached_at_the_address_it_beat_from_and_its_word_is_bound(make_town: MakeTown) -> None:
    town = await make_town(5)
    await town.fleet(5)
    start = town.desk.start(message(1), town.known)
    result = await town.bearer.carry(await town.bearer.make(start))
    assert (result.error, result.silent, result.refused) == ("", frozenset(), {})
    assert town.ears.yes(start.order) == town.ears.handed(start.order) == town.ids
    origins = [entry[5] for entry in town.ears.of("answered") if entry[2] == start.order]
    assert {(origin.bound, origin.authenticity) for origin in origins} == {(True, Authenticity.ADDRESS)}
    await until(lambda: town.ears.said(ServiceType.TASK) == town.ids)


async def test_ipv6_does_as_well(make_town: MakeTown) -> None:
    town = await make_town(2, host="::1")
    await town.fleet(2)
    start = town.desk.start(message(1), town.known)
    result = await town.bearer.carry(await town.bearer.make(start))
    assert (result.error, result.silent) == ("", frozenset())
    assert {entry[5].bound for entry in town.ears.of("answered") if entry[2] == start.order} == {True}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_bad_network_costs_repeats_and_nothing_else(make_town: MakeTown, seed: int) -> None:
    town = await make_town(12, tries=8)
    relay = Relay(("", 0), loss=0.2, double=0.1, late=0.2, seed=seed)
    fleet = await town.fleet(12, over=relay)
    one = message(1)
    start = town.desk.start(one, town.known)
    result = await town.bearer.carry(await town.bearer.make(start))
    assert (result.error, result.silent) == ("", frozenset())
    assert town.ears.yes(start.order) == town.ids
    stop = town.desk.stop(one, town.known)
    assert (await town.bearer.carry(await town.bearer.make(stop))).silent == frozenset()
    assert relay.lost > 0
    await until(lambda: len(played(fleet, str(one.ebm_id))) == 12)
    assert played(fleet, str(one.ebm_id)) == sorted(known.source for known in town.known)


async def test_who_never_beat_has_no_address_and_another_route_may_be_taken(make_town: MakeTown) -> None:
    town = await make_town(2)
    start = town.desk.start(message(1), town.known)
    assert "无已知地址" in (await town.bearer.carry(await town.bearer.make(start))).error
    assert town.ears.of("carried") == []


async def test_the_silent_are_named_and_the_others_not_held_up(make_town: MakeTown) -> None:
    town = await make_town(4, tries=2)
    fleet = await town.fleet(4)
    mute = town.known[1]
    next(line for line in fleet.lines if line.code == mute.source).set_faults(Faults(silent=True))
    start = town.desk.start(message(1), town.known)
    result = await town.bearer.carry(await town.bearer.make(start))
    assert result.silent == {mute.id}
    assert town.ears.yes(start.order) == town.ids - {mute.id}


async def test_a_refusal_is_told_with_its_code(make_town: MakeTown) -> None:
    town = await make_town(2)
    await town.fleet(2, faults=Faults(refuse=55))
    result = await town.bearer.carry(await town.bearer.make(town.desk.start(message(1), town.known)))
    assert result.refused == dict.fromkeys(town.ids, 55)


async def test_a_start_that_is_void_by_now_never_leaves(make_town: MakeTown) -> None:
    town = await make_town(2)
    fleet = await town.fleet(2)
    start = replace(town.desk.start(message(1), town.known), void=lambda: True)
    assert "停播已到" in (await town.bearer.carry(await town.bearer.make(start))).error
    assert town.ears.of("carried") == []
    assert played(fleet, str(start.message.ebm_id) if start.message else "") == []


async def test_a_query_brings_reports_as_datagrams(make_town: MakeTown) -> None:
    town = await make_town(2)
    await town.fleet(2)
    asked = town.desk.query(town.known, (1, 6))
    assert (await town.bearer.carry(await town.bearer.make(asked))).silent == frozenset()
    await until(lambda: town.ears.said(ServiceType.QUERY) == town.ids)
    bodies = [entry[2].body for entry in town.ears.of("report")]
    assert any(isinstance(body, QueryAnswer) for body in bodies)


async def test_a_stranger_s_datagram_proves_nothing_and_spares_nobody(make_town: MakeTown) -> None:
    town = await make_town(1, tries=1)
    (known,) = town.known
    fleet = await town.fleet(1)
    next(iter(fleet.lines)).set_faults(Faults(silent=True))
    start = town.desk.start(message(1), town.known)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(answer(known.terminal, start.order), town.bearer.address)
        result = await town.bearer.carry(await town.bearer.make(start))
        await until(lambda: bool(town.ears.of("answered")))
    assert result.silent == {known.id}
    assert [entry[5].bound for entry in town.ears.of("answered")] == [False]


async def test_rubbish_and_cut_frames_disturb_nobody(make_town: MakeTown) -> None:
    town = await make_town(2)
    await town.fleet(2)
    whole = beat(town.known[0].terminal)
    with (
        structlog.testing.capture_logs() as logs,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise,
    ):
        for end in range(len(whole)):
            noise.sendto(whole[:end], town.bearer.address)
        for junk in (b"\xfe\xfd" * 700, bytes(60_000), b"\x50\x00\x01" + bytes(90)):
            noise.sendto(junk, town.bearer.address)
        await until(lambda: sum(town.bearer.counters.faults.values()) >= 10)
    assert len([entry for entry in logs if entry["event"] == "frame refused"]) == 1
    start = town.desk.start(message(1), town.known)
    await town.bearer.carry(await town.bearer.make(start))
    assert town.ears.yes(start.order) == town.ids


async def test_what_no_datagram_holds_is_refused(make_town: MakeTown) -> None:
    town = await make_town(1)
    start = town.desk.start(message(1), town.known)
    with pytest.raises(InvalidValueError, match="datagram"):
        await town.bearer.make(replace(start, frame=start.frame + bytes(65_507)))


async def test_a_port_that_is_taken_is_told(make_town: MakeTown) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        town = Town(1, port=taken.getsockname()[1])
        with pytest.raises(EnvironmentLackingError):
            await town.bearer.open()


async def test_closed_is_down(make_town: MakeTown) -> None:
    town = await make_town(1, port=free_port(socket.SOCK_DGRAM))
    assert town.ears.is_up
    await town.bearer.close()
    assert town.bearer.health.state is LinkState.DOWN


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_group(scenario: str) -> None:
    said = await said_in_there("tests.devices.udp_group_child", scenario)
    assert said.splitlines()[-1] == "heard"
