import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ChecksumMismatch, FrameTooLarge, IncompleteFrame, MalformedFrame
from gateway.protocols import feedback, ip
from gateway.protocols.checksum import seal
from gateway.protocols.fields import WireCode
from gateway.protocols.framing import Fault, Frame, Head, Kind, StreamFramer
from gateway.protocols.ip_bodies import CertificateAuthorisation, GeneralAnswer, UnknownBody
from tests.protocols.golden import BY_ID, changed, frame, of

NAMES = of("ip", "ip-legacy", "feedback")
ALL = b"".join(map(frame, NAMES))
CODE = WireCode.of("63415231002000314010401")


def frames_of(found: list[Frame | Fault]) -> list[bytes]:
    return [item.raw for item in found if isinstance(item, Frame)]


def faults_of(found: list[Frame | Fault]) -> list[Fault]:
    return [item for item in found if isinstance(item, Fault)]


def fed(framer: StreamFramer, *segments: bytes) -> list[Frame | Fault]:
    return [item for segment in segments for item in framer.feed(segment)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize("name", NAMES)
def test_one_segment_one_frame(name: str) -> None:
    framer = StreamFramer()
    kind = Kind.FEEDBACK if BY_ID[name]["protocol"] == "feedback" else Kind.IP
    assert framer.feed(frame(name)) == [Frame(kind, frame(name))]
    assert framer.pending == 0


def test_many_frames_in_one_segment() -> None:
    assert frames_of(StreamFramer().feed(ALL)) == list(map(frame, NAMES))


def test_byte_by_byte() -> None:
    framer = StreamFramer()
    found = fed(framer, *(ALL[at : at + 1] for at in range(len(ALL))))
    assert [type(item) for item in found] == [Frame] * len(NAMES)
    assert frames_of(found) == list(map(frame, NAMES))


@pytest.mark.parametrize("name", ["C1", "C39", "C51", "C46"])
def test_a_frame_cut_over_twenty_segments(name: str) -> None:
    data, framer = frame(name), StreamFramer()
    step = -(-len(data) // 20)
    segments = [data[at : at + step] for at in range(0, len(data), step)]
    assert fed(framer, *segments[:-1]) == []
    assert 0 < framer.pending < len(data)
    assert frames_of(framer.feed(segments[-1])) == [data]


def test_garbage_around_frames() -> None:
    framer = StreamFramer()
    found = framer.feed(b"\x00\xff\xfe" + frame("C5") + b"noise\xfe\xfe" + frame("C11") + b"\xfd\xfe")
    assert frames_of(found) == [frame("C5"), frame("C11")]
    assert [(type(fault.error), fault.skipped) for fault in faults_of(found)] == [
        (MalformedFrame, 3),
        (MalformedFrame, 7),
        (MalformedFrame, 1),
    ]
    assert framer.pending == 1  # FE may be the first half of a mark


def test_a_wrong_checksum_says_whom_to_answer() -> None:
    found = StreamFramer().feed(frame("R7") + frame("C5"))
    fault = faults_of(found)[0]
    assert isinstance(fault.error, ChecksumMismatch)
    assert fault.error.result == 15
    assert fault.skipped == len(frame("R7"))
    assert fault.head == Head(Kind.IP, 6, 1, frame("R7")[12:24], 1)
    assert frames_of(found) == [frame("C5")]


@pytest.mark.parametrize("name", ["C1", "C11", "C46"])
def test_a_frame_hurt_anywhere_does_not_hurt_the_next(name: str) -> None:
    hurt = frame(name)
    for at in range(len(hurt)):
        data = hurt[:at] + bytes([hurt[at] ^ 0x10]) + hurt[at + 1 :]
        framer = StreamFramer()
        found = framer.feed(data + frame("C14") + frame("C5")) + framer.finish()
        assert frames_of(found) == [frame("C14"), frame("C5")]
        assert sum(fault.skipped for fault in faults_of(found)) == len(hurt)


def test_a_false_header_with_the_largest_length() -> None:
    framer = StreamFramer()
    found = framer.feed(bytes.fromhex("FEFD01000000000101 00FFFF") + frame("C5"))
    assert [type(fault.error) for fault in faults_of(found)] == [FrameTooLarge]
    assert frames_of(found) == [frame("C5")]
    assert framer.pending == 0


def test_a_false_header_alone_is_not_waited_for() -> None:
    framer = StreamFramer()
    framer.feed(bytes.fromhex("FEFD01000000000101 00FFFF"))
    assert frames_of(framer.feed(frame("C5"))) == [frame("C5")]


def test_a_sender_that_dies_within_a_frame() -> None:
    framer = StreamFramer()
    assert framer.feed(frame("C1")[:100]) == []
    found = fed(framer, frame("C5"), frame("C11"))
    assert frames_of(found) == [frame("C5"), frame("C11")]


def test_expire_gives_up_one_header_and_looks_again() -> None:
    framer = StreamFramer()
    assert framer.feed(frame("C1")[:60] + frame("C5")) == []
    (fault, found) = framer.expire()
    assert isinstance(fault, Fault)
    assert isinstance(fault.error, IncompleteFrame)
    assert (fault.error.needed, fault.skipped) == (179 - 60 - 56, 60)
    assert found == Frame(Kind.IP, frame("C5"))
    assert framer.pending == 0
    assert framer.expire() == framer.finish() == []


def test_finish_gives_up_all_that_is_pending() -> None:
    framer = StreamFramer()
    held = frame("C1")[:50] + frame("C39")[:60]
    framer.feed(held)
    found = framer.finish()
    assert framer.pending == 0
    assert frames_of(found) == []
    assert sum(fault.skipped for fault in faults_of(found)) == len(held)


def test_a_frame_whose_lengths_disagree_comes_out_when_its_head_is_right() -> None:
    odd = changed(frame("C10"), 40, 1)  # content longer than announced: to be answered with 13
    for segments in ([odd], [odd[:30], odd[30:]]):
        found = fed(StreamFramer(), *segments)
        assert frames_of(found) == [odd]
    with pytest.raises(MalformedFrame):
        ip.parse(odd)


def test_lengths_that_disagree_under_a_wrong_head_are_noise() -> None:
    odd = bytearray(frame("C10"))
    odd[8], odd[40] = 7, 99
    assert [type(fault.error) for fault in faults_of(fed(StreamFramer(), bytes(odd)))] == [MalformedFrame]


def test_appendix_d_and_e_of_equal_length_fields_are_told_apart() -> None:
    # total 257 = 0101: bytes 9-11 read 01 01 01 in both appendices when an E source begins with 01
    source = WireCode(bytes.fromhex("013415231002000314010401"))
    by_e = feedback.build(feedback.FeedbackPacket(1, source, (CODE,), 0x99, UnknownBody(bytes(257 - 44))))
    by_d = ip.build(ip.IpPacket(1, CODE, (CODE,), 0x10, GeneralAnswer(0, bytes(257 - 50)), packet_type=2, sign_flag=1))
    assert len(by_d) == len(by_e) == 257
    assert [item.kind for item in StreamFramer().feed(by_d + by_e) if isinstance(item, Frame)] == ["ip", "feedback"]


def test_ordinary_frames_have_a_limit_and_certificates_another() -> None:
    certificates = CertificateAuthorisation((bytes(5000),), (bytes(143),))
    large = ip.build(ip.IpPacket(1, CODE, (CODE,), 0x17, certificates))
    ordinary = ip.build(ip.IpPacket(1, CODE, (CODE,), 0x30, UnknownBody(bytes(5000))))
    records = feedback.build(feedback.FeedbackPacket(1, CODE, (CODE,), 0x16, UnknownBody(bytes(9000))))
    halves = [half for data in (large, records) for half in (data[:700], data[700:])]
    assert frames_of(fed(StreamFramer(), large, records)) == [large, records]
    assert frames_of(fed(StreamFramer(), *halves)) == [large, records]
    found = fed(StreamFramer(), ordinary, frame("C5"))
    assert frames_of(found) == [frame("C5")]
    assert isinstance(faults_of(found)[0].error, FrameTooLarge)
    assert frames_of(fed(StreamFramer(max_frame=6000), ordinary)) == [ordinary]
    assert frames_of(fed(StreamFramer(max_large=4096), large)) == []


def test_a_large_header_must_show_its_type_soon() -> None:
    head = frame("C5")[:10] + (60000).to_bytes(2, "big") + CODE.raw + (1000).to_bytes(2, "big")
    framer = StreamFramer()
    framer.feed(head)
    assert framer.pending == 0


@pytest.mark.parametrize("segment", [1460, 65536, 100_000])
def test_noise_takes_linear_time_and_little_memory(segment: int) -> None:
    chance = random.Random(7)
    noises = [
        chance.randbytes(100_000),
        b"\xfe\xfd" * 50_000,
        bytes(100_000),
        (frame("C1")[:30] * 3400)[:100_000],
        (frame("C39")[:12] + bytes.fromhex("0F00")) * 7200,
    ]
    for noise in noises:
        framer, began = StreamFramer(), time.process_time()
        found = fed(framer, *(noise[at : at + segment] for at in range(0, len(noise), segment)))
        took = time.process_time() - began
        assert frames_of(found) == []
        assert framer.pending <= 0xFFFF
        assert took < 1.5, f"{took:.2f} s for {len(noise)} bytes"
        assert frames_of(framer.finish() + framer.feed(frame("C5"))) == [frame("C5")]


def test_a_run_of_noise_is_one_fault() -> None:
    found = StreamFramer().feed(b"\xfe\xfd" * 5000 + bytes(100))
    assert len(found) == 1
    assert faults_of(found)[0].skipped == 10_100


PIECES = st.one_of(
    st.sampled_from(NAMES).map(frame),
    st.sampled_from(NAMES).map(lambda name: frame(name)[:-1] + bytes([frame(name)[-1] ^ 1])),
    st.sampled_from(NAMES).map(lambda name: frame(name)[: len(frame(name)) // 2]),
    st.binary(max_size=30),
    st.just(b"\xfe\xfd"),
    st.just(b"\xfe"),
)


@given(st.lists(PIECES, max_size=8).map(b"".join), st.lists(st.integers(0), max_size=20))
def test_how_a_stream_is_cut_changes_nothing(stream: bytes, places: list[int]) -> None:
    outcomes = []
    for segments in ([stream], cut(stream, places)):
        framer = StreamFramer()
        found = fed(framer, *segments) + framer.finish()
        heads = [fault.head for fault in faults_of(found) if fault.head]
        assert sum(map(len, frames_of(found))) + sum(fault.skipped for fault in faults_of(found)) == len(stream)
        outcomes.append((frames_of(found), heads))
    assert outcomes[0] == outcomes[1]


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5), st.lists(st.binary(max_size=12), max_size=6))
def test_no_frame_is_lost_in_garbage(names: list[str], garbage: list[bytes]) -> None:
    junk = [piece.replace(b"\xfe", b"\xff") for piece in garbage] + [b""] * 6
    stream = b"".join(piece + frame(name) for piece, name in zip(junk, names, strict=False))
    assert frames_of(StreamFramer().feed(stream)) == list(map(frame, names))


def test_loss_with_a_fixed_seed_never_raises_and_finds_whole_frames() -> None:
    chance, framer = random.Random(11), StreamFramer()
    found: list[bytes] = []
    for _ in range(300):
        data = bytes(byte for byte in frame(chance.choice(NAMES)) if chance.random() > 0.001)
        found += frames_of(framer.feed(data))
    found += frames_of(framer.finish())
    assert 230 < len(found) < 300
    assert {bytes(data) for data in found} <= set(map(frame, NAMES))


def test_memory_segments_other_than_bytes() -> None:
    assert frames_of(StreamFramer().feed(bytearray(frame("C5")))) == [frame("C5")]
    assert frames_of(StreamFramer().feed(memoryview(frame("C5")))) == [frame("C5")]


def test_a_seal_alone_is_no_frame() -> None:
    assert frames_of(StreamFramer().feed(seal(b"\xfe\xfd" + bytes(40)))) == []
