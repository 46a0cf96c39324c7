"""Groups of 104 bits on the sub-carrier (GD/J 085-2018 6.1, table A.1): four blocks of 16 bits and a check word each.

Table A.1 prints offset B as 0110011100 (19C); EN 50067, to which it refers, and the receivers in use have 0110011000
(198). We write 198 and read both. The text does not say when C and when C' stands: we write C and read both.

Errors are found, not mended: 6.1.3 would let five wrong bits in a row be corrected, yet each correction makes a wrong
word likelier to pass, and every packet comes again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.errors import InvalidValueError

GROUP_SIZE = 13
BLOCK_BITS = 26
GROUP_BITS = 4 * BLOCK_BITS
#: 1187.5 bit/s: 57 kHz / 48 (6.2.1 d).
BITS_PER_SECOND = 1187.5
#: x10 + x8 + x7 + x5 + x4 + x3 + 1 (6.1.3).
_GENERATOR = 0x5B9
#: Offset words by the block in which they may stand, the one we write first.
OFFSETS: tuple[dict[str, int], ...] = (
    {"A": 0x0FC},
    {"B": 0x198, "B (table A.1)": 0x19C},
    {"C": 0x168, "C'": 0x350},
    {"D": 0x1B4},
)
_WRITTEN = tuple(next(iter(words)) for words in OFFSETS)
#: Wrong blocks in a row after which the stream is searched anew: one whole group and the next.
_LOST_AFTER = 8


def _remainder(word: int) -> int:
    """Return ``word``·x10 mod g(x)."""
    value = word << 10
    for bit in range(25, 9, -1):
        if value >> bit & 1:
            value ^= _GENERATOR << bit - 10
    return value


_HIGH = tuple(_remainder(byte << 8) for byte in range(256))
_LOW = tuple(_remainder(byte) for byte in range(256))
_NAMES = tuple({value: name for name, value in words.items()} for words in OFFSETS)


def check_word(word: int, offset: int) -> int:
    """Return the 10 check bits of a 16-bit information word under an offset word (6.1.3)."""
    return _HIGH[word >> 8] ^ _LOW[word & 0xFF] ^ offset


def air_time(frames: int) -> float:
    """Return how long ``frames`` RDS frames are on the air, in seconds."""
    return frames * GROUP_BITS / BITS_PER_SECOND


class Group(NamedTuple):
    """One group: the 8 bytes of its RDS frame and the names of the offset words, None where no word fits the block."""

    frame: bytes
    offsets: tuple[str | None, ...]

    @property
    def right(self) -> bool:
        """Whether all four check words are right."""
        return None not in self.offsets


class Lost(NamedTuple):
    """Bits that are no right group: how many, and the blocks that failed in a group that was in step."""

    bits: int
    blocks: str = ""


def encode(frame: bytes, offsets: Iterable[str | None] = _WRITTEN) -> bytes:
    """Return the 13 bytes of the group that carries an RDS frame of 8 bytes; None among ``offsets`` is as we write."""
    if len(frame) != 8:
        raise InvalidValueError("frame", frame.hex(), "must be 8 bytes (085 table 21)")
    bits = 0
    for at, name in enumerate(offsets):
        word = frame[2 * at] << 8 | frame[2 * at + 1]
        bits = bits << BLOCK_BITS | word << 10 | check_word(word, OFFSETS[at][name or _WRITTEN[at]])
    return bits.to_bytes(GROUP_SIZE, "big")


def decode(group: bytes) -> Group:
    """Read 13 bytes as a group; raise InvalidValueError where they are not 13. Wrong check words leave a None."""
    if len(group) != GROUP_SIZE:
        raise InvalidValueError("group", group.hex(), "must be 13 bytes (085 figure 4)")
    return _group(int.from_bytes(group, "big"))


def _group(bits: int) -> Group:
    blocks = [bits >> BLOCK_BITS * (3 - at) & 0x3FFFFFF for at in range(4)]
    frame = b"".join((block >> 10).to_bytes(2, "big") for block in blocks)
    return Group(frame, tuple(_offset(block, at) for at, block in enumerate(blocks)))


def _offset(block: int, at: int) -> str | None:
    """Name the offset word of a 26-bit block in position ``at``, or None where its check word is wrong."""
    return _NAMES[at].get(check_word(block >> 10, block & 0x3FF))


class GroupReader:
    """Finds groups in a stream of bits, packed in bytes from the highest bit on; groups need not begin at a byte.

    In search: bit after bit, until four blocks in a row fit their positions. In step: group after group, until eight
    blocks in a row are wrong. Only groups with four right check words come out; a hurt one is told as ``Lost`` with the
    names of its blocks. No more than two groups are held.

    The two words for B differ in one bit, so taking both at any time would let that bit be wrong unseen: a group whose
    B has not the word of the group before it is hurt.
    """

    __slots__ = ("_bits", "_count", "_in_step", "_passed", "_second", "_wrong")

    def __init__(self) -> None:
        self._bits = self._count = self._passed = self._wrong = 0
        self._in_step = False
        self._second: str | None = None

    @property
    def in_step(self) -> bool:
        """Whether it is known where groups begin."""
        return self._in_step

    def feed(self, data: bytes) -> list[Group | Lost]:
        """Take the next bits; return what they complete, in order."""
        found: list[Group | Lost] = []
        for at in range(0, len(data), GROUP_SIZE):  # small steps keep the integer, and its shifts, short
            piece = data[at : at + GROUP_SIZE]
            self._bits = self._bits << 8 * len(piece) | int.from_bytes(piece, "big")
            self._count += 8 * len(piece)
            while self._count >= GROUP_BITS:
                self._judge(_group(self._bits >> self._count - GROUP_BITS), found)
        return found

    def _judge(self, group: Group, found: list[Group | Lost]) -> None:
        if not self._in_step and not group.right:
            self._drop(1)
            self._passed += 1
            return
        group = self._with_same_second(group)
        if self._passed:
            found.append(Lost(self._passed))
            self._passed = 0
        self._drop(GROUP_BITS)
        if group.right:
            self._in_step, self._wrong = True, 0
            found.append(group)
            return
        found.append(Lost(GROUP_BITS, ", ".join("ABCD"[at] for at, name in enumerate(group.offsets) if name is None)))
        self._wrong = self._wrong + 4 if not any(group.offsets) else 0
        self._in_step = self._wrong < _LOST_AFTER

    def _with_same_second(self, group: Group) -> Group:
        first, second, third, fourth = group.offsets
        before, self._second = self._second, second or self._second
        if not self._in_step or second == before:
            return group
        return Group(group.frame, (first, None, third, fourth))

    def _drop(self, count: int) -> None:
        self._count -= count
        self._bits &= (1 << self._count) - 1
