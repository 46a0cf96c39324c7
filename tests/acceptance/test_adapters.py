"""F.1, F.2, F.3: our gateway as a county's adapter, commanded by a platform over appendix A."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator.journal import Event
from gateway.devices.adapter_answers import AdapterRefusal
from gateway.domain.codes import EbmId
from gateway.protocols import adapter_commands as commands
from gateway.protocols import parameters as tags
from gateway.protocols.adapter_address import Reback
from gateway.protocols.adapter_answers import AdapterAnswer
from tests.acceptance.analyser import Analyser, ip_cutter
from tests.acceptance.bench import OTHER_TOWN, VOLUME, Bench, bench, block, town_block
from tests.acceptance.media import AUDIO_PID, CABLE_KHZ, FM_MHZ, SERVICE, Kind
from tests.acceptance.rogue import rogues, start_frame
from tests.acceptance.table import by
from tests.adapterkit import say
from tests.gatewaykit import until

NUMBERS = {Kind.RDS: "F.1", Kind.TS: "F.2", Kind.IP: "F.3"}
#: How the analyser names a start at each output.
STARTS = {Kind.RDS: "start", Kind.TS: "index", Kind.IP: "start"}


def each(*rows: str) -> pytest.MarkDecorator:
    """The same measurement at the three kinds of adapters; rows are given without the first two figures."""
    return by("kind", {kind: [f"{number}.{row}" for row in rows] for kind, number in NUMBERS.items()})


def starts_of(output: Analyser, kind: Kind, ebm_id: str) -> list[dict[str, Any]]:
    """What the output says of a message that begins: the fields of the start, or its entry in an index."""
    found = [one for one in output.of(STARTS[kind]) if one.is_right and one.is_signed]
    if kind is Kind.TS:
        return [entry for one in found for entry in one.fields["messages"] if entry["ebm_id"] == ebm_id]
    return [one.fields for one in found if one.fields["ebm_id"] == ebm_id]


async def put_out(on: Bench, ebm_id: str) -> dict[str, Any]:
    """Wait for the start of a message at the output."""
    await until(lambda: starts_of(on.output, on.kind, ebm_id))
    return starts_of(on.output, on.kind, ebm_id)[-1]


async def see_it_watched(on: Bench, ebm_id: str) -> None:
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
    assert made["ebgw_orders_total"] >= 1
    assert made["ebgw_signatures_total"] >= 1
    assert await output_works(on)


async def output_works(on: Bench) -> bool:
    """What the operator is told of the way to the terminals."""
    if on.route is None:
        page = (await on.api.get("/api/v1/terminals", "duty")).json["items"]
        return all(item["connected"] for item in page)
    (link,) = (await on.api.get("/api/v1/links", "duty")).json["items"]
    return bool(link["state"] == "up")


@each("1")
async def test_emergency_input(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        live = await on.command()
        said = await put_out(on, live.ebm_id)
        assert (said["event"], said["level"]) == ("11B03", 2)
        assert said.get("class", 4) == 4  # a packet of type 11 is an emergency by its type
        await until(lambda: on.plays(0) == live.ebm_id)
        await see_it_watched(on, live.ebm_id)
        # A broken output is seen as well.
        await on.between.close()
        async with asyncio.timeout(10):
            while await output_works(on):
                await asyncio.sleep(0.01)


@each("2")
async def test_local_input(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        taken = await on.api.warn(headline="本地应急广播")
        assert taken.status == 202
        ebm_id = EbmId(taken.json["message_id"])
        await put_out(on, ebm_id)
        await until(lambda: on.plays(0) == on.plays(1) == ebm_id)
        await see_it_watched(on, ebm_id)


@each("3")
async def test_broadcast_control(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        if kind is not Kind.IP:
            # Neither a packet of type 11 nor an index has a place for the volume: 0x06 sets it beforehand.
            answer = await on.ask(commands.VolumeSetting(VOLUME, town_block()))
            assert isinstance(answer, AdapterAnswer) and answer.code == 0
            (loud,) = await on.put_out("set" if kind is Kind.RDS else "configuration")
            assert loud.fields.get("volume", VOLUME) == VOLUME
        live = await on.command()
        said = await put_out(on, live.ebm_id)
        # By county, town and its terminals: the codes of 凤城镇 and of nobody else.
        assert all(code[1:10] == "350524100" for code in said["targets" if kind is not Kind.TS else "codes"])
        match kind:
            case Kind.RDS:
                assert said["freq_mhz"] == FM_MHZ
            case Kind.TS:
                (delivery,), (stream,) = said["details"]["descriptors"], said["details"]["streams"]
                assert (delivery["freq_khz"], stream["pid"]) == (CABLE_KHZ, AUDIO_PID)
                assert said["details"]["program_number"] == SERVICE
            case Kind.IP:
                assert said["volume"] == VOLUME
        await until(lambda: on.plays(0) == live.ebm_id)
        await see_it_watched(on, live.ebm_id)
        assert on.line(0).terminal.device.volume == VOLUME
        await on.stop(live)
        await until(lambda: on.plays(0) is None)
        assert on.journal(1, Event.PLAYING, Event.SET_RECEIVED) == []
        assert on.line(1).terminal.device.volume != VOLUME


@each("4")
async def test_distribution(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        one, two = await on.command("one"), await on.command("two", OTHER_TOWN)
        first, second = await put_out(on, one.ebm_id), await put_out(on, two.ebm_id)
        assert first != second
        await until(lambda: (on.plays(0), on.plays(1)) == (one.ebm_id, two.ebm_id))
        if kind is Kind.TS:
            # One index carries both.
            (*_, last) = on.output.of("index")
            assert {entry["ebm_id"] for entry in last.fields["messages"]} == {one.ebm_id, two.ebm_id}
        for live in (one, two):
            await see_it_watched(on, live.ebm_id)


@each("5 c", "5 d")
async def test_security(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        live = await on.command()
        await put_out(on, live.ebm_id)
        everything = [one for one in on.output.passed if one.shown["kind"] != "answer"]
        assert all(one.is_right for one in everything)
        # The adapter's own certificate, not the platform's, over data ‖ SigTime.
        signatures = [one.shown["signature"] for one in everything if one.is_signed]
        assert {one["certificate"] for one in signatures} == {"000000000200"} != {on.ends.key.certificate}
        assert starts_of(on.output, kind, live.ebm_id)


@each("5 d 补充 more")
async def test_commands_that_cannot_be_trusted(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        port = on.ends.county.ports.front_end
        for name, frame in rogues(on.ends.key).items():
            (answer,) = await say(port, frame)
            assert isinstance(answer.body, AdapterAnswer) and answer.body.code == 4, name
        assert on.ends.county.state.messages == {}
        # The same bytes again, after the message was stopped, begin nothing.
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


@asynccontextmanager
async def return_address() -> AsyncIterator[tuple[int, Analyser]]:
    """Where the test system takes returned data."""
    heard = Analyser()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cut = ip_cutter()
        while data := await reader.read(65536):
            for raw in cut(data):
                heard.take(raw)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await server.wait_closed()


@each("6")
async def test_return_of_data(tmp_path: Path, kind: Kind) -> None:
    async with return_address() as (port, heard), bench(tmp_path, kind) as on:
        wanted = (tags.VOLUME, tags.RESOURCE_CODE, tags.WORK_STATE)
        query = commands.TerminalQuery(Reback.ipv4("127.0.0.1", port), block(on.terminals[0]), wanted)
        answer = await on.ask(query)
        assert isinstance(answer, AdapterAnswer) and answer.code == 0
        await until(lambda: heard.of("answer"))
        (returned,) = heard.of("answer")
        assert returned.is_right and returned.shown["protocol"] == "feedback"
        code = str(on.terminals[0].code)
        assert returned.fields["source"] == code
        assert [one["tag"] for one in returned.fields["params"]] == list(wanted)
        values = {name: value for one in returned.fields["params"] for name, value in one.items()}
        assert (values["volume"], values["resource_code"], values["work_state"]) == (50, code, 1)


@each("7 c 白名单 white list")
@pytest.mark.xfail(raises=AdapterRefusal, strict=True, reason="前端尚不支持 0x0C the front end refuses it")
async def test_white_list(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        await on.ends.link.update_white_list([])


@each("7 c 回传参数 return")
@pytest.mark.xfail(raises=AdapterRefusal, strict=True, reason="前端尚不支持 0x0D the front end refuses it")
async def test_return_parameters(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        await on.ends.link.report_to("127.0.0.1:8799", 60)


@each("7 c 证书 certificates")
@pytest.mark.xfail(raises=AdapterRefusal, strict=True, reason="前端尚不支持 0x41 the front end refuses it")
async def test_certificates(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        await on.ends.link.certificates((), (b"certificate",))


@each("7 e 本地 local")
async def test_without_the_platform(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind, platform_port=1, answer_seconds=0.1, tries=1) as on:
        alarms = on.ends.county.state.alarms
        await until(lambda: "superior_unreachable" in [alarm.kind for alarm in alarms.open])
        ebm_id = EbmId((await on.api.warn()).json["message_id"])
        await put_out(on, ebm_id)
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
