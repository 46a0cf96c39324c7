"""Lists of terminals as packed little-endian u32: 4,021 terminals are 16 kB in one column, not 4,021 rows."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

from gateway.errors import InvalidValueError


def pack_ids(ids: Iterable[int]) -> bytes:
    """Pack terminal ids (0 to 2**32 - 1); raise InvalidValueError for others."""
    try:
        packed = array("I", ids)
    except (OverflowError, TypeError) as error:
        raise InvalidValueError("terminals", "ids", "must be integers from 0 to 2**32 - 1") from error
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack_ids(blob: bytes) -> array[int]:
    """Read back what ``pack_ids`` wrote; raise InvalidValueError when the length is no multiple of 4."""
    if len(blob) % 4:
        raise InvalidValueError("terminals", f"{len(blob)} bytes", "must be whole u32 numbers")
    packed = array("I")
    packed.frombytes(blob)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed
