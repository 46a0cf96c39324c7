"""The output to a multiplexer over loopback UDP: the index from open to close, messages, drills, settings, restarts."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.devices.bearer import Carried, ErrandUnsupported, LinkState
from gateway.devices.ts_bearer import TsBearer
from gateway.devices.ts_pump import open_socket
from gateway.domain.message import Command, EbmClass, Message
from gateway.domain.receiver import Route, RouteKind
from gateway.domain.warning import Severity
from gateway.errors import FrameError, InvalidValueError
from gateway.protocols import parameters as tags
from gateway.protocols import ts_section
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.parameters import Channel, LocalAddress, Parameter, ResourceCodeSetting, ReturnAddress
from gateway.protocols.ts_configuration import (
    ConfigurationTable,
    DefaultVolume,
    FrequencyLock,
    ReturnPeriod,
    ReturnTarget,
    StateQuery,
)
from gateway.protocols.ts_content import ContentTable
from gateway.protocols.ts_daily import AmplifierSwitch, DailyTable, PlayProgramme, StopProgramme
from gateway.protocols.ts_index import IndexTable
from gateway.protocols.ts_section import Section
from gateway.protocols.ts_sections import Found, SectionFinder
from gateway.protocols.ts_time import WallClock
from gateway.settings.ts_link import TsLink
from tests.devices.airkit import NOW, Desk, known_terminals, message, verifies
from tests.devices.netns import said_in_there
from tests.gatewaykit import until

ROUTE = Route(RouteKind.TS, "cable")
TERMINALS = known_terminals(3, "ts:cable")
CODES = tuple(WireCode.of(known.terminal.code) for known in TERMINALS)
QUICK: dict[str, Any] = {
    "index_seconds": 0.02,
    "content_seconds": 0.04,
    "other_seconds": 0.04,
    "kilobits_per_second": 100_000,
    "audio_pid": 0x101,
    "service_id": 7,
}


@dataclass(eq=False)
class Multiplexer(asyncio.DatagramProtocol):
    """Takes datagrams, finds sections in them, keeps what it got."""

    sections: list[Section] = field(default_factory=list)
    errors: list[FrameError] = field(default_factory=list)
    lose: int = 0
    finder: SectionFinder = field(default_factory=SectionFinder)
    transport: asyncio.BaseTransport | None = None
    port: int = 0

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", self.port))
        self.port = self.transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self.lose:
            self.lose -= 1
            return
        for event in self.finder.feed(data):
            if isinstance(event, Found):
                self.sections.append(ts_section.parse(event.raw))
            else:
                self.errors.append(event)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def last(self, kind: type) -> Section | None:
        return next((section for section in reversed(self.sections) if isinstance(section.body, kind)), None)

    @property
    def index(self) -> Section:
        section = self.last(IndexTable)
        assert section is not None
        return section

    @property
    def shown(self) -> list[str]:
        body = self.index.body
        assert isinstance(body, IndexTable)
        return [entry.ebm_id.text[-4:] for entry in body.messages]

    def commands(self, kind: type) -> list[object]:
        section = self.last(kind)
        if section is None:
            return []
        assert isinstance(section.body, ConfigurationTable | DailyTable)
        return [command.value for command in section.body.commands]


@asynccontextmanager
async def output(desk: Desk | None = None, **changes: Any) -> AsyncIterator[tuple[TsBearer, Multiplexer, Desk]]:
    mux, desk = Multiplexer(), desk or Desk()
    await mux.listen()
    link = TsLink(kind="ts", host="127.0.0.1", port=mux.port, **{**QUICK, **changes})
    bearer = TsBearer(ROUTE, link, desk.tools())
    await bearer.open()
    try:
        await until(lambda: bearer.health.state is LinkState.UP and mux.last(IndexTable))
        yield bearer, mux, desk
    finally:
        await bearer.close()
        mux.close()


async def start(bearer: TsBearer, desk: Desk, one: Message, **changes: Any) -> Carried:
    return await bearer.carry(await bearer.make(desk.start(one, TERMINALS, **changes)))


async def stop(bearer: TsBearer, desk: Desk, one: Message, **changes: Any) -> Carried:
    return await bearer.carry(await bearer.make(desk.stop(one, TERMINALS, **changes)))


async def test_the_signed_empty_index_is_there_before_any_message() -> None:
    async with output() as (_, mux, desk):
        await until(lambda: len(mux.sections) > 5)
        assert {section.body for section in mux.sections} == {IndexTable()}
        block = mux.index.signature
        assert block is not None
        assert verifies(ts_section.signed_part(mux.index), block)
        assert desk.signed == 1
        assert not mux.errors


async def test_a_start_is_in_index_and_content_and_told_once_the_index_left() -> None:
    async with output() as (bearer, mux, desk):
        errand = desk.start(message(text="请立即转移"), TERMINALS)
        assert await bearer.carry(await bearer.make(errand)) == Carried()
        assert desk.told == [(errand.order, (1, 2, 3))]
        await until(lambda: mux.shown == ["0001"] and mux.last(ContentTable))
        content = mux.last(ContentTable)
        assert content is not None
        for section in (mux.index, content):
            block = section.signature
            assert block is not None
            assert verifies(ts_section.signed_part(section), block)
        assert isinstance(mux.index.body, IndexTable)
        (entry,) = mux.index.body.messages
        assert entry.details is not None
        assert (entry.ebm_class, entry.severity, entry.details.programme) == (4, 1, 7)


async def test_a_cancel_empties_the_index() -> None:
    async with output() as (bearer, mux, desk):
        await start(bearer, desk, message(1))
        await start(bearer, desk, message(2))
        await until(lambda: mux.shown == ["0001", "0002"])
        assert await stop(bearer, desk, message(1)) == Carried()
        await until(lambda: mux.shown == ["0002"])
        await stop(bearer, desk, message(2))
        await until(lambda: mux.shown == [])


async def test_the_end_of_air_time_takes_it_off() -> None:
    async with output() as (bearer, mux, desk):
        await start(bearer, desk, message(seconds=60))
        await until(lambda: mux.shown == ["0001"])
        desk.now += 60
        await until(lambda: mux.shown == [])


async def test_a_message_of_the_future_is_rendered_again_when_it_begins() -> None:
    async with output(ts_time="beijing") as (bearer, mux, desk):
        await start(bearer, desk, message(start=NOW + timedelta(seconds=40)))
        await until(lambda: mux.shown == ["0001"])

        def hour() -> int:
            assert isinstance(mux.index.body, IndexTable)
            clock = mux.index.body.messages[0].start.clock
            assert clock is not None
            return clock.hour

        assert hour() == 16
        desk.now += 40
        await until(lambda: hour() == 8)


async def test_a_drill_gives_way_to_an_emergency_and_comes_back_after_it() -> None:
    async with output() as (bearer, mux, desk):
        drill = message(1, ebm_class=EbmClass.REAL_DRILL, severity=Severity.RED)
        await start(bearer, desk, drill)
        await until(lambda: mux.shown == ["0001"])
        await start(bearer, desk, message(2, severity=Severity.ORANGE))
        await until(lambda: mux.shown == ["0002"])
        refused = await start(bearer, desk, message(3, ebm_class=EbmClass.SIMULATED_DRILL))
        assert "drill" in refused.error
        await stop(bearer, desk, message(2))
        await until(lambda: mux.shown == ["0001"])


async def test_a_stop_for_some_leaves_the_others_named_one_by_one() -> None:
    async with output() as (bearer, mux, desk):
        await start(bearer, desk, message())
        await stop(bearer, desk, message(), targets=(TERMINALS[1].terminal.code,))

        def codes() -> tuple[WireCode, ...]:
            assert isinstance(mux.index.body, IndexTable)
            return mux.index.body.messages[0].codes

        await until(lambda: codes() == (CODES[0], CODES[2]))


async def test_a_start_whose_cancel_came_first_is_never_shown() -> None:
    async with output() as (bearer, mux, desk):
        errand = replace(desk.start(message(), TERMINALS), void=lambda: True)
        assert "stopped" in (await bearer.carry(await bearer.make(errand))).error
        assert mux.shown == []
        assert desk.told == []


async def test_a_daily_broadcast_is_in_its_own_table_and_never_in_the_index() -> None:
    async with output() as (bearer, mux, desk):
        one = message(ebm_class=EbmClass.DAILY, volume=60)
        await start(bearer, desk, one)
        await until(lambda: mux.commands(DailyTable))
        (play,) = mux.commands(DailyTable)
        assert isinstance(play, PlayProgramme)
        assert (play.volume, play.pid, mux.shown) == (60, 0x101, [])
        await stop(bearer, desk, one)
        await until(lambda: [type(value) for value in mux.commands(DailyTable)] == [StopProgramme])
        desk.now += 31
        version = mux.index.version
        await until(lambda: not bearer._playlist._stops)
        assert mux.index.version == version


async def test_without_a_programme_a_daily_broadcast_has_another_route() -> None:
    async with output(audio_pid=0) as (bearer, _, desk):
        with pytest.raises(ErrandUnsupported):
            await bearer.make(desk.start(message(ebm_class=EbmClass.DAILY), TERMINALS))
        with pytest.raises(InvalidValueError, match="nothing to play"):
            await bearer.make(desk.start(message(headline=""), TERMINALS))


@pytest.mark.parametrize(
    ("parameter", "content"),
    [
        (Parameter(tags.VOLUME, 40), DefaultVolume(40, CODES)),
        (Parameter(tags.RETURN_ADDRESS, ReturnAddress(1, "10.0.0.7", 80)), ReturnTarget(2, "10.0.0.7:80", CODES)),
        (Parameter(tags.RETURN_ADDRESS, ReturnAddress(3, "10086")), ReturnTarget(1, "10086", CODES)),
        (Parameter(tags.RESOURCE_CODE, ResourceCodeSetting(b"\1\2", CODES[0])), ResourceCodeSetting(b"\1\2", CODES[0])),
        (Parameter(tags.SET_CLOCK, 1_780_300_800), WallClock.of(1_780_300_800)),
        (Parameter(tags.SET_RETURN_PERIOD, 300), ReturnPeriod(300, CODES)),
        (Parameter(tags.CABLE_FREQUENCY, Channel(610_000, 6875, 3)), FrequencyLock(610_000, 6875, 3, CODES)),
    ],
)
async def test_settings_have_their_commands_for_a_while(parameter: Parameter, content: object) -> None:
    async with output() as (bearer, mux, desk):
        errand = desk.ask(Command.SET, TERMINALS, parameters=(parameter,))
        assert await bearer.carry(await bearer.make(errand)) == Carried()
        assert desk.orders == [errand.order]
        await until(lambda: mux.commands(ConfigurationTable) == [content])
        desk.now += 31
        await until(lambda: not bearer._playlist._commands)


async def test_queries_amplifiers_and_what_has_no_word() -> None:
    async with output() as (bearer, mux, desk):
        await bearer.carry(await bearer.make(desk.ask(Command.QUERY, TERMINALS, tags=(1, 6))))
        await until(lambda: mux.commands(ConfigurationTable) == [StateQuery((1, 6), CODES)])
        switch = Parameter(tags.SET_AMPLIFIER, 1)
        await bearer.carry(await bearer.make(desk.ask(Command.SET, TERMINALS, parameters=(switch,))))
        await until(lambda: mux.commands(DailyTable) == [AmplifierSwitch(1, CODES)])
        local = Parameter(tags.LOCAL_ADDRESS, LocalAddress("10.0.0.2", "255.0.0.0", "10.0.0.1"))
        with pytest.raises(ErrandUnsupported):
            await bearer.make(desk.ask(Command.SET, TERMINALS, parameters=(local,)))


async def test_certificates_go_on_and_off() -> None:
    async with output() as (bearer, mux, _):
        body = CertificateAuthorisation((b"list",), (b"certificate",))
        await bearer.certificates(body)
        await until(lambda: (section := mux.last(CertificateAuthorisation)) and section.body == body)
        await bearer.certificates(None)
        await until(lambda: len(mux.sections) > 20)
        mux.sections.clear()
        await until(lambda: len(mux.sections) > 20)
        assert mux.last(CertificateAuthorisation) is None


async def test_versions_outlive_a_restart_and_the_last_index_is_empty() -> None:
    desk, seen = Desk(), []
    for _ in range(2):
        async with output(desk) as (bearer, mux, _):
            await start(bearer, desk, message())
            await until(lambda mux=mux: mux.shown == ["0001"])  # type: ignore[misc]
        await until(lambda mux=mux: mux.shown == [])  # type: ignore[misc]
        versions = [s.version for s in mux.sections if isinstance(s.body, IndexTable)]
        seen.append(sorted(set(versions)))
        assert versions == sorted(versions)
    assert seen == [[0, 1, 2], [3, 4, 5]]
    kept = desk.kept["ts cable"]
    assert isinstance(kept, dict)
    assert kept["253.0"] == 5


async def test_signatures_are_renewed_in_the_same_version() -> None:
    async with output(resign_seconds=0.02) as (_, mux, desk):
        await until(lambda: desk.signed >= 2)
        await until(lambda: len({section.signature for section in mux.sections}) >= 2)
        assert {section.version for section in mux.sections} == {0}


async def test_lost_datagrams_are_healed_by_what_follows() -> None:
    async with output() as (bearer, mux, desk):
        mux.lose = 3
        await start(bearer, desk, message())
        await until(lambda: mux.shown == ["0001"])


async def test_a_multiplexer_that_is_gone_is_told_and_its_return_too() -> None:
    async with output() as (bearer, mux, desk):
        await start(bearer, desk, message())
        mux.close()
        await until(lambda: bearer.health.state is LinkState.DOWN)
        done = await start(bearer, desk, message(2))
        assert "multiplexer" in done.error
        await mux.listen()
        await until(lambda: bearer.health.state is LinkState.UP)
        assert [health.state for health in desk.health] == [LinkState.UP, LinkState.DOWN, LinkState.UP]
        mux.sections.clear()
        await until(lambda: mux.last(IndexTable) and mux.shown == ["0001"])


async def test_what_is_cancelled_while_the_multiplexer_is_gone_is_not_there_when_it_returns() -> None:
    async with output() as (bearer, mux, desk):
        await start(bearer, desk, message())
        mux.close()
        await until(lambda: bearer.health.state is LinkState.DOWN)
        assert (await stop(bearer, desk, message())).error
        mux.sections.clear()
        await mux.listen()
        await until(lambda: len(mux.sections) > 3)
        assert {section.body for section in mux.sections if isinstance(section.body, IndexTable)} == {IndexTable()}


async def test_a_busy_event_loop_does_not_hold_the_index_up() -> None:
    desk = Desk()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mux:
        mux.bind(("127.0.0.1", 0))
        mux.setblocking(False)
        link = TsLink(kind="ts", host="127.0.0.1", port=mux.getsockname()[1], **QUICK)
        bearer = TsBearer(ROUTE, link, desk.tools())
        await bearer.open()
        try:
            await until(lambda: bearer.health.state is LinkState.UP)
            drain(mux)
            busy_until = time.monotonic() + 0.5
            while time.monotonic() < busy_until:
                pass
            # The loop stood still all the while: whatever lies in the socket was sent meanwhile.
            assert drain(mux) >= 5
        finally:
            await bearer.close()


def drain(sock: socket.socket) -> int:
    """Take all datagrams that have come, and count them."""
    count = 0
    while True:
        try:
            sock.recv(2048)
        except BlockingIOError:
            return count
        count += 1


async def test_an_interface_that_is_not_there_is_a_link_that_is_down() -> None:
    desk = Desk()
    link = TsLink(kind="ts", host="239.255.0.1", port=5086, interface="198.51.100.1", **QUICK)
    bearer = TsBearer(ROUTE, link, desk.tools())
    await bearer.open()
    try:
        await until(lambda: bearer.health.state is LinkState.DOWN)
        assert "239.255.0.1" in bearer.health.detail
    finally:
        await bearer.close()


def test_the_socket_of_a_group_has_its_ttl_and_way_out() -> None:
    with open_socket(TsLink(kind="ts", host="239.255.0.1", port=5086, interface="127.0.0.1", ttl=7)) as sock:
        assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 7
        assert socket.inet_ntoa(sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4)) == "127.0.0.1"


async def test_a_multicast_group_is_served_by_the_way_out_that_is_set() -> None:
    assert await said_in_there("tests.devices.multicast_child") == "heard over the group\n"
