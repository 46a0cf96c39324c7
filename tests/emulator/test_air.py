"""Receivers on the air: what they take from real outputs' bytes, what they refuse, what they report, restarts."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator import rds_receiver, ts_receiver
from emulator.air import AirFaults, AirFleet, Front
from emulator.journal import Event
from emulator.rds_receiver import RdsReceiver
from emulator.settings import FleetSettings
from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass
from gateway.domain.targets import TargetForm, target_codes
from gateway.domain.warning import Severity
from gateway.errors import InvalidValueError
from gateway.protocols import feedback, rds, rds_groups, ts_section
from gateway.protocols.feedback_bodies import TaskSwitch
from gateway.protocols.framing import Frame, StreamFramer
from gateway.protocols.ip_bodies import Heartbeat
from gateway.protocols.rds_bodies import AmplifierSwitch, DailyVolume
from gateway.protocols.rds_frames import split
from gateway.protocols.rds_render import RdsBroadcast, start_packets, stop_packets
from gateway.protocols.ts_carousel import Carousel
from gateway.protocols.ts_packets import Packetiser
from gateway.protocols.ts_render import Rendered, TsBroadcast, Wording, render
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes_at
from gateway.security.sm2 import default_provider
from tests.emulator.reference import CERTIFICATE, COUNTY, PLATFORM, keys, rows
from tests.gatewaykit import until

AREA = tuple(target_codes(COUNTY, TargetForm.STD))
OTHER = (ResourceCode("63501000000000314010400"),)


def sign(data: bytes) -> SignatureBlock:
    now = int(time.time())
    value = default_provider().sign(keys().private, keys().public, signed_bytes_at(data, now, CERTIFICATE, Coverage.A))
    return SignatureBlock(now, CERTIFICATE, value)


def ebm(number: int) -> EbmId:
    return EbmId(f"{PLATFORM}20260601{number:04d}")


def settings(**changes: Any) -> FleetSettings:
    known = {CERTIFICATE: keys().public}
    return FleetSettings(gateway=("127.0.0.1", 1), feedback=("127.0.0.1", 1), keys=known, **changes)


@asynccontextmanager
async def receivers(
    front: Callable[[AirFleet], Front], count: int = 3, *, returns: bool = False, **changes: Any
) -> AsyncIterator[AirFleet]:
    fleet = AirFleet(rows(count), settings(**changes), front, returns=returns)
    await fleet.start()
    try:
        yield fleet
    finally:
        await fleet.close()


def events(fleet: AirFleet, *kinds: Event) -> list[tuple[str, str]]:
    return [
        (entry.event.value, (entry.ebm_id or "")[-4:])
        for _, entry in fleet.journal.entries()
        if not kinds or entry.event in kinds
    ]


def playing(fleet: AirFleet) -> list[str]:
    return [(seat.terminal.broadcast.on_air or "")[-4:] for seat in fleet.seats]


# -- RDS


def broadcast(number: int = 1, codes: tuple[ResourceCode, ...] = AREA, **changes: Any) -> RdsBroadcast:
    values: dict[str, Any] = {"ebm_class": EbmClass.EMERGENCY, "severity": Severity.RED, "event": EventType("11B01")}
    return RdsBroadcast(ebm_id=ebm(number), codes=codes, **{**values, **changes})


def start_of(number: int = 1, **changes: Any) -> bytes:
    (packet,) = start_packets(broadcast(number, **changes)).packets
    return rds.build_signed(packet, sign)


def stop_of(number: int = 1) -> bytes:
    (packet,) = stop_packets(broadcast(number)).packets
    return rds.build_signed(packet, sign)


def shaped(packet: bytes, form: str, version: int) -> bytes:
    if form == "packets":
        return packet
    frames = split(packet, 3, version)
    return b"".join(rds_groups.encode(frame) if form == "groups" else frame for frame in frames)


@pytest.mark.parametrize("form", rds_receiver.FORMS)
async def test_a_start_plays_and_a_stop_ends_it_in_every_form(form: str) -> None:
    async with receivers(rds_receiver.tuner("tcp:0", form)) as fleet:
        assert isinstance(fleet.front, RdsReceiver)
        fleet.front.feed(shaped(start_of(), form, 0) * 2)
        assert playing(fleet) == ["0001"] * 3
        fleet.front.feed(shaped(stop_of(), form, 1) * 2)
        assert playing(fleet) == [""] * 3
        assert events(fleet, Event.PLAYING, Event.STOPPED) == [("playing", "0001")] * 3 + [("stopped", "0001")] * 3
        assert events(fleet, Event.REPORTED) == []
        assert len(events(fleet, Event.REPORT_LOST)) == 9


async def test_who_is_not_named_hears_nothing() -> None:
    async with receivers(rds_receiver.tuner("tcp:0", "packets")) as fleet:
        fleet.front.feed(start_of(codes=OTHER))  # type: ignore[attr-defined]
        assert playing(fleet) == [""] * 3


async def test_a_packet_that_is_not_signed_or_by_a_stranger_is_refused() -> None:
    stranger = default_provider().generate()

    def by_stranger(data: bytes) -> SignatureBlock:
        block = sign(data)
        return replace(block, value=default_provider().sign(stranger.private, stranger.public, data))

    (packet,) = start_packets(broadcast()).packets
    async with receivers(rds_receiver.tuner("tcp:0", "packets")) as fleet:
        fleet.front.feed(rds.build(packet) + rds.build_signed(packet, by_stranger))  # type: ignore[attr-defined]
        assert playing(fleet) == [""] * 3
        assert fleet.refused == {"signature_missing": 1, "signature_invalid": 1}


async def test_settings_reach_the_device() -> None:
    async with receivers(rds_receiver.tuner("tcp:0", "packets")) as fleet:
        for body in (DailyVolume(35), AmplifierSwitch(1)):
            fleet.front.feed(rds.build_signed(rds.command(AREA, body), sign))  # type: ignore[attr-defined]
        assert {(s.terminal.device.volume, s.terminal.device.amplifier_on) for s in fleet.seats} == {(35, False)}


@pytest.mark.parametrize("form", rds_receiver.FORMS)
async def test_loss_and_noise_are_overcome_by_repeats_and_never_mistaken(form: str) -> None:
    async with receivers(rds_receiver.tuner("tcp:0", form)) as fleet:
        assert isinstance(fleet.front, RdsReceiver)
        fleet.air_faults = AirFaults(loss=0.05, noise=0.05)
        # by packets, one fault is one packet; so the faults have to be as rare as packets are few
        sent = shaped(start_of(), form, 0)
        for _ in range(60):
            fleet.front.feed(sent)
            fleet.front.retune() if form == "packets" else None
        assert playing(fleet) == ["0001"] * 3
        assert events(fleet, Event.PLAYING) == [("playing", "0001")] * 3


@pytest.mark.parametrize("form", rds_receiver.FORMS)
async def test_garbage_and_cut_input_harm_nothing(form: str) -> None:
    dice = random.Random(7)
    async with receivers(rds_receiver.tuner("tcp:0", form)) as fleet:
        assert isinstance(fleet.front, RdsReceiver)
        whole = shaped(start_of(), form, 0)
        for size in range(0, len(whole), 7):
            fleet.front.feed(whole[:size] + dice.randbytes(50))
        assert events(fleet, Event.PLAYING) in ([], [("playing", "0001")] * 3)
        fleet.front.retune()
        fleet.front.feed(whole * 40)
        assert playing(fleet) == ["0001"] * 3


async def test_a_line_that_dies_in_the_middle_of_a_frame_is_taken_up_again() -> None:
    async with receivers(rds_receiver.tuner("tcp:0", "frames")) as fleet:
        host, port = fleet.front.url.removeprefix("tcp://").split(":")
        whole = shaped(start_of(), "frames", 0)
        for data in (whole[: len(whole) - 60], whole):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(data)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        await until(lambda: playing(fleet) == ["0001"] * 3)
        assert fleet.refused == {}


async def test_a_receiver_that_restarts_hears_the_repeat_and_the_others_do_not_play_twice() -> None:
    async with receivers(rds_receiver.tuner("tcp:0", "frames")) as fleet:
        assert isinstance(fleet.front, RdsReceiver)
        whole = shaped(start_of(), "frames", 0)
        fleet.front.feed(whole)
        first = next(iter(fleet.seats))
        first.reboot("test")
        assert playing(fleet) == ["", "0001", "0001"]
        fleet.front.feed(whole)
        assert playing(fleet) == ["0001"] * 3
        assert len(events(fleet, Event.PLAYING)) == 4


async def test_a_pseudo_terminal_is_a_line_too(tmp_path: Path) -> None:
    path = tmp_path / "rds"
    async with receivers(rds_receiver.tuner(f"pty:{path}", "frames")) as fleet:
        far = os.open(path, os.O_WRONLY | os.O_NOCTTY)
        os.write(far, b"\xff\x00\x13" + shaped(start_of(), "frames", 0) * 2)
        await until(lambda: playing(fleet) == ["0001"] * 3)
        os.close(far)
    assert not path.exists()


@pytest.mark.parametrize("where", ["udp:1", "tcp:x", "pty:", ""])
def test_a_wrong_place_is_named(where: str) -> None:
    with pytest.raises(InvalidValueError, match="rds"):
        AirFleet(rows(1), settings(), rds_receiver.tuner(where, "frames"), returns=False)
    with pytest.raises(InvalidValueError, match="0-1"):
        AirFaults(loss=2.0)


# -- transport stream


class Stream:
    """The packets of a carousel, signed, sent by hand."""

    def __init__(self, fleet: AirFleet) -> None:
        host, port = fleet.front.url.removeprefix("udp://").split(":")
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((host, int(port)))
        self.carousel, self.packetiser, self.now = Carousel(), Packetiser(), 0.0

    def send(self, lose: int = 0, *, signed: bool = True) -> None:
        self.now += 10
        for section in self.carousel.due(self.now):
            raw = ts_section.build_signed(section, sign) if signed else ts_section.build(section)
            for packet in self.packetiser.packets(raw):
                if lose:
                    lose -= 1
                else:
                    self.sock.send(packet)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def shown(
    number: int, severity: int = 1, ebm_class: EbmClass = EbmClass.EMERGENCY, begins: float = -1.0, seconds: float = 600
) -> Rendered:
    now = datetime.now(UTC)
    start = now + timedelta(seconds=begins)
    return render(
        TsBroadcast(
            ebm_id=ebm(number),
            ebm_class=ebm_class,
            severity=Severity(severity),
            event=EventType("11B01"),
            start=start,
            end=start + timedelta(seconds=seconds),
            codes=AREA,
            wordings=(Wording("请立即转移"),),
        ),
        now,
    )


TS = ts_receiver.tuner(("127.0.0.1", 0))


async def test_the_index_starts_and_its_lack_stops() -> None:
    async with receivers(TS) as fleet:
        with Stream(fleet) as stream:
            stream.send()
            stream.carousel.show([shown(1)])
            stream.send()
            stream.send()
            await until(lambda: playing(fleet) == ["0001"] * 3)
            stream.carousel.show([])
            stream.send()
            await until(lambda: playing(fleet) == [""] * 3)
            assert events(fleet, Event.PLAYING, Event.STOPPED) == (
                [("playing", "0001")] * 3 + [("stopped", "0001")] * 3
            )


async def test_an_index_that_is_not_signed_is_refused() -> None:
    async with receivers(TS) as fleet:
        with Stream(fleet) as stream:
            stream.carousel.show([shown(1)])
            stream.send(signed=False)
            await until(lambda: fleet.refused.get("signature_missing"))
            assert playing(fleet) == [""] * 3


async def test_a_lost_packet_is_told_and_the_next_index_heals() -> None:
    async with receivers(TS) as fleet:
        with Stream(fleet) as stream:
            stream.send()
            stream.carousel.show([shown(1)])
            stream.send(lose=1)
            stream.send()
            await until(lambda: playing(fleet) == ["0001"] * 3)
            assert fleet.refused


async def test_a_level_outranks_a_class_as_in_real_receivers() -> None:
    async with receivers(TS) as fleet:
        with Stream(fleet) as stream:
            stream.carousel.show([shown(1, severity=2), shown(2, severity=1, ebm_class=EbmClass.REAL_DRILL)])
            stream.send()
            await until(lambda: playing(fleet) == ["0002"] * 3)


async def test_a_message_of_the_future_waits_for_its_time() -> None:
    async with receivers(TS) as fleet:
        with Stream(fleet) as stream:
            stream.carousel.show([shown(1, begins=2.0)])
            stream.send()
            await until(lambda: fleet.front.sections >= 2)  # type: ignore[attr-defined]
            assert playing(fleet) == [""] * 3
            await until(lambda: playing(fleet) == ["0001"] * 3)


async def test_garbage_on_the_port_harms_nothing() -> None:
    dice = random.Random(3)
    async with receivers(TS) as fleet:
        with Stream(fleet) as stream:
            for size in (1, 187, 188, 189, 1316):
                stream.sock.send(dice.randbytes(size))
            stream.carousel.show([shown(1)])
            for _ in range(3):
                stream.send()
            await until(lambda: playing(fleet) == ["0001"] * 3)


async def test_a_restarted_receiver_plays_again_and_only_it() -> None:
    async with receivers(TS) as fleet:
        with Stream(fleet) as stream:
            stream.carousel.show([shown(1)])
            stream.send()
            await until(lambda: playing(fleet) == ["0001"] * 3)
            next(iter(fleet.seats)).reboot("test")
            stream.send()
            await until(lambda: playing(fleet) == ["0001"] * 3)
            assert len(events(fleet, Event.PLAYING)) == 4
            stream.carousel.show([])
            stream.send()
            await until(lambda: playing(fleet) == [""] * 3)


async def test_reports_go_behind_a_heartbeat_that_names_the_device() -> None:
    heard: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()[:2]
    fleet = AirFleet(
        rows(1), replace(settings(), feedback=address), rds_receiver.tuner("tcp:0", "packets"), returns=True
    )
    await fleet.start()
    try:
        fleet.front.feed(start_of())  # type: ignore[attr-defined]
        await until(lambda: heard)
        found = [feedback.parse(item.raw) for item in StreamFramer().feed(heard[0]) if isinstance(item, Frame)]
        beat, task = (packet.body for packet in found)
        assert isinstance(beat, Heartbeat)
        assert isinstance(task, TaskSwitch)
        assert beat.physical.hex().upper() == rows(1)[0].physical
        assert (task.switch, task.ebm_id.ebm_id) == (1, ebm(1))
        assert {packet.source.code for packet in found} == {rows(1)[0].code}
    finally:
        await fleet.close()
        server.close()
