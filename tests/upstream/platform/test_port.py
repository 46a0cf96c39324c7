"""Packages of a superior on the platform interface: checks in their order, codes, receipts, the same again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.daemon import Gateway
from gateway.domain.message import EbmClass, MessageState
from gateway.protocols.platform import signing
from gateway.protocols.platform.conditions import EbdNotify, EbdResponse
from gateway.protocols.platform.ebm import Dispatch
from gateway.protocols.platform.ids import EbdId, PlatformCode
from gateway.protocols.platform.package import build_package
from gateway.security.coverage import Coverage, signed_bytes
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from gateway.store import package_queries
from tests.gatewaykit import BareTerminal, alarms_of, hang_up, keep_reference, terminal, until
from tests.peerkit import CITY, COUNTY, OTHER, Neighbour, cancel, county, ebm, heartbeat, now


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


@pytest.fixture
def city() -> Neighbour:
    return Neighbour()


@pytest.fixture
async def gate(tmp_path: Path, city: Neighbour) -> AsyncIterator[Gateway]:
    async with Gateway(county(tmp_path, city, Neighbour(OTHER, "0000000C1002"))) as gateway:
        city.port = gateway.ports.platform
        yield gateway
        await hang_up()


async def test_a_message_of_the_superior_is_receipted_signed_and_on_the_air(
    gate: Gateway, city: Neighbour, tmp_path: Path
) -> None:
    village = terminal("350524100001")
    await gate.terminals.put([village], "test")
    line = await BareTerminal.connect(gate.ports.terminals, village)
    number = city.number()
    answer = await city.send(ebm(1), number=number)
    assert (answer.status, answer.result, answer.related) == (200, 1, str(number))
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="EBDT_10435052')
    assert answer.ebd is not None and answer.ebd.envelope.destination == CITY
    # The receipt is signed over its exact bytes.
    assert answer.signature is not None
    block = signing.parse(answer.signature).block
    key = load_key_file(gate.settings.key_file, provider=default_provider())
    assert default_provider().verify(key.pair.public, signed_bytes(answer.business, block, Coverage.A), block.value)
    await until(lambda: line.starts)
    (live,) = gate.state.messages.values()
    assert live.ebm_id == f"{CITY}202611260001" and live.message.ebm_class is EbmClass.EMERGENCY
    kept = await gate.state.store.read(package_queries.received_package, str(CITY), str(number))
    assert kept is not None and (kept.result, kept.peer, kept.kind) == (1, "n0", "EBM")
    assert kept.business and kept.signature


async def test_the_same_package_again_hears_the_same_and_starts_nothing(gate: Gateway, city: Neighbour) -> None:
    tar = city.package(ebm(2))
    first = await city.post(tar)
    answers = await asyncio.gather(*(city.post(tar) for _ in range(5)))
    assert {(a.result, a.words, a.related) for a in answers} == {(1, first.words, first.related)}
    assert len(gate.state.messages) == 1


async def test_the_same_message_in_another_package_is_the_same_message(gate: Gateway, city: Neighbour) -> None:
    one = ebm(3)
    assert (await city.send(one)).result == 1
    assert (await city.send(one)).result == 1
    assert len(gate.state.messages) == 1
    other = await city.send(ebm(3, text="另一内容"))
    assert other.result == 5 and "same EBMID" in other.words
    later = await city.send(ebm(3, send_time=now() + timedelta(seconds=30)))
    assert later.result == 5 and "same EBMID" in later.words
    assert len(gate.state.messages) == 1 and "superior_conflict" in alarms_of(gate)


async def test_one_number_with_two_contents_is_refused(gate: Gateway, city: Neighbour) -> None:
    number = city.number()
    assert (await city.send(ebm(4), number=number)).result == 1
    again = await city.send(ebm(5), number=number)
    assert again.result == 5 and "same EBDID" in again.words
    assert len(gate.state.messages) == 1 and "package_conflict" in alarms_of(gate)


async def test_a_cancel_takes_it_off_the_air(gate: Gateway, city: Neighbour) -> None:
    assert (await city.send(ebm(6))).result == 1
    (live,) = gate.state.messages.values()
    assert (await city.send(cancel(f"{CITY}202611260006"))).result == 1
    await until(lambda: live.state is MessageState.CANCELLED)


async def test_a_cancel_that_overtakes_its_message_keeps_it_off_the_air(tmp_path: Path, city: Neighbour) -> None:
    settings = county(tmp_path, city)
    async with Gateway(settings) as gateway:
        city.port = gateway.ports.platform
        early = await city.send(cancel(f"{CITY}202611260007"))
        assert early.result == 1 and "has not come" in early.words
    async with Gateway(settings) as gateway:
        city.port = gateway.ports.platform
        late = await city.send(ebm(7))
        assert late.result == 1 and "its cancel came before it" in late.words
        assert (await city.send(ebm(8))).result == 1
        assert [live.ebm_id for live in gateway.state.messages.values()] == [f"{CITY}202611260008"]


async def test_a_message_and_its_cancel_at_once_leave_nothing_on_the_air(gate: Gateway, city: Neighbour) -> None:
    for number in range(20, 26):
        meant = f"{CITY}20261126{number:04d}"
        both = await asyncio.gather(city.send(ebm(number)), city.send(cancel(meant, number + 9000)))
        assert [answer.result for answer in both] == [1, 1], [answer.words for answer in both]
    await until(lambda: all(live.state is MessageState.CANCELLED for live in gate.state.messages.values()))


async def test_what_a_peer_tells_is_kept_and_what_it_asks_of_nobody_is_refused(gate: Gateway, city: Neighbour) -> None:
    number = city.number()
    told = await city.send(EbdNotify(result=1, description="好"), number=number)
    assert told.result == 1 and "kept" in told.words
    kept = await gate.state.store.read(package_queries.received_package, str(CITY), str(number))
    assert kept is not None and kept.kind == "EBDNotify"
    assert (await city.send(EbdResponse(result=1, description="好"))).result == 5


async def test_the_draft_before_the_standard_is_spoken_to_who_speaks_it(tmp_path: Path) -> None:
    old = Neighbour(PlatformCode("010232000000000001"), "0000000C1005")
    own = "010232068100000001"
    async with Gateway(county(tmp_path, old, n0={"own_code": own})) as gateway:
        old.port = gateway.ports.platform
        message = ebm(1, ebm_id=f"{old.code}202611260001")
        answer = await old.send(message, destination=PlatformCode(own))
        assert answer.result == 1 and answer.ebd is not None, answer.words
        assert answer.ebd.envelope.source == own and len(answer.ebd.envelope.ebd_id) == 36
        # Forced, so nobody is asked; but frames carry 35 digits, so the number is ours.
        (live,) = gateway.state.messages.values()
        assert live.state is MessageState.ACTIVE and live.ebm_id.startswith(str(COUNTY))
        gone = await old.send(cancel(message.ebm_id, code=old.code), destination=PlatformCode(own))
        assert gone.result == 1
        await until(lambda: live.state is MessageState.CANCELLED)


async def test_a_message_for_somebody_else_is_taken_and_not_played(gate: Gateway, city: Neighbour) -> None:
    elsewhere = await city.send(ebm(8, areas=("350521000000",)))
    assert elsewhere.result == 1 and "no area of it is ours" in elsewhere.words
    named = await city.send(ebm(9, dispatches=(Dispatch(language="zho", platform=OTHER),)))
    assert named.result == 1 and "for other platforms" in named.words
    late = await city.send(ebm(10, start=now() - timedelta(hours=2), end=now() - timedelta(hours=1)))
    assert late.result == 1 and "over on arrival" in late.words
    assert not gate.state.messages


async def test_of_many_areas_our_part_is_played(gate: Gateway, city: Neighbour) -> None:
    assert (await city.send(ebm(11, areas=("350521000000", "350524101000", "350524100")))).result == 1
    assert (await city.send(ebm(12, areas=("350000000000",)))).result == 1
    first, second = gate.state.messages.values()
    assert first.message.areas == ("350524100000", "350524101000")
    assert second.message.areas == ("350524000000",)


async def test_what_a_neighbour_below_sends_waits_for_a_person(gate: Gateway, city: Neighbour, tmp_path: Path) -> None:
    trusted = (tmp_path / "trust.toml").read_text()
    below = Neighbour(OTHER, "0000000C1002", port=city.port)
    assert str(OTHER) in trusted
    # Its key is another than the one in the file: whoever has only the number of a certificate proves nothing.
    stranger = await below.send(ebm(13, code=OTHER))
    assert stranger.result == 4
    unforced = await city.send(ebm(0))
    assert unforced.result == 1
    (live,) = gate.state.messages.values()
    assert live.state is MessageState.AWAITING_APPROVAL and live.ebm_id != f"{CITY}202611260000"


async def test_heartbeats_need_no_signature_and_are_never_the_same_again(gate: Gateway, city: Neighbour) -> None:
    number = EbdId.heartbeat(CITY)
    for signed in (False, True, False):
        answer = await city.send(heartbeat(), number=number, signed=signed)
        assert (answer.result, answer.related, answer.signature) == (1, str(number), None)
    assert await gate.state.store.read(package_queries.received_package, str(CITY), str(number)) is None


async def test_checks_in_their_order(gate: Gateway, city: Neighbour) -> None:
    unsigned = await city.send(ebm(14), signed=False)
    assert unsigned.result == 4 and "缺少签名" in unsigned.words
    stranger = await Neighbour(CITY, port=city.port).send(ebm(14))
    assert stranger.result == 4
    only_data = await city.send(ebm(14), coverage=Coverage.B)
    assert only_data.result == 4
    unknown = await Neighbour(type(CITY)("33506000000000101010101"), port=city.port).send(ebm(14))
    assert unknown.result == 5 and "未登记" in unknown.words
    other = await city.send(ebm(14), destination=OTHER)
    assert other.result == 5 and "DEST" in other.words
    nothing = await city.post(build_package([], 0))
    assert (nothing.result, nothing.related) == (2, None)
    assert (await city.post(b"\0" * 3000)).result == 2
    broken = city.business(ebm(14), city.number()).replace(b"<EndTime>20", b"<EndTime>19")
    wrong = await city.post(build_package([("EBDB_1.xml", broken), ("EBDS_EBDB_1.xml", city.sign(broken, None))], 0))
    assert wrong.result in (3, 4)
    assert not gate.state.messages


async def test_a_wrong_field_is_named_and_kept_with_its_answer(gate: Gateway, city: Neighbour) -> None:
    number = city.number()
    backwards = ebm(15, end=now() - timedelta(hours=3))
    answer = await city.send(backwards, number=number)
    assert answer.result == 3 and "EndTime" in answer.words
    kept = await gate.state.store.read(package_queries.received_package, str(CITY), str(number))
    assert kept is not None and kept.result == 3
    assert "platform_refused" in alarms_of(gate)


async def test_what_is_no_multipart_hears_http(gate: Gateway, city: Neighbour) -> None:
    assert (await city.raw(b"{}", "application/json")).status == 415
    unnamed = b'--b\r\nContent-Disposition: form-data; name="field1"\r\n\r\n' + city.package(ebm(16)) + b"\r\n--b--\r\n"
    answer = await city.raw(unnamed)
    assert answer.result == 2 and "filename" in answer.words
    quoted = (
        "--b\r\nContent-Disposition: form-data; name=”field1”; filename=”EBDT_1.tar”\r\n"
        "Content-Type: application/x-tar\r\n\r\n"
    ).encode()
    tar = city.package(ebm(16))
    assert (await city.raw(quoted + tar + b"\r\n--b--\r\n")).result == 1
    assert (await city.raw(quoted + tar[:700])).result == 2
    comment = b'--b\r\nContent-Disposition: form-data; name="comment"\r\n\r\nhello\r\n'
    assert (await city.raw(comment + quoted + tar + b"\r\n--b--\r\n")).result == 1


async def test_silence_of_a_peer_is_an_alarm_that_its_next_word_clears(tmp_path: Path, city: Neighbour) -> None:
    quick = {"heartbeat_seconds": 0.05, "missed_heartbeats": 2}
    async with Gateway(county(tmp_path, city, n0=quick)) as gateway:
        city.port = gateway.ports.platform
        await until(lambda: "peer_silent" in alarms_of(gateway))
        await city.send(heartbeat(), signed=False)
        # Looked at right after: the clock of presence goes on.
        await until(lambda: "peer_silent" not in alarms_of(gateway))
