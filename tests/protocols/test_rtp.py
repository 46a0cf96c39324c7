"""RTP packets of MPEG audio by RFC 3550 and RFC 2250, and losses counted by RFC 3550 A.3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, IncompleteFrame, MalformedFrame
from gateway.protocols import rtp

packets = st.builds(
    rtp.RtpPacket,
    st.just(rtp.MPEG_AUDIO) | st.integers(0, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=200),
    st.booleans(),
)


def test_bytes_are_those_of_the_rfc() -> None:
    packet = rtp.RtpPacket(14, 0x0102, 0x03040506, 0x0708090A, b"mp3", marker=True)
    assert rtp.build(packet).hex() == "808e0102030405060708090a" + "00000000" + b"mp3".hex()


@given(packets)
def test_what_is_built_is_read_again(packet: rtp.RtpPacket) -> None:
    assert rtp.parse(rtp.build(packet)) == packet


def test_sources_extension_and_padding_are_left_out() -> None:
    data = bytes.fromhex("b28e0001000000020000000300000004000000050006000111223344" + "00000000" + "aabb" + "000003")
    assert rtp.parse(data) == rtp.RtpPacket(14, 1, 2, 3, b"\xaa\xbb", marker=True)


@given(packets, st.integers(0, 15))
def test_a_cut_packet_names_what_is_missing(packet: rtp.RtpPacket, length: int) -> None:
    whole = rtp.build(packet)
    if length < (16 if packet.payload_type == rtp.MPEG_AUDIO else 12):
        with pytest.raises(IncompleteFrame):
            rtp.parse(whole[:length])


@pytest.mark.parametrize("head", ["00", "40", "c0"])
def test_another_version_is_malformed(head: str) -> None:
    with pytest.raises(MalformedFrame, match="version 2"):
        rtp.parse(bytes.fromhex(head) + bytes(20))


@pytest.mark.parametrize("padding", [0, 200])
def test_padding_beyond_the_packet_is_malformed(padding: int) -> None:
    with pytest.raises(MalformedFrame, match="padding"):
        rtp.parse(bytes.fromhex("a00e") + bytes(20) + bytes([padding]))


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_but_named_errors(data: bytes) -> None:
    try:
        rtp.parse(data)
    except GatewayError:
        return


def count(*sequences: int, ssrc: int = 1, into: rtp.LossCount | None = None) -> rtp.LossCount:
    losses = into or rtp.LossCount()
    for sequence in sequences:
        losses.count(rtp.RtpPacket(14, sequence, 0, ssrc, b""))
    return losses


def test_losses_over_the_end_of_the_numbers() -> None:
    losses = count(65533, 65535, 1, 2)
    assert (losses.received, losses.expected, losses.lost) == (4, 6, 2)


def test_what_came_twice_or_late_is_not_received_again() -> None:
    losses = count(1, 2, 2, 1, 5)
    assert (losses.received, losses.lost) == (3, 2)


def test_a_new_source_begins_anew_and_keeps_what_was_lost() -> None:
    losses = count(9, 10, ssrc=2, into=count(1, 3))
    assert (losses.received, losses.lost) == (4, 1)


def test_a_leap_is_a_sender_that_began_anew() -> None:
    assert count(1, 30_000, 30_001).lost == 0


@given(st.sets(st.integers(1, 2000), min_size=1), st.integers(0, 0xFFFF))
def test_each_packet_that_did_not_come_is_lost(kept: set[int], first: int) -> None:
    arrived = sorted(kept | {0, 2001})
    losses = count(*((first + number) & 0xFFFF for number in arrived))
    assert losses.lost == 2002 - len(arrived)
