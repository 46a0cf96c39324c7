"""Reports of adapters: answered after the commit and never before; whom they cover; clocks that disagree."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from gateway.devices.bearer import Errand, LinkState
from gateway.dispatch.live import LiveMessage
from gateway.domain.codes import ResourceCode
from gateway.domain.ladder import Standing
from gateway.domain.message import Command
from gateway.domain.orders import Receipt
from gateway.domain.receiver import TimeBase
from gateway.errors import OverloadedError
from gateway.protocols import adapter
from gateway.protocols.adapter_answers import FaultDetail, PlatformAnswer, TaskStartAnswer
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop
from gateway.protocols.adapter_reports import AdapterHeartbeat, TaskEnd, TaskStart
from gateway.protocols.adapter_results import ReturnCode
from gateway.protocols.adapter_types import Body
from gateway.protocols.fields import WireCode, WireEbmId
from tests.adapterkit import BOX, FRONT, Pair, behind, pair, receipts, say
from tests.gatewaykit import alarms_of, keep_reference, until


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


def begun(live: LiveMessage, codes: Sequence[str], front: ResourceCode = FRONT) -> TaskStart:
    return TaskStart(
        WireCode.of(front), WireEbmId.of(live.ebm_id), 1, 4, 2, "11B03", 1, (), None, 80, tuple(map(WireCode.of, codes))
    )


def frame(body: Body) -> bytes:
    return adapter.build(adapter.report(body))


def states(ends: Pair) -> str:
    return ends.link.health.state.value


async def later(ends: Pair) -> LiveMessage:
    """A message that nothing was started for yet, so that every receipt is from a report."""
    return await ends.broadcast(start_in=3000)


async def told(ends: Pair, body: Body) -> list[Body]:
    return [packet.body for packet in await say(ends.gate.ports.adapters, frame(body))]  # type: ignore[misc]


async def test_a_task_begun_concerns_those_whom_its_codes_address(tmp_path: Path) -> None:
    one, two = behind(1), behind(2)
    async with pair(tmp_path, one, two) as ends:
        live = await later(ends)
        assert await told(ends, begun(live, [one.code])) == [TaskStartAnswer(0, "0.0.0.0", 0)]
        assert [(e.kind, e.source, e.standing) for e in live.log if isinstance(e, Receipt)] == [
            ("playing", str(one.code), Standing.CLAIMED)
        ]
        assert await told(ends, begun(live, ["63505240000000314010400"])) == [TaskStartAnswer(0, "0.0.0.0", 0)]
        assert len(receipts(live)) == 3


async def test_a_task_ended_concerns_those_of_whom_it_was_said_that_it_began(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), behind(2)) as ends:
        live = await later(ends)
        end = TaskEnd(WireCode.of(FRONT), WireEbmId.of(live.ebm_id))
        assert await told(ends, end) == [PlatformAnswer(ReturnCode.OK)]
        assert receipts(live) == []
        await told(ends, begun(live, [behind(2).code]))
        await told(ends, replace(end))
        # The same bytes as before are the same report, so it says it with other bytes.
        packet = replace(adapter.report(end), platform_type=1)
        (answer,) = await say(ends.gate.ports.adapters, adapter.build(packet))
        assert answer.body == PlatformAnswer(ReturnCode.OK)
        assert [kind for kind, _ in receipts(live)] == ["playing", "task_ended"]


async def test_the_same_report_again_is_answered_again_and_counted_once(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await later(ends)
        raw = ends.adapter._signed(adapter.report(begun(live, [behind(1).code])))
        for _ in range(3):
            (answer,) = await say(ends.gate.ports.adapters, raw)
            assert answer.body == TaskStartAnswer(0, "0.0.0.0", 0)
            assert answer.signature is not None
        assert receipts(live) == [("playing", Standing.CLAIMED)]


async def test_a_report_is_answered_only_after_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await later(ends)
        receipts_of = ends.gate.dispatch.receipts
        committed = receipts_of._committed
        held: list[list[Receipt]] = []
        ends.gate.state.store.on_receipts = held.append
        asking = asyncio.create_task(told(ends, begun(live, [behind(1).code])))
        await until(lambda: held)
        await asyncio.sleep(0.05)
        assert not asking.done()
        ends.gate.state.store.on_receipts = committed
        for rows in held:
            committed(rows)
        assert await asking == [TaskStartAnswer(0, "0.0.0.0", 0)]


async def test_what_was_not_committed_when_the_gateway_ends_is_never_answered(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await later(ends)
        held: list[list[Receipt]] = []
        ends.gate.state.store.on_receipts = held.append
        asking = asyncio.create_task(told(ends, begun(live, [behind(1).code])))
        await until(lambda: held)
    assert await asking == []


async def test_what_the_store_cannot_take_is_not_answered_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await later(ends)

        def full(_row: Receipt) -> None:
            raise OverloadedError("full")

        with monkeypatch.context() as patch:
            patch.setattr(ends.gate.state.store, "add_receipt", full)
            assert await told(ends, begun(live, [behind(1).code])) == []
        assert await told(ends, begun(live, [behind(1).code])) == [TaskStartAnswer(0, "0.0.0.0", 0)]
        assert receipts(live) == [("playing", Standing.CLAIMED)]


async def test_a_report_cut_at_every_offset_changes_nothing(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await later(ends)
        whole = frame(begun(live, [behind(1).code]))
        for cut in range(len(whole)):
            assert await say(ends.gate.ports.adapters, whole[:cut]) == []
        assert receipts(live) == []
        assert len(await say(ends.gate.ports.adapters, whole)) == 1


async def test_one_connection_may_bring_several_reports_in_pieces(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await later(ends)
        whole = frame(begun(live, [behind(1).code])) + b"noise" + frame(ends.adapter.beat())
        reader, writer = await asyncio.open_connection("127.0.0.1", ends.gate.ports.adapters)
        for at in range(len(whole)):
            writer.write(whole[at : at + 1])
            await asyncio.sleep(0)
        writer.write_eof()
        raw = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert raw.count(b"\x49\x00\x01\x22") == 1 and raw.count(b"\x49\x00\x01\x21") == 1


async def test_bad_reports_get_their_code_and_change_nothing(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await later(ends)
        good = begun(live, [behind(1).code])
        port = ends.gate.ports.adapters
        broken = frame(good)[:-1] + bytes([frame(good)[-1] ^ 1])
        other = frame(replace(good, front_code=WireCode.of("43505240000000314010299")))
        foreign = ends.adapter._block(ends.adapter._stranger, adapter.unsigned_part(adapter.report(good)))
        unknown = adapter.assemble(adapter.unsigned_part(adapter.report(good)), foreign)
        query = adapter.build(replace(adapter.report(FaultDetail(WireCode.of(FRONT), 0))))
        mine = adapter.build(replace(adapter.report(good), head=0x49))
        codes = []
        for raw in (broken, other, unknown, query, mine):
            (answer,) = await say(port, raw)
            assert isinstance(answer.body, PlatformAnswer)
            codes.append((answer.body.code, answer.body.data))
        assert codes == [
            (ReturnCode.UNKNOWN, b"checksum"),
            (ReturnCode.LENGTH_ERROR, b"malformed"),
            (ReturnCode.SIGNATURE_REFUSED, b"signature_invalid"),
            (ReturnCode.LENGTH_ERROR, b"malformed"),
            (ReturnCode.UNKNOWN, b"answer_mismatch"),
        ]
        assert receipts(live) == []


async def test_a_storm_of_bad_reports_is_logged_once(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        raw = frame(ends.adapter.beat())
        with structlog.testing.capture_logs() as logs:
            await say(ends.gate.ports.adapters, *[raw[:-1] + bytes([raw[-1] ^ 1])] * 200)
        assert len([entry for entry in logs if entry["event"] == "frame refused"]) == 1


# -- heartbeats and clocks


async def test_a_heartbeat_tells_that_the_adapter_is_there(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        assert ends.link.health.state is LinkState.UNKNOWN
        assert await told(ends, ends.adapter.beat()) == [PlatformAnswer(ReturnCode.OK)]
        await until(lambda: ends.link.health.state is LinkState.UP)
        assert await told(ends, AdapterHeartbeat(WireCode.of(FRONT), 3, ends.adapter.beat().connection_time))
        assert "适配器报告故障" in ends.link.health.detail


async def test_its_own_heartbeats_are_confirmed(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), heartbeat=0.05) as ends:
        await until(lambda: ends.adapter.tally.confirmed >= 2)


@pytest.mark.parametrize(("ours", "theirs"), [("unix", "beijing"), ("beijing", "unix")])
async def test_a_clock_of_the_other_base_holds_starts_until_it_is_settled(
    tmp_path: Path, ours: str, theirs: str
) -> None:
    async with pair(tmp_path, behind(1), link={"time_base": ours}, base=TimeBase(theirs)) as ends:
        await told(ends, ends.adapter.beat())
        assert ends.link.health.state is LinkState.DOWN
        assert f'"{theirs}"' in ends.link.health.detail
        assert "link_down" in alarms_of(ends.gate)
        live = await ends.broadcast()
        assert live.ways.adrift()
        known = tuple(ends.gate.dispatch.members(BOX))
        start = Errand(9, Command.START, known, (behind(1).code,), live.message)
        assert (await ends.link.carry(await ends.link.make(start))).error
        # Questions and stops still go: they hold no times.
        assert (await ends.link.fault()).fault_type == 0
        assert states(ends) == LinkState.DOWN
        await ends.link.carry(await ends.link.make(replace(start, command=Command.STOP)))
        kinds = [type(packet.body) for packet in ends.adapter.tally.heard]
        assert BroadcastStart not in kinds and BroadcastStop in kinds

        ends.link.settle_clock()
        await until(lambda: states(ends) == LinkState.UP)
        await until(lambda: BroadcastStart in [type(packet.body) for packet in ends.adapter.tally.heard])
        await told(ends, ends.adapter.beat())
        assert states(ends) == LinkState.UP


async def test_a_clock_that_was_set_right_settles_the_doubt(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), base=TimeBase.BEIJING) as ends:
        beat = ends.adapter.beat()
        await told(ends, beat)
        assert ends.link.health.state is LinkState.DOWN
        await told(ends, replace(beat, connection_time=beat.connection_time - 28_800))
        await until(lambda: ends.link.health.state is LinkState.UP)


async def test_a_setting_can_say_that_starts_go_all_the_same(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), base=TimeBase.BEIJING, link={"clock_doubt": "send"}) as ends:
        await told(ends, ends.adapter.beat())
        await until(lambda: ends.link.health.state is LinkState.UP)


async def test_a_clock_wrong_in_both_bases_is_told_and_holds_nothing(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        beat = ends.adapter.beat()
        await ends.link.fault()
        await told(ends, replace(beat, connection_time=beat.connection_time - 3600))
        assert ends.link.health.state is LinkState.UP
        assert "-3600" in ends.link.health.detail or "-3601" in ends.link.health.detail
