"""F.1, F.2, F.3: our gateway as a county's adapter, commanded by a platform over appendix A."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.adapter_accept import Port
from emulator.journal import Event
from gateway.domain.codes import CertificateSerial, EbmId
from gateway.protocols import adapter_commands as commands
from gateway.protocols import parameters as tags
from gateway.protocols.adapter_address import Reback
from gateway.protocols.adapter_answers import AdapterAnswer
from gateway.protocols.adapter_types import Body
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from tests.acceptance.analyser import Analyser, Cutter, Passed, adapter_cutter, ip_cutter
from tests.acceptance.bench import OTHER_TOWN, VOLUME, Bench, bench, block, entries_of, town_block
from tests.acceptance.clauses import CONTROL
from tests.acceptance.conftest import Saw
from tests.acceptance.media import AUDIO_PID, CABLE_KHZ, FM_MHZ, SERVICE, Kind
from tests.acceptance.rogue import rogues, start_frame, unsigned
from tests.acceptance.table import by
from tests.adapterkit import say
from tests.gatewaykit import until
from tests.paperkit import Authority, carried, packed

NUMBERS = {Kind.RDS: "F.1", Kind.TS: "F.2", Kind.IP: "F.3"}


def each(*rows: str) -> pytest.MarkDecorator:
    """The same measurement at the three kinds of adapters; rows are given without the first two figures."""
    return by("kind", {kind: [f"{number}.{row}" for row in rows] for kind, number in NUMBERS.items()})


async def put_out(on: Bench, ebm_id: str) -> tuple[Passed, dict[str, Any]]:
    """Wait for the start of a message at the output; returns the last one, and what it says of the message."""
    await until(lambda: ebm_id in on.begun())
    found = [(one, entry) for one in on.starts() for entry in entries_of(one, on.kind) if entry["ebm_id"] == ebm_id]
    return found[-1]


async def see_it_watched(on: Bench, ebm_id: str) -> str:
    """Input, encoding and distribution, as the platform asks for them and as the operator reads them."""
    (channel,) = (await on.ends.link.input_channels()).inputs
    assert channel.state == 2
    items = (await on.api.get("/api/v1/warnings", "duty")).json["items"]
    (shown,) = (item for item in items if item["message_id"] == ebm_id)
    assert shown["state"] == "active"

    async def rungs() -> set[str]:
        page = (await on.api.get(shown["links"]["deliveries"], "duty")).json["items"]
        return {item["rung"] for item in page}

    async with asyncio.timeout(10):
        while await rungs() != {"playing"}:
            await asyncio.sleep(0.01)
    metrics = (await on.api.get("/metrics", None)).raw.decode()
    made = {line.split()[0]: float(line.split()[1]) for line in metrics.splitlines() if not line.startswith("#")}
    orders, signatures = (int(made[name]) for name in ("ebgw_orders_total", "ebgw_signatures_total"))
    assert orders >= 1
    assert signatures >= 1
    assert await output_works(on)
    encoded = f"编码 encoding: {orders} 指令 orders, {signatures} 签名 signatures"
    return f"接入 input: 0x0F 状态 state 2；{encoded}；分发 distribution: playing，输出正常 output up"


async def output_works(on: Bench) -> bool:
    """What the operator is told of the way to the terminals."""
    if on.route is None:
        page = (await on.api.get("/api/v1/terminals", "duty")).json["items"]
        return all(item["connected"] for item in page)
    (link,) = (await on.api.get("/api/v1/links", "duty")).json["items"]
    return bool(link["state"] == "up")


@each("1")
async def test_emergency_input(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        refused = await on.answer_to(rogues(on.ends.key)["unsigned"])
        assert refused == 4
        live = await on.command()
        frame, said = await put_out(on, live.ebm_id)
        assert (said["event"], said["level"]) == ("11B03", 2)
        assert said.get("class", 4) == 4  # a packet of type 11 is an emergency by its type
        await until(lambda: on.plays(0) == live.ebm_id)
        assert on.begun() == [live.ebm_id]
        saw("c", f"{live.ebm_id}：{frame}")
        saw("e", await see_it_watched(on, live.ebm_id))
        await on.between.close()
        async with asyncio.timeout(10):
            while await output_works(on):
                await asyncio.sleep(0.01)
        saw(CONTROL, f"0x04 无签名 unsigned: 0x12 code {refused}，输出 output: 0；断线后输出状态 after a cut: down")


@each("2")
async def test_local_input(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        refused = await on.api.warn(who="narrow", headline="越权")
        assert refused.status == 403
        taken = await on.api.warn(headline="本地应急广播")
        assert taken.status == 202
        ebm_id = EbmId(taken.json["message_id"])
        frame, _ = await put_out(on, ebm_id)
        await until(lambda: on.plays(0) == on.plays(1) == ebm_id)
        assert on.begun() == [ebm_id]
        saw("c 请求 request", f"HTTP 202 {ebm_id}：{frame}")
        saw("e", await see_it_watched(on, ebm_id))
        saw(CONTROL, f"HTTP 403 {', '.join(refused.codes)}，输出 output: 0")


@each("3")
async def test_broadcast_control(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        volume = f"音量 volume {VOLUME}"
        if kind is not Kind.IP:
            # Neither a packet of type 11 nor an index has a place for the volume: 0x06 sets it beforehand.
            answer = await on.ask(commands.VolumeSetting(VOLUME, town_block()))
            assert isinstance(answer, AdapterAnswer) and answer.code == 0
            (loud,) = await on.put_out("set" if kind is Kind.RDS else "configuration")
            said_loud = loud.fields["commands"][0] if kind is Kind.TS else loud.fields
            assert said_loud["volume"] == VOLUME
            volume = f"{volume}（{loud}）"
        live = await on.command()
        frame, said = await put_out(on, live.ebm_id)
        # By county, town and its terminals: the codes of 凤城镇 and of nobody else.
        codes = said["targets" if kind is not Kind.TS else "codes"]
        assert codes and all(code[1:10] == "350524100" for code in codes)
        match kind:
            case Kind.RDS:
                assert said["freq_mhz"] == FM_MHZ
                tuned = f"{FM_MHZ} MHz"
            case Kind.TS:
                (delivery,), (stream,) = said["details"]["descriptors"], said["details"]["streams"]
                assert (delivery["freq_khz"], stream["pid"]) == (CABLE_KHZ, AUDIO_PID)
                assert said["details"]["program_number"] == SERVICE
                tuned = f"{CABLE_KHZ} kHz, PID {AUDIO_PID}"
            case Kind.IP:
                assert said["volume"] == VOLUME
                tuned = "无频率 no frequency"
        await until(lambda: on.plays(0) == live.ebm_id)
        saw("c", f"目标 targets {', '.join(codes)}；{tuned}；{volume}；{frame}")
        saw("d", await see_it_watched(on, live.ebm_id))
        assert on.line(0).terminal.device.volume == VOLUME
        saw("e", f"{on.terminals[0].code} playing，音量 volume {on.line(0).terminal.device.volume}")
        await on.stop(live)
        await until(lambda: on.plays(0) is None)
        assert on.journal(1, Event.PLAYING, Event.SET_RECEIVED) == []
        other = on.line(1).terminal.device.volume
        assert other != VOLUME
        saw(CONTROL, f"{on.terminals[1].code}：未播发 no playing，音量 volume {other}")


@each("4")
async def test_distribution(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        one, two = await on.command("one"), await on.command("two", OTHER_TOWN)
        (first, first_said), (second, second_said) = await put_out(on, one.ebm_id), await put_out(on, two.ebm_id)
        assert first_said != second_said
        saw("c", f"{one.ebm_id}：{first}；{two.ebm_id}：{second}")
        await until(lambda: (on.plays(0), on.plays(1)) == (one.ebm_id, two.ebm_id))
        together = "两条均在播 both are playing"
        if kind is Kind.TS:
            # One index carries both.
            (*_, last) = on.output.of("index")
            assert {entry["ebm_id"] for entry in last.fields["messages"]} == {one.ebm_id, two.ebm_id}
            together = f"同一索引表含两条 one index with both: {last}"
        saw("d", together)
        saw("e", "；".join([await see_it_watched(on, live.ebm_id) for live in (one, two)]))
        played = [on.journal(number, Event.PLAYING) for number in (0, 1)]
        assert played == [[("playing", one.ebm_id)], [("playing", two.ebm_id)]]
        saw(CONTROL, "；".join(f"{on.terminals[n].code}: {played[n][0][1]}" for n in (0, 1)))


@each("5 c", "5 d")
async def test_security(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        live = await on.command()
        frame, _ = await put_out(on, live.ebm_id)
        everything = [one for one in on.output.passed if one.shown["kind"] != "answer"]
        assert all(one.is_right for one in everything)
        # The adapter's own certificate, not the platform's.
        signed = {one.shown["signature"]["certificate"] for one in everything if one.is_signed}
        assert signed == {"000000000200"} != {on.ends.key.certificate}
        saw("c", f"上级证书 superior {on.ends.key.certificate}，输出证书 output {', '.join(signed)}")
        saw("d", f"SM2 覆盖 coverage 数据‖SigTime data‖SigTime；{frame}")


@each(f"5 {CONTROL}")
async def test_commands_that_cannot_be_trusted(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        answers = {name: await on.answer_to(frame) for name, frame in rogues(on.ends.key).items()}
        assert set(answers.values()) == {4}
        assert on.ends.county.state.messages == {}
        # The same bytes again, after the message was stopped, begin nothing.
        port = on.ends.county.ports.front_end
        ebm_id, frame = start_frame(on.ends.key)
        (answer,) = await say(port, frame)
        await until(lambda: on.plays(0) == ebm_id)
        await on.api.post(f"/api/v1/warnings/{ebm_id}/cancel", "duty", json={"reason": "test"})
        await until(lambda: on.plays(0) is None)
        (again,) = await say(port, frame)
        assert again.body == answer.body
        live = await on.command()  # what comes after it in the same queues has been carried out
        await until(lambda: on.plays(0) == live.ebm_id)
        assert on.journal(0, Event.PLAYING) == [("playing", ebm_id), ("playing", live.ebm_id)]
        codes = ", ".join(f"{name} code {code}" for name, code in answers.items())
        saw(CONTROL, f"{codes}；重放 replayed: 未再播发 did not play again")


@asynccontextmanager
async def return_address(cutter: Callable[[], Cutter] = ip_cutter) -> AsyncIterator[tuple[int, Analyser]]:
    """Where the test system takes returned data."""
    heard = Analyser()

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        cut = cutter()
        while data := await reader.read(65536):
            for raw in cut(data):
                heard.take(raw)

    port = Port(serve)
    try:
        yield port.open("127.0.0.1", 0), heard
    finally:
        await port.close()


@each("6")
async def test_return_of_data(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with return_address() as (port, heard), bench(tmp_path, kind) as on:
        wanted = (tags.VOLUME, tags.RESOURCE_CODE, tags.WORK_STATE)
        refused = await on.answer_to(
            unsigned(commands.TerminalQuery(Reback.ipv4("127.0.0.1", port), block(on.terminals[1]), wanted))
        )
        assert refused == 4
        query = commands.TerminalQuery(Reback.ipv4("127.0.0.1", port), block(on.terminals[0]), wanted)
        answer = await on.ask(query)
        assert isinstance(answer, AdapterAnswer) and answer.code == 0
        await until(lambda: heard.of("answer"))
        (returned,) = heard.passed
        assert returned.is_right and returned.shown["protocol"] == "feedback"
        code = str(on.terminals[0].code)
        assert returned.fields["source"] == code
        assert [one["tag"] for one in returned.fields["params"]] == list(wanted)
        values = {name: value for one in returned.fields["params"] for name, value in one.items()}
        assert (values["volume"], values["resource_code"], values["work_state"]) == (50, code, 1)
        saw("c", f"{returned}；{code}: 音量 volume 50, 状态 state 1")
        saw(CONTROL, f"0x08 无签名 unsigned: 0x12 code {refused}，回传 returned: 0")


@each("7 c 白名单 white list")
async def test_white_list(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        assert on.ends.county.front_end is not None
        kept = on.ends.county.front_end.managed
        one, two = (commands.WhiteListEntry(1, phone, b"duty", 3, ()) for phone in (b"13800138000", b"13900139000"))
        await on.ends.link.update_white_list([one, two])
        assert list(kept.telephones) == ["13800138000", "13900139000"]
        await on.ends.link.update_white_list([replace(one, operation=3)])
        assert list(kept.telephones) == ["13900139000"]
        saw("c 白名单 white list", "增 2 删 1 added 2, deleted 1：13900139000；本机未接电话 no telephone is served")


@each("7 c 回传参数 return")
async def test_return_parameters(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with return_address(adapter_cutter) as (port, heard), bench(tmp_path, kind, heartbeat_seconds=0.05) as on:
        heard.expect(load_key_file(tmp_path / "county" / "signing.json", provider=default_provider()).pair.public)
        assert heard.passed == []
        await on.ends.link.report_to(f"127.0.0.1:{port}", 7)
        await until(lambda: heard.of("heartbeat"))
        beat = heard.of("heartbeat")[0]
        assert beat.is_right and beat.is_signed
        assert on.ends.county.front_end is not None
        assert on.ends.county.front_end.reporter.heartbeat == 7
        saw("c 回传参数 return", f"127.0.0.1:{port}, 7 s：{beat}")


@each("7 c 证书 certificates")
async def test_certificates(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    root, renewed = Authority(), default_provider().generate()
    serial = CertificateSerial("000000000300")
    async with bench(tmp_path, kind, root.trust()) as on:
        before = await on.answer_to(start_frame(on.ends.key, renewed, certificate=serial)[1])
        assert (before, on.ends.county.state.messages) == (4, {})
        own = CertificateSerial("000000000200")
        papers = packed(root.authorise(own, 1, serial)), carried(root.certificate(serial, renewed))
        await on.ends.link.certificates(*papers)
        ebm_id, frame = start_frame(on.ends.key, renewed, certificate=serial)
        await say(on.ends.county.ports.front_end, frame)
        await until(lambda: on.plays(0) == ebm_id)
        assert on.journal(0, Event.PLAYING) == [("playing", ebm_id)]
        saw("c 证书 certificates", f"证书 {serial}：更新前 before code {before}，更新后播发 after it plays {ebm_id}")


@each(f"7 {CONTROL}")
async def test_management_by_nobody(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    root, stranger, serial = Authority(), default_provider().generate(), CertificateSerial("000000000300")
    async with bench(tmp_path, kind, root.trust()) as on:
        assert on.ends.county.front_end is not None
        managed, reporter = on.ends.county.front_end.managed, on.ends.county.front_end.reporter
        place = (reporter.exchange, reporter.heartbeat)
        papers = packed(root.authorise(CertificateSerial("000000000200"), 1, serial))
        rogue: dict[str, Body] = {
            "0x0C": commands.WhiteList((commands.WhiteListEntry(1, b"13800138000", b"", 3, ()),)),
            "0x0D": commands.AdapterReback(Reback.ipv4("127.0.0.1", 9), 60),
            "0x41": commands.AdapterCertificates(papers, carried(root.certificate(serial, stranger))),
        }
        answers = {name: await on.answer_to(unsigned(body)) for name, body in rogue.items()}
        assert set(answers.values()) == {4}
        assert managed.telephones == {}
        assert (reporter.exchange, reporter.heartbeat) == place
        still = await on.answer_to(start_frame(on.ends.key, stranger, certificate=serial)[1])
        assert (still, on.ends.county.state.messages) == (4, {})
        codes = ", ".join(f"{name} code {code}" for name, code in answers.items())
        saw(CONTROL, f"{codes}；名单、回传、证书均未变 list, place and certificates as before")


@each("7 e 本地 local")
async def test_without_the_platform(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind, platform_port=1, answer_seconds=0.1, tries=1) as on:
        alarms = on.ends.county.state.alarms
        await until(lambda: "superior_unreachable" in [alarm.kind for alarm in alarms.open])
        ebm_id = EbmId((await on.api.warn()).json["message_id"])
        frame, _ = await put_out(on, ebm_id)
        await until(lambda: on.plays(0) == on.plays(1) == ebm_id)
        await see_it_watched(on, ebm_id)
        await on.api.post(f"/api/v1/warnings/{ebm_id}/cancel", "duty", json={"reason": "离线演练"})
        await until(lambda: on.plays(0) is on.plays(1) is None)
        # The record is kept, and is there for the platform when it is back.
        items = (await on.api.get("/api/v1/warnings", "duty")).json["items"]
        assert [(item["message_id"], item["state"]) for item in items] == [(ebm_id, "cancelled")]
        now = int(on.ends.county.state.clock())
        (record,) = (await on.ends.link.records(now - 60, now + 60)).records
        assert record.ebm_id.text == ebm_id
        saw("e 本地 local", f"平台不可达 superior_unreachable；{frame}；0x10 记录 record {ebm_id}，cancelled")
