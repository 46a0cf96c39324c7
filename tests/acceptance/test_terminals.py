"""F.4, F.5, F.6: emulated FM, TS and IP terminals behind our gateway as adapter; what all three kinds have alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.journal import Event
from gateway.domain.codes import ResourceCode
from gateway.domain.warning import Severity
from gateway.protocols import adapter_commands as commands
from gateway.protocols import parameters as tags
from gateway.protocols.adapter_address import Reback
from gateway.protocols.adapter_answers import AdapterAnswer
from gateway.protocols.adapter_types import Body
from gateway.protocols.fields import WireCode
from gateway.security.keys import load_key_file
from gateway.security.sm2 import default_provider
from tests.acceptance.analyser import Passed
from tests.acceptance.bench import VOLUME, Bench, bench, block
from tests.acceptance.forger import forgeries
from tests.acceptance.media import Kind
from tests.acceptance.table import by
from tests.gatewaykit import until

NUMBERS = {Kind.RDS: "F.4", Kind.TS: "F.5", Kind.IP: "F.6"}
#: How the analyser names a start, a setting and a query at each output.
STARTS = {Kind.RDS: "start", Kind.TS: "index", Kind.IP: "start"}
SETTINGS = {Kind.RDS: "set", Kind.TS: "configuration", Kind.IP: "set"}
QUERIES = {Kind.RDS: "query", Kind.TS: "configuration", Kind.IP: "query"}
NEW_CODE = ResourceCode("63505241000020314010477")


def each(*numbers: str, but: dict[Kind, list[str]] | None = None) -> pytest.MarkDecorator:
    """The same measurement at three kinds of terminals, by the last figure of its number."""
    rows = {kind: [f"{number}.{last}" for last in numbers] for kind, number in NUMBERS.items()}
    return by("kind", {**rows, **(but or {})})


def messages(on: Bench) -> list[str]:
    """EBM ids that the output began with, in their order; all of them right and signed."""
    found = [one for one in on.output.of(STARTS[on.kind]) if one.is_right and one.is_signed]
    if on.kind is Kind.TS:
        ids = [entry["ebm_id"] for one in found for entry in one.fields["messages"]]
    else:
        ids = [one.fields["ebm_id"] for one in found]
    return list(dict.fromkeys(ids))


def command_type(one: Passed, kind: Kind) -> tuple[int, ...]:
    """What the text names a frame by: type 085; table and tag 086; service type and tags D."""
    if kind is Kind.RDS:
        return (one.fields["packet_type"],)
    if kind is Kind.TS:
        return (one.fields["table_id"], *(command["tag"] for command in one.fields.get("commands", ())))
    return (one.fields["service_type"], *(param["tag"] for param in one.fields.get("params", ())))


@each("1 c", "1 d")
async def test_reception(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        live = await on.command()
        await until(lambda: live.ebm_id in messages(on))
        begun = next(one for one in on.output.of(STARTS[kind]) if live.ebm_id in str(one.fields))
        assert command_type(begun, kind) == {Kind.RDS: (11,), Kind.TS: (0xFD,), Kind.IP: (0x01,)}[kind]
        if kind is Kind.IP:
            assert begun.raw.startswith(b"\xfe\xfd")
        await until(lambda: on.plays(0) == live.ebm_id)
        # The text also wants the stop (开/停播).
        await on.stop(live)
        await until(lambda: on.plays(0) is None)
        assert on.journal(0, Event.PLAYING, Event.STOPPED) == [("playing", live.ebm_id), ("stopped", live.ebm_id)]


async def set_over_adapter(on: Bench, body: Body) -> Passed:
    """The test system sets something; returns the one frame that the adapter makes of it."""
    answer = await on.ask(body)
    assert isinstance(answer, AdapterAnswer) and answer.code == 0, answer
    (made,) = await on.put_out(SETTINGS[on.kind])
    return made


@each("2")
async def test_resource_code(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        one, device = on.terminals[0], on.line(0).terminal.device
        assignment = commands.CodeAssignment(bytes.fromhex(one.physical_address), WireCode.of(NEW_CODE))
        made = await set_over_adapter(on, commands.CodeSetting((assignment,)))
        assert command_type(made, kind) == {Kind.RDS: (1,), Kind.TS: (0xFB, 2), Kind.IP: (0x12, 4)}[kind]
        await until(lambda: device.code == NEW_CODE)
        assert on.line(1).terminal.device.code == on.terminals[1].code


@each("3")
async def test_volume(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        made = await set_over_adapter(on, commands.VolumeSetting(VOLUME, block(on.terminals[0])))
        assert command_type(made, kind) == {Kind.RDS: (23,), Kind.TS: (0xFB, 6), Kind.IP: (0x12, 1)}[kind]
        await until(lambda: on.line(0).terminal.device.volume == VOLUME)
        assert on.line(1).terminal.device.volume != VOLUME


@by("kind", {Kind.IP: ["F.6.5"]})
async def test_address(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        code = WireCode.of(on.terminals[0].code)
        made = await set_over_adapter(on, commands.NetworkSetting("10.0.0.9", "255.0.0.0", "10.0.0.1", 1, code))
        assert command_type(made, kind) == (0x12, 2)
        await until(lambda: on.line(0).terminal.device.local_address.ip == "10.0.0.9")
        assert on.line(0).terminal.device.local_address.gateway == "10.0.0.1"
        assert on.journal(1, Event.SET_RECEIVED) == []


@each("4")
async def test_priority(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        low = await on.command("low", severity=Severity.BLUE)
        await until(lambda: on.plays(0) == low.ebm_id)
        high = await on.command("high", severity=Severity.RED)
        # Both starts are put out, one after the other; the terminal decides.
        await until(lambda: messages(on) == [low.ebm_id, high.ebm_id])
        await until(lambda: on.plays(0) == high.ebm_id)
        assert on.journal(0, Event.PLAYING) == [("playing", low.ebm_id), ("playing", high.ebm_id)]
        if kind is Kind.TS:
            return  # a receiver of tables drops what is outranked (086 figure C.2)
        await on.stop(high)
        await until(lambda: on.plays(0) == low.ebm_id)
        seen = on.journal(0, Event.PAUSED, Event.STOPPED, Event.RESUMED)
        assert seen == [("paused", low.ebm_id), ("stopped", high.ebm_id), ("resumed", low.ebm_id)]


def values_of(returned: Passed) -> dict[str, Any]:
    return {name: value for one in returned.fields["params"] for name, value in one.items()}


@each("6", but={Kind.IP: ["F.6.6 c", "F.6.6 d"]})
async def test_return_of_data(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        wanted = (tags.VOLUME, tags.PHYSICAL_ADDRESS, tags.WORK_STATE)
        query = commands.TerminalQuery(Reback.ipv4("127.0.0.1", 9), block(on.terminals[0]), wanted)
        answer = await on.ask(query)
        assert isinstance(answer, AdapterAnswer) and answer.code == 0
        (asked,) = await on.put_out(QUERIES[kind])
        assert command_type(asked, kind) == {Kind.RDS: (8,), Kind.TS: (0xFB, 7), Kind.IP: (0x11,)}[kind]
        await until(lambda: on.returned.of("answer"))
        (returned,) = on.returned.of("answer")
        assert returned.is_right and returned.shown["protocol"] == "feedback"
        assert returned.fields["source"] == on.terminals[0].code
        physical = on.terminals[0].physical_address
        assert (values_of(returned)["physical"], values_of(returned)["work_state"]) == (physical, 1)


@each("7 c", "7 d")
async def test_security(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        live = await on.command()
        await until(lambda: live.ebm_id in messages(on))  # which counts only what the adapter's own key signed
        await until(lambda: on.plays(0) == live.ebm_id)


@each("7 d 补充 more")
async def test_what_cannot_be_trusted(tmp_path: Path, kind: Kind) -> None:
    async with bench(tmp_path, kind) as on:
        key = load_key_file(tmp_path / "county" / "signing.json", provider=default_provider())
        live = await on.command()
        await until(lambda: on.plays(0) == live.ebm_id)
        genuine = next(one.raw for one in on.output.of(STARTS[kind]) if live.ebm_id in str(one.fields))
        for number, (name, frame) in enumerate(forgeries(genuine, kind, key), start=1):
            await on.between.inject(frame)
            await until(lambda number=number: on.refusals(0) == number)  # type: ignore[misc]
            assert on.plays(0) == live.ebm_id, name
        await on.stop(live)
        await until(lambda: on.plays(0) is None)
        assert on.journal(0, Event.PLAYING) == [("playing", live.ebm_id)]
