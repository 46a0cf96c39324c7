"""Reception of RTP: order, loss, jitter, and who is heard."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocols import rtp
from gateway.protocols.rtp import RtpPacket
from gateway.protocols.rtp_reception import SOURCE_SECONDS, Reception

ADAPTER = "10.0.0.7"


def packet(number: int, ssrc: int = 7, begin: int = 0) -> bytes:
    """The ``number``-th packet of a stream whose sequence begins at ``begin``: 168 ms of sound each."""
    return rtp.build(
        RtpPacket(14, (begin + number) & 0xFFFF, number * 15_120 & 0xFFFFFFFF, ssrc, number.to_bytes(4, "big"))
    )


def numbers(packets: list[RtpPacket]) -> list[int]:
    return [int.from_bytes(one.payload, "big") for one in packets]


def heard(reception: Reception, datagrams: list[bytes], step: float = 0.01) -> list[int]:
    """Numbers heard of datagrams that come ``step`` seconds apart, and of a last look when nothing more comes."""
    found, now = [], 100.0
    for data in datagrams:
        found += numbers(reception.take(data, ADAPTER, now))
        now += step
    return found + numbers(reception.due(now + 10))


@given(st.integers(0, 0xFFFF), st.integers(1, 60))
def test_a_whole_stream_is_heard_in_order_and_nothing_counts_as_lost(begin: int, count: int) -> None:
    reception = Reception()
    assert heard(reception, [packet(number, begin=begin) for number in range(count)]) == list(range(count))
    assert (reception.packets, reception.lost, reception.useless) == (count, 0, 0)


@given(st.integers(0, 0xFFFF), st.randoms(use_true_random=False), st.integers(0, 30))
def test_loss_and_short_disorder_are_told_apart(begin: int, dice: random.Random, losses: int) -> None:
    # Neighbours change places, and some packets in the middle are lost: what is left is heard once and in order.
    sent = list(range(100))
    gone = set(dice.sample(range(1, 99), losses))
    order = [number for number in sent if number not in gone]
    for at in range(2, len(order) - 1, 2):
        if dice.random() < 0.5:
            order[at], order[at + 1] = order[at + 1], order[at]
    reception = Reception()
    assert heard(reception, [packet(number, begin=begin) for number in order]) == sorted(order)
    assert (reception.packets, reception.lost, reception.useless) == (100 - losses, losses, 0)


def test_the_same_twice_is_heard_once() -> None:
    reception = Reception()
    doubled = [packet(number) for number in range(20) for _ in range(2)]
    assert heard(reception, doubled) == list(range(20))
    assert (reception.lost, reception.useless) == (0, 20)


def test_what_comes_after_its_turn_is_lost() -> None:
    reception = Reception()
    datagrams = [packet(n) for n in (0, 1, 3, 4)] + [packet(n) for n in range(5, 60)] + [packet(2)]
    assert heard(reception, datagrams) == [0, 1, *range(3, 60)]
    assert (reception.lost, reception.useless) == (1, 1)


def test_a_missing_packet_is_waited_for_but_not_for_long() -> None:
    reception = Reception()
    assert numbers(reception.take(packet(0), ADAPTER, 1.0)) == [0]
    assert reception.take(packet(2), ADAPTER, 1.0) == []
    assert reception.due(1.1) == []
    assert numbers(reception.due(1.3)) == [2]
    assert reception.lost == 1


def test_a_sender_that_begins_anew_loses_nothing() -> None:
    reception = Reception()
    stream = [packet(n) for n in range(10)] + [packet(n, begin=30_000) for n in range(10)]
    assert heard(reception, stream) == [*range(10), *range(10)]
    assert (reception.packets, reception.lost) == (20, 0)


def test_another_source_is_foreign_until_the_first_is_silent() -> None:
    reception = Reception()
    reception.take(packet(0, ssrc=1), ADAPTER, 0.0)
    assert reception.take(packet(0, ssrc=2), ADAPTER, SOURCE_SECONDS - 0.1) == []
    assert (reception.foreign, reception.source) == (1, 1)
    assert numbers(reception.take(packet(5, ssrc=2), ADAPTER, SOURCE_SECONDS)) == [5]
    assert (reception.foreign, reception.source, reception.packets) == (1, 2, 2)


def test_a_fixed_source_is_never_followed_by_another() -> None:
    reception = Reception(ssrc=1)
    assert reception.take(packet(0, ssrc=2), ADAPTER, 0.0) == []
    assert numbers(reception.take(packet(0, ssrc=1), ADAPTER, 0.0)) == [0]
    assert reception.take(packet(1, ssrc=2), ADAPTER, 999.0) == []
    assert reception.foreign == 2


def test_other_hosts_are_not_heard() -> None:
    reception = Reception(hosts=frozenset({ADAPTER}))
    assert reception.take(packet(0), "10.0.0.8", 0.0) == []
    assert numbers(reception.take(packet(0), ADAPTER, 0.0)) == [0]
    assert (reception.foreign, reception.packets) == (1, 1)


@given(st.binary(max_size=64))
def test_garbage_is_counted_and_does_no_harm(data: bytes) -> None:
    reception = Reception()
    reception.take(packet(0), ADAPTER, 0.0)
    reception.take(data, ADAPTER, 0.0)
    reception.take(packet(1)[:14], ADAPTER, 0.0)
    reception.take(rtp.build(RtpPacket(0, 2, 0, 7, b"pcmu")), ADAPTER, 0.0)
    assert numbers(reception.take(packet(1), ADAPTER, 0.0)) == [1]
    assert reception.packets == 2
    assert reception.garbage + reception.foreign >= 2


def test_jitter_is_that_of_rfc_3550() -> None:
    reception = Reception()
    for number in range(4):
        reception.take(packet(number), ADAPTER, 50.0 + number * 0.168)
    assert reception.jitter == pytest.approx(0.0, abs=1e-6)
    # One packet is 32 ms late: J = 0.032 / 16; the next one is on time again: J += (0.032 - J) / 16.
    reception.take(packet(4), ADAPTER, 50.0 + 4 * 0.168 + 0.032)
    assert reception.jitter == pytest.approx(0.002, abs=1e-4)
    reception.take(packet(5), ADAPTER, 50.0 + 5 * 0.168)
    assert reception.jitter == pytest.approx(0.003875, abs=1e-4)


def test_jitter_survives_the_wrap_of_timestamps() -> None:
    reception = Reception()
    for number in range(10):
        stamp = (0xFFFFFFFF - 30_000 + number * 15_120) & 0xFFFFFFFF
        reception.take(rtp.build(RtpPacket(14, number, stamp, 7, b"x")), ADAPTER, 5.0 + number * 0.168)
    assert reception.jitter == pytest.approx(0.0, abs=1e-4)
