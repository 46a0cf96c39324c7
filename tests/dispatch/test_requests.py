"""Remote settings and queries over every route: one status for the whole request and one for each device."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.devices.events import Known
from gateway.dispatch.requests import Ask, DeviceStatus, RequestReport, RequestStatus
from gateway.domain.ladder import Standing
from gateway.domain.receiver import IP_ROUTE, Terminal
from gateway.errors import InvalidValueError
from gateway.protocols import feedback, ip
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.ip_bodies import CertificateAuthorisation, ParameterSetting, StatusQuery
from gateway.protocols.parameters import VOLUME, Parameter
from gateway.store import queries
from tests.adapterkit import BOX, behind, pair
from tests.devices.harness import report_beat
from tests.dispatch.lines import Line
from tests.dispatch.test_routes import BUS, BUS2, HILL, gateway_with, on
from tests.gatewaykit import PLATFORM, BareTerminal, Gateway, report, until

LOUD = Ask(parameters=(Parameter(VOLUME, 70),))
STATE = Ask(tags=(1, 6))


def known(gate: Gateway, *terminals: Terminal) -> list[Known]:
    found = [gate.dispatch.find(str(one.code)) for one in terminals]
    return [one for one in found if one is not None]


def statuses(done: RequestReport) -> list[DeviceStatus]:
    return [device.status for device in done.devices]


async def test_connected_terminals_are_set_by_one_frame_and_answer(tmp_path: Path) -> None:
    one, two = on(IP_ROUTE, number=1), on(IP_ROUTE, number=2)
    async with gateway_with(tmp_path, one, two) as (gate, _):
        lines = [await BareTerminal.connect(gate.ports.terminals, each) for each in (one, two)]
        done = await gate.dispatch.requests.ask(known(gate, one, two), LOUD)
        assert (done.status, statuses(done)) == (RequestStatus.DONE, [DeviceStatus.DONE] * 2)
        assert {device.standing for device in done.devices} == {Standing.PROVEN}
        assert lines[0].raw == lines[1].raw
        (packet,) = lines[0].heard
        assert packet.body == ParameterSetting(LOUD.parameters)
        assert [code.code for code in packet.targets] == [one.code, two.code]
        (order,) = {device.order for device in done.devices}
        assert order == packet.session
        assert gate.dispatch.requests._under == {}


async def test_a_refusal_is_an_answer_and_the_next_route_is_not_asked(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        await BareTerminal.connect(gate.ports.terminals, one, answer_with=54)
        done = await gate.dispatch.requests.ask(known(gate, one), LOUD)
        assert [(d.status, d.code, d.route) for d in done.devices] == [(DeviceStatus.REFUSED, 54, IP_ROUTE)]
        assert done.status is RequestStatus.FAILED
        assert lines[BUS].errands == []


async def test_silence_on_one_route_leads_to_the_next(tmp_path: Path) -> None:
    one = on(IP_ROUTE, BUS, BUS2)
    async with gateway_with(tmp_path, one) as (gate, lines):
        mute = await BareTerminal.connect(gate.ports.terminals, one, answer_with=None)
        lines[BUS].broken = "port gone"
        done = await gate.dispatch.requests.ask(known(gate, one), LOUD)
        assert [(d.status, d.route) for d in done.devices] == [(DeviceStatus.DONE, BUS2)]
        assert len(mute.heard) == gate.state.policy.retry.same_frame_tries
        assert len({packet.session for packet in mute.heard}) == 1


async def test_each_device_has_its_own_status(tmp_path: Path) -> None:
    good, mute, no, gone = (on(BUS, number=n) for n in (1, 2, 3, 4))
    gone = replace(gone, routes=(IP_ROUTE,))
    async with gateway_with(tmp_path, good, mute, no, gone) as (gate, lines):
        ids = {one.terminal.code: one.id for one in known(gate, good, mute, no, gone)}
        lines[BUS].mute.add(ids[mute.code])
        lines[BUS].refusing[ids[no.code]] = 54
        done = await gate.dispatch.requests.ask(known(gate, good, mute, no, gone), LOUD)
        assert statuses(done) == [
            DeviceStatus.DONE, DeviceStatus.SILENT, DeviceStatus.REFUSED, DeviceStatus.UNREACHABLE,
        ]  # fmt: skip
        assert done.status is RequestStatus.PARTIAL


async def test_a_one_way_link_is_sent_and_an_unsupported_word_is_said_so(tmp_path: Path) -> None:
    air, box = on(HILL, number=1), behind(2)
    async with gateway_with(tmp_path, air, box) as (gate, lines):

        def no_word(_errand: object) -> None:
            raise InvalidValueError("volume", 70, "no word for it")

        lines[BOX].on_make = no_word
        done = await gate.dispatch.requests.ask(known(gate, air, box), LOUD)
        assert (done.devices[0].status, done.devices[0].standing) == (DeviceStatus.SENT, Standing.SENT)
        assert done.devices[1].status is DeviceStatus.UNSUPPORTED
        assert "no word" in done.devices[1].detail


async def test_a_query_is_done_with_its_values_and_acknowledged_without(tmp_path: Path) -> None:
    one, two = on(IP_ROUTE, number=1), on(IP_ROUTE, number=2)
    async with gateway_with(tmp_path, one, two) as (gate, _):
        lines = [await BareTerminal.connect(gate.ports.terminals, each) for each in (one, two)]
        asking = asyncio.create_task(gate.dispatch.requests.ask(known(gate, one, two), STATE))
        await until(lambda: lines[0].heard)
        packet = lines[0].heard[0]
        assert packet.body == StatusQuery((1, 6))
        values = (Parameter(VOLUME, 55),)
        answer = feedback.report(packet.session, one.code, PLATFORM, QueryAnswer(0, b"", values), 2)
        await report(gate.ports.feedback, feedback.build(answer))
        done = await asking
        assert [(d.status, d.values) for d in done.devices] == [
            (DeviceStatus.DONE, values),
            (DeviceStatus.ACKNOWLEDGED, ()),
        ]
        # Who said yes already is not asked again.
        assert len(lines[1].heard) == 1


async def test_values_may_come_by_return_after_a_query_over_a_one_way_link(tmp_path: Path) -> None:
    one, mute = on(HILL, number=1), on(HILL, number=2)
    async with gateway_with(tmp_path, one, mute) as (gate, lines):
        (silent,) = statuses(await gate.dispatch.requests.ask(known(gate, mute), STATE))
        assert silent is DeviceStatus.SENT
        gate.state.policy = replace(gate.state.policy, answer_seconds=30.0)
        asking = asyncio.create_task(gate.dispatch.requests.ask(known(gate, one), STATE))
        await until(lambda: len(lines[HILL].errands) == 2)
        # A receiver on the air knows no session of ours.
        values = (Parameter(VOLUME, 55),)
        answer = feedback.build(feedback.report(9, one.code, PLATFORM, QueryAnswer(0, b"", values), 2))
        await report(gate.ports.feedback, report_beat(one), answer)
        (device,) = (await asking).devices
        assert (device.status, device.values, device.standing) == (DeviceStatus.DONE, values, Standing.PROVEN)


async def test_certificates_travel_as_0x17(tmp_path: Path) -> None:
    one = on(IP_ROUTE)
    content = CertificateAuthorisation((b"list",), (b"certificate",))
    async with gateway_with(tmp_path, one) as (gate, _):
        line = await BareTerminal.connect(gate.ports.terminals, one)
        done = await gate.dispatch.requests.ask(known(gate, one), Ask(certificates=content))
        assert done.status is RequestStatus.DONE
        assert line.heard[0].body == content


async def test_the_order_is_committed_before_its_frame_leaves(tmp_path: Path) -> None:
    one = on(BUS)
    async with gateway_with(tmp_path, one) as (gate, lines):
        lines[BUS].hold = hold = asyncio.Event()
        asking = asyncio.create_task(gate.dispatch.requests.ask(known(gate, one), LOUD))
        await until(lambda: gate.dispatch.requests._under)
        (session,) = gate.dispatch.requests._under
        order = await gate.state.store.read(queries.order_by_session, session)
        assert order is not None and (order.command, order.ebm_id) == ("set", None)
        assert lines[BUS].errands == []
        hold.set()
        await asking
        assert ip.parse(lines[BUS].errands[0].frame).session == session


async def test_a_bearer_that_breaks_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = on(BUS)

    async def broken(_line: Line, _parcel: object) -> None:
        raise RuntimeError("boom")

    async with gateway_with(tmp_path, one) as (gate, _):
        monkeypatch.setattr(Line, "carry", broken)
        (device,) = (await gate.dispatch.requests.ask(known(gate, one), LOUD)).devices
        assert (device.status, device.detail) == (DeviceStatus.UNREACHABLE, "RuntimeError: boom")


async def test_a_real_adapter_answers_for_its_terminals(tmp_path: Path) -> None:
    async with pair(tmp_path, behind(1), behind(2)) as ends:
        found = ends.gate.dispatch.members(BOX)
        done = await ends.gate.dispatch.requests.ask(found, LOUD)
        assert [(d.status, d.standing) for d in done.devices] == [(DeviceStatus.DONE, Standing.CLAIMED)] * 2
        assert [one.settings for one in ends.adapter.device.terminals] == [{"VolumeSetting": 70}] * 2
        certificates = await ends.gate.dispatch.requests.ask(
            found, Ask(certificates=CertificateAuthorisation((), (b"c",)))
        )
        assert certificates.status is RequestStatus.DONE


@pytest.mark.parametrize("what", [{}, {"tags": (1,), "parameters": LOUD.parameters}])
def test_a_request_asks_one_thing(what: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(InvalidValueError):
        Ask(**what)  # type: ignore[arg-type]


def test_nobody_named_is_no_success() -> None:
    assert RequestReport(()).status is RequestStatus.FAILED
