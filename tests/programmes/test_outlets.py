"""Datagrams on loopback: seven frames in each, every frame once and in order, two programmes beside each other."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from gateway.programmes.addresses import Endpoint, RtpAddress
from gateway.programmes.broadcast import Broadcast
from gateway.programmes.outlets import RtpOutlet, UnicastOutlet, frames_in_packet
from gateway.programmes.programme import Programme
from gateway.protocols import rtp
from tests.programmes.soundkit import Timers, frame, numbers


class Receiver:
    """A bound socket and what came to it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        host, port = sock.getsockname()[:2]
        self.endpoint: Endpoint = (host, port)

    def packets(self) -> list[bytes]:
        """What has come; on loopback a datagram is there when it is sent."""
        found = []
        while True:
            try:
                found.append(self._sock.recv(65_536))
            except BlockingIOError:
                return found


@contextmanager
def receiver(host: str = "127.0.0.1") -> Iterator[Receiver]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.setblocking(False)
        yield Receiver(sock)


def test_seven_frames_fit_and_larger_ones_are_fewer() -> None:
    assert [frames_in_packet(kbits) for kbits in (32, 64, 96, 128, 320)] == [7, 7, 4, 3, 1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_unicast_packets_hold_seven_frames_of_mp3_and_nothing_else(host: str) -> None:
    with receiver(host) as ear:
        outlet = UnicastOutlet()
        outlet.add(ear.endpoint)
        for number in range(70):
            outlet.push(frame(number))
        outlet.finish()
        packets = ear.packets()
    assert numbers(b"".join(packets)) == list(range(70))
    assert {len(packet) for packet in packets[1:-1]} == {7 * 192}
    assert outlet.sent == len(packets)
    assert not outlet.unsent


@pytest.mark.parametrize("count", [1, 2, 6, 7, 8, 13, 14, 15, 50])
def test_each_receiver_hears_every_frame_once_whenever_the_end_comes(count: int) -> None:
    with ExitStack() as stack:
        ears = [stack.enter_context(receiver()) for _ in range(9)]
        outlet = UnicastOutlet()
        for ear in ears:
            outlet.add(ear.endpoint)
        for number in range(count):
            outlet.push(frame(number))
        outlet.finish()
        for ear in ears:
            assert numbers(b"".join(ear.packets())) == list(range(count))


def test_the_load_is_even() -> None:
    with ExitStack() as stack:
        ears = [stack.enter_context(receiver()) for _ in range(14)]
        outlet = UnicastOutlet()
        for ear in ears:
            outlet.add(ear.endpoint)
        sent = []
        for number in range(21):
            before = outlet.sent
            outlet.push(frame(number))
            sent.append(outlet.sent - before)
        outlet.finish()
    assert sent == [2] * 21


def test_receivers_come_and_go() -> None:
    with receiver() as first, receiver() as second:
        outlet = UnicastOutlet()
        outlet.add(first.endpoint)
        outlet.add(first.endpoint)
        for number in range(7):
            outlet.push(frame(number))
        outlet.add(second.endpoint)
        assert outlet.receivers == 2
        outlet.remove(first.endpoint)
        outlet.remove(first.endpoint)
        for number in range(7, 28):
            outlet.push(frame(number))
        outlet.finish()
        assert numbers(b"".join(first.packets())) == [0]
        heard = numbers(b"".join(second.packets()))
        assert heard == list(range(heard[0], 28))
        assert first.endpoint not in outlet
        assert second.endpoint in outlet


def test_a_receiver_that_cannot_be_reached_hinders_nobody() -> None:
    with receiver() as ear:
        outlet = UnicastOutlet()
        outlet.add(("255.255.255.255", 9))  # refused by the kernel: no broadcast without leave
        outlet.add(ear.endpoint)
        for number in range(14):
            outlet.push(frame(number))
        outlet.finish()
        assert numbers(b"".join(ear.packets())) == list(range(14))
    assert outlet.unsent["PermissionError"] > 0


def test_rtp_packets_follow_each_other_by_number_and_time() -> None:
    with receiver() as ear:
        outlet = RtpOutlet(RtpAddress(ear.endpoint), dice=random.Random(7))
        for number in range(30):
            outlet.push(frame(number))
        outlet.finish()
        packets = [rtp.parse(packet) for packet in ear.packets()]
    assert numbers(b"".join(packet.payload for packet in packets)) == list(range(30))
    assert [len(packet.payload) // 192 for packet in packets] == [1, 7, 7, 7, 7, 1]
    assert [packet.marker for packet in packets] == [True] + [False] * 5
    assert {packet.payload_type for packet in packets} == {rtp.MPEG_AUDIO}
    assert len({packet.ssrc for packet in packets}) == 1
    first = packets[0]
    assert [(packet.sequence - first.sequence) & 0xFFFF for packet in packets] == list(range(6))
    # 24 ms of a 90 kHz clock are 2,160 ticks.
    ticks = [(packet.timestamp - first.timestamp) & 0xFFFFFFFF for packet in packets]
    assert ticks == [0] + [2160 * (1 + 7 * index) for index in range(5)]


async def test_two_programmes_sound_at_once_and_end_each_by_itself() -> None:
    timers = Timers()
    with receiver() as one, receiver() as two, receiver() as group:
        unicast, other = UnicastOutlet(), UnicastOutlet()
        unicast.add(one.endpoint)
        other.add(two.endpoint)
        first = Broadcast(
            Programme("a", [frame(number) for number in range(100)]),
            [unicast, RtpOutlet(RtpAddress(group.endpoint))],
            timers,
        )
        second = Broadcast(Programme("b", [frame(1000 + number) for number in range(100)]), [other], timers)
        first.start()
        timers.pass_by(0.5)
        second.start()
        timers.pass_by(0.5)
        first.stop()
        timers.pass_by(0.5)
        second.stop()
        assert timers.waiting == []
        assert numbers(b"".join(one.packets())) == list(range(42))
        assert numbers(b"".join(rtp.parse(packet).payload for packet in group.packets())) == list(range(42))
        assert numbers(b"".join(two.packets())) == list(range(1000, 1042))
        timers.pass_by(1.0)
        assert one.packets() == two.packets() == []
