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
from tests.acceptance.bench import VOLUME, Bench, bench, block, entries_of
from tests.acceptance.clauses import CONTROL
from tests.acceptance.conftest import Saw
from tests.acceptance.forger import forgeries, settings_forged
from tests.acceptance.media import Kind
from tests.acceptance.table import by
from tests.gatewaykit import until

NUMBERS = {Kind.RDS: "F.4", Kind.TS: "F.5", Kind.IP: "F.6"}
#: How the analyser names a setting and a query at each output.
SETTINGS = {Kind.RDS: "set", Kind.TS: "configuration", Kind.IP: "set"}
QUERIES = {Kind.RDS: "query", Kind.TS: "configuration", Kind.IP: "query"}
NEW_CODE = ResourceCode("63505241000020314010477")
OTHER_VOLUME = 31


def each(*numbers: str, but: dict[Kind, list[str]] | None = None) -> pytest.MarkDecorator:
    """The same measurement at three kinds of terminals, by the last figure of its number."""
    rows = {kind: [f"{number}.{last}" for last in numbers] for kind, number in NUMBERS.items()}
    return by("kind", {**rows, **(but or {})})


def command_type(one: Passed, kind: Kind) -> tuple[int, ...]:
    """What the text names a frame by: type 085; table and tag 086; service type and tags D."""
    if kind is Kind.RDS:
        return (one.fields["packet_type"],)
    if kind is Kind.TS:
        return (one.fields["table_id"], *(command["tag"] for command in one.fields.get("commands", ())))
    return (one.fields["service_type"], *(param["tag"] for param in one.fields.get("params", ())))


async def start_of(on: Bench, ebm_id: str) -> Passed:
    """Wait for the first start of a message at the output."""
    await until(lambda: ebm_id in on.begun())
    return next(one for one in on.starts() if any(entry["ebm_id"] == ebm_id for entry in entries_of(one, on.kind)))


@each("1")
async def test_reception(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        live = await on.command()
        begun = await start_of(on, live.ebm_id)
        assert command_type(begun, kind) == {Kind.RDS: (11,), Kind.TS: (0xFD,), Kind.IP: (0x01,)}[kind]
        if kind is Kind.IP:
            assert begun.raw.startswith(b"\xfe\xfd")
        saw("c", f"{live.ebm_id}：{begun}")
        await until(lambda: on.plays(0) == live.ebm_id)
        # The text also wants the stop (开/停播).
        await on.stop(live)
        await until(lambda: on.plays(0) is None)
        journal = on.journal(0, Event.PLAYING, Event.STOPPED)
        assert journal == [("playing", live.ebm_id), ("stopped", live.ebm_id)]
        saw("d", f"{on.terminals[0].code}：{' → '.join(event for event, _ in journal)}")
        assert on.journal(1, Event.PLAYING) == []
        saw(CONTROL, f"{on.terminals[1].code}：未播发 no playing")


async def set_over_adapter(on: Bench, body: Body, count: int = 1) -> Passed:
    """The test system sets something; returns the one frame more that the adapter makes of it."""
    answer = await on.ask(body)
    assert isinstance(answer, AdapterAnswer) and answer.code == 0, answer
    made = await on.put_out(SETTINGS[on.kind], count)
    assert len(made) == count
    return made[-1]


@each("2")
async def test_resource_code(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        one, device = on.terminals[0], on.line(0).terminal.device
        assignment = commands.CodeAssignment(bytes.fromhex(one.physical_address), WireCode.of(NEW_CODE))
        made = await set_over_adapter(on, commands.CodeSetting((assignment,)))
        assert command_type(made, kind) == {Kind.RDS: (1,), Kind.TS: (0xFB, 2), Kind.IP: (0x12, 4)}[kind]
        saw("c", str(made))
        await until(lambda: device.code == NEW_CODE)
        saw("d", f"{one.code} → {device.code}")
        other = on.line(1).terminal.device.code
        assert other == on.terminals[1].code
        saw(CONTROL, f"{other} 不变 unchanged")


@each("3")
async def test_volume(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        device, only = on.line(0).terminal.device, block(on.terminals[0])
        made = await set_over_adapter(on, commands.VolumeSetting(VOLUME, only))
        assert command_type(made, kind) == {Kind.RDS: (23,), Kind.TS: (0xFB, 6), Kind.IP: (0x12, 1)}[kind]
        saw("c", str(made))
        await until(lambda: device.volume == VOLUME)
        saw("d", f"{on.terminals[0].code}：音量 volume {device.volume}")
        # What was genuine once, signed by nobody or by a stranger, does not bring the old volume back.
        await set_over_adapter(on, commands.VolumeSetting(OTHER_VOLUME, only), 2)
        await until(lambda: device.volume == OTHER_VOLUME)
        key = load_key_file(tmp_path / "county" / "signing.json", provider=default_provider())
        refused = on.refusals(0)
        for number, (name, frame) in enumerate(settings_forged(made.raw, kind, key), start=1):
            await on.between.inject(frame)
            await until(lambda number=number: on.refusals(0) == refused + number)  # type: ignore[misc]
            assert device.volume == OTHER_VOLUME, name
        other = on.line(1).terminal.device.volume
        assert other not in (VOLUME, OTHER_VOLUME)
        saw(CONTROL, f"拒绝 refused 2，音量仍为 volume still {device.volume}；{on.terminals[1].code}：{other}")


@by("kind", {Kind.IP: ["F.6.5"]})
async def test_address(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        code, device = WireCode.of(on.terminals[0].code), on.line(0).terminal.device
        made = await set_over_adapter(on, commands.NetworkSetting("10.0.0.9", "255.0.0.0", "10.0.0.1", 1, code))
        assert command_type(made, kind) == (0x12, 2)
        saw("c", str(made))
        await until(lambda: device.local_address.ip == "10.0.0.9")
        assert (device.local_address.mask, device.local_address.gateway) == ("255.0.0.0", "10.0.0.1")
        saw("d", f"{code.text}：{device.local_address.ip}/{device.local_address.mask}")
        assert on.journal(1, Event.SET_RECEIVED) == []
        saw(CONTROL, f"{on.terminals[1].code}：{on.line(1).terminal.device.local_address.ip} 不变 unchanged")


@each(*(f"4 {letter}" for letter in "cd"), but={Kind.IP: ["F.6.4 b", "F.6.4 c"]})
async def test_priority(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        low = await on.command("low", severity=Severity.BLUE)
        await until(lambda: on.plays(0) == low.ebm_id)
        high = await on.command("high", severity=Severity.RED)
        # Both starts are put out, one after the other; the terminal decides.
        await until(lambda: on.begun() == [low.ebm_id, high.ebm_id])
        sent, seen = ("b", "c") if kind is Kind.IP else ("c", "d")
        saw(sent, f"蓝 blue {low.ebm_id}，红 red {high.ebm_id}")
        await until(lambda: on.plays(0) == high.ebm_id)
        events = [Event.PLAYING, Event.PAUSED, Event.STOPPED, Event.RESUMED]
        if kind is Kind.TS:  # a receiver of tables drops what is outranked (086 figure C.2)
            events = [Event.PLAYING]
            wanted = [("playing", low.ebm_id), ("playing", high.ebm_id)]
        else:
            await on.stop(high)
            await until(lambda: on.plays(0) == low.ebm_id)
            wanted = [
                ("playing", low.ebm_id),
                ("paused", low.ebm_id),
                ("playing", high.ebm_id),
                ("stopped", high.ebm_id),
                ("resumed", low.ebm_id),
            ]
        assert on.journal(0, *events) == wanted
        saw(seen, " → ".join(f"{event} {'红 red' if ebm_id == high.ebm_id else '蓝 blue'}" for event, ebm_id in wanted))


@each(f"4 {CONTROL}")
async def test_the_lower_waits(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        high = await on.command("high", severity=Severity.RED)
        await until(lambda: on.plays(0) == high.ebm_id)
        low = await on.command("low", severity=Severity.BLUE)
        await until(lambda: low.ebm_id in on.begun())
        # A setting behind it has been carried out: so has all before it.
        await set_over_adapter(on, commands.VolumeSetting(VOLUME, block(on.terminals[0])))
        await until(lambda: on.line(0).terminal.device.volume == VOLUME)
        assert on.plays(0) == high.ebm_id
        assert on.journal(0, Event.PLAYING) == [("playing", high.ebm_id)]
        saw(CONTROL, f"红 red {high.ebm_id} 仍在播 still plays；蓝 blue {low.ebm_id} 未播 does not")


def values_of(returned: Passed) -> dict[str, Any]:
    return {name: value for one in returned.fields["params"] for name, value in one.items()}


@each("6", but={Kind.IP: ["F.6.6 c", "F.6.6 d", f"F.6.6 {CONTROL}"]})
async def test_return_of_data(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        wanted = (tags.VOLUME, tags.PHYSICAL_ADDRESS, tags.WORK_STATE)
        query = commands.TerminalQuery(Reback.ipv4("127.0.0.1", 9), block(on.terminals[0]), wanted)
        answer = await on.ask(query)
        assert isinstance(answer, AdapterAnswer) and answer.code == 0
        (asked,) = await on.put_out(QUERIES[kind])
        assert command_type(asked, kind) == {Kind.RDS: (8,), Kind.TS: (0xFB, 7), Kind.IP: (0x11,)}[kind]
        saw("c", str(asked))
        await until(lambda: on.returned.of("answer"))
        (returned,) = on.returned.of("answer")
        assert returned.is_right and returned.shown["protocol"] == "feedback"
        assert returned.fields["source"] == on.terminals[0].code
        physical, values = on.terminals[0].physical_address, values_of(returned)
        assert (values["volume"], values["physical"], values["work_state"]) == (50, physical, 1)
        saw("d", f"{returned}；音量 volume 50，物理地址 physical {physical}，状态 state 1")
        # The other one says nothing of its values, not even until it is asked itself.
        again = commands.TerminalQuery(Reback.ipv4("127.0.0.1", 9), block(on.terminals[1]), wanted)
        await on.ask(again)
        await until(lambda: len(on.returned.of("answer")) == 2)
        sources = [one.fields["source"] for one in on.returned.of("answer")]
        assert sources == [one.code for one in on.terminals]
        saw(CONTROL, "未被查询前无回传 nothing before it was asked: " + " → ".join(sources))


@by("kind", {Kind.IP: ["F.6.6 e"]})
async def test_return_of_changes(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        line, alarms = on.line(0), on.ends.county.state.alarms
        for number, gone in enumerate((False, True), start=1):
            now = on.ends.county.state.clock()
            line.apply(line.terminal.report_fault(1, gone=gone, text="功放故障", now=now))
            await until(lambda number=number: len(on.returned.of("fault")) == number)  # type: ignore[misc]
            await until(
                lambda gone=gone: ("terminal_fault" in [alarm.kind for alarm in alarms.open]) is not gone  # type: ignore[misc]
            )
        faults = on.returned.of("fault")
        assert all(one.is_right and one.shown["protocol"] == "feedback" for one in faults)
        assert {one.fields["source"] for one in faults} == {on.terminals[0].code}
        saw("e", "；".join(map(str, faults)) + "；告警出现并消除 its alarm came and went")


@each("7 c", "7 d")
async def test_security(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        live = await on.command()
        begun = await start_of(on, live.ebm_id)
        assert begun.shown["signature"]["certificate"] == "000000000200"
        saw("c", str(begun))
        await until(lambda: on.plays(0) == live.ebm_id)
        assert on.refusals(0) == 0
        saw("d", f"{on.terminals[0].code}：playing {live.ebm_id}，拒绝 refused 0")


@each(f"7 {CONTROL}")
async def test_what_cannot_be_trusted(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        key = load_key_file(tmp_path / "county" / "signing.json", provider=default_provider())
        live = await on.command()
        await until(lambda: on.plays(0) == live.ebm_id)
        genuine = (await start_of(on, live.ebm_id)).raw
        names = []
        for number, (name, frame) in enumerate(forgeries(genuine, kind, key), start=1):
            await on.between.inject(frame)
            await until(lambda number=number: on.refusals(0) == number)  # type: ignore[misc]
            assert on.plays(0) == live.ebm_id, name
            names.append(name)
        await on.stop(live)
        await until(lambda: on.plays(0) is None)
        assert on.journal(0, Event.PLAYING) == [("playing", live.ebm_id)]
        saw(CONTROL, f"拒绝 refused: {', '.join(names)}；只播 only played: {live.ebm_id}")


@by("kind", {Kind.IP: ["F.6.8"]})
async def test_remote_configuration(tmp_path: Path, kind: Kind, saw: Saw) -> None:
    async with bench(tmp_path, kind) as on:
        device, path = on.line(0).terminal.device, f"/api/v1/terminals/{on.terminals[0].code}/parameters"
        wanted = {
            "volume": VOLUME,
            "return_address": {"kind": "ip", "host": "127.0.0.1", "port": 7000},
            "return_period_s": 300,
        }
        refused = await on.api.post(path, "weather", json={"volume": OTHER_VOLUME})
        assert refused.status == 403
        done = await on.api.post(path, "duty", json=wanted)
        assert (done.status, done.json["status"]) == (200, "done")
        await until(lambda: device.volume == VOLUME)
        assert device.return_address is not None
        assert (device.return_address.host, device.return_address.port, device.period) == ("127.0.0.1", 7000, 300.0)
        (made,) = await on.put_out("set")
        saw("c 参数 parameters", f"HTTP 200 done；{made}；音量 volume {VOLUME}，回传 return 127.0.0.1:7000, 300 s")
        saw(CONTROL, f"HTTP {refused.status}，设置 settings put out: 1")
