"""Does a header keep its word? The counts and lengths inside a frame must add up to the length that it announces.

Appendices D and E begin with the same mark and stand on one connection; so may the 9-byte codes of the drafts. This
tells them apart from the first bytes, and tells a header from noise before the frame is whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from gateway.protocols.envelope import CRC_SIZE
from gateway.protocols.signature import BLOCK_SIZE


class Kind(StrEnum):
    """Family of a frame."""

    IP = "ip"
    FEEDBACK = "feedback"
    ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the fields stand that decide about the length (tables D.2, D.3, E.2, E.3)."""

    kind: Kind
    length_at: int
    code_size: int
    #: sizes that may stand between content and CRC
    rests: tuple[int, ...]

    @property
    def source_at(self) -> int:
        """Where the source code begins: right behind the length."""
        return self.length_at + 2

    @property
    def count_at(self) -> int:
        """Where the number of targets stands."""
        return self.source_at + self.code_size

    @property
    def smallest(self) -> int:
        """Length of a frame without target and content."""
        return self.count_at + 2 + 3 + CRC_SIZE


_RESTS = (0, 2, 2 + BLOCK_SIZE)
IP = Shape(Kind.IP, 10, 12, _RESTS)
IP_LEGACY = Shape(Kind.IP, 10, 9, _RESTS)
FEEDBACK = Shape(Kind.FEEDBACK, 9, 12, (0,))
SHAPES: tuple[Shape, ...] = (IP, IP_LEGACY, FEEDBACK)

#: Bytes that hold every length field.
HEADER_SIZE = 12


class Fit(Enum):
    """Outcome of holding a shape against bytes."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Fitting(NamedTuple):
    """Outcome, and where the service type stands (YES) or how many bytes must be there to know more (UNKNOWN)."""

    fit: Fit
    number: int


_NO = Fitting(Fit.NO, 0)


def u16(data: bytes | bytearray, at: int) -> int:
    """Read two bytes, most significant first."""
    return data[at] << 8 | data[at + 1]


def announced(data: bytes | bytearray, at: int, shape: Shape) -> int:
    """Return the total length that the header at ``at`` announces in this shape."""
    return u16(data, at + shape.length_at)


def hold(data: bytes | bytearray, at: int, shape: Shape, total: int) -> Fitting:
    """Hold ``shape`` against the frame of ``total`` bytes that would begin at ``at``."""
    there = len(data) - at
    content_at = shape.count_at + 2 + 3
    if total < content_at + CRC_SIZE:
        return _NO
    if there < shape.count_at + 2:
        return Fitting(Fit.UNKNOWN, shape.count_at + 2)
    content_at += shape.code_size * u16(data, at + shape.count_at)
    if total < content_at + CRC_SIZE:
        return _NO
    if there < content_at:
        return Fitting(Fit.UNKNOWN, content_at)
    rest = total - CRC_SIZE - content_at - u16(data, at + content_at - 2)
    return Fitting(Fit.YES, content_at - 3) if rest in shape.rests else _NO


def sounds_right(data: bytes | bytearray, at: int, shape: Shape) -> bool:
    """Whether all fixed fields of the head hold what the tables allow, and the source is a code of decimal digits.

    Such a frame is worth waiting for even where its lengths disagree: its sender must hear what is wrong.
    """
    if shape.code_size != IP.code_size or len(data) - at < shape.count_at:
        return False
    if u16(data, at + 2) != 0x0100 or data[at + 8] not in (1, 2):
        return False
    if shape.kind is Kind.IP and data[at + 9] > 1:
        return False
    code = data[at + shape.source_at : at + shape.count_at].hex()
    return code[0] in "f0" and code[1:].isdecimal()


def shapes_of(frame: bytes) -> list[Shape]:
    """Return the shapes whose announced length is that of ``frame``: first those that add up inside too."""
    if len(frame) < HEADER_SIZE:
        return []
    right = [shape for shape in SHAPES if announced(frame, 0, shape) == len(frame)]
    return sorted(right, key=lambda shape: hold(frame, 0, shape, len(frame)).fit is not Fit.YES)
