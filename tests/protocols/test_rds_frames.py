import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ChecksumMismatch, InvalidValueError, MalformedFrame
from gateway.protocols import rds
from gateway.protocols.checksum import crc16_ccitt
from gateway.protocols.rds_frames import (
    FRAME,
    Assembled,
    Broken,
    FrameAssembler,
    RdsFrame,
    frames_needed,
    split,
    unpack,
)
from tests.protocols.golden import BY_ID
from tests.protocols.rds_golden import FRAMES, bytes_of, frames_of, rds_packets

#: Which packet the frames of a vector carry, where that packet is a vector too.
CARRIED = {"C24": "C20", "C108": "C99"}
FIRST, SECOND = bytes_of("C20"), bytes_of("C99")  # both take 24 frames


def taken(assembler: FrameAssembler, frames: list[bytes]) -> list[Assembled | Broken]:
    return [outcome for outcome in map(assembler.take, frames) if outcome is not None]


@pytest.mark.parametrize("name", FRAMES)
def test_vectors_come_together_and_are_split_the_same(name: str) -> None:
    (done,) = taken(FrameAssembler(), frames_of(name))
    assert isinstance(done, Assembled)
    assert split(done.raw, done.level, done.version) == frames_of(name)
    stated = BY_ID[name].get("fields", {"level": 4, "version": 3, "total": 24, "packet_length": 116, "padding": 2})
    assert (done.level, done.version, len(done.raw)) == (stated["level"], stated["version"], stated["packet_length"])
    assert len(frames_of(name)) == frames_needed(len(done.raw)) == stated["total"]
    if name in CARRIED:
        assert done.raw == bytes_of(CARRIED[name])


def test_the_first_frame() -> None:
    # 83 = level 4 (100), version 3 (00011) | 18 = 24 frames | 00 = the first | five bytes of the packet
    assert FRAME.parse(frames_of("C24")[0]) == RdsFrame(4, 3, 24, 0, FIRST[:5])


@pytest.mark.parametrize(("name", "over"), [("C23", "C20"), ("C107", "C99")])
def test_crc16_of_the_vectors(name: str, over: str) -> None:
    assert f"{crc16_ccitt(bytes_of(over)):04X}" == BY_ID[name]["hex"]


@given(rds_packets(), st.integers(1, 6), st.integers(0, 31), st.randoms(use_true_random=False))
def test_any_order_and_repeats(packet: rds.RdsPacket, level: int, version: int, chance: random.Random) -> None:
    raw = rds.build(packet)
    frames = split(raw, level, version)
    assert unpack(b"".join(frame[3:] for frame in frames)) == raw
    shuffled = frames + chance.choices(frames, k=9)
    chance.shuffle(shuffled)
    assert taken(FrameAssembler(), shuffled) == [Assembled(level, version, raw)]


def test_one_frame_after_another_and_the_repeats_stay_silent() -> None:
    assembler, frames = FrameAssembler(), frames_of("C24")
    assert taken(assembler, frames[:-1]) == []
    assert assembler.pending == 1
    assert assembler.take(frames[-1]) == Assembled(4, 3, FIRST)
    assert assembler.pending == 0
    assert taken(assembler, frames * 5) == []


def test_levels_and_versions_interleaved() -> None:
    streams = [split(FIRST, level, version) for level in (1, 4, 6) for version in (0, 31)]
    mixed = [frame for row in zip(*streams, strict=True) for frame in row]
    assert len(taken(FrameAssembler(), mixed)) == 6


def test_a_fifth_lost_with_repetition() -> None:
    chance, assembler = random.Random(85), FrameAssembler()
    frames = {key: split(raw, *key) for key, raw in {(4, 3): FIRST, (4, 4): SECOND, (2, 3): SECOND}.items()}
    rounds, done = 0, list[Assembled | Broken]()
    while len(done) < 3 and rounds < 12:
        rounds += 1
        sent = [frame for one in frames.values() for frame in one]
        done += taken(assembler, [frame for frame in sent if chance.random() >= 0.2])
    assert sorted(done, key=repr) == sorted(
        [Assembled(4, 3, FIRST), Assembled(4, 4, SECOND), Assembled(2, 3, SECOND)], key=repr
    )
    assert 2 <= rounds < 12


def test_a_version_used_again_for_another_packet_of_the_same_size() -> None:
    assembler = FrameAssembler()
    old, new = split(FIRST, 4, 3), split(SECOND, 4, 3)
    assert old[1] == new[1]  # equal frames must not be lost when the difference shows
    assert taken(assembler, old) == [Assembled(4, 3, FIRST)]
    assert taken(assembler, old[:10]) == []
    assert taken(assembler, new) == [Assembled(4, 3, SECOND)]
    assert taken(assembler, old) == [Assembled(4, 3, FIRST)]


def test_a_version_used_again_with_another_size() -> None:
    assembler, short = FrameAssembler(), bytes_of("C101")
    assert taken(assembler, split(FIRST, 4, 3)[:20]) == []
    assert taken(assembler, split(short, 4, 3)) == [Assembled(4, 3, short)]


def test_halves_of_two_packets_are_never_one() -> None:
    assembler = FrameAssembler()
    old, new = split(FIRST, 4, 3), split(SECOND, 4, 3)
    (broken,) = taken(assembler, old[:12] + new[12:])
    assert isinstance(broken, Broken)
    assert isinstance(broken.error, ChecksumMismatch)
    assert taken(assembler, new) == [Assembled(4, 3, SECOND)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 23)), max_size=300))
def test_no_order_of_two_packets_gives_a_third(order: list[tuple[bool, int]]) -> None:
    old, new = split(FIRST, 4, 3), split(SECOND, 4, 3)
    assembler = FrameAssembler()
    done = taken(assembler, [(new if newer else old)[at] for newer, at in order] + new + new)
    assert {one.raw for one in done if isinstance(one, Assembled)} <= {FIRST, SECOND}
    # whatever came before, two whole repeats are enough
    assert [one.raw for one in done if isinstance(one, Assembled)][-1] == SECOND


@pytest.mark.parametrize("bit", [0, 7, 63, 300, 919])
def test_a_wrong_crc16(bit: int) -> None:
    hurt = bytearray(b"".join(frame[3:] for frame in frames_of("C24")))
    hurt[bit // 8 + 2] ^= 1 << bit % 8
    frames = [frame[:3] + hurt[at * 5 : at * 5 + 5] for at, frame in enumerate(frames_of("C24"))]
    assembler = FrameAssembler()
    (broken,) = taken(assembler, frames)
    assert isinstance(broken, Broken)
    assert isinstance(broken.error, ChecksumMismatch)
    assert broken[:2] == (4, 3)
    assert taken(assembler, frames_of("C24")) == [Assembled(4, 3, FIRST)]


def test_a_length_that_does_not_match_the_number_of_frames() -> None:
    frames = frames_of("C24")
    frames[0] = frames[0][:3] + bytes.fromhex("58FF") + frames[0][5:]
    (broken,) = taken(FrameAssembler(), frames)
    assert isinstance(broken, Broken)
    assert isinstance(broken.error, MalformedFrame)


@pytest.mark.parametrize("head", ["830000", "830F00", "831818", "8318FF"])
def test_frames_that_no_packet_has(head: str) -> None:
    (broken,) = taken(FrameAssembler(), [bytes.fromhex(head) + bytes(5)])
    assert isinstance(broken, Broken)
    with pytest.raises(MalformedFrame):
        FrameAssembler().take(bytes(7))


def test_memory_is_bounded() -> None:
    chance, assembler = random.Random(5), FrameAssembler(limit=10)
    for _ in range(3000):
        assembler.take(chance.randbytes(8))
        assert assembler.pending <= 10
    assert taken(assembler, frames_of("C24")) == [Assembled(4, 3, FIRST)]


def test_the_largest_packet_takes_255_frames() -> None:
    assert frames_needed(rds.MAX_PACKET) == 255
    largest = (rds.MAX_PACKET - 2 | 9 << 11).to_bytes(2, "big") + bytes(rds.MAX_PACKET - 2)
    assert taken(FrameAssembler(), split(largest, 1, 0)) == [Assembled(1, 0, largest)]


@pytest.mark.parametrize(
    ("packet", "level", "version", "field"),
    [(FIRST, 0, 0, "level"), (FIRST, 7, 0, "level"), (FIRST, 1, 32, "version"), (bytes(1274), 1, 0, "packet")],
)
def test_what_cannot_be_split_is_named(packet: bytes, level: int, version: int, field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        split(packet, level, version)
    assert caught.value.field == field
