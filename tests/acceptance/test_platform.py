"""B.1, B.2 and the thirteen provincial cases: our gateway as a county's platform under an emulated superior."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from emulator.faults import Faults
from gateway.dispatch.alarms import AlarmLevel
from gateway.domain.zone import BEIJING
from gateway.protocols.authorisation_files import parse_application
from gateway.protocols.ip_bodies import CertificateAuthorisation, StartBroadcast
from gateway.protocols.platform import ebi
from gateway.protocols.platform.conditions import EbdNotify
from gateway.protocols.platform.ebm import Dispatch, Ebm
from gateway.protocols.platform.ids import MessageId
from gateway.protocols.platform.resources import REQUESTABLE, OmdRequest, Period
from gateway.protocols.platform.states import EbmBrdLog, EbmStateRequest, EbmStateResponse
from gateway.security.sm2 import default_provider
from tests.acceptance.clauses import CONTROL
from tests.acceptance.conftest import Saw
from tests.acceptance.platform_bench import BEHIND_STATION, PlatformBench, platform_bench
from tests.acceptance.table import by, shows
from tests.api.apikit import CSV_HEAD
from tests.api.test_live import telephone
from tests.gatewaykit import BareTerminal, alarms_of, terminal, until
from tests.listkit import ON_IP, ListTown, application, holdings, publish, take
from tests.peerkit import CITY, COUNTY, OTHER, ebm, now

TOWN, OTHER_TOWN = "350524100000", "350524101000"
_LONG = 15.0


def number(count: int) -> str:
    """EBMID of a message of the superior."""
    return f"{CITY}20261126{count:04d}"


async def forged(on: PlatformBench, body: Any) -> int:
    """ResultCode for a package that somebody else signed in the superior's name."""
    real = on.superior.settings
    on.superior.settings = replace(real, pair=default_provider().generate())
    try:
        return (await on.superior.send(body)).result
    finally:
        on.superior.settings = real


@asynccontextmanager
async def with_station(folder: Path, **sections: Any) -> AsyncIterator[PlatformBench]:
    """A bench whose station has a terminal of its own."""
    async with platform_bench(folder, **sections) as on:
        await on.gate.terminals.put([replace(terminal("350524100002", 3), routes=(BEHIND_STATION,))], "test")
        yield on


# -- GD/J 088-2018 appendix B


@shows("B.1.1.2")
async def test_a_message_is_taken(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        assert await forged(on, ebm(9)) == 4
        assert await on.shown(number(9)) is None
        saw(CONTROL, "回执 receipt 4，未显示 not shown")
        asked = on.superior.number()
        receipt = await on.superior.send(ebm(1), asked)
        assert (receipt.result, receipt.related, receipt.proven) == (1, str(asked), True)
        shown = await on.shown(number(1))
        assert shown is not None and shown["headline"] == "安溪县气象台发布暴雨橙色预警"
        saw("d", f"{shown['message_id']} {shown['state']} {shown['headline']}")
        saw("e", f"ResultCode 1，RelatedEBD {receipt.related}，签名正确 signed")


@shows("B.1.1.3")
async def test_a_message_is_made_and_played(tmp_path: Path, saw: Saw) -> None:
    async with with_station(tmp_path) as on:
        assert (await on.superior.send(ebm(1, end=now() + timedelta(seconds=3)))).result == 1
        await until(lambda: on.station.of("EBM"))
        (made,) = on.station.of("EBM")
        assert made.faults == () and made.ebd is not None and isinstance(made.ebd.body, Ebm)
        information = next(content for name, content in made.files.items() if name.startswith("EBDI_"))
        assert ebi.parse(information).main.ebi_id == made.ebd.body.related_ebi
        saw("d", f"EBMID {made.ebd.body.ebm_id}；EBIID {made.ebd.body.related_ebi}；{', '.join(sorted(made.files))}")
        await until(lambda: on.codes(number(1))[-1:] in ([3], [4]), _LONG)
        assert on.codes(number(1))[0] == 2
        last = on.states(number(1))[-1]
        assert last.coverage is not None
        saw("e", f"BrdStateCode {on.codes(number(1))}；{last.description}；CoverageRate {last.coverage.rate}")
        assert on.superior.breaches == [] and on.station.breaches == []
        saw(CONTROL, f"{len(on.superior.came)} + {len(on.station.came)} 个数据包 packages：0")


@shows("B.1.2.2")
async def test_resources_are_called(tmp_path: Path, saw: Saw) -> None:
    async with with_station(tmp_path, plans={"rain": {"title": "暴雨预案", "events": ["11B03"], "volume": 66}}) as on:
        other = Dispatch(language="zho", platform=OTHER)
        assert (await on.superior.send(ebm(9, dispatches=(other,)))).result == 1
        assert (await on.superior.send(ebm(1))).result == 1
        shown = await on.shown(number(1))
        assert shown is not None
        schemes = (await on.api.get("/api/v1/schemes?list=playing", "duty")).json["items"]
        (scheme,) = [one for one in schemes if one["message_id"] == number(1)]
        assert scheme["scheme"]["plan"] == "rain"
        saw("c", f"方案 scheme: {scheme['scheme']['plan']}，{scheme['scheme']['routes']}")
        await until(lambda: on.station.of("EBM") and on.output.of("start"))
        (made,) = on.station.of("EBM")
        assert made.faults == ()
        saw("d 台站 station", f"EBM，{len(made.files)} 个文件 files，0 项不合规 no breach")
        start = next(one for one in on.output.of("start"))
        assert start.is_right and start.is_signed and start.fields["ebm_id"] == number(1)
        saw("d 大喇叭 loudspeakers", str(start))
        started = {one.fields["ebm_id"] for one in on.output.of("start")}
        assert started == {number(1)} and len(on.station.of("EBM")) == 1
        saw(CONTROL, f"{number(9)}：0 条指令 no command")


@shows("B.1.3.2")
async def test_resources_are_registered(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        new = terminal("350524100003", 7)
        await on.api.register(new)
        await until(lambda: any(item.code == new.code for item in on.items("EBRDTInfo")))
        item = next(item for item in on.items("EBRDTInfo") if item.code == new.code)
        assert (item.operation, item.platform) == ("Sync", COUNTY)
        saw("c", f"{item.code}，RelatedEBRPS {item.platform}")
        await on.api.register(replace(new, name="改名终端"))
        await until(lambda: on.items("EBRDTInfo")[-1].name == "改名终端")
        assert (await on.api.call("DELETE", f"/api/v1/terminals/{new.code}", "duty")).status == 204
        await until(lambda: on.items("EBRDTInfo")[-1].operation == "Delete")
        saw("d", "Sync 改名 renamed；Delete")
        bad = f"{CSV_HEAD}123,350524100003,x,350524100003,,ip,,,,1\n".encode()
        refused = await on.api.post("/api/v1/terminals", "duty", data=bad, headers={"Content-Type": "text/csv"})
        assert refused.status == 422
        saw(CONTROL, f"HTTP 422 {', '.join(refused.codes)}")


@shows("B.1.3.3")
async def test_states_are_watched(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        first, second = on.terminals

        async def connected(code: str) -> bool:
            return bool((await on.api.get(f"/api/v1/terminals/{code}", "duty")).json["connected"])

        assert await connected(first.code) and await connected(second.code)
        await until(lambda: told(on, first.code)[-1:] == [1])
        on.line(0).set_faults(Faults(off=True))
        await until(lambda: told(on, first.code)[-1:] == [3])
        assert not await connected(first.code)
        saw("c", f"{first.code}：{told(on, first.code)}")
        await on.api.register(replace(second, name="新名"))
        assert (await on.api.get(f"/api/v1/terminals/{second.code}", "duty")).json["name"] == "新名"
        saw("d", "新名")
        assert await connected(second.code) and set(told(on, second.code)) <= {1, 3}
        assert told(on, second.code)[-1] == 1
        saw(CONTROL, f"{second.code}：{told(on, second.code)[-1]}")


def told(on: PlatformBench, code: str) -> list[int]:
    """States of a terminal as they were told."""
    return [item.state for item in on.items("EBRDTState") if item.code == code]


@shows("B.1.3.4")
async def test_data_are_given_on_request(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        kinds = {}
        for kind in REQUESTABLE:
            asked = on.superior.number()
            assert (await on.superior.send(OmdRequest(type=kind, params=Period(type="Full")), asked)).result == 1
            await until(lambda asked=asked: on.superior.about(asked), _LONG)  # type: ignore[misc]
            kinds[kind] = on.superior.about(asked)[0].kind
        given = [kind for kind, came in kinds.items() if came == kind]
        assert {"EBRPSInfo", "EBRDTInfo", "EBMBrdLog", "EBRPSState", "EBRDTState"} == set(given)
        assert on.superior.breaches == []
        saw("c", f"{', '.join(given)}：0 项不合规 no breach")
        lacking = [kind for kind, came in kinds.items() if came == "EBDNotify"]
        assert {*given, *lacking} == set(REQUESTABLE)
        saw(CONTROL, f"EBDNotify：{', '.join(lacking)}")


async def daily(on: PlatformBench, area: str) -> str:
    """Begin a daily broadcast from a stream; its EBMID as the output has it."""
    news = {"title": "节目", "kind": "stream", "source": "rtp://239.1.1.9:5004", "shared": False}
    assert (await on.api.call("PUT", "/api/v1/programmes/news", "duty", json=news)).status == 201
    plan = {
        "title": "日常广播",
        "programme": "news",
        "areas": [area],
        "at": f"{datetime.now(BEIJING):%H:%M}",
        "seconds": 1800,
        "enabled": True,
    }
    assert (await on.api.call("PUT", "/api/v1/schedules/now", "duty", json=plan)).status == 201
    await until(lambda: on.output.of("start"), _LONG)
    start = on.output.of("start")[0]
    assert start.is_right and start.is_signed and start.fields["class"] == 5
    return str(start.fields["ebm_id"])


@shows("B.1.4.2")
async def test_a_daily_broadcast_to_all(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        playing = await daily(on, "350524000000")
        await until(lambda: on.plays(0) == on.plays(1) == playing)
        saw("d", f"{on.output.of('start')[0]}")
        assert (await on.superior.send(ebm(1, areas=("350524000000",)))).result == 1
        await until(lambda: on.plays(0) == on.plays(1) == number(1))
        saw(CONTROL, f"{number(1)} 在播 on air")


@shows("B.1.4.3")
async def test_a_daily_broadcast_to_a_part(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        playing = await daily(on, TOWN)
        await until(lambda: on.plays(0) == playing)
        saw("d", f"{on.output.of('start')[0]}")
        assert on.plays(1) is None
        assert all(code[1:10] == TOWN[:9] for one in on.output.of("start") for code in one.fields["targets"])
        saw(CONTROL, f"{on.terminals[1].code}：无声 silent")


@shows("B.1.4.4")
async def test_live_input(tmp_path: Path, saw: Saw) -> None:
    async with telephone(tmp_path, wait_seconds=30) as (on, microphone):
        microphone.speak()
        assert (await on.begin("phone", "weather")).status == 403
        assert not on.line.starts
        saw(CONTROL, "HTTP 403，无指令 no command")
        begun = await on.begin("phone")
        await until(lambda: on.line.starts)
        start = on.line.starts[0]
        assert isinstance(start.body, StartBroadcast)
        assert start.body.ebm_id.text == begun.json["message_id"] and start.body.ebm_class == 4
        saw("c", f"0x01 {start.body.ebm_id.text}，class {start.body.ebm_class}，rtp")
        await on.api.post(f"/api/v1/warnings/{begun.json['message_id']}/cancel", "duty")
        await until(lambda: on.line.stops)
        saw("d", "0x02")


@shows("B.1.5.2")
async def test_a_platform_drill(tmp_path: Path, saw: Saw) -> None:
    async with with_station(tmp_path, dispatch={"exercise_class": 1}) as on:
        taken = await on.api.warn(who="anything", status="Exercise", headline="平台演练", areas=[{"code": "350524"}])
        assert taken.status == 202, taken.raw
        await until(lambda: on.station.of("EBM"))
        (made,) = on.station.of("EBM")
        assert made.faults == () and made.ebd is not None and isinstance(made.ebd.body, Ebm)
        assert made.ebd.body.basic is not None and made.ebd.body.basic.msg_type == 3
        information = next(content for name, content in made.files.items() if name.startswith("EBDI_"))
        assert ebi.parse(information).main.info_type == "02"
        saw("c", f"MsgType 3，InfoType 02，{made.ebd.body.ebm_id}")
        assert on.output.of("start") == []
        saw(CONTROL, "0 条开播 no start")


@shows("B.2")
async def test_the_security_service(tmp_path: Path, saw: Saw) -> None:
    async with ListTown(tmp_path).around() as town, town.gateway(ON_IP) as api:
        wanted = await application(api)
        asked = parse_application(wanted)
        assert asked.wishes and asked.places
        saw("b", f"{len(asked.places)} 个设备 devices，{len(asked.wishes)} 份申请 lists")
        stranger = ListTown(tmp_path)
        refused = await take(api, stranger.root.answer(wanted))
        assert refused.status == 422
        saw(CONTROL, f"HTTP 422 {', '.join(refused.codes[:1])}")
        lists = town.root.answer(wanted)
        saw("c", f"{len(lists)} 字节 bytes")
        assert (await take(api, lists)).status == 200
        line = await BareTerminal.connect(api.gateway.ports.terminals, ON_IP)
        await publish(api)
        assert (await holdings(api))[ON_IP.code]["holding"] == "proven"
        assert [packet for packet in line.heard if isinstance(packet.body, CertificateAuthorisation)]
        saw("d", f"0x17 → {ON_IP.code}：proven")


# -- the province's thirteen cases


@shows("TEST_001")
async def test_heartbeats(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        await until(lambda: len(on.superior.beats) >= 3 and len(on.superior.beats_answered) >= 2)
        assert all(one.faults == () for one in on.superior.beats)
        times = [one.at for one in on.superior.beats]
        gaps = ", ".join(f"{b - a:.1f}" for a, b in pairwise(times))
        saw("a", f"{len(times)} 次，间隔 gaps {gaps} s")
        assert {one.result for one in on.superior.beats_answered} == {1}
        saw("b", f"{len(on.superior.beats_answered)} 次：1")
        await on.superior.close_port("main")
        await on.superior.close_port("standby")
        await until(lambda: "peer_unreachable" in alarms_of(on.gate))
        saw(CONTROL, "告警 alarm peer_unreachable")


@shows("TEST_002")
async def test_the_platform_is_told(tmp_path: Path, saw: Saw) -> None:
    degrees = {"longitude": "118.186014", "latitude": "25.062912"}
    async with platform_bench(tmp_path, platform={**degrees, "contact": "甲"}) as on:
        (first,) = on.items("EBRPSInfo")
        seen = len(on.superior.beats) + 4
        await until(lambda: len(on.superior.beats) >= seen)
        assert len(on.superior.of("EBRPSInfo")) == 1
        saw(CONTROL, f"{seen} 次心跳间只上报 1 次 once")
    async with platform_bench(tmp_path, platform={**degrees, "contact": "乙", "info_seconds": 1.0}) as on:
        await until(lambda: len(on.items("EBRPSInfo")) >= 2, _LONG)
        changed = on.items("EBRPSInfo")[0]
        assert (first.contact, changed.contact) == ("甲", "乙") and on.superior.breaches == []
        saw(
            "a",
            f"首次 first {first.contact}，变更 changed {changed.contact}，周期 period {len(on.items('EBRPSInfo'))} 次",
        )
        saw("b", f"{first.longitude}, {first.latitude}")


@by(
    "kind",
    {"EBRPSInfo": ["TEST_003"], "EBRPSState": ["TEST_005"], "EBRDTInfo": ["TEST_007"], "EBRDTState": ["TEST_009"]},
)
async def test_requests_are_answered(tmp_path: Path, kind: str, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        request = OmdRequest(type=kind, params=Period(type="Full"))
        assert await forged(on, request) == 4
        await until(lambda: on.superior.of(kind) and on.superior.of("EBRDTState") and on.superior.of("EBRDTInfo"))
        await until(lambda: told(on, on.terminals[1].code)[-1:] == [1])
        counts: list[int] = []
        # A second time where something did change between: many signatures at once let SigTime lead, which is a state.
        for how in ("Full", "Incremental", "Incremental"):
            if len(counts) == 2 and counts[1] == 0:
                break
            asked = on.superior.number()
            receipt = await on.superior.send(replace(request, params=Period(type=how)), asked)
            assert (receipt.result, receipt.related) == (1, str(asked))
            await until(lambda asked=asked: on.superior.about(asked), _LONG)  # type: ignore[misc]
            (came,) = on.superior.about(asked)
            assert came.faults == () and came.ebd is not None
            counts.append(len(came.ebd.body.items))  # type: ignore[union-attr]
        assert counts[0] >= 1 and counts[-1] == 0
        words = f"Full {counts[0]} 条，Incremental {counts[-1]} 条；RelatedEBD 为请求"
        if kind == "EBRPSInfo":
            saw("a", f"回执 receipt 1，用时 took {receipt.took:.2f} s")
            saw("b", words)
        else:
            saw("a", words)
        saw(CONTROL, "回执 receipt 4")


@shows("TEST_004")
async def test_the_state_of_the_platform_is_told(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path, platform={"platform_state_seconds": 3.0}) as on:

        def states() -> list[int]:
            return [item.state for item in on.items("EBRPSState")]

        await until(lambda: states() == [1])
        on.gate.state.alarms.raise_("dispatch_failed", "simulated", "模拟平台故障", AlarmLevel.CRITICAL)
        await until(lambda: states()[-1] == 3)
        saw("a", f"StateCode 3：{on.items('EBRPSState')[-1].description}")
        on.gate.state.alarms.clear("dispatch_failed", "simulated")
        await until(lambda: states()[-1] == 1)
        saw(CONTROL, "StateCode 1")
        count = len(states())
        await until(lambda: len(states()) > count, _LONG)
        assert states()[-1] == 1
        saw("b", f"{len(states())} 次：{states()}")


@shows("TEST_006")
async def test_terminals_are_told(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        await until(lambda: {item.code for item in on.items("EBRDTInfo")} == {one.code for one in on.terminals})
        first, second = on.terminals
        await on.api.register(replace(first, name="新名"))
        await until(lambda: on.items("EBRDTInfo")[-1].name == "新名")
        assert {item.platform for item in on.items("EBRDTInfo")} == {COUNTY}
        saw("a", f"{len(on.items('EBRDTInfo'))} 条，RelatedEBRPS {COUNTY}")
        assert [item.code for item in on.items("EBRDTInfo")].count(second.code) == 1
        saw(CONTROL, f"{second.code}：1 次 once")


@shows("TEST_008")
async def test_a_lost_terminal_is_told(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        first, second = on.terminals
        await until(lambda: told(on, first.code)[-1:] == told(on, second.code)[-1:] == [1])
        on.line(0).set_faults(Faults(off=True))
        await until(lambda: told(on, first.code)[-1:] == [3])
        saw("a", f"{first.code}：{told(on, first.code)}")
        assert told(on, second.code)[-1] == 1
        saw(CONTROL, f"{second.code}：{told(on, second.code)[-1]}")


@shows("TEST_010")
async def test_a_start_in_the_future(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        start = now() + timedelta(seconds=4)
        assert (await on.superior.send(ebm(1, start=start, end=start + timedelta(seconds=4)))).result == 1
        await until(lambda: on.codes(number(1)) == [1])
        assert on.plays(0) is None and time.time() < start.timestamp()
        saw(CONTROL, "状态 1 时无声 silent in state 1")
        await until(lambda: on.plays(0) == number(1), _LONG)
        await until(lambda: on.plays(0) is None, _LONG)
        await until(lambda: on.codes(number(1))[-1] == 3, _LONG)
        assert on.codes(number(1)) == [1, 2, 3]
        saw("a", f"{start:%H:%M:%S} 开播 began，4 s 后停播 ended after 4 s")
        saw("b", f"{on.codes(number(1))}")


@shows("TEST_011")
async def test_an_immediate_start(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        assert (await on.superior.send(ebm(1, end=now() + timedelta(seconds=4)))).result == 1
        await until(lambda: on.plays(0) == number(1))
        assert on.plays(1) is None
        saw(CONTROL, f"{on.terminals[1].code}：无声 silent")
        await until(lambda: on.plays(0) is None, _LONG)
        await until(lambda: on.codes(number(1))[-1:] == [3], _LONG)
        assert on.codes(number(1)) == [2, 3]
        saw("a", "立即开播，到时停播 at once, and ended")
        saw("b", f"{on.codes(number(1))}")


@shows("TEST_012")
async def test_records_are_given(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        assert (await on.superior.send(ebm(1))).result == 1
        found = []
        for hours in (0, 48):
            asked = on.superior.number()
            end = now() - timedelta(hours=hours) + timedelta(minutes=1)
            period = Period(start=end - timedelta(hours=1), end=end)
            assert (await on.superior.send(OmdRequest(type="EBMBrdLog", params=period), asked)).result == 1
            await until(lambda asked=asked: on.superior.about(asked), _LONG)  # type: ignore[misc]
            (came,) = on.superior.about(asked)
            assert came.faults == () and came.ebd is not None and isinstance(came.ebd.body, EbmBrdLog)
            found.append([item.ebm.ebm_id for item in came.ebd.body.items])
        assert found == [[number(1)], []]
        saw("a", f"{found[0]}")
        saw(CONTROL, "0 条 none")


@shows("TEST_013")
async def test_the_state_of_a_message_is_given(tmp_path: Path, saw: Saw) -> None:
    async with platform_bench(tmp_path) as on:
        assert (await on.superior.send(ebm(1))).result == 1
        for meant, shape in ((number(1), EbmStateResponse), (number(999), EbdNotify)):
            asked = on.superior.number()
            assert (await on.superior.send(EbmStateRequest(ebm_id=MessageId(meant)), asked)).result == 1
            await until(lambda asked=asked: on.superior.about(asked), _LONG)  # type: ignore[misc]
            (came,) = on.superior.about(asked)
            assert came.faults == () and came.ebd is not None and isinstance(came.ebd.body, shape)
            if isinstance(came.ebd.body, EbmStateResponse):
                saw("a", f"BrdStateCode {came.ebd.body.state}，RelatedEBD {asked}")
            else:
                saw(CONTROL, "EBDNotify 5")
