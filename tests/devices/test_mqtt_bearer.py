"""MQTT against a real broker, with emulated terminals as clients of their own."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import structlog

from emulator.faults import Faults
from emulator.fleet import Fleet
from emulator.journal import Event
from emulator.settings import Bearer, MqttSettings
from gateway.devices.bearer import LinkState
from gateway.devices.mqtt_bearer import MqttBearer
from gateway.domain.ladder import Authenticity
from gateway.domain.receiver import Profile
from gateway.errors import InvalidValueError
from gateway.protocols import ip
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.ip_bodies import GeneralAnswer, PacketType, ServiceType
from gateway.settings.mqtt_link import MqttLink
from tests.devices.bearers import Desk, Ears, Mosquitto, fleet_of, known_terminals, message, unverified
from tests.devices.harness import answer, beat
from tests.emulator.reference import COUNTY, PLATFORM, until

AREA = f"ebgw/gdj089-2018/area/{COUNTY}/down"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path)
    made.start()
    yield made
    made.kill()


class Town:
    """A bearer at the broker, and who listens to it."""

    def __init__(self, broker: Mosquitto, count: int, **settings: Any) -> None:
        self.broker, self.desk = broker, Desk()
        self.known = known_terminals(count, "mqtt:town")
        self.ears = Ears(self.known)
        self.now = time.time
        base: dict[str, Any] = {
            "kind": "mqtt",
            "host": "127.0.0.1",
            "port": broker.port,
            "answer_seconds": 0.5,
            "backoff_first_seconds": 0.02,
            "backoff_longest_seconds": 0.1,
        }
        self.settings = MqttLink(**{**base, **settings})
        self.bearer = self.make_bearer()
        self.fleets: list[Fleet] = []

    def make_bearer(self) -> MqttBearer:
        return MqttBearer(
            "town", self.settings, self.ears, own_code=PLATFORM, verified=unverified, clock=lambda: self.now()
        )

    async def open(self) -> None:
        await self.bearer.open()
        await until(lambda: self.ears.is_up)

    async def fleet(self, count: int, **changes: Any) -> Fleet:
        five = self.settings.version == "5"
        made = fleet_of(
            count, Bearer.MQTT, ("127.0.0.1", self.broker.port), mqtt=MqttSettings(five=five), **changes
        )  # fmt: skip
        self.fleets.append(made)
        await made.start()
        async with asyncio.timeout(10):
            await made.all_registered.wait()
        return made

    async def close(self) -> None:
        for fleet in self.fleets:
            await fleet.close()
        await self.bearer.close()

    def probe(self, identifier: str = "probe", **changes: Any) -> aiomqtt.Client:
        """A client of the test's own."""
        return aiomqtt.Client("127.0.0.1", self.broker.port, identifier=identifier, **changes)

    async def retained(self, topic: str = "ebgw/+/area/+/down/+") -> dict[str, bytes]:
        """What a client that comes now gets: until a message of its own comes back behind it."""
        found: dict[str, bytes] = {}
        async with self.probe("retained") as client:
            await client.subscribe([(topic, 1), ("mark", 1)])
            await client.publish("mark", b"end", qos=1)
            async for item in client.messages:
                if str(item.topic) == "mark":
                    return found
                assert isinstance(item.payload, bytes)
                found[str(item.topic)] = item.payload
        raise AssertionError("the broker went away")


MakeTown = Callable[..., Awaitable[Town]]


async def _heard(town: Town, order: int, ids: set[int] | frozenset[int]) -> None:
    await until(lambda: town.ears.yes(order) == ids)


async def _told(town: Town) -> None:
    await until(lambda: bool(town.ears.health))


def _state(town: Town) -> LinkState:
    return town.bearer.health.state


@pytest.fixture
async def make_town(broker: Mosquitto) -> AsyncIterator[MakeTown]:
    towns: list[Town] = []

    async def make(count: int = 4, **settings: Any) -> Town:
        town = Town(broker, count, **settings)
        towns.append(town)
        await town.open()
        return town

    yield make
    for town in towns:
        await town.close()


def played(fleet: Fleet) -> list[str]:
    return [e.terminal for _, e in fleet.journal.entries() if e.event is Event.PLAYING]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_one_publish_serves_an_area_and_its_answers_come_back(make_town: MakeTown, version: str) -> None:
    town = await make_town(8, version=version)
    fleet = await town.fleet(8)
    ids = {known.id for known in town.known}
    errand = town.desk.start(message(1), town.known)
    async with town.probe() as probe:
        await probe.subscribe("ebgw/+/area/#", qos=1)
        result = await town.bearer.carry(await town.bearer.make(errand))
        first = await anext(aiter(probe.messages))
    assert (str(first.topic), first.payload) == (f"{AREA}/{errand.message.ebm_id}", errand.frame)  # type: ignore[union-attr]
    assert (result.error, result.silent, dict(result.refused)) == ("", frozenset(), {})
    assert town.ears.yes(errand.order) == ids
    assert town.ears.handed(errand.order) == ids
    await until(lambda: town.ears.said(ServiceType.TASK) == ids)
    assert sorted(played(fleet)) == sorted(known.source for known in town.known)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_who_comes_late_gets_every_message_in_force_and_a_stop_clears_its_own(
    make_town: MakeTown, version: str
) -> None:
    town = await make_town(2, version=version)
    first, second = message(1), message(2)
    for one in (first, second):
        await town.bearer.carry(await town.bearer.make(town.desk.start(one, town.known)))
    assert set(await town.retained()) == {f"{AREA}/{first.ebm_id}", f"{AREA}/{second.ebm_id}"}
    late = await town.fleet(2)
    await until(lambda: len(town.ears.yes(101)) == len(town.ears.yes(102)) == 2)
    heard = {(e.terminal, e.ebm_id) for _, e in late.journal.entries() if e.event is Event.START_RECEIVED}
    assert heard == {(known.source, one.ebm_id) for known in town.known for one in (first, second)}
    stop = town.desk.stop(first, town.known)
    result = await town.bearer.carry(await town.bearer.make(stop))
    assert result.silent == frozenset()
    kept = await town.retained()
    # Its stop stands where its start stood: whoever has the start and comes late hears that it is over.
    assert kept[f"{AREA}/{first.ebm_id}"] == stop.frame
    later = time.time() + 3600
    town.now = lambda: later
    await until(lambda: town.bearer.retained == 0)
    await until_async(town, {})


async def until_async(town: Town, wanted: dict[str, bytes]) -> None:
    async with asyncio.timeout(10):
        while await town.retained() != wanted:
            await asyncio.sleep(0.02)


async def test_a_stop_to_single_terminals_clears_the_start_of_the_whole_area(make_town: MakeTown) -> None:
    town = await make_town(2)
    one = message(1)
    await town.bearer.carry(await town.bearer.make(town.desk.start(one, town.known)))
    codes = tuple(known.terminal.code for known in town.known)
    await town.bearer.carry(await town.bearer.make(town.desk.stop(one, town.known, codes)))
    await until_async(town, {})


async def test_two_profiles_do_not_replace_each_others_start(make_town: MakeTown) -> None:
    town = await make_town(1)
    other = known_terminals(1, "mqtt:town", Profile("vendor-x"))
    one = message(1)
    for terminals in (town.known, other):
        await town.bearer.carry(await town.bearer.make(town.desk.start(one, terminals)))
    assert len(await town.retained()) == 2


async def test_a_gateway_that_was_killed_takes_over_what_it_left_at_the_broker(make_town: MakeTown) -> None:
    town = await make_town(1, version="3.1.1")
    one = message(1)
    await town.bearer.carry(await town.bearer.make(town.desk.start(one, town.known)))
    await town.bearer.close()
    town.bearer = town.make_bearer()
    await town.open()
    await until(lambda: town.bearer.retained == 1)
    town.now = lambda: one.end.timestamp() + 1
    await until_async(town, {})


async def test_a_broker_killed_in_mid_broadcast_loses_nothing(make_town: MakeTown, broker: Mosquitto) -> None:
    """Frames posted before, while and after it is away all play once, in order of their posting."""
    town = await make_town(6)
    fleet = await town.fleet(6)
    ids = {known.id for known in town.known}
    messages = [message(number) for number in range(1, 5)]
    errands = [town.desk.start(one, town.known) for one in messages]
    parcels = [await town.bearer.make(errand) for errand in errands]
    before = asyncio.create_task(town.bearer.carry(parcels[0]))
    await until(lambda: bool(town.ears.yes(errands[0].order)))
    broker.kill()
    results = await asyncio.gather(before, *(town.bearer.carry(parcel) for parcel in parcels[1:]))
    assert all("恢复后补发" in result.error and result.silent == ids for result in results[1:])
    assert town.bearer.health.state is LinkState.DOWN
    assert not any(town.ears.handed(errand.order) for errand in errands[1:])
    broker.start()
    for errand in errands:
        await _heard(town, errand.order, ids)
        assert town.ears.handed(errand.order) == ids
    assert _state(town) is LinkState.UP
    for known in town.known:
        heard = [
            e.ebm_id
            for _, e in fleet.journal.entries()
            if e.event is Event.START_RECEIVED and e.terminal == known.source
        ]
        assert list(dict.fromkeys(heard)) == [one.ebm_id for one in messages]
    assert len(played(fleet)) == len(ids)
    # What it was to retain it was told again.
    assert len(await town.retained()) == 4


async def test_a_start_held_for_the_broker_never_goes_out_after_its_stop(
    make_town: MakeTown, broker: Mosquitto
) -> None:
    town = await make_town(2, answer_seconds=0.1)
    await town.fleet(2)
    broker.kill()
    await until(lambda: town.bearer.health.state is LinkState.DOWN)
    one = message(1)
    start, stop = town.desk.start(one, town.known), town.desk.stop(one, town.known)
    for errand in (start, stop):
        assert (await town.bearer.carry(await town.bearer.make(errand))).error
    broker.start()
    await until(lambda: len(town.ears.yes(stop.order)) == 2)
    assert town.ears.handed(start.order) == set()
    assert town.ears.yes(start.order) == set()


async def test_what_is_over_before_the_broker_is_back_stays_unsaid(make_town: MakeTown, broker: Mosquitto) -> None:
    town = await make_town(1, answer_seconds=0.1)
    broker.kill()
    errand = town.desk.start(message(1, seconds=30), town.known)
    await town.bearer.carry(await town.bearer.make(errand))
    later = time.time() + 60
    town.now = lambda: later
    broker.start()
    await until(lambda: town.bearer.health.state is LinkState.UP)
    assert await town.bearer.probe() == town.bearer.health
    assert town.ears.handed(errand.order) == set()
    assert await town.retained() == {}


async def test_only_so_much_is_held(make_town: MakeTown, broker: Mosquitto) -> None:
    town = await make_town(1, answer_seconds=0.05, queue_limit=3)
    broker.kill()
    await until(lambda: town.bearer.health.state is LinkState.DOWN)
    errors = [
        (await town.bearer.carry(await town.bearer.make(town.desk.start(message(n), town.known)))).error
        for n in range(1, 6)
    ]
    assert ["待发过多" in error for error in errors] == [False, False, False, True, True]


async def test_the_silent_are_told_again_and_then_named(make_town: MakeTown) -> None:
    town = await make_town(3, answer_seconds=0.2)
    await town.fleet(2)
    async with town.probe() as probe:
        await probe.subscribe(f"ebgw/terminal/{town.known[2].source}/down", qos=1)
        result = await town.bearer.carry(await town.bearer.make(town.desk.start(message(1), town.known)))
        again = await anext(aiter(probe.messages))
    assert result.silent == {town.known[2].id}
    assert ip.parse(bytes(again.payload)).session == 101


async def test_a_refusal_is_told_with_its_code(make_town: MakeTown) -> None:
    town = await make_town(2)
    await town.fleet(2, faults=Faults(refuse=59))
    result = await town.bearer.carry(await town.bearer.make(town.desk.start(message(1), town.known)))
    assert dict(result.refused) == {known.id: 59 for known in town.known}


async def test_a_query_goes_to_each_terminal_and_its_report_comes_back(make_town: MakeTown) -> None:
    town = await make_town(3)
    await town.fleet(3)
    errand = town.desk.query(town.known, (1, 7))
    result = await town.bearer.carry(await town.bearer.make(errand))
    assert (result.error, result.silent) == ("", frozenset())
    await until(lambda: len(town.ears.said(ServiceType.QUERY)) == 3)
    reports = [entry[2] for entry in town.ears.of("report") if isinstance(entry[2].body, QueryAnswer)]
    assert {report.session for report in reports} == {errand.order}
    assert await town.retained() == {}


async def test_without_a_target_there_is_no_topic(make_town: MakeTown) -> None:
    town = await make_town(1)
    errand = town.desk.query((), (1,))
    with pytest.raises(InvalidValueError, match="targets"):
        await town.bearer.make(errand)


@pytest.mark.parametrize("bound", [False, True])
async def test_a_topic_proves_only_where_the_broker_guards_it(make_town: MakeTown, bound: bool) -> None:
    town = await make_town(1, bound=bound)
    one = town.known[0]
    async with town.probe() as probe:
        await probe.publish(f"ebgw/terminal/{one.source}/up", answer(one.terminal, 7), qos=1)
        await until(lambda: bool(town.ears.of("answered")))
    origin = town.ears.of("answered")[0][-1]
    assert (origin.bound, origin.authenticity) == (bound, Authenticity.ADDRESS if bound else Authenticity.NONE)


async def test_nobody_speaks_on_the_topic_of_another(make_town: MakeTown) -> None:
    town = await make_town(2, bound=True)
    one, other = town.known
    async with town.probe() as probe:
        await probe.publish(f"ebgw/terminal/{other.source}/up", answer(one.terminal, 7), qos=1)
        await probe.publish(f"ebgw/terminal/{other.source}/up", beat(one.terminal), qos=1)
        await probe.publish(f"ebgw/terminal/{other.source}/up", answer(other.terminal, 8), qos=1)
        await until(lambda: bool(town.ears.of("answered")))
    assert [entry[1] for entry in town.ears.of("answered")] == [other.id]
    assert town.ears.of("registered") == []
    assert town.bearer.counters.faults["answer_unbound"] == 1


async def test_rubbish_disturbs_nobody(make_town: MakeTown) -> None:
    """Every truncation of an answer, noise, other topics: the line goes on, nothing is believed, one log line."""
    town = await make_town(1)
    one = town.known[0]
    whole = answer(one.terminal, 7)
    up = f"ebgw/terminal/{one.source}/up"
    with structlog.testing.capture_logs() as logs:
        async with town.probe() as probe:
            for size in range(len(whole)):
                await probe.publish(up, whole[:size], qos=1)
            for topic in ("ebgw/terminal/1/up", "ebgw/terminal//up", f"ebgw/terminal/{one.source}/state", f"{AREA}/x"):
                await probe.publish(topic, b"\xfe\xfd\xff\x00", qos=1, retain=True)
            await probe.publish(up, bytes(range(256)) * 40, qos=1)
            assert town.ears.of("answered") == []
            await probe.publish(up, whole, qos=1)
            await until(lambda: bool(town.ears.of("answered")))
    assert (
        len([entry for entry in logs if entry["event"] == "frame refused" and entry["peer"].endswith(one.source)]) == 1
    )
    assert town.bearer.health.state is LinkState.UP
    assert town.bearer.counters.faults["incomplete"] > 20


async def test_heartbeats_are_answered_and_wrong_devices_told_so(make_town: MakeTown) -> None:
    town = await make_town(1)
    one = town.known[0]
    up, down = (f"ebgw/terminal/{one.source}/{way}" for way in ("up", "down"))
    results = []
    async with town.probe() as probe:
        await probe.subscribe(down, qos=1)
        messages = aiter(probe.messages)
        for frame in (beat(one.terminal), beat(one.terminal, physical="FFFFFFFFFFFF")):
            await probe.publish(up, frame, qos=1)
            packet = ip.parse(bytes((await anext(messages)).payload))
            assert packet.packet_type == PacketType.ANSWER
            assert isinstance(packet.body, GeneralAnswer)
            results.append(packet.body.result)
    assert results == [0, 71]
    assert town.ears.of("registered") == [("registered", one.id, True)]


async def test_a_power_up_that_must_be_kept_is_answered_after_its_commit(make_town: MakeTown) -> None:
    town = await make_town(1)
    town.ears.in_force = True
    one = town.known[0]
    async with town.probe() as probe:
        await probe.subscribe(f"ebgw/terminal/{one.source}/down", qos=1)
        await probe.publish(f"ebgw/terminal/{one.source}/up", beat(one.terminal), qos=1)
        await until(lambda: town.ears.receipts == 1)
        await town.bearer.probe()
        assert town.bearer.counters.heartbeats == 1
        first = asyncio.ensure_future(anext(aiter(probe.messages)))
        await asyncio.sleep(0.05)
        assert not first.done()
        town.ears.durable = 1
        assert ip.parse(bytes((await first).payload)).service_type == ServiceType.HEARTBEAT


async def test_last_wills_tell_who_is_gone(make_town: MakeTown) -> None:
    town = await make_town(2)
    fleet = await town.fleet(2)
    state = f"ebgw/gateway/{PLATFORM}/state"
    assert await town.retained(state) == {state: b"online"}
    line = next(iter(fleet.lines))
    line.cut()
    await until(lambda: ("lost", town.known[0].id) in town.ears.log)
    await town.bearer.close()
    assert await town.retained(state) == {state: b"offline"}


async def test_users_and_wrong_passwords(tmp_path: Path) -> None:
    secrets = tmp_path / "passwd"
    secrets.write_text("gateway:right\n")
    subprocess.run(["mosquitto_passwd", "-U", str(secrets)], check=True, capture_output=True)
    broker = Mosquitto(tmp_path, "allow_anonymous false", f"password_file {secrets}")
    broker.start()
    file = tmp_path / "secret"
    try:
        for word, state in (("wrong", LinkState.DOWN), ("right", LinkState.UP)):
            file.write_text(f"gateway\n{word}\n")
            town = Town(broker, 1, password_file=str(file))
            await town.bearer.open()
            await _told(town)
            assert town.ears.health[0].state is state
            if state is LinkState.DOWN:
                assert "authori" in town.ears.health[0].detail.lower()
            await town.close()
    finally:
        broker.kill()
