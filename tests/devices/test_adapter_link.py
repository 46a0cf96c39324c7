"""The platform's side of appendix A against the adapter that ships: every command, every fault, what is claimed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from emulator.adapter_faults import AdapterFaults
from emulator.journal import Event
from gateway.devices.adapter_answers import AdapterRefusal
from gateway.devices.bearer import Errand, ErrandUnsupported, LinkState
from gateway.dispatch.live import Phase, Sent
from gateway.domain.ladder import Authenticity, Standing, StopRung
from gateway.domain.message import Command
from gateway.domain.orders import Receipt
from gateway.domain.receiver import TimeBase
from gateway.errors import (
    AnswerMismatch,
    ChecksumMismatch,
    GatewayError,
    IncompleteFrame,
    LinkError,
    SignatureInvalid,
    SignatureMissing,
    UnknownCertificate,
)
from gateway.protocols import adapter, feedback
from gateway.protocols import adapter_commands as commands
from gateway.protocols import parameters as tags
from gateway.protocols.adapter_answers import FaultDetail
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop
from gateway.protocols.adapter_results import ReturnCode
from gateway.protocols.adapter_special import FrequencyLock, IpCommand, RdsCommand, TsCommand
from gateway.protocols.fields import WireCode
from gateway.protocols.parameters import LocalAddress, Parameter, ResourceCodeSetting, ReturnAddress
from gateway.protocols.signature import UnsignedForm
from tests.adapterkit import BOX, FRONT, Pair, behind, now, pair, receipts, say
from tests.gatewaykit import alarms_of, keep_reference, until
from tests.ports import free_port

LOCAL = "10.0.0.9"


@pytest.fixture(autouse=True)
def reference_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_reference(monkeypatch)


def heard(ends: Pair, kind: type) -> list[object]:
    return [packet.body for packet in ends.adapter.tally.heard if isinstance(packet.body, kind)]


def errand(ends: Pair, command: Command, **more: object) -> Errand:
    known = tuple(ends.gate.dispatch.members(BOX))
    return Errand(77, command, known, tuple(one.terminal.code for one in known), **more)  # type: ignore[arg-type]


# -- broadcasts


async def test_a_warning_is_started_claimed_reported_and_stopped(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), behind(2)) as ends:
        live = await ends.broadcast()
        claimed = [("acknowledged", Standing.CLAIMED)] * 2 + [("playing", Standing.CLAIMED)] * 2
        await until(lambda: receipts(live) == claimed)
        (start,) = heard(ends, BroadcastStart)
        assert isinstance(start, BroadcastStart)
        assert (start.ebm_id.text, start.ebm_class, start.event, start.severity) == (live.ebm_id, 4, "11B03", 2)
        times = (live.message.start.timestamp(), live.message.end.timestamp())
        assert (start.start, start.end) == tuple(map(int, times))
        (language,) = start.languages
        assert language.words(language.text) == "请注意防范。"
        assert [(aux.kind, aux.text) for aux in language.aux] == [(61, live.message.programme_url)]
        assert ends.link.health.state is LinkState.UP
        assert {e.authenticity for e in live.log if isinstance(e, Receipt)} == {Authenticity.SIGNATURE.value}

        await ends.gate.dispatch.cancel(live.ebm_id, "operator", "all clear")
        await until(lambda: ("task_ended", Standing.CLAIMED) in receipts(live))
        (stop,) = heard(ends, BroadcastStop)
        assert isinstance(stop, BroadcastStop) and stop.ebm_id == start.ebm_id
        assert ("stop_claimed", Standing.CLAIMED) in receipts(live)
        # An adapter's yes is no proof that its terminals are silent.
        assert set(live.stop) == {StopRung.SENT}
        assert "stop_unconfirmed" not in alarms_of(ends.gate)


async def test_a_claim_never_passes_for_the_terminals_own_word(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await ends.broadcast()
        await until(lambda: len(receipts(live)) == 2)
        assert Phase(live.phase[0]) is Phase.WAITING
        assert [e.route for e in live.log if isinstance(e, Sent)] == [BOX]


async def test_an_adapter_that_fails_the_start_refuses_it(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), faults=AdapterFaults(refuse=True)) as ends:
        live = await ends.broadcast()
        await until(lambda: "no_route_left" in alarms_of(ends.gate))
        await until(lambda: ("refused", Standing.CLAIMED) in receipts(live))
        assert ends.adapter.device.tasks == {}


async def test_more_than_255_codes_are_several_commands_of_one_message(tmp_path: Path) -> None:
    some = [behind(n) for n in range(1, 100)]
    async with pair(tmp_path, *some) as ends:
        codes = tuple(one.code for one in some) * 4
        live = await ends.broadcast()
        await until(lambda: len(receipts(live)) == 2 * len(some))
        many = Errand(78, Command.START, tuple(ends.gate.dispatch.members(BOX)), codes, live.message)
        parcel = await ends.link.make(many)
        assert [len(adapter.parse(f).body.address.codes) for f in parcel.frames] == [255, 141]  # type: ignore[union-attr]
        assert len(set(parcel.frames)) == 2
        assert (await ends.link.carry(parcel)).refused == {}


async def test_a_start_that_is_not_wanted_any_more_never_leaves(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        live = await ends.broadcast(start_in=3000)
        parcel = await ends.link.make(errand(ends, Command.START, message=live.message, void=lambda: True))
        assert (await ends.link.carry(parcel)).error
        assert heard(ends, BroadcastStart) == []


# -- settings and queries


@pytest.mark.parametrize(
    ("parameter", "wanted"),
    [
        (Parameter(tags.VOLUME, 60), {"VolumeSetting": 60}),
        (Parameter(tags.SET_AMPLIFIER, 2), {"AmplifierSwitch": 2}),
        (Parameter(tags.SET_RETURN_PERIOD, 90), {"PeriodSetting": 90}),
        (Parameter(tags.SET_CLOCK, 1_800_000_000), {"ClockSetting": 1_800_000_000}),
        (Parameter(tags.LOCAL_ADDRESS, LocalAddress(LOCAL, "255.0.0.0", "10.0.0.1")), {"NetworkSetting": LOCAL}),
        (Parameter(tags.RETURN_ADDRESS, ReturnAddress(1, "10.0.0.1", 8889)), {"RebackSetting": "10.0.0.1:8889"}),
        (Parameter(tags.RETURN_ADDRESS, ReturnAddress(2, "eb.example", 8889)), {"RebackSetting": "eb.example:8889"}),
        (Parameter(tags.RETURN_ADDRESS, ReturnAddress(3, "13800000000")), {"RebackSetting": "13800000000"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", ["unix", "beijing"])
async def test_settings_reach_the_terminals(
    tmp_path: Path, parameter: Parameter, wanted: dict[str, object], base: str
) -> None:
    async with pair(tmp_path, behind(1), link={"time_base": base}, base=TimeBase(base)) as ends:
        done = await ends.link.carry(await ends.link.make(errand(ends, Command.SET, parameters=(parameter,))))
        assert (done.error, done.silent, done.refused) == ("", frozenset(), {})
        assert ends.adapter.device.terminals[0].settings == wanted


async def test_a_resource_code_is_set_by_physical_address(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        value = ResourceCodeSetting(b"\x12\x34", WireCode.of("63505241000010314010409"))
        parameter = Parameter(tags.RESOURCE_CODE, value)
        await ends.link.carry(await ends.link.make(errand(ends, Command.SET, parameters=(parameter,))))
        (setting,) = heard(ends, commands.CodeSetting)
        assert setting == commands.CodeSetting((commands.CodeAssignment(value.physical, value.code),))


@pytest.mark.parametrize("parameter", [Parameter(200, b"\x01"), Parameter(tags.RESOURCE_CODE, WireCode.of(FRONT))])
async def test_what_appendix_a_cannot_say_is_for_another_route(tmp_path: Path, parameter: Parameter) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        with pytest.raises(ErrandUnsupported):
            await ends.link.make(errand(ends, Command.SET, parameters=(parameter,)))
        with pytest.raises(ErrandUnsupported, match="return_address"):
            await ends.link.make(errand(ends, Command.QUERY, tags=(1,)))


async def test_a_query_is_answered_by_the_terminals_themselves(tmp_path: Path) -> None:
    port = free_port()
    async with pair(tmp_path, behind(1), link={"return_address": f"127.0.0.1:{port}"}) as ends:
        got: list[bytes] = []
        done = asyncio.Event()

        async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.append(await reader.read())
            writer.close()
            done.set()

        server = await asyncio.start_server(answered, "127.0.0.1", port)
        try:
            await ends.link.carry(await ends.link.make(errand(ends, Command.QUERY, tags=(1,))))
            async with asyncio.timeout(5):
                await done.wait()
        finally:
            server.close()
            await server.wait_closed()
        packet = feedback.parse(got[0])
        assert packet.source.code == behind(1).code


# -- the adapter itself


async def test_every_question_to_the_adapter_itself(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        link = ends.link
        live = await ends.broadcast()
        await until(lambda: len(receipts(live)) == 2)
        assert (await link.output_channels()).front_code.code == FRONT
        assert [one.text for one in (await link.input_channels()).inputs] == ["平台"]
        assert [one.ebm_id.text for one in (await link.records(now() - 60, now() + 60)).records] == [live.ebm_id]
        assert (await link.records(now() - 60, now() + 60, task_type=0, ebm_id=live.message.ebm_id)).records
        assert (await link.records(0, 1)).records == ()
        assert (await link.fault()).fault_type == 0
        entries = [commands.WhiteListEntry(1, b"138", b"", 3, ()) for _ in range(300)]
        await link.update_white_list(entries)
        await link.report_to("10.0.0.1:8799", 60)
        await link.terminal_certificates((b"list",), (b"certificate",))
        await link.certificates((b"list",), (b"certificate",))
        await link.lock_frequency(355_000, 6875, 2, [behind(1).code])
        await link.ts(TsCommand(2, b"daily"))
        await link.rds(RdsCommand(1, 12, 3, 100, (WireCode.of(behind(1).code),), b"\x01"))
        await link.ip(IpCommand(1, b""))
        lists = [body for body in heard(ends, commands.WhiteList) if isinstance(body, commands.WhiteList)]
        assert [len(body.entries) for body in lists] == [255, 45]
        for kind in (
            TsCommand,
            RdsCommand,
            IpCommand,
            FrequencyLock,
            commands.AdapterReback,
            commands.AdapterCertificates,
        ):
            assert len(heard(ends, kind)) == 1, kind


async def test_an_answer_of_an_error_is_named(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        ends.adapter.settings = replace(ends.adapter.settings, keys={})
        with pytest.raises(AdapterRefusal) as caught:
            await ends.link.fault()
        assert caught.value.result == ReturnCode.SIGNATURE_REFUSED
        assert ends.link.health.state is LinkState.UP
        live = await ends.broadcast()
        await until(lambda: ("refused", Standing.CLAIMED) in receipts(live))
        assert ends.adapter.device.tasks == {}


# -- faults: a distinct error, the link goes on, no delivery changes


FAULTS: list[tuple[AdapterFaults, type[GatewayError]]] = [
    (AdapterFaults(other_message=True), AnswerMismatch),
    (AdapterFaults(corrupt=True), ChecksumMismatch),
    (AdapterFaults(wrong_key=True), SignatureInvalid),
    (AdapterFaults(half_open=True), LinkError),
    (AdapterFaults(silent=True), LinkError),
    (AdapterFaults(cut_after=40), IncompleteFrame),
]


@pytest.mark.parametrize(("faults", "error"), FAULTS, ids=lambda one: getattr(one, "__name__", ""))
async def test_each_fault_is_an_error_of_its_own_and_the_link_goes_on(
    tmp_path: Path, faults: AdapterFaults, error: type[GatewayError]
) -> None:
    async with pair(tmp_path, behind(1), faults=faults, link={"answer_seconds": 0.1}) as ends:
        with pytest.raises(error):
            await ends.link.fault()
        live = await ends.broadcast()
        if ends.link.health.state is LinkState.DOWN:
            await until(lambda: live.ways.adrift())
        else:
            await until(lambda: ("silent", Standing.PROVEN) in receipts(live))
        # Where it took the start all the same, its own report of the task is the only thing that may count.
        assert {kind for kind, _ in receipts(live)} <= {"silent", "playing"}
        ends.adapter.faults = AdapterFaults()
        assert isinstance(await ends.link.fault(), FaultDetail)
        assert ends.link.health.state is LinkState.UP
        second = await ends.broadcast("w2")
        await until(lambda: ("acknowledged", Standing.CLAIMED) in receipts(second))


async def test_an_answer_cut_at_every_offset_is_no_answer(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), link={"tries": 1}) as ends:
        whole = len(adapter.build(adapter.report(FaultDetail(ends.link.front, 0))))
        for cut in range(whole):
            ends.adapter.faults = AdapterFaults(cut_after=cut)
            with pytest.raises((IncompleteFrame, LinkError) if cut else LinkError):
                await ends.link.fault()
        ends.adapter.faults = AdapterFaults(cut_after=whole)
        assert (await ends.link.fault()).fault_type == 0


async def test_a_storm_of_bad_answers_is_logged_once(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), faults=AdapterFaults(other_message=True), link={"tries": 1}) as ends:
        with structlog.testing.capture_logs() as logs:
            live = await ends.broadcast()
            await until(lambda: ("silent", Standing.PROVEN) in receipts(live))
            for _ in range(50):
                await ends.link.probe()
                await ends.link.carry(await ends.link.make(errand(ends, Command.START, message=live.message)))
        assert len([entry for entry in logs if entry.get("code") == "answer_mismatch"]) == 1
        assert ends.link.health.state is LinkState.UP


async def test_an_answer_that_comes_on_the_second_try_is_one_claim(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), faults=AdapterFaults(cut_after=5), link={"tries": 10}) as ends:
        carrying = asyncio.create_task(ends.broadcast())
        await until(lambda: len(ends.adapter.tally.heard) >= 2)
        ends.adapter.faults = AdapterFaults()
        live = await carrying
        await until(lambda: len(receipts(live)) == 2)
        assert receipts(live).count(("acknowledged", Standing.CLAIMED)) == 1
        assert [e.terminals.tolist() for e in live.log if isinstance(e, Sent)] == [[1]]
        playing = [e for _, e in ends.adapter.journal.entries() if e.event is Event.PLAYING]
        assert len(playing) == 1


async def test_a_link_that_is_down_gives_over_and_comes_back(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        await ends.adapter.close()
        live = await ends.broadcast()
        await until(lambda: "no_route_left" in alarms_of(ends.gate) and "link_down" in alarms_of(ends.gate))
        assert not [entry for entry in live.log if isinstance(entry, Sent)]
        ends.adapter.settings = replace(ends.adapter.settings, port=ends.adapter.port)
        await ends.adapter.start()
        assert (await ends.link.probe()).state is LinkState.UP
        await until(lambda: ("playing", Standing.CLAIMED) in receipts(live))
        assert "link_down" not in alarms_of(ends.gate)


# -- signatures


async def test_zero_signatures_are_read_as_claims_by_address(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), faults=AdapterFaults(zero_signature=True)) as ends:
        live = await ends.broadcast()
        await until(lambda: len(receipts(live)) == 2)
        assert {e.authenticity for e in live.log if isinstance(e, Receipt)} == {Authenticity.ADDRESS.value}


async def test_zero_signatures_are_refused_where_the_policy_says_so(tmp_path: Path) -> None:
    link = {"zero_signatures": "refuse"}
    async with pair(tmp_path, behind(1), faults=AdapterFaults(zero_signature=True), link=link) as ends:
        with pytest.raises(SignatureMissing):
            await ends.link.fault()
        (answer,) = await say(ends.gate.ports.adapters, adapter.build(adapter.report(ends.adapter.beat())))
        assert answer.body.code == 4  # type: ignore[union-attr]


async def test_a_certificate_that_nobody_registered_is_refused_by_the_same_policy(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), trusted=False, link={"zero_signatures": "refuse"}) as ends:
        with pytest.raises(UnknownCertificate):
            await ends.link.fault()


async def test_every_request_is_signed_by_the_platform(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1)) as ends:
        await ends.broadcast()
        await ends.link.fault()
        await until(lambda: len(ends.adapter.tally.heard) == 2)
        assert ends.adapter.tally.refused == 0
        assert all(packet.signature is not None for packet in ends.adapter.tally.heard)


def test_an_unsigned_form_is_told_apart() -> None:
    assert adapter.report(FaultDetail(WireCode.of(FRONT), 0), UnsignedForm.ZERO_LENGTH).form == "none"
