import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError
from gateway.protocols.rds_frames import Assembled, FrameAssembler
from gateway.protocols.rds_groups import Group, GroupReader, Lost, air_time, check_word, decode, encode
from tests.protocols.rds_golden import GROUPS, bytes_of, frames_of

FRAMES = frames_of("C24")
GROUP_BYTES = b"".join(map(encode, FRAMES))


def bits_of(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


def packed(bits: str) -> bytes:
    return bytes(int(bits[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bits), 8))


def groups_of(found: list[Group | Lost]) -> list[bytes]:
    return [item.frame for item in found if isinstance(item, Group)]


@pytest.mark.parametrize("name", GROUPS)
def test_vectors(name: str) -> None:
    group = decode(bytes_of(name))
    assert group.frame == FRAMES[0]
    assert group.right
    assert encode(group.frame, group.offsets) == bytes_of(name)


def test_offset_b_is_written_as_en_50067_has_it() -> None:
    assert encode(FRAMES[0]) == bytes_of("C25")
    assert decode(bytes_of("C25")).offsets[1] == "B"
    assert decode(bytes_of("C26")).offsets[1] == "B (table A.1)"


def test_the_check_word_by_long_division() -> None:
    # 6.1.3 a): the remainder of word * x^10 by x10+x8+x7+x5+x4+x3+1, done here bit by bit
    for word in (0, 1, 0x8000, 0x8318, 0xFFFF):
        register = word << 10
        for bit in range(25, 9, -1):
            if register & 1 << bit:
                register ^= 0b10110111001 << bit - 10
        assert check_word(word, 0) == register


@given(st.binary(min_size=8, max_size=8), st.sampled_from(["C", "C'"]), st.sampled_from(["B", "B (table A.1)"]))
def test_there_and_back(frame: bytes, third: str, second: str) -> None:
    offsets = ("A", second, third, "D")
    assert decode(encode(frame, offsets)) == Group(frame, offsets)


#: The one bit in which the words 198 and 19C of block B differ.
BIT_OF_B = 2 * 26 + 2


@pytest.mark.parametrize("bit", range(104))
def test_every_single_wrong_bit_is_found(bit: int) -> None:
    wrong = (int.from_bytes(encode(FRAMES[3]), "big") ^ 1 << bit).to_bytes(13, "big")
    hurt = [at for at, name in enumerate(decode(wrong).offsets) if name is None]
    assert hurt == ([] if bit == BIT_OF_B else [3 - bit // 26])
    # in a stream that one bit is found too, by the group before it
    found = GroupReader().feed(encode(FRAMES[2]) + wrong + encode(FRAMES[4]) + encode(FRAMES[5]))
    assert Lost(104, "ABCD"[3 - bit // 26]) in found
    assert FRAMES[3] not in groups_of(found)
    assert groups_of(found)[-1] == FRAMES[5]


def test_a_stream_with_the_printed_word_for_b() -> None:
    printed = b"".join(encode(frame, ("A", "B (table A.1)", "C", "D")) for frame in FRAMES)
    reader = GroupReader()
    assert groups_of(reader.feed(printed)) == FRAMES
    assert groups_of(reader.feed(GROUP_BYTES)) == FRAMES[1:]


def test_every_burst_of_ten_bits_is_found() -> None:
    right = int.from_bytes(encode(FRAMES[5]), "big")
    for start in range(26 - 10):
        for burst in range(1, 1 << 10, 2):
            group = decode((right ^ burst << start).to_bytes(13, "big"))
            # 198 and 19C differ in one bit of block B alone; D, the last block, has one offset word
            assert group.offsets[3] is None


@pytest.mark.parametrize("shift", range(0, 104, 7))
def test_groups_are_found_wherever_they_begin(shift: int) -> None:
    noise = bits_of(random.Random(shift).randbytes(13))[:shift]
    found = GroupReader().feed(packed(noise + bits_of(GROUP_BYTES)))
    assert groups_of(found) == FRAMES
    assert [item for item in found if isinstance(item, Lost)] == ([Lost(shift)] if shift else [])


def test_byte_by_byte() -> None:
    reader, found = GroupReader(), list[Group | Lost]()
    for at in range(len(GROUP_BYTES)):
        found += reader.feed(GROUP_BYTES[at : at + 1])
    assert groups_of(found) == FRAMES
    assert reader.in_step


def test_a_hurt_group_costs_itself_alone() -> None:
    hurt = bytearray(GROUP_BYTES)
    hurt[13 * 4 + 5] ^= 0x10
    found = GroupReader().feed(bytes(hurt))
    assert groups_of(found) == FRAMES[:4] + FRAMES[5:]
    assert [item for item in found if isinstance(item, Lost)] == [Lost(104, "B")]


def test_a_lost_bit_is_noticed_and_the_step_found_again() -> None:
    bits = bits_of(GROUP_BYTES)
    reader = GroupReader()
    found = reader.feed(packed(bits[:600] + bits[601:]))
    frames = groups_of(found)
    assert frames == FRAMES[:5] + FRAMES[len(FRAMES) - len(frames) + 5 :]
    assert len(frames) >= len(FRAMES) - 5
    assert reader.in_step


def test_noise_gives_no_groups() -> None:
    reader = GroupReader()
    assert groups_of(reader.feed(random.Random(1).randbytes(20_000))) == []
    assert not reader.in_step
    assert groups_of(reader.feed(GROUP_BYTES)) == FRAMES


def test_from_bits_to_the_packet_over_a_bad_line() -> None:
    chance, reader, assembler = random.Random(57), GroupReader(), FrameAssembler()
    done = list[Assembled]()
    for _ in range(8):
        line = bytearray(GROUP_BYTES)
        for _ in range(6):
            line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
        for frame in groups_of(reader.feed(bytes(line))):
            outcome = assembler.take(frame)
            if isinstance(outcome, Assembled):
                done.append(outcome)
    assert done == [Assembled(4, 3, bytes_of("C20"))]


def test_time_on_the_air() -> None:
    assert air_time(24) == pytest.approx(24 * 104 / 1187.5)


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(InvalidValueError):
        encode(bytes(7))
    with pytest.raises(InvalidValueError):
        decode(bytes(12))
