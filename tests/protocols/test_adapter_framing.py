import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ChecksumMismatch, FrameTooLarge, IncompleteFrame, MalformedFrame
from gateway.protocols import adapter
from gateway.protocols.checksum import seal
from gateway.protocols.framing import Fault, Frame, Head, Kind, StreamFramer
from gateway.protocols.ip_bodies import UnknownBody
from tests.protocols.golden import BY_ID, changed, frame, of, resealed
from tests.protocols.test_framing import cut, faults_of, fed, frames_of

OURS = of("adapter")
NAMES = of("ip", "ip-legacy", "feedback", "adapter")
MIXED = b"".join(map(frame, NAMES))


def framer(max_frame: int = 4096, max_large: int = 0xFFFF) -> StreamFramer:
    return StreamFramer(max_frame, max_large, adapters=True)


def kind_of(name: str) -> Kind:
    protocol = BY_ID[name]["protocol"]
    return Kind.IP if protocol == "ip-legacy" else Kind(protocol)


def packet(size: int, protocol_type: int) -> bytes:
    return adapter.build(adapter.AdapterPacket(0x50, protocol_type, UnknownBody(bytes(size)), 2))


@pytest.mark.parametrize("name", OURS)
def test_one_segment_one_frame(name: str) -> None:
    one = framer()
    assert one.feed(frame(name)) == [Frame(Kind.ADAPTER, frame(name))]
    assert one.pending == 0


def test_all_protocols_on_one_port() -> None:
    found = framer().feed(MIXED)
    assert [item.kind for item in found if isinstance(item, Frame)] == list(map(kind_of, NAMES))
    assert frames_of(found) == list(map(frame, NAMES))


def test_byte_by_byte() -> None:
    found = fed(framer(), *(MIXED[at : at + 1] for at in range(len(MIXED))))
    assert [type(item) for item in found] == [Frame] * len(NAMES)
    assert frames_of(found) == list(map(frame, NAMES))


@pytest.mark.parametrize("name", ["C17", "R5a", "C74"])
def test_a_frame_cut_at_every_offset(name: str) -> None:
    data = frame(name)
    for at in range(1, len(data)):
        one = framer()
        assert one.feed(data[:at]) == []
        assert one.pending == at
        assert frames_of(one.feed(data[at:] + frame("C5"))) == [data, frame("C5")]


def test_the_shortest_frame_is_not_kept_waiting() -> None:
    short = packet(0, 0x12)[:9] + b"\0\0"
    assert frames_of(framer().feed(seal(short))) == [seal(short)]


def test_garbage_between() -> None:
    one = framer()
    found = one.feed(b"\x49\x00\x50" + frame("C17") + b"\x49\x50\xfe\x49\x00" + frame("R5a") + b"!\x50\x00")
    assert frames_of(found) == [frame("C17"), frame("R5a")]
    assert [fault.skipped for fault in faults_of(found)] == [3, 5, 1]
    assert one.pending == 2  # 50 00 may be the beginning of a mark
    assert frames_of(one.feed(frame("R5a")[2:])) == [frame("R5a")]


def test_a_frame_that_ends_as_a_mark_begins() -> None:
    for number in range(100_000):
        whole = adapter.build(adapter.AdapterPacket(0x50, 0x77, UnknownBody(number.to_bytes(4, "big")), 2))
        if whole[-1] == 0x49:
            break
    one = framer()
    assert one.feed(whole) == [Frame(Kind.ADAPTER, whole)]
    assert one.pending == 0
    assert one.feed(whole) == [Frame(Kind.ADAPTER, whole)]


@pytest.mark.parametrize("name", ["C17", "R5d"])
def test_a_frame_hurt_anywhere_does_not_hurt_the_next(name: str) -> None:
    hurt = frame(name)
    for at in range(len(hurt)):
        data = hurt[:at] + bytes([hurt[at] ^ 0x10]) + hurt[at + 1 :]
        one = framer()
        found = one.feed(data + frame("C64") + frame("C5")) + one.finish()
        assert frames_of(found) == [frame("C64"), frame("C5")]
        assert sum(fault.skipped for fault in faults_of(found)) == len(hurt)


def test_a_wrong_checksum_says_what_to_answer() -> None:
    (fault, found) = framer().feed(frame("C82")[:-1] + b"\0" + frame("C83"))
    assert isinstance(fault, Fault)
    assert isinstance(fault.error, ChecksumMismatch)
    assert fault.head == Head(Kind.ADAPTER, 0, 0x50, b"", 0x18)
    assert fault.skipped == len(frame("C82"))
    assert found == Frame(Kind.ADAPTER, frame("C83"))


@pytest.mark.parametrize(
    ("head", "error"),
    [
        ("490001 15 02 FFFFFFFF", FrameTooLarge),
        ("490001 15 02 00010000", FrameTooLarge),
        ("500001 12 02 00001000", FrameTooLarge),
        ("490001 77 09 00000008", MalformedFrame),
    ],
)
def test_a_false_header_is_not_waited_for(head: str, error: type[MalformedFrame]) -> None:
    one = framer()
    found = one.feed(bytes.fromhex(head))
    assert one.pending == 0
    found += one.feed(frame("C5") + bytes(5000) + frame("R5a")) + one.finish()
    assert type(faults_of(found)[0].error) is error
    assert frames_of(found) == [frame("C5"), frame("R5a")]


def test_the_signature_counts_towards_the_limit() -> None:
    whole = packet(4000, 0x12)
    assert frames_of(framer(max_frame=len(whole)).feed(whole)) == [whole]
    (fault,) = framer(max_frame=len(whole) - 1).feed(whole)
    assert isinstance(fault, Fault)
    assert isinstance(fault.error, FrameTooLarge)
    assert fault.skipped == len(whole)


def test_a_false_header_of_a_right_size_is_given_up_with_time() -> None:
    one = framer()
    assert one.feed(bytes.fromhex("500001 12 02 00000800") + frame("R5a")) == []
    (fault, found) = one.expire()
    assert isinstance(fault, Fault)
    assert isinstance(fault.error, IncompleteFrame)
    assert fault.skipped == 9
    assert found == Frame(Kind.ADAPTER, frame("R5a"))


def test_a_signature_of_no_known_length_is_noise() -> None:
    odd = resealed(frame("C64")[:13] + b"\x00\x4b" + frame("C64")[15:])
    found = framer().feed(odd + frame("C5"))
    assert frames_of(found) == [frame("C5")]
    assert type(faults_of(found)[0].error) is MalformedFrame


def test_records_and_texts_may_be_larger_than_other_frames() -> None:
    records, answer = packet(9000, 0x15), packet(9000, 0x12)
    assert frames_of(fed(framer(), records[:5000], records[5000:])) == [records]
    found = fed(framer(), answer, frame("C5"))
    assert frames_of(found) == [frame("C5")]
    assert isinstance(faults_of(found)[0].error, FrameTooLarge)
    assert frames_of(framer(max_frame=10_000).feed(answer)) == [answer]
    assert frames_of(framer(max_large=8000).feed(records)) == []
    stranger = changed(records, 4, 7)
    assert frames_of(framer().feed(stranger)) == []


def test_unknown_types_and_unknown_sources_are_frames_but_not_both() -> None:
    unknown, source = changed(frame("R5a"), 3, 0x60), changed(frame("R5a"), 4, 7)
    assert frames_of(framer().feed(unknown + source)) == [unknown, source]
    assert frames_of(framer().feed(changed(unknown, 4, 7))) == []


def test_without_the_wish_no_adapter_frames_are_found() -> None:
    assert frames_of(StreamFramer().feed(frame("R5a") + frame("C5"))) == [frame("C5")]


@pytest.mark.parametrize("segment", [1460, 100_000])
def test_noise_takes_linear_time_and_little_memory(segment: int) -> None:
    chance = random.Random(7)
    noises = [
        chance.randbytes(100_000),
        b"\x49\x00\x01" * 33_000,
        bytes.fromhex("500001120200000FA2") * 11_000,
        # largest records, whose end always falls on two zero bytes: each would cost a sum over 64 KB
        bytes.fromhex("50000115020000F80C") * 11_000,
        bytes.fromhex("FEFD500001") * 20_000,
    ]
    for noise in noises:
        one, began = framer(), time.process_time()
        found = fed(one, *(noise[at : at + segment] for at in range(0, len(noise), segment)))
        took = time.process_time() - began
        assert frames_of(found) == []
        assert one.pending <= 0xFFFF
        assert took < 1.5, f"{took:.2f} s for {len(noise)} bytes"
        assert frames_of(one.finish() + one.feed(frame("R5a"))) == [frame("R5a")]


def test_after_a_large_frame_that_failed_ordinary_ones_are_still_found() -> None:
    broken = bytearray(packet(9000, 0x15))
    broken[5000 : 5000 + len(frame("R5a"))] = frame("R5a")
    found = framer().feed(bytes(broken) + packet(9000, 0x15))
    assert frames_of(found) == [frame("R5a"), packet(9000, 0x15)]


PIECES = st.one_of(
    st.sampled_from(NAMES).map(frame),
    st.sampled_from(OURS).map(lambda name: frame(name)[:-1] + bytes([frame(name)[-1] ^ 1])),
    st.sampled_from(OURS).map(lambda name: frame(name)[: len(frame(name)) // 2]),
    st.binary(max_size=30),
    st.sampled_from([b"\x49\x00\x01", b"\x50\x00", b"\x49", b"\xfe\xfd", b"\xfe"]),
)


@given(st.lists(PIECES, max_size=8).map(b"".join), st.lists(st.integers(0), max_size=20))
def test_how_a_stream_is_cut_changes_nothing(stream: bytes, places: list[int]) -> None:
    outcomes = []
    for segments in ([stream], cut(stream, places)):
        one = framer()
        found = fed(one, *segments) + one.finish()
        heads = [fault.head for fault in faults_of(found) if fault.head]
        assert sum(map(len, frames_of(found))) + sum(fault.skipped for fault in faults_of(found)) == len(stream)
        outcomes.append((frames_of(found), heads))
    assert outcomes[0] == outcomes[1]


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5), st.lists(st.binary(max_size=12), max_size=6))
def test_no_frame_is_lost_in_garbage(names: list[str], garbage: list[bytes]) -> None:
    junk = [piece.translate(bytes.maketrans(b"\xfe\x49\x50", b"\xff\x4a\x51")) for piece in garbage] + [b""] * 6
    stream = b"".join(piece + frame(name) for piece, name in zip(junk, names, strict=False))
    assert frames_of(framer().feed(stream)) == list(map(frame, names))
