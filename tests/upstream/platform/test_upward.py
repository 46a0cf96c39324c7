"""What a superior is told: heartbeats, states in their order, resources, records, answers; kept until they arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon import Gateway
from gateway.domain.message import MessageState
from gateway.protocols.platform import signing
from gateway.protocols.platform.conditions import EbdNotify, EbdResponse, EbrdtState, EbrpsState
from gateway.protocols.platform.ids import EbdId, MessageId, PlatformCode
from gateway.protocols.platform.resources import EbrdtInfo, EbrpsInfo, OmdRequest, Period
from gateway.protocols.platform.states import EbmBrdLog, EbmStateRequest, EbmStateResponse
from gateway.security.coverage import Coverage, signed_bytes
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from gateway.store import package_queries, queries
from tests.gatewaykit import BareTerminal, alarms_of, hang_up, keep_reference, report, result_report, terminal, until
from tests.peerkit import CITY, COUNTY, OTHER, Got, Listening, Neighbour, cancel, county, ebm, now

VILLAGE = "350524100001"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@pytest.fixture
async def city() -> AsyncIterator[Listening]:
    listening = await Listening(Neighbour()).open()
    yield listening
    await hang_up()
    await listening.close()


def settings(folder: Path, city: Listening, **more: Any) -> Any:
    peer = {
        "url": city.url,
        "heartbeat_seconds": 0.2,
        "retry_seconds": [0.05, 0.1],
        "connect_seconds": 2.0,
        "answer_seconds": 2.0,
        **more.pop("peer", {}),
    }
    platform = {"settle_seconds": 0.3, "progress_seconds": 0.3, **more.pop("platform", {})}
    return county(folder, city.neighbour, Neighbour(OTHER, "0000000C1002"), n0=peer, platform=platform, **more)


@pytest.fixture
async def gate(tmp_path: Path, city: Listening) -> AsyncIterator[Gateway]:
    async with Gateway(settings(tmp_path, city)) as gateway:
        city.neighbour.port = gateway.ports.platform
        yield gateway
        await hang_up()


def states(city: Listening, number: str) -> list[EbmStateResponse]:
    """What was told of one message, in the order in which it came."""
    bodies = [got.ebd.body for got in city.of("EBMStateResponse")]
    return [body for body in bodies if isinstance(body, EbmStateResponse) and body.ebm_id == number]


def codes(city: Listening, number: str) -> list[int]:
    """BrdStateCodes without counts between."""
    found: list[int] = []
    for one in states(city, number):
        if found[-1:] != [one.state]:
            found.append(one.state)
    return found


def proves(gate: Gateway, got: Got) -> bool:
    """Whether our signature stands on its exact bytes."""
    assert got.signature is not None
    block = signing.parse(got.signature).block
    key = load_key_file(gate.settings.key_file, provider=default_provider())
    return default_provider().verify(key.pair.public, signed_bytes(got.business, block, Coverage.A), block.value)


async def play(gate: Gateway, line: BareTerminal, village: Any, number: str) -> None:
    """One terminal says that it played a message."""
    await until(lambda: line.starts)
    await report(gate.ports.feedback, result_report(village, number, 1, int(time.time())))


async def test_heartbeats_go_out_unsigned_and_a_dead_superior_is_an_alarm(gate: Gateway, city: Listening) -> None:
    await until(lambda: city.beats >= 2)
    await city.close()
    await until(lambda: "peer_unreachable" in alarms_of(gate))
    await city.open()
    await until(lambda: "peer_unreachable" not in alarms_of(gate))


async def test_an_immediate_message_is_told_as_2_then_3(gate: Gateway, city: Listening) -> None:
    village = terminal(VILLAGE)
    await gate.terminals.put([village], "test")
    line = await BareTerminal.connect(gate.ports.terminals, village)
    number = f"{CITY}202611260101"
    package = city.neighbour.number()
    assert (await city.neighbour.send(ebm(101, end=now() + timedelta(seconds=3)), number=package)).result == 1
    await play(gate, line, village, number)
    await until(lambda: codes(city, number)[-1:] == [3], 15)
    assert codes(city, number) == [2, 3]
    final = states(city, number)[-1]
    assert final.coverage is not None and final.coverage.resources == (1, 0, 0, 1)
    assert final.coverage.areas == (VILLAGE,) and 0 < final.coverage.rate < 1
    assert "播发成功" in (final.description or "") and "证实 1" in (final.description or "")
    last = city.of("EBMStateResponse")[-1]
    assert last.ebd.envelope.related == package and proves(gate, last)


async def test_a_message_for_later_is_told_as_1_and_its_cancel_as_5(gate: Gateway, city: Listening) -> None:
    number = f"{CITY}202611260102"
    start = now() + timedelta(minutes=5)
    assert (await city.neighbour.send(ebm(102, start=start))).result == 1
    await until(lambda: codes(city, number) == [1])
    assert (await city.neighbour.send(cancel(number))).result == 1
    await until(lambda: codes(city, number) == [1, 5])


async def test_a_message_that_nobody_played_is_told_as_4(gate: Gateway, city: Listening) -> None:
    village = terminal(VILLAGE)
    await gate.terminals.put([village], "test")
    number = f"{CITY}202611260103"
    assert (await city.neighbour.send(ebm(103, end=now() + timedelta(seconds=2)))).result == 1
    await until(lambda: codes(city, number) == [4], 15)
    (told,) = states(city, number)
    assert told.coverage is not None and told.coverage.rate == 0 and "终端 1：证实 0" in (told.description or "")


async def test_a_message_for_another_county_is_told_as_0_once(gate: Gateway, city: Listening) -> None:
    number = f"{CITY}202611260104"
    elsewhere = ebm(104, areas=("350521000000",))
    assert (await city.neighbour.send(elsewhere)).result == 1
    assert (await city.neighbour.send(elsewhere)).result == 1
    await until(lambda: codes(city, number) == [0])
    assert len(states(city, number)) == 1


async def test_a_platform_drill_is_told_as_2_then_3_and_reaches_no_device(gate: Gateway, city: Listening) -> None:
    village = terminal(VILLAGE)
    await gate.terminals.put([village], "test")
    line = await BareTerminal.connect(gate.ports.terminals, village)
    number = f"{CITY}202611260105"
    assert (await city.neighbour.send(ebm(105, msg_type=3, end=now() + timedelta(seconds=2)))).result == 1
    await until(lambda: codes(city, number) == [2, 3], 15)
    assert not line.starts


async def test_what_cannot_be_delivered_waits_and_arrives_once_under_its_number(gate: Gateway, city: Listening) -> None:
    await until(lambda: city.of("EBRPSState"))
    city.answers = [503, "silent", "unsigned", "stranger", "other", 5, 1]
    number = f"{CITY}202611260106"
    await city.close()
    assert (await city.neighbour.send(ebm(106, areas=("350521000000",)))).result == 1
    await until(lambda: "peer_unreachable" in alarms_of(gate))
    await city.open()
    await until(lambda: len(states(city, number)) >= 7, 20)
    tars = {got.tar for got in city.of("EBMStateResponse")}
    assert len(tars) == 1
    row = await settled(gate, number)
    assert row.state == "delivered" and row.tries >= 7


async def sent(gate: Gateway) -> tuple[Any, ...]:
    """Our packages, newest first."""
    return (await gate.state.store.read(package_queries.sent_packages_page, 1000)).items


async def settled(gate: Gateway, number: str) -> Any:
    """The one package about a message, once it has a fate."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        (row,) = [one for one in await sent(gate) if one.ebm_id == number]
        if row.state != "waiting":
            return row
    raise AssertionError("no fate in time")


async def test_what_a_superior_refuses_is_an_alarm_and_not_sent_again(gate: Gateway, city: Listening) -> None:
    await until(lambda: city.of("EBRPSState"))
    city.answers = [3]
    number = f"{CITY}202611260107"
    assert (await city.neighbour.send(ebm(107, areas=("350521000000",)))).result == 1
    await until(lambda: "package_refused" in alarms_of(gate))
    await until(lambda: len(states(city, number)) == 1)
    row = await settled(gate, number)
    assert (row.state, row.tries, row.result, row.told) == ("refused", 1, 3, 0)


async def test_the_standby_address_takes_over(tmp_path: Path, city: Listening) -> None:
    gone = await Listening(city.neighbour).open()
    dead = gone.url
    await gone.close()
    async with Gateway(settings(tmp_path, city, peer={"url": dead, "standby_url": f"{city.url}/standby"})) as gate:
        await until(lambda: city.beats and city.of("EBRPSInfo"))
        assert {got.path for got in city.got} == {"/ebd/standby"}
        assert "peer_unreachable" not in alarms_of(gate)


async def test_after_a_restart_what_was_owed_arrives(tmp_path: Path, city: Listening) -> None:
    port = city.port
    number = f"{CITY}202611260108"
    await city.close()
    async with Gateway(settings(tmp_path, city)) as gate:
        city.neighbour.port = gate.ports.platform
        assert (await city.neighbour.send(ebm(108, start=now() + timedelta(minutes=5)))).result == 1
        await until(lambda: "peer_unreachable" in alarms_of(gate))
    city.port = port
    await city.open()
    async with Gateway(settings(tmp_path, city)) as gate:
        await until(lambda: codes(city, number) == [1])
        (live,) = gate.state.messages.values()
        await gate.dispatch.cancel(live.ebm_id, "test", "试")
        await until(lambda: codes(city, number) == [1, 5])
    async with Gateway(settings(tmp_path, city)) as gate:
        await until(lambda: city.beats > 3)
        # Closed between the receipt and our commit, one comes again, and is the same package.
        assert codes(city, number) == [1, 5] and len({got.tar for got in city.of("EBMStateResponse")}) == 2


async def test_resources_are_told_in_full_then_what_changes(gate: Gateway, city: Listening) -> None:
    await until(lambda: city.of("EBRPSInfo") and city.of("EBRPSState"))
    (info,) = [got.ebd.body for got in city.of("EBRPSInfo")]
    assert isinstance(info, EbrpsInfo) and info.items[0].code == COUNTY and info.items[0].superior == CITY
    state = city.of("EBRPSState")[0].ebd.body
    assert isinstance(state, EbrpsState) and state.items[0].state == 1
    village, other = terminal(VILLAGE), terminal(VILLAGE, 2)
    await gate.terminals.put([village, other], "test")
    await until(lambda: len(terminals(city)) == 2)
    assert {one.operation for one in terminals(city)} == {"Sync"}
    assert {one.platform for one in terminals(city)} == {COUNTY}
    await gate.terminals.remove(other.code, "test")
    await until(lambda: terminals(city)[-1].operation == "Delete")
    assert terminals(city)[-1].code == str(other.code) and len(terminals(city)) == 3


def terminals(city: Listening) -> list[Any]:
    """Items of EBRDTInfo as they came."""
    return [item for got in city.of("EBRDTInfo") if isinstance(got.ebd.body, EbrdtInfo) for item in got.ebd.body.items]


def terminal_states(city: Listening, code: str) -> list[int]:
    """States that were told of a terminal."""
    bodies = [got.ebd.body for got in city.of("EBRDTState")]
    return [i.state for body in bodies if isinstance(body, EbrdtState) for i in body.items if i.code == code]


async def test_a_terminal_that_is_lost_and_comes_back_is_told_by_itself(gate: Gateway, city: Listening) -> None:
    village = terminal(VILLAGE)
    await gate.terminals.put([village], "test")
    await until(lambda: terminal_states(city, village.code) == [3])
    line = await BareTerminal.connect(gate.ports.terminals, village)
    await until(lambda: terminal_states(city, village.code) == [3, 1])
    await line.close()
    await until(lambda: terminal_states(city, village.code) == [3, 1, 3])


async def test_what_was_told_is_not_told_again_after_a_restart(tmp_path: Path, city: Listening) -> None:
    async with Gateway(settings(tmp_path, city)) as gate:
        await gate.terminals.put([terminal(VILLAGE)], "test")
        await until(lambda: len(terminals(city)) == 1)
        # Closed between the peer's receipt and our commit, it would be told again.
        while not await gate.state.store.read(queries.state, "platform told n0 EBRDTInfo"):
            await asyncio.sleep(0.01)
    city.got.clear()
    async with Gateway(settings(tmp_path, city)) as gate:
        await gate.terminals.put([terminal(VILLAGE, 2)], "test")
        await until(lambda: terminals(city))
        assert [one.code for one in terminals(city)] == [terminal(VILLAGE, 2).code]
        (news,) = [got.ebd.body for got in city.of("EBRDTInfo")]
        assert isinstance(news, EbrdtInfo) and news.params is not None and news.params.type == "Incremental"


@pytest.mark.parametrize(
    ("kind", "full"),
    [
        ("EBRPSInfo", 1),
        ("EBRPSState", 1),
        ("EBRDTInfo", 2),
        ("EBRDTState", 2),
    ],
)
async def test_requests_are_answered_in_full_and_incrementally(
    gate: Gateway, city: Listening, kind: str, full: int
) -> None:
    await gate.terminals.put([terminal(VILLAGE), terminal(VILLAGE, 2)], "test")
    await until(lambda: len(terminals(city)) == 2 and city.of("EBRDTState"))
    asked = city.neighbour.number()
    assert (await city.neighbour.send(OmdRequest(type=kind, params=Period(type="Full")), number=asked)).result == 1
    await until(lambda: answers(city, asked))
    assert len(answers(city, asked)[0].items) == full
    again = city.neighbour.number()
    request = OmdRequest(type=kind, params=Period(type="Incremental"))
    assert (await city.neighbour.send(request, number=again)).result == 1
    await until(lambda: answers(city, again))
    assert answers(city, again)[0].items == ()


def answers(city: Listening, asked: EbdId) -> list[Any]:
    """Contents of packages that answer a request."""
    return [got.ebd.body for got in city.got if got.ebd.envelope.related == asked]


@pytest.mark.parametrize("kind", ["EBRSTInfo", "EBRBSState", "EBRASInfo", "EBXXX"])
async def test_a_request_that_cannot_be_served_is_answered_with_why(gate: Gateway, city: Listening, kind: str) -> None:
    asked = city.neighbour.number()
    assert (await city.neighbour.send(OmdRequest(type=kind), number=asked)).result == 1
    await until(lambda: answers(city, asked))
    (notice,) = answers(city, asked)
    assert isinstance(notice, EbdNotify) and notice.result == 5 and notice.description


async def test_the_state_of_a_message_is_told_when_asked(gate: Gateway, city: Listening) -> None:
    number = f"{CITY}202611260109"
    assert (await city.neighbour.send(ebm(109, start=now() + timedelta(minutes=5)))).result == 1
    for meant, shape in ((number, EbmStateResponse), (f"{CITY}202611269999", EbdNotify)):
        asked = city.neighbour.number()
        assert (await city.neighbour.send(EbmStateRequest(ebm_id=MessageId(meant)), number=asked)).result == 1
        await until(lambda asked=asked: answers(city, asked))  # type: ignore[misc]
        assert isinstance(answers(city, asked)[0], shape)
    # The answer is no report: the next report is the next state.
    await until(lambda: codes(city, number) == [1])


async def test_records_come_by_themselves_and_when_asked(gate: Gateway, city: Listening) -> None:
    village = terminal(VILLAGE)
    await gate.terminals.put([village], "test")
    line = await BareTerminal.connect(gate.ports.terminals, village)
    number = f"{CITY}202611260110"
    assert (await city.neighbour.send(ebm(110, end=now() + timedelta(seconds=2)))).result == 1
    await play(gate, line, village, number)
    (live,) = gate.state.messages.values()
    await until(lambda: live.state is MessageState.ENDED)
    await until(lambda: city.of("EBMBrdLog"), 15)
    asked = city.neighbour.number()
    period = Period(start=now() - timedelta(hours=1), end=now() + timedelta(hours=1))
    assert (await city.neighbour.send(OmdRequest(type="EBMBrdLog", params=period), number=asked)).result == 1
    await until(lambda: answers(city, asked))
    for body in (city.of("EBMBrdLog")[0].ebd.body, answers(city, asked)[0]):
        assert isinstance(body, EbmBrdLog)
        (item,) = body.items
        assert (item.ebm.ebm_id, item.state) == (number, 3)
        assert item.ebm.basic is not None and item.ebm.basic.sender_name == "安溪县气象台"
        assert item.coverage is not None and item.coverage.areas == (VILLAGE,)
        assert item.resources is not None and item.resources.items[0].platform == COUNTY


async def test_a_superior_of_the_draft_is_answered_in_its_form(tmp_path: Path) -> None:
    old = Neighbour(PlatformCode("450000000000000001"), "0000000C1009")
    listening = await Listening(old).open()
    own = "435052400000000001"
    made = settings(tmp_path, listening, peer={"own_code": own})
    async with Gateway(made) as gate:
        old.port = gate.ports.platform
        await until(lambda: listening.of("EBRPSInfo"))
        told = listening.of("EBRPSInfo")[0].ebd
        assert (told.envelope.source, len(told.envelope.ebd_id)) == (own, 36)
        asked = old.number()
        answer = await old.send(OmdRequest(type="EBRSTInfo"), number=asked, destination=PlatformCode(own))
        assert answer.result == 1
        await until(lambda: answers(listening, asked))
        assert isinstance(answers(listening, asked)[0], EbdResponse)
    await listening.close()
