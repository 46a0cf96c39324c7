"""The RDS output against an encoder on loopback TCP and on a pseudo terminal: starts, stops, ends, losses, restarts."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.devices.bearer import Carried, ErrandUnsupported, LinkState
from gateway.devices.rds_bearer import RdsBearer
from gateway.domain.message import Command, EbmClass
from gateway.domain.receiver import Route, RouteKind
from gateway.domain.warning import Severity
from gateway.errors import StoreError
from gateway.protocols import parameters as tags
from gateway.protocols import rds
from gateway.protocols.fields import WireCode
from gateway.protocols.parameters import CommandMode, LocalAddress, Parameter, ResourceCodeSetting, ReturnAddress
from gateway.protocols.rds_bodies import (
    Action,
    AmplifierSwitch,
    Clock,
    DailyCommand,
    DailyVolume,
    DeviceCode,
    DrillCommand,
    DrillOperation,
    EmergencyCommand,
    MaintainMode,
    ReturnPeriod,
    ReturnRoute,
    StateQuery,
    TextTransfer,
)
from gateway.protocols.rds_frames import Assembled, Broken, FrameAssembler
from gateway.settings.rds_link import RdsLink
from tests.devices.airkit import NOW, Desk, area_codes, known_terminals, message, verifies
from tests.emulator.reference import COUNTY
from tests.gatewaykit import until

ROUTE = Route(RouteKind.RDS, "hill")
TERMINALS = known_terminals(3, "rds:hill")
QUICK: dict[str, Any] = {
    "frames_per_second": 20_000.0,
    "interval_seconds": 0.02,
    "text_interval_seconds": 0.05,
    "stop_count": 3,
    "setting_count": 2,
    "backoff_longest_seconds": 0.05,
}


@dataclass
class Encoder:
    """Takes frames on TCP, puts them together, keeps what it got."""

    got: list[Assembled] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    frames: int = 0
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    assembler: FrameAssembler = field(default_factory=FrameAssembler)
    server: asyncio.Server | None = None

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        held = b""
        try:
            while data := await reader.read(4096):
                held += data
                while len(held) >= 8:
                    self.take(held[:8])
                    held = held[8:]
        except ConnectionError:
            pass

    def take(self, frame: bytes) -> None:
        self.frames += 1
        done = self.assembler.take(frame)
        if isinstance(done, Assembled):
            self.got.append(done)
        elif isinstance(done, Broken):
            self.broken.append(done)

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
        self.cut()

    def bodies(self, kind: type) -> list[Any]:
        return [body for one in self.got if isinstance(body := rds.parse(one.raw).body, kind)]

    def actions(self) -> list[int]:
        return [body.action for body in self.bodies(EmergencyCommand)]


@asynccontextmanager
async def output(
    encoder: Encoder | None = None, desk: Desk | None = None, **changes: Any
) -> AsyncIterator[tuple[RdsBearer, Encoder, Desk]]:
    encoder, desk = encoder or Encoder(), desk or Desk()
    if encoder.server is None:
        await encoder.listen()
    link = RdsLink(kind="rds", **{"url": f"tcp://127.0.0.1:{encoder.port}", **QUICK, **changes})
    bearer = RdsBearer(ROUTE, link, desk.tools())
    await bearer.open()
    try:
        await until(lambda: bearer.health.state is LinkState.UP)
        yield bearer, encoder, desk
    finally:
        await bearer.close()
        await encoder.close()


async def test_a_start_is_signed_and_repeated_and_the_order_is_told_once_it_left() -> None:
    async with output(frequency="98.50") as (bearer, encoder, desk):
        errand = desk.start(message(), TERMINALS)
        parcel = await bearer.make(errand)
        assert desk.orders == []
        assert await bearer.carry(parcel) == Carried()
        assert desk.told == [(errand.order, (1, 2, 3))]
        await until(lambda: encoder.frames > 200)
        (start,) = encoder.bodies(EmergencyCommand)
        assert (start.action, start.severity, start.mhz) == (Action.START, 1, "98.50")
        packet = encoder.got[0]
        assert packet.level == 4
        block = rds.parse(packet.raw).signature
        assert block is not None
        assert verifies(rds.signed_data(packet.raw), block)
        assert not encoder.broken


async def test_a_cancel_takes_the_start_off_and_the_stop_goes_out_so_often() -> None:
    async with output() as (bearer, encoder, desk):
        await bearer.carry(await bearer.make(desk.start(message(), TERMINALS)))
        stop = desk.stop(message(), TERMINALS)
        assert await bearer.carry(await bearer.make(stop)) == Carried()
        assert desk.orders[-1] == stop.order
        await until(lambda: bearer._air.is_idle)
        await until(lambda: encoder.actions() == [Action.START, Action.STOP])


async def test_air_time_that_is_over_is_told_by_the_bearer_itself() -> None:
    async with output() as (bearer, encoder, desk):
        await bearer.carry(await bearer.make(desk.start(message(seconds=60), TERMINALS)))
        desk.now += 61
        await until(lambda: Action.STOP in encoder.actions())
        await until(lambda: bearer._air.is_idle)


async def test_closing_sends_stops_first() -> None:
    encoder = Encoder()
    async with output(encoder) as (bearer, _, desk):
        await bearer.carry(await bearer.make(desk.start(message(), TERMINALS)))
    assert encoder.actions() == [Action.START, Action.STOP]


async def test_a_start_whose_cancel_came_first_never_leaves() -> None:
    async with output() as (bearer, encoder, desk):
        void = replace(desk.start(message(), TERMINALS), void=lambda: True)
        done = await bearer.carry(await bearer.make(void))
        assert "stopped" in done.error
        assert desk.told == []
        assert bearer._air.is_idle
        assert encoder.frames == 0


async def test_a_start_of_the_future_waits_and_a_cancel_ends_the_wait() -> None:
    async with output() as (bearer, encoder, desk):
        later = message(start=NOW + timedelta(seconds=3000))
        carrying = asyncio.create_task(bearer.carry(await bearer.make(desk.start(later, TERMINALS))))
        await until(lambda: bearer._on_air)
        await bearer.carry(await bearer.make(desk.stop(later, TERMINALS)))
        assert "stopped" in (await carrying).error
        assert encoder.actions() in ([], [Action.STOP])


async def test_a_stop_for_some_circulates_beside_the_start_until_the_message_ends() -> None:
    async with output() as (bearer, encoder, desk):
        await bearer.carry(await bearer.make(desk.start(message(), TERMINALS)))
        some = desk.stop(message(), TERMINALS[:1], targets=(TERMINALS[0].terminal.code,))
        await bearer.carry(await bearer.make(some))
        before = encoder.frames
        await until(lambda: encoder.frames > before + 800)
        assert {one.is_start for one in bearer._on_air.values()} == {True, False}
        desk.now = message().end.timestamp()
        await until(lambda: not bearer._on_air and bearer._air.is_idle)


async def test_signatures_are_renewed_under_a_new_version() -> None:
    async with output(resign_seconds=0.05) as (bearer, encoder, desk):
        await bearer.carry(await bearer.make(desk.start(message(headline=""), TERMINALS)))
        await until(lambda: len(encoder.got) >= 2)
        first, second = encoder.got[:2]
        assert first.version != second.version
        assert rds.signed_data(first.raw) == rds.signed_data(second.raw)
        assert first.raw != second.raw


async def test_versions_are_kept_before_they_are_used_and_not_used_again_after_a_restart() -> None:
    desk, encoder = Desk(), Encoder()
    async with output(encoder, desk) as (bearer, _, _):
        await bearer.carry(await bearer.make(desk.start(message(headline=""), TERMINALS)))
    assert desk.kept == {"rds hill": {"4": 1}}
    encoder.server = None
    async with output(encoder, desk) as (bearer, _, _):
        await bearer.carry(await bearer.make(desk.start(message(headline=""), TERMINALS)))
    assert [one.version for one in encoder.got] == [0, 1, 2, 3]


class FullDisk(Desk):
    async def keep(self, name: str, value: object) -> None:
        raise StoreError("disk full")


async def test_a_store_that_fails_does_not_hold_a_warning_back() -> None:
    async with output(desk=FullDisk()) as (bearer, encoder, desk):
        assert await bearer.carry(await bearer.make(desk.start(message(), TERMINALS))) == Carried()
        await until(lambda: encoder.actions() == [Action.START])


async def test_a_line_that_is_cut_is_told_and_comes_back_with_all_that_was_on_the_air() -> None:
    async with output() as (bearer, encoder, desk):
        await bearer.carry(await bearer.make(desk.start(message(), TERMINALS)))
        encoder.assembler = FrameAssembler()
        encoder.got.clear()
        encoder.cut()
        await until(lambda: [h.state for h in desk.health] == [LinkState.UP, LinkState.DOWN, LinkState.UP])
        await until(lambda: encoder.actions() == [Action.START])


async def test_what_is_cancelled_while_the_line_is_down_is_not_there_when_it_returns() -> None:
    async with output() as (bearer, encoder, desk):
        await bearer.carry(await bearer.make(desk.start(message(), TERMINALS)))
        await encoder.close()
        await until(lambda: bearer.health.state is LinkState.DOWN)
        assert (await bearer.carry(await bearer.make(desk.stop(message(), TERMINALS)))).error
        encoder.got.clear()
        encoder.assembler = FrameAssembler()
        await encoder.listen()
        await until(lambda: bearer.health.state is LinkState.UP)
        await bearer.carry(await bearer.make(desk.stop(message(), TERMINALS)))
        await until(lambda: encoder.actions() == [Action.STOP])


async def test_without_an_encoder_a_start_is_given_back_at_once() -> None:
    encoder = Encoder()
    async with output(encoder) as (bearer, _, desk):
        await encoder.close()
        await until(lambda: bearer.health.state is LinkState.DOWN)
        done = await bearer.carry(await bearer.make(desk.start(message(), TERMINALS)))
        assert "RDS" in done.error
        assert desk.told == []


async def test_an_encoder_that_takes_nothing_is_given_up_and_holds_little() -> None:
    desk = Desk()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        quick = {**QUICK, "stall_seconds": 0.1, "form": "packets", "frames_per_second": 100_000.0}
        bearer = RdsBearer(ROUTE, RdsLink(kind="rds", url=url, **quick), desk.tools())
        await bearer.open()
        try:
            await until(lambda: bearer.health.state is LinkState.UP)
            for number in range(30):
                await bearer.carry(await bearer.make(desk.start(message(number + 1), TERMINALS)))
            await until(lambda: any(h.state is LinkState.DOWN and "0.1 s" in h.detail for h in desk.health), 20)
        finally:
            await bearer.close()


async def test_a_serial_port_is_fed_and_its_loss_is_told() -> None:
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    encoder, desk = Encoder(), Desk()
    loop = asyncio.get_running_loop()
    held = bytearray()

    def readable() -> None:
        held.extend(os.read(master, 65536))
        while len(held) >= 8:
            encoder.take(bytes(held[:8]))
            del held[:8]

    loop.add_reader(master, readable)
    link = RdsLink(kind="rds", url=os.ttyname(slave), **QUICK)
    bearer = RdsBearer(ROUTE, link, desk.tools())
    try:
        await bearer.open()
        await until(lambda: bearer.health.state is LinkState.UP)
        await bearer.carry(await bearer.make(desk.start(message(), TERMINALS)))
        await until(lambda: encoder.actions() == [Action.START])
        loop.remove_reader(master)
        os.close(slave)
        os.close(master)
        await until(lambda: desk.health[-1].state is LinkState.DOWN)
    finally:
        await bearer.close()


async def test_long_texts_and_long_lists_are_split_and_never_cut() -> None:
    async with output() as (bearer, _encoder, desk):
        text = "请立即转移到安全地带。" * 40
        many = tuple(known.terminal.code for known in known_terminals(150, "rds:hill"))
        parcel = await bearer.make(desk.start(message(text=text), TERMINALS, targets=many))
        assert all(len(frame) <= rds.MAX_PACKET for frame in parcel.frames)
        packets = [rds.parse(frame) for frame in parcel.frames]
        starts = [p for p in packets if isinstance(p.body, EmergencyCommand)]
        assert [code.code for p in starts for code in p.codes] == list(many)
        first = [p.body for p in packets if p.codes[0].code == many[0]]
        assert "".join(body.text.decode("gb18030") for body in first if isinstance(body, TextTransfer)) == text
        assert await bearer.carry(parcel) == Carried()


@pytest.mark.parametrize(
    ("ebm_class", "start", "stop"),
    [
        (EbmClass.DAILY, DailyCommand, Action.STOP),
        (EbmClass.REAL_DRILL, DrillCommand, DrillOperation.STOP),
    ],
)
async def test_daily_and_drills_have_packet_types_of_their_own(ebm_class: EbmClass, start: type, stop: int) -> None:
    async with output() as (bearer, encoder, desk):
        kind = message(ebm_class=ebm_class, severity=Severity.UNKNOWN)
        await bearer.carry(await bearer.make(desk.start(kind, TERMINALS)))
        await bearer.carry(await bearer.make(desk.stop(kind, TERMINALS)))
        await until(lambda: len(encoder.bodies(start)) == 2)
        last = encoder.bodies(start)[-1]
        assert (last.operation if isinstance(last, DrillCommand) else last.action) == stop
        assert encoder.bodies(EmergencyCommand) == []


async def test_severity_0_goes_out_as_4() -> None:
    async with output() as (bearer, _, desk):
        parcel = await bearer.make(desk.start(message(severity=Severity.UNKNOWN), TERMINALS))
        body = rds.parse(parcel.frames[0]).body
        assert isinstance(body, EmergencyCommand)
        assert body.severity == 4


CODE = WireCode.of(TERMINALS[0].terminal.code)


@pytest.mark.parametrize(
    ("parameter", "body"),
    [
        (Parameter(tags.VOLUME, 40), DailyVolume(40)),
        (Parameter(tags.RETURN_ADDRESS, ReturnAddress(1, "10.0.0.7", 8889)), ReturnRoute(2, b"\n\0\0\7\x22\xb9")),
        (Parameter(tags.RETURN_ADDRESS, ReturnAddress(2, "e.cn", 80)), ReturnRoute(3, b"e.cn:80")),
        (Parameter(tags.RETURN_ADDRESS, ReturnAddress(3, "10086")), ReturnRoute(1, b"10086")),
        (Parameter(tags.RESOURCE_CODE, ResourceCodeSetting(b"\1\2", CODE)), DeviceCode(b"\1\2", CODE)),
        (Parameter(tags.SET_AMPLIFIER, 2), AmplifierSwitch(2)),
        (Parameter(tags.SET_CLOCK, 1_780_300_800), Clock.of(1_780_300_800)),
        (Parameter(tags.SET_RETURN_PERIOD, 300), ReturnPeriod(300)),
        (Parameter(tags.FM_COMMAND_MODE, CommandMode(1, 60)), MaintainMode(1, 60)),
    ],
)
async def test_settings_have_their_packets(parameter: Parameter, body: rds.Body) -> None:
    async with output() as (bearer, encoder, desk):
        errand = desk.ask(Command.SET, TERMINALS[:1], parameters=(parameter,))
        assert await bearer.carry(await bearer.make(errand)) == Carried()
        assert desk.orders == [errand.order]
        await until(lambda: bearer._air.is_idle)
        await until(lambda: encoder.bodies(type(body)) == [body])


async def test_a_query_has_its_packet_and_what_has_no_word_is_refused() -> None:
    async with output() as (bearer, encoder, desk):
        await bearer.carry(await bearer.make(desk.ask(Command.QUERY, TERMINALS, tags=(1, 6))))
        await until(lambda: encoder.bodies(StateQuery) == [StateQuery((1, 6))])
        local = Parameter(tags.LOCAL_ADDRESS, LocalAddress("10.0.0.2", "255.0.0.0", "10.0.0.1"))
        with pytest.raises(ErrandUnsupported):
            await bearer.make(desk.ask(Command.SET, TERMINALS, parameters=(local,)))


async def test_the_33rd_command_of_a_level_is_given_back() -> None:
    async with output() as (bearer, _, desk):
        for number in range(32):
            await bearer.carry(await bearer.make(desk.start(message(number + 1, headline=""), TERMINALS)))
        done = await bearer.carry(await bearer.make(desk.start(message(99, headline=""), TERMINALS)))
        assert "32" in done.error


async def test_what_a_cover_is_follows_the_group_codes() -> None:
    async with output() as (bearer, _, desk):
        named = tuple(known.terminal.code for known in TERMINALS)
        await bearer.carry(await bearer.make(desk.start(message(), TERMINALS, targets=named)))
        await bearer.carry(await bearer.make(desk.stop(message(), TERMINALS, targets=area_codes(COUNTY))))
        assert not bearer._on_air
