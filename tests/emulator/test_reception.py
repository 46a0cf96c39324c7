from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.reception import Hearing, Reception
from gateway.protocols import rtp
from gateway.protocols.mpeg_audio import silent_frame
from gateway.protocols.rtp import RtpPacket
from tests.programmes.soundkit import frame, numbers

PACKET = 0.168


def packets(count: int, *, ssrc: int = 7, first: int = 65_530, each: int = 7) -> list[RtpPacket]:
    """A stream whose frames bear numbers, its sequence numbers and times about to wrap."""
    return [
        RtpPacket(
            14,
            (first + n) & 0xFFFF,
            (2**32 - 40_000 + n * each * 2160) & 0xFFFFFFFF,
            ssrc,
            b"".join(frame(number) for number in range(n * each, (n + 1) * each)),
        )
        for n in range(count)
    ]


def heard(reception: Reception, stream: list[RtpPacket]) -> list[bytes]:
    frames = []
    for number, packet in enumerate(stream):
        frames += reception.take_packet(packet, number * PACKET)
    return frames


def test_what_comes_whole_is_heard_whole() -> None:
    reception = Reception(0.0, 3.0)
    assert numbers(b"".join(heard(reception, packets(20)))) == list(range(140))
    counts = reception.counts
    assert (counts.packets, counts.lost, counts.gaps, counts.missing) == (20, 0, 0, 0)
    assert counts.seconds == pytest.approx(20 * PACKET)
    assert (reception.state, reception.first) == (Hearing.SOUNDING, 0.0)


def test_silence_stands_for_packets_that_are_lost() -> None:
    stream = packets(20)
    reception = Reception(0.0, 3.0)
    del stream[5:7], stream[10]
    frames = heard(reception, stream)
    assert len(frames) == 140
    assert frames[35:49] == [silent_frame()] * 14
    counts = reception.counts
    assert (counts.packets, counts.lost, counts.gaps) == (17, 3, 2)
    assert counts.missing == pytest.approx(3 * PACKET)
    assert counts.seconds == pytest.approx(17 * PACKET)


@given(st.randoms(use_true_random=False))
def test_order_and_repeats_change_nothing_where_all_comes(dice: random.Random) -> None:
    """Neighbours change places and packets come twice; the first says where the stream begins."""
    stream = packets(12)
    for at in range(1, 11):
        if dice.random() < 0.4:
            stream[at], stream[at + 1] = stream[at + 1], stream[at]
    for at in range(3):
        stream.insert(dice.randrange(1, len(stream)), stream[at])
    reception = Reception(0.0, 3.0)
    frames = [one for packet in stream for one in reception.take_packet(packet, 0.0)]
    assert numbers(b"".join(frames + reception.rest(0.0))) == list(range(84))
    assert reception.counts.lost == 0


def test_several_losses_that_are_known_at_once_are_several_gaps() -> None:
    """Packets behind a lost one wait for it, and then all come out together."""
    stream = packets(12)
    del stream[6], stream[3]
    reception = Reception(0.0, 3.0)
    frames = [one for packet in stream for one in reception.take_packet(packet, 0.0)]
    assert len(frames) == 21
    assert len(frames + reception.rest(0.0)) == 84
    assert (reception.counts.lost, reception.counts.gaps) == (2, 2)
    assert reception.counts.missing == pytest.approx(2 * PACKET)


def test_another_sender_begins_anew_and_nothing_is_lost_by_it() -> None:
    reception = Reception(0.0, 3.0)
    frames = heard(reception, packets(3) + packets(3, ssrc=8, first=9))
    assert numbers(b"".join(frames)) == [*range(21), *range(21)]
    assert (reception.counts.lost, reception.counts.gaps) == (0, 0)


@pytest.mark.parametrize(
    "packet",
    [RtpPacket(0, 1, 1, 1, b"\xff" * 160), RtpPacket(14, 1, 1, 1, b"no mp3 at all"), RtpPacket(14, 1, 1, 1, b"")],
)
def test_what_is_no_mp3_is_no_sound(packet: RtpPacket) -> None:
    reception = Reception(0.0, 3.0)
    assert reception.take_packet(packet, 1.0) == []
    assert (reception.counts.broken, reception.counts.packets, reception.state) == (1, 0, Hearing.WAITING)


def test_silence_is_noticed_once_and_ends_with_sound() -> None:
    reception = Reception(10.0, 3.0)
    assert reception.due == 13.0
    assert not reception.advance(12.9)
    assert reception.advance(13.0)
    assert not reception.advance(20.0)
    assert reception.state is Hearing.SILENT
    reception.take_packet(packets(1)[0], 21.0)
    assert (reception.state, reception.first, reception.due) == (Hearing.SOUNDING, 11.0, 24.0)


@pytest.mark.parametrize("whole", [True, False])
def test_plain_mp3_shows_what_is_missing_by_the_time(whole: bool) -> None:
    reception = Reception(0.0, 3.0)
    stream = [packet.payload for packet in packets(20)]
    times = [n * PACKET for n in range(20)]
    del stream[6:12], times[6:12]
    frames = []
    for data, now in zip(stream, times, strict=True):
        pieces = [data] if whole else [data[:700], data[700:]]
        for piece in pieces:
            frames += reception.take_plain(piece, now, whole=whole)
    assert reception.counts.gaps == 1
    assert reception.counts.missing == pytest.approx(6 * PACKET, abs=0.2)
    sounding = [one for one in frames if one != silent_frame()]
    # Frame 0 is silence; of a byte stream the last frame is known to be whole only when another begins.
    assert numbers(b"".join(sounding)) == [*range(1, 42), *range(84, 140 if whole else 139)]
    assert len(frames) == pytest.approx(140, abs=8)


def test_a_late_datagram_is_no_gap() -> None:
    reception = Reception(0.0, 3.0)
    late = [0.0, 0.168, 0.75, 0.75, 0.75, 0.84]
    for packet, now in zip(packets(6), late, strict=True):
        reception.take_plain(packet.payload, now, whole=True)
    assert (reception.counts.gaps, reception.counts.missing) == (0, 0.0)


def test_the_clock_of_rtp_is_that_of_its_timestamps() -> None:
    """A gap is as long as the timestamps say, whatever the numbers count."""
    one, other = packets(1)[0], packets(3)[2]
    late = RtpPacket(14, other.sequence, (other.timestamp + rtp.CLOCK) & 0xFFFFFFFF, 7, other.payload)
    reception = Reception(0.0, 3.0)
    frames = reception.take_packet(one, 0.0) + reception.take_packet(late, 1.0) + reception.rest(2.0)
    assert reception.counts.missing == pytest.approx(1.0 + PACKET)
    assert len(frames) == 14 + round((1.0 + PACKET) / 0.024)
