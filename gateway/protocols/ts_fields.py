"""Fields of the transport stream tables (GD/J 086-2018 tables 1-15): groups of bits, lists of codes.

Reserved bits are 1 when we write; what a received section held in them is kept, so that it can be written again.
"""

from __future__ import annotations

from typing import Any, TypeVar

import construct

from gateway.protocols.fields import CODE, U8, Layout, adapt, counted

T = TypeVar("T")

#: terminal_number and the codes behind it, each of 12 bytes with its reserved nibble.
CODES = counted(U8, CODE)
#: Largest number that a count of 8 bits can hold.
MAX_COUNT = 0xFF
#: Size of one resource code.
CODE_SIZE = 12
#: The PID on which all tables travel (GD/J 086-2018 6.2).
TABLE_PID = 0x0021
#: PCR_PID of a programme without a clock (GD/J 086-2018 table 1).
NO_PCR = 0x1FFF


class Bits:
    """A group of unsigned fields of so many bits each, whole bytes together."""

    def __init__(self, **widths: int) -> None:
        self.names = tuple(widths)
        self.con = construct.BitStruct(*(name / construct.BitsInteger(width) for name, width in widths.items()))


def packed(cls: type[T], **parts: Any) -> Layout[T]:
    """Declare the layout of dataclass ``cls`` as ``record`` does; the members of a ``Bits`` are fields of ``cls``."""
    struct = construct.Struct(*(name / (part.con if isinstance(part, Bits) else part) for name, part in parts.items()))

    def read(obj: Any) -> T:
        values: dict[str, Any] = {}
        for name, part in parts.items():
            if isinstance(part, Bits):
                values |= {member: obj[name][member] for member in part.names}
            else:
                values[name] = obj[name]
        return cls(**values)

    def write(value: T) -> dict[str, Any]:
        return {
            name: {member: getattr(value, member) for member in part.names}
            if isinstance(part, Bits)
            else getattr(value, name)
            for name, part in parts.items()
        }

    return Layout(cls.__name__, adapt(struct, read, write))
