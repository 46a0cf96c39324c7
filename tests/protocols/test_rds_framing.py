import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import IncompleteFrame, MalformedFrame
from gateway.protocols import rds
from gateway.protocols.rds_bodies import CONTENTS
from gateway.protocols.rds_framing import Fault, Packet, RdsFramer, needed
from tests.protocols.golden import frame
from tests.protocols.rds_golden import BODIES, PACKETS, bytes_of, codes, rds_packets

ALL = b"".join(map(bytes_of, PACKETS))


def packets_of(found: list[Packet | Fault]) -> list[bytes]:
    return [item.raw for item in found if isinstance(item, Packet)]


def faults_of(found: list[Packet | Fault]) -> list[Fault]:
    return [item for item in found if isinstance(item, Fault)]


def fed(framer: RdsFramer, *segments: bytes) -> list[Packet | Fault]:
    return [item for segment in segments for item in framer.feed(segment)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


def test_many_packets_in_one_segment() -> None:
    framer = RdsFramer()
    assert framer.feed(ALL) == [Packet(bytes_of(name)) for name in PACKETS]
    assert framer.pending == 0


def test_byte_by_byte() -> None:
    found = fed(RdsFramer(), *(ALL[at : at + 1] for at in range(len(ALL))))
    assert found == [Packet(bytes_of(name)) for name in PACKETS]


@pytest.mark.parametrize("kind", BODIES)
@given(st.data())
def test_packets_of_every_type_are_seen_from_their_first_bytes(kind: int, data: st.DataObject) -> None:
    packet = data.draw(rds_packets((kind,)))
    target = () if kind == 1 else (data.draw(codes),)
    raw = rds.build(rds.RdsPacket(kind, target, packet.body, packet.block))
    if kind not in CONTENTS and len(raw) < 90:
        return  # a type that no table knows, with no content: too little to be told from noise
    assert all(needed(raw[:at], 0) in (2, len(raw)) for at in range(len(raw) + 1))
    assert packets_of(RdsFramer().feed(raw)) == [raw]


def test_garbage_around_packets() -> None:
    framer = RdsFramer()
    found = framer.feed(b"\xff\xff\xfe" + bytes_of("C20") + b"noise" + bytes_of("C21") + bytes(4))
    assert packets_of(found) == [bytes_of("C20"), bytes_of("C21")]
    assert [fault.skipped for fault in faults_of(found)] == [3, 5, 3]
    assert framer.pending == 1


def test_frames_of_other_protocols_are_noise() -> None:
    framer = RdsFramer()
    found = framer.feed(frame("C1") + bytes_of("C20") + frame("C11")) + framer.finish()
    assert packets_of(found) == [bytes_of("C20")]
    assert sum(fault.skipped for fault in faults_of(found)) == len(frame("C1") + frame("C11"))


@pytest.mark.parametrize("name", PACKETS)
def test_a_content_that_is_wrong_does_not_hurt_the_next(name: str) -> None:
    raw = bytes_of(name)
    for by in (1, -1):
        head = (int.from_bytes(raw[:2], "big") + by).to_bytes(2, "big")
        framer = RdsFramer()
        found = framer.feed(head + raw[2:] + bytes_of("C20") * 12) + framer.finish()
        assert packets_of(found)[-10:] == [bytes_of("C20")] * 10


def test_a_sender_that_dies_within_a_packet_costs_what_it_lies_over() -> None:
    framer = RdsFramer()
    assert framer.feed(bytes_of("C20")[:100]) == []
    assert framer.pending == 100
    found = framer.feed(bytes_of("C101") + bytes_of("C89"))
    # no checksum says that the first packet is false: its signature does, above
    assert packets_of(found) == [bytes_of("C20")[:100] + bytes_of("C101")[:16], bytes_of("C89")]


def test_expire_gives_up_one_head_and_looks_again() -> None:
    framer = RdsFramer()
    assert framer.feed(bytes_of("C98")[:30] + bytes_of("C101")) == []
    fault, found = framer.expire()
    assert isinstance(fault, Fault)
    assert isinstance(fault.error, IncompleteFrame)
    assert (fault.error.needed, fault.skipped) == (132 - 30 - 91, 30)
    assert found == Packet(bytes_of("C101"))
    assert framer.expire() == framer.finish() == []


def test_finish_gives_up_all_that_is_pending() -> None:
    framer = RdsFramer()
    framer.feed(bytes_of("C94")[:200])
    found = framer.finish()
    assert sum(fault.skipped for fault in faults_of(found)) == 200
    assert framer.pending == 0


def test_a_limit_on_packets() -> None:
    framer = RdsFramer(max_packet=120)
    found = framer.feed(bytes_of("C94") + bytes_of("C20"))
    assert packets_of(found) == [bytes_of("C20")]
    assert faults_of(found)[0].skipped == len(bytes_of("C94"))
    assert isinstance(faults_of(found)[0].error, MalformedFrame)
    assert framer.pending == 0


@pytest.mark.parametrize(
    "head",
    ["F872", "5849", "5FFF", "587200", "587301F4", "587201E4", "587202F4", "9072", "507200F4", "284F01", "785D01F4"],
)
def test_heads_that_are_none(head: str) -> None:
    assert needed(bytes.fromhex(head), 0) == (len(bytes_of("C20")) if head == "9072" else 0)


def test_noise_holds_little_memory_and_few_false_heads() -> None:
    chance, framer = random.Random(3), RdsFramer()
    noise = chance.randbytes(300_000)
    heads = sum(needed(noise, at) > 0 and noise[at] >> 3 in CONTENTS for at in range(len(noise) - 20))
    assert heads <= 12
    for at in range(0, len(noise), 1000):
        framer.feed(noise[at : at + 1000])
        assert framer.pending <= rds.MAX_PACKET
    framer.finish()
    assert packets_of(framer.feed(bytes_of("C20"))) == [bytes_of("C20")]


PIECES = st.one_of(
    st.sampled_from(PACKETS).map(bytes_of),
    st.sampled_from(PACKETS).map(lambda name: bytes_of(name)[: len(bytes_of(name)) // 2]),
    st.binary(max_size=30),
)


@given(st.lists(PIECES, max_size=8).map(b"".join), st.lists(st.integers(0), max_size=20))
def test_how_a_stream_is_cut_changes_nothing(stream: bytes, places: list[int]) -> None:
    outcomes = []
    for segments in ([stream], cut(stream, places)):
        framer = RdsFramer()
        found = fed(framer, *segments) + framer.finish()
        assert sum(map(len, packets_of(found))) + sum(fault.skipped for fault in faults_of(found)) == len(stream)
        outcomes.append(packets_of(found))
    assert outcomes[0] == outcomes[1]


def test_memory_segments_other_than_bytes() -> None:
    assert packets_of(RdsFramer().feed(bytearray(bytes_of("C20")))) == [bytes_of("C20")]
    assert packets_of(RdsFramer().feed(memoryview(bytes_of("C20")))) == [bytes_of("C20")]
