"""The gateway as a county's adapter under our own platform role: two real gateways, real terminals' bytes, loopback."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.coverage.books import Books
from gateway.coverage.figures import Rule
from gateway.devices.adapter_answers import AdapterRefusal
from gateway.devices.bearer import Errand, LinkState
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.requests import Ask, DeviceStatus
from gateway.domain.codes import AreaCode, ResourceCode
from gateway.domain.ladder import EvidenceKind, Standing
from gateway.domain.message import Command, MessageState
from gateway.domain.receiver import Route, RouteKind
from gateway.domain.targets import TargetForm, target_codes
from gateway.errors import SettingsError
from gateway.protocols import adapter, feedback
from gateway.protocols import adapter_commands as commands
from gateway.protocols import parameters as tags
from gateway.protocols.adapter import AdapterPacket
from gateway.protocols.adapter_address import AddressBlock, Reback
from gateway.protocols.adapter_answers import AdapterAnswer, BroadcastAnswer
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop, LanguageContent
from gateway.protocols.adapter_special import FrequencyLock, IpCommand, RdsCommand, TsCommand
from gateway.protocols.adapter_types import Body
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import Auxiliary, CertificateAuthorisation, ParameterSetting, StatusQuery
from gateway.protocols.parameters import LocalAddress, Parameter, ResourceCodeSetting, ReturnAddress
from gateway.protocols.rds_bodies import CONTENTS, MaintainMode, RdsType
from gateway.protocols.signature import SignatureBlock
from gateway.security.coverage import Coverage, signed_bytes_at
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider
from gateway.store import queries
from tests.adapterkit import BOX, FRONT, TOWN, now, receipts, say
from tests.frontkit import Chain, chain, connected, speaker
from tests.gatewaykit import PLATFORM, Gateway, alarms_of, keep_reference, report, settings_for, task_report, until
from tests.ports import free_port

EBM = "33505000000000103010101202611250042"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


_tick = iter(range(1, 10_000))


def signed(ends: Chain, packet: AdapterPacket, pair: KeyPair | None = None, at: int | None = None) -> bytes:
    """A command as the city signs it, or as a stranger would under its number."""
    keys = pair or ends.key.pair

    def sign(data: bytes) -> SignatureBlock:
        seconds = now() + 1 + next(_tick) % 200 if at is None else at
        message = signed_bytes_at(data, seconds, ends.key.certificate, Coverage.A)
        return SignatureBlock(
            seconds, ends.key.certificate, default_provider().sign(keys.private, keys.public, message)
        )

    return adapter.build_signed(packet, sign)


async def tell(ends: Chain, body: Body) -> Body:
    """Send one signed command and return the content of its answer."""
    (answer,) = await say(ends.county.ports.front_end, signed(ends, adapter.command(body)), seconds=5)
    assert answer.signature is not None
    return answer.body  # type: ignore[return-value]


def area_block(area: str = TOWN) -> AddressBlock:
    return AddressBlock.logical(target_codes(AreaCode(area), TargetForm.STD))


def start(name: str = EBM, block: AddressBlock | None = None, **more: object) -> BroadcastStart:
    body = BroadcastStart(
        WireEbmId.of(name), 4, "11B03", 2, now(), now() + 60, 66, block or area_block(),
        (LanguageContent.of("zho", "请注意防范。", "气象台", (Auxiliary.stream("rtp://239.9.9.9:5000"),)),),
    )  # fmt: skip
    return replace(body, **more)  # type: ignore[arg-type]


# -- a broadcast through both gateways


async def test_a_warning_goes_through_both_gateways_and_its_reports_come_back(tmp_path: Path) -> None:
    one, two = speaker(1), speaker(2)
    async with chain(tmp_path, one, two) as ends:
        lines = await connected(ends.county, one, two)
        live = await ends.broadcast()
        await until(lambda: [len(line.starts) for line in lines] == [1, 1])
        (begun,) = lines[0].starts
        # The superior's id is what terminals hear, in one frame for all.
        assert begun.body.ebm_id.text == live.ebm_id  # type: ignore[union-attr]
        assert lines[0].raw[-1] == lines[1].raw[-1]
        await until(lambda: receipts(live) == [("acknowledged", Standing.CLAIMED)] * 2)
        theirs = ends.theirs(live)
        assert theirs is not None and theirs.message.text == live.message.text
        assert (theirs.message.areas, theirs.message.volume) == (live.message.areas, live.message.volume)

        await report(ends.county.ports.feedback, task_report(one, live.ebm_id, 1, now()))
        await until(lambda: ("playing", Standing.CLAIMED) in receipts(live))
        await ends.city.dispatch.cancel(live.ebm_id, "operator", "all clear")
        await until(lambda: [len(line.stops) for line in lines] == [1, 1])
        await until(lambda: ("task_ended", Standing.CLAIMED) in receipts(live))
        assert theirs.state is MessageState.CANCELLED
        assert ends.link.health.state is LinkState.UP


async def test_no_terminal_plays_no_task_is_reported(tmp_path: Path) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        await connected(ends.county, one)
        live = await ends.broadcast()
        await until(lambda: receipts(live))
        await ends.city.dispatch.cancel(live.ebm_id, "operator", "")
        await until(lambda: ("stop_claimed", Standing.CLAIMED) in receipts(live))
        assert EvidenceKind.PLAYING.value not in [kind for kind, _ in receipts(live)]


async def test_the_start_keeps_what_the_superior_said(tmp_path: Path) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        (line,) = await connected(ends.county, one)
        answer = await tell(ends, start())
        assert answer == BroadcastAnswer(WireCode.of(FRONT), WireEbmId.of(EBM), 0)
        await until(lambda: line.starts)
        body = line.starts[0].body
        assert (body.ebm_id.text, body.ebm_class, body.severity, body.volume) == (EBM, 4, 2, 66)  # type: ignore[union-attr]
        assert body.aux == (Auxiliary.stream("rtp://239.9.9.9:5000"),)  # type: ignore[union-attr]
        live = ends.county.state.messages[EBM]
        assert (live.message.headline, live.message.end.timestamp()) == ("请注意防范。", body.end)  # type: ignore[union-attr]


async def test_a_start_is_on_disk_before_it_is_answered(tmp_path: Path) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        await tell(ends, start())
        row = await ends.county.state.store.read(queries.message_by_id, EBM)
        assert row is not None and row.state == "active"


async def test_the_same_start_again_is_the_same_message(tmp_path: Path) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        (line,) = await connected(ends.county, one)
        body = start()
        raw = signed(ends, adapter.command(body))
        for _ in range(2):
            (answer,) = await say(ends.county.ports.front_end, raw)
            assert isinstance(answer.body, BroadcastAnswer) and answer.body.result == 0
        again = await tell(ends, body)
        assert isinstance(again, BroadcastAnswer) and again.result == 0
        await until(lambda: line.starts)
        assert list(ends.county.state.messages) == [EBM] and len(line.starts) == 1


async def test_codes_of_single_terminals_reach_nobody_else(tmp_path: Path) -> None:
    one, two = speaker(1), speaker(2)
    async with chain(tmp_path, one, two) as ends:
        lines = await connected(ends.county, one, two)
        await tell(ends, start(block=AddressBlock.logical([two.code])))
        await until(lambda: lines[1].starts)
        assert [code.code for code in lines[1].starts[0].targets] == [two.code]
        assert lines[0].starts == []
        physical = AddressBlock.physical([one.physical_address])
        await tell(ends, start("33505000000000103010101202611250043", physical))
        await until(lambda: lines[0].starts)
        assert [code.code for code in lines[0].starts[0].targets] == [one.code]
        # Named terminals say nothing of how many people of their village hear them.
        opened = await Books(ends.county.dispatch).open(EBM)
        snapshot = opened.book.snapshot(now(), Rule.FRACTION, opened.state)
        assert (snapshot.target.terminals, snapshot.target.population) == (1, 0)


async def test_a_stop_of_some_silences_them_alone_and_zeros_silence_all(tmp_path: Path) -> None:
    one, two = speaker(1), speaker(2)
    async with chain(tmp_path, one, two) as ends:
        lines = await connected(ends.county, one, two)
        await tell(ends, start())
        await until(lambda: all(line.starts for line in lines))
        stop = BroadcastStop(WireEbmId.of(EBM), AddressBlock.logical([one.code]))
        assert await tell(ends, stop) == BroadcastAnswer(WireCode.of(FRONT), WireEbmId.of(EBM), 0)
        await until(lambda: lines[0].stops)
        assert [code.code for code in lines[0].stops[0].targets] == [one.code]
        assert lines[1].stops == [] and ends.county.state.messages[EBM].state is MessageState.ACTIVE
        await tell(ends, BroadcastStop(WireEbmId.of("0" * 35), area_block()))
        await until(lambda: lines[1].stops)
        assert ends.county.state.messages[EBM].state is MessageState.CANCELLED


async def test_a_stop_of_what_is_not_known_is_done(tmp_path: Path) -> None:
    async with chain(tmp_path, speaker(1)) as ends:
        answer = await tell(ends, BroadcastStop(WireEbmId.of(EBM), area_block()))
        assert isinstance(answer, BroadcastAnswer) and answer.result == 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"start": 1, "end": 2}, "the end is past"),
        ({"ebm_class": 9}, "ebm_class 9"),
        ({"ebm_id": WireEbmId(b"\xfa" * 18)}, "no message id"),
        ({"volume": 101}, "volume"),
        ({"block": AddressBlock.logical([ResourceCode("63501020000000314010400")])}, "none of the codes"),
    ],
)
async def test_a_start_that_cannot_be_obeyed_is_failed_with_words(
    tmp_path: Path, change: dict[str, object], word: str
) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        (line,) = await connected(ends.county, one)
        block = change.pop("block", None)
        answer = await tell(ends, start(block=block, **change))  # type: ignore[arg-type]
        assert isinstance(answer, BroadcastAnswer)
        assert answer.result == 1 and word in answer.text
        assert ends.county.state.messages == {} and line.starts == []


async def test_codes_that_come_in_several_commands_widen_the_message(tmp_path: Path) -> None:
    one, two, three = speaker(1), speaker(2), speaker(3)
    async with chain(tmp_path, one, two, three) as ends:
        lines = await connected(ends.county, one, two)
        first = start(block=AddressBlock.logical([one.code]))
        second = replace(first, address=AddressBlock.logical([two.code, three.code]))
        for command in (first, second, second):
            answer = await tell(ends, command)
            assert isinstance(answer, BroadcastAnswer) and answer.result == 0
        await until(lambda: [len(line.starts) for line in lines] == [1, 1])
        # Whoever was named first hears nothing of those that came later.
        assert [line.starts[0].targets for line in lines] == [(WireCode.of(one.code),), (WireCode.of(two.code),)]
        (live,) = ends.county.state.messages.values()
        assert len(live.terminals) == 3
        (late,) = await connected(ends.county, three)
        await until(lambda: late.starts)
        stop = BroadcastStop(WireEbmId.of(EBM), AddressBlock.logical([one.code, two.code, three.code]))
        await tell(ends, stop)
        await until(lambda: all(line.stops for line in (*lines, late)))
        await until(lambda: live.state is MessageState.CANCELLED)


async def test_what_was_widened_is_known_after_a_restart(tmp_path: Path) -> None:
    one, two = speaker(1), speaker(2)
    async with chain(tmp_path, one, two) as ends:
        first = start(block=AddressBlock.logical([one.code]))
        await tell(ends, first)
        await tell(ends, replace(first, address=area_block()))
        folder = ends.county.settings.gateway.data_dir
        row, _ = await ends.county.dispatch.book(EBM)
        assert row.areas == (TOWN,) and row.targets["terminals"] == 2
    async with Gateway(settings_for(folder)) as gate:
        (live,) = gate.state.messages.values()
        assert (len(live.terminals), live.message.areas) == (2, (AreaCode(TOWN),))


@pytest.mark.parametrize("change", [{"event": "11B05"}, {"severity": 1}, {"ebm_class": 5}, {"volume": 3}])
async def test_the_same_id_with_another_content_is_refused_aloud(tmp_path: Path, change: dict[str, object]) -> None:
    one, two = speaker(1), speaker(2)
    async with chain(tmp_path, one, two) as ends:
        first = start(block=AddressBlock.logical([one.code]))
        await tell(ends, first)
        other = replace(first, address=AddressBlock.logical([two.code]), **change)  # type: ignore[arg-type]
        answer = await tell(ends, other)
        assert isinstance(answer, BroadcastAnswer) and answer.result == 1
        assert "superior_conflict" in alarms_of(ends.county)
        (live,) = ends.county.state.messages.values()
        assert len(live.terminals) == 1


@pytest.mark.parametrize("base", ["unix", "beijing"])
async def test_times_are_read_in_the_base_of_the_link(tmp_path: Path, base: str) -> None:
    one = speaker(1)
    async with chain(tmp_path, one, front={"time_base": base}, link={"time_base": base}) as ends:
        (line,) = await connected(ends.county, one)
        live = await ends.broadcast()
        await until(lambda: line.starts)
        assert line.starts[0].body.end == int(live.message.end.timestamp())  # type: ignore[union-attr]


async def test_a_time_base_that_differs_is_noticed_by_the_heartbeat(tmp_path: Path) -> None:
    async with chain(tmp_path, speaker(1), front={"time_base": "beijing"}) as ends:
        await until(lambda: ends.link.health.state is LinkState.DOWN)
        assert '"beijing"' in ends.link.health.detail


# -- the signature comes first


def _unsigned(_ends: Chain, packet: AdapterPacket) -> bytes:
    return adapter.build(packet)


def _foreign(ends: Chain, packet: AdapterPacket) -> bytes:
    return signed(ends, packet, default_provider().generate())


def _old(ends: Chain, packet: AdapterPacket) -> bytes:
    return signed(ends, packet, at=now() - 3600)


@pytest.mark.parametrize("made", [_unsigned, _foreign, _old])
async def test_what_the_superior_did_not_sign_now_does_nothing(
    tmp_path: Path, made: Callable[[Chain, AdapterPacket], bytes]
) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        (line,) = await connected(ends.county, one)
        for body in (start(), commands.VolumeSetting(1, area_block())):
            (answer,) = await say(ends.county.ports.front_end, made(ends, adapter.command(body)))
            assert isinstance(answer.body, AdapterAnswer) and answer.body.code == 4
        assert ends.county.state.messages == {} and line.heard == []


async def test_bad_frames_are_answered_by_code_and_change_nothing(tmp_path: Path) -> None:
    async with chain(tmp_path, speaker(1)) as ends:
        raw = signed(ends, adapter.command(start()))
        port = ends.county.ports.front_end
        (crc,) = await say(port, raw[:-1] + bytes([raw[-1] ^ 1]))
        assert crc.body == AdapterAnswer(-1, b"checksum")
        (head,) = await say(port, signed(ends, replace(adapter.command(start()), head=0x50)))
        assert head.body == AdapterAnswer(-1, b"answer_mismatch")
        for cut in range(0, len(raw), 7):
            assert await say(port, raw[:cut]) == []
        assert ends.county.state.messages == {}


async def test_without_a_trust_file_the_gateway_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="trust_file"):
        async with Gateway(settings_for(tmp_path, front_end={"enabled": True, "port": 0})):
            pass


# -- settings, queries, and what it tells of itself


def block(*terminals: object) -> AddressBlock:
    return AddressBlock.logical([one.code for one in terminals])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda b, _: commands.VolumeSetting(30, b), Parameter(tags.VOLUME, 30)),
        (lambda b, _: commands.AmplifierSwitch(2, b), Parameter(tags.SET_AMPLIFIER, 2)),
        (lambda b, _: commands.PeriodSetting(300, b), Parameter(tags.SET_RETURN_PERIOD, 300)),
        (
            lambda b, _: commands.RebackSetting(Reback.ipv4("10.0.0.1", 8889), b),
            Parameter(tags.RETURN_ADDRESS, ReturnAddress(1, "10.0.0.1", 8889)),
        ),
        (
            lambda b, _: commands.RebackSetting(Reback.domain("eb.example", 8889), b),
            Parameter(tags.RETURN_ADDRESS, ReturnAddress(2, "eb.example", 8889)),
        ),
        (
            lambda b, _: commands.RebackSetting(Reback.telephone("13800000000"), b),
            Parameter(tags.RETURN_ADDRESS, ReturnAddress(3, "13800000000")),
        ),
        (lambda _b, _: commands.ClockSetting(1_800_000_000), Parameter(tags.SET_CLOCK, 1_800_000_000)),
        (
            lambda _b, one: commands.NetworkSetting("10.0.0.9", "255.0.0.0", "10.0.0.1", 1, WireCode.of(one.code)),
            Parameter(tags.LOCAL_ADDRESS, LocalAddress("10.0.0.9", "255.0.0.0", "10.0.0.1")),
        ),
        (
            lambda _b, one: commands.CodeSetting(
                (commands.CodeAssignment(bytes.fromhex(one.physical_address), WireCode.of(FRONT)),)
            ),
            None,
        ),
    ],
)
async def test_settings_become_parameters_of_appendix_d(
    tmp_path: Path, made: Callable[..., Body], wanted: Parameter | None
) -> None:
    one, two = speaker(1), speaker(2, "350524100002")
    async with chain(tmp_path, one, two) as ends:
        lines = await connected(ends.county, one, two)
        body = made(block(one), one)
        answer = await tell(ends, body)
        assert isinstance(answer, AdapterAnswer) and answer.code == 0, answer
        if wanted is None:
            wanted = Parameter(
                tags.RESOURCE_CODE, ResourceCodeSetting(bytes.fromhex(one.physical_address), WireCode.of(FRONT))
            )
        assert lines[0].heard[0].body == ParameterSetting((wanted,))
        others = [packet.body for packet in lines[1].heard]
        assert others == ([ParameterSetting((wanted,))] if isinstance(body, commands.ClockSetting) else [])


async def test_certificates_go_on_to_all_terminals(tmp_path: Path) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        (line,) = await connected(ends.county, one)
        await ends.link.terminal_certificates((b"list",), (b"certificate",))
        assert line.heard[0].body == CertificateAuthorisation((b"list",), (b"certificate",))


async def test_settings_that_every_terminal_refuses_are_not_answered_as_done(tmp_path: Path) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        await connected(ends.county, one, answer_with=54)
        answer = await tell(ends, commands.VolumeSetting(30, block(one)))
        assert isinstance(answer, AdapterAnswer) and answer.code == -1
        assert answer.text.startswith("0/1")


async def test_the_citys_requests_travel_through_both_gateways(tmp_path: Path) -> None:
    one, two = speaker(1), speaker(2)
    async with chain(tmp_path, one, two) as ends:
        lines = await connected(ends.county, one, two)
        ask = Ask(parameters=(Parameter(tags.VOLUME, 44), Parameter(tags.SET_AMPLIFIER, 2)))
        done = await ends.city.dispatch.requests.ask(ends.city.dispatch.members(BOX), ask)
        assert [(d.status, d.standing) for d in done.devices] == [(DeviceStatus.DONE, Standing.CLAIMED)] * 2
        for line in lines:
            assert {packet.body for packet in line.heard} == {ParameterSetting((one_,)) for one_ in ask.parameters}


async def test_a_query_is_answered_and_the_values_travel_on(tmp_path: Path) -> None:
    one = speaker(1)
    port = free_port()
    async with chain(tmp_path, one, link={"return_address": f"127.0.0.1:{port}"}) as ends:
        (line,) = await connected(ends.county, one)
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.put_nowait(await reader.read())
            writer.close()

        server = await asyncio.start_server(answered, "127.0.0.1", port)
        try:
            known = tuple(ends.city.dispatch.members(BOX))
            errand = Errand(7, Command.QUERY, known, (one.code,), tags=(1,))
            carried = asyncio.create_task(ends.link.carry(await ends.link.make(errand)))
            await until(lambda: line.heard)
            packet = line.heard[0]
            assert packet.body == StatusQuery((1,))
            values = (Parameter(tags.VOLUME, 12),)
            said = feedback.report(packet.session, one.code, PLATFORM, QueryAnswer(0, b"", values), 2)
            await report(ends.county.ports.feedback, feedback.build(said))
            assert (await carried).error == ""
            async with asyncio.timeout(5):
                forwarded = feedback.parse(await heard.get())
        finally:
            server.close()
            await server.wait_closed()
        assert forwarded.source.code == one.code
        assert isinstance(forwarded.body, QueryAnswer) and forwarded.body.params == values


async def test_what_it_tells_of_itself(tmp_path: Path) -> None:
    one = speaker(1)
    async with chain(tmp_path, one) as ends:
        await connected(ends.county, one)
        assert [(o.id, o.type) for o in (await ends.link.output_channels()).outputs] == [(1, 4)]
        assert [(i.text, i.state) for i in (await ends.link.input_channels()).inputs] == [("平台", 1)]
        assert (await ends.link.records(now() - 60, now() + 60)).records == ()
        live = await ends.broadcast()
        await until(lambda: receipts(live))
        (record,) = (await ends.link.records(now() - 60, now() + 60)).records
        assert (record.ebm_id.text, record.state, record.severity) == (live.ebm_id, 2, 2)
        assert (await ends.link.records(now() - 60, now() + 60, task_type=1)).records == ()
        assert [(i.text, i.state) for i in (await ends.link.input_channels()).inputs] == [("平台", 2)]
        assert (await ends.link.input_channels(state=1)).inputs == ()
        assert (await ends.link.fault()).fault_type == 0
        ends.county.state.alarms.raise_("bus_gone", "x", "总线中断", AlarmLevel.CRITICAL)
        fault = await ends.link.fault()
        assert (fault.fault_type, fault.text) == (9, "bus_gone 总线中断")


@pytest.mark.parametrize(
    "body",
    [
        TsCommand(2, b""),
        RdsCommand(1, 12, 1, 100, (), b""),
        IpCommand(1, b""),
        commands.WhiteList((commands.WhiteListEntry(4, b"138", b"", 1, ()),)),
        commands.AdapterReback(Reback.ipv4("10.0.0.1", 0), 60),
        commands.AdapterReback(Reback.ipv4("10.0.0.1", 1), 0),
        commands.AdapterReback(Reback.telephone("138"), 60),
        RdsCommand(0, 0, 1, 100, (), b"\xff"),
        FrequencyLock(514_000, 6875, 2, AddressBlock.logical([speaker(1).code])),
        commands.AdapterCertificates((), (b"c",)),
        commands.FaultQuery(WireCode.of("43505240000000314010299")),
        commands.VolumeSetting(1, AddressBlock.logical([ResourceCode("63501020000000314010400")])),
        commands.TerminalQuery(Reback.telephone("138"), AddressBlock.logical([speaker(1).code]), (1,)),
    ],
)
async def test_what_it_cannot_do_it_says(tmp_path: Path, body: Body) -> None:
    async with chain(tmp_path, speaker(1)) as ends:
        with pytest.raises(AdapterRefusal) as caught:
            await ends.link.ask(body)
        assert caught.value.result == -1


async def test_the_superior_says_where_reports_go_and_that_outlives_a_restart(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.close()
        await writer.wait_closed()

    elsewhere = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = elsewhere.sockets[0].getsockname()[1]
    async with chain(tmp_path, front={"heartbeat_seconds": 0.05}) as ends:
        answer = await tell(ends, commands.AdapterReback(Reback.ipv4("127.0.0.1", port), 1))
        assert isinstance(answer, AdapterAnswer) and answer.code == 0
        await until(lambda: heard)
    heard.clear()
    async with chain(tmp_path):
        await until(lambda: heard)
    elsewhere.close()
    await elsewhere.wait_closed()


async def test_what_rds_and_transport_streams_have_a_word_for_goes_out_there(tmp_path: Path) -> None:
    cable = Route(RouteKind.TS, "head")
    radio = Route(RouteKind.RDS, "hill")
    one, two = replace(speaker(1), routes=(cable,)), replace(speaker(2), routes=(radio,))
    encoder: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            encoder.append(data)
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    links: dict[str, dict[str, object]] = {
        "head": {"kind": "ts", "medium": "cable", "host": "127.0.0.1", "port": free_port(socket.SOCK_DGRAM)},
        "hill": {"kind": "rds", "url": url, "form": "packets"},
    }
    async with chain(tmp_path, county={"links": links}) as ends:
        await ends.county.terminals.put((one, two), "test")
        await until(lambda: ends.county.state.bearers[radio].health.state is LinkState.UP)
        lock = FrequencyLock(514_000, 6875, 2, AddressBlock.logical([one.code]))
        answer = await tell(ends, lock)
        assert isinstance(answer, AdapterAnswer) and (answer.code, answer.text[:3]) == (0, "1/1")
        mode = CONTENTS[RdsType.MAINTAIN_MODE].build(MaintainMode(1, 60))
        command = RdsCommand(0, RdsType.MAINTAIN_MODE, 5, 100, (WireCode.of(two.code),), mode)
        answer = await tell(ends, command)
        assert isinstance(answer, AdapterAnswer) and (answer.code, answer.text[:3]) == (0, "1/1")
        await until(lambda: mode in b"".join(encoder))
        # The transport stream has no word for it.
        answer = await tell(ends, replace(command, codes=(WireCode.of(one.code),)))
        assert isinstance(answer, AdapterAnswer) and answer.code == -1
    server.close()
    await server.wait_closed()


# -- reports


async def test_reports_wait_for_a_superior_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.upstream.front_end.reporter._AGAIN_FIRST", 0.01)
    one = speaker(1)
    async with chain(tmp_path, one, front={"platform_port": 1, "answer_seconds": 0.1, "tries": 1}) as ends:
        await connected(ends.county, one)
        live = await ends.broadcast()
        await until(lambda: ends.theirs(live))
        await report(ends.county.ports.feedback, task_report(one, live.ebm_id, 1, now()))
        await until(lambda: "superior_unreachable" in alarms_of(ends.county))
        assert ("playing", Standing.CLAIMED) not in receipts(live)
        front = ends.county.front_end
        assert front is not None
        front.reporter.exchange = replace(front.reporter.exchange, port=ends.city.ports.adapters)
        await until(lambda: ("playing", Standing.CLAIMED) in receipts(live))
        await until(lambda: "superior_unreachable" not in alarms_of(ends.county))


# -- TLS between city and county, both ways


@pytest.fixture
def tls(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "tls"
    folder.mkdir()
    for source in (Path(__file__).parents[1] / "security" / "tls").iterdir():
        shutil.copyfile(source, folder / source.name)
        (folder / source.name).chmod(0o600)
    return {source.stem + source.suffix: source for source in folder.iterdir()}


async def test_commands_and_reports_go_over_tls_with_certificates_of_both(tmp_path: Path, tls: dict[str, Path]) -> None:
    one = speaker(1)
    served = {"certificate": tls["server.pem"], "key": tls["server.key"], "client_ca": tls["ca.pem"]}
    called = {"enabled": True, "ca": tls["ca.pem"], "name": "localhost"}
    called |= {"certificate": tls["client.pem"], "key": tls["client.key"]}
    async with chain(
        tmp_path, one, front={"tls": served, "platform_tls": called}, link={"tls": called}, reports={"tls": served}
    ) as ends:
        (line,) = await connected(ends.county, one)
        live = await ends.broadcast()
        await until(lambda: line.starts)
        await report(ends.county.ports.feedback, task_report(one, live.ebm_id, 1, now()))
        await until(lambda: ("playing", Standing.CLAIMED) in receipts(live))


@pytest.mark.parametrize("wrong", ["ca", "name", "certificate"])
async def test_a_peer_that_cannot_show_who_it_is_gets_no_command(
    tmp_path: Path, tls: dict[str, Path], wrong: str
) -> None:
    one = speaker(1)
    served = {"certificate": tls["server.pem"], "key": tls["server.key"], "client_ca": tls["ca.pem"]}
    called: dict[str, object] = {"enabled": True, "ca": tls["ca.pem"], "name": "localhost"}
    called |= {"certificate": tls["client.pem"], "key": tls["client.key"]}
    if wrong == "ca":
        called["ca"] = tls["client.pem"]
    elif wrong == "name":
        called["name"] = "elsewhere.example"
    else:
        del called["certificate"], called["key"]
    async with chain(tmp_path, one, front={"tls": served}, link={"tls": called}) as ends:
        (line,) = await connected(ends.county, one)
        await ends.broadcast()
        await until(lambda: ends.link.health.state is LinkState.DOWN)
        assert line.starts == [] and ends.county.state.messages == {}
