"""Receipts packed by the hundred: 512 rows of evidence are one value of 60 kB, made in a tenth of their inserts' time.

Layout, version 1, little-endian: ``u8`` version, ``u32`` count, then a column for each field of ``Receipt`` in order:
``u8`` form, ``u32`` length, so many bytes; at the end, as ``u32``, the CRC-32 (zlib) of all before it. Form 1: one
value that all share; form 2: before the values stands one byte for each, 0 where it is absent (and a blank stands in
its place); form 3: both. Values are

- numbers: i32, i64 or f64, one after the other;
- text: UTF-8, joined by NUL, which no column of PostgreSQL can hold;
- bytes: ``u32`` length of each, then all of them.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

from gateway.domain.orders import Receipt
from gateway.errors import StoreError

VERSION: Final = 1
_HEAD: Final = struct.Struct("<BI")
_COLUMN: Final = struct.Struct("<BI")
_CRC: Final = struct.Struct("<I")
_SHARED, _GAPS = 1, 2
_SWAP: Final = sys.byteorder == "big"


@dataclass(frozen=True, slots=True)
class _Codec:
    """How the values of one column become bytes and come back; ``blank`` stands where a value is absent."""

    pack: Callable[[Sequence[Any]], bytes]
    unpack: Callable[[bytes, int], Sequence[Any]]
    blank: object
    nullable: bool = False


def _numbers(code: str, *, nullable: bool = False) -> _Codec:
    def pack(values: Sequence[Any]) -> bytes:
        packed = array(code, values)
        if _SWAP:
            packed.byteswap()
        return packed.tobytes()

    def unpack(payload: bytes, _count: int) -> Sequence[Any]:
        values = array(code)
        values.frombytes(payload)
        if _SWAP:
            values.byteswap()
        return values

    return _Codec(pack, unpack, 0, nullable)


def _pack_text(values: Sequence[str]) -> bytes:
    packed = "\0".join(values).encode()
    if packed.count(0) != len(values) - 1:
        raise ValueError("a NUL within text")
    return packed


def _unpack_text(payload: bytes, _count: int) -> Sequence[str]:
    return payload.decode().split("\0")


def _pack_bytes(values: Sequence[bytes]) -> bytes:
    return _LENGTHS.pack(list(map(len, values))) + b"".join(values)


def _unpack_bytes(payload: bytes, count: int) -> Sequence[bytes]:
    lengths = _LENGTHS.unpack(payload[: 4 * count], count)
    values, at = [], 4 * count
    for length in lengths:
        values.append(payload[at : at + length])
        at += length
    if at != len(payload):
        raise ValueError("lengths do not add up")
    return values


_LENGTHS: Final = _numbers("I")
_I32, _I64, _F64 = _numbers("i"), _numbers("q"), _numbers("d")
_TEXT, _BYTES = _Codec(_pack_text, _unpack_text, ""), _Codec(_pack_bytes, _unpack_bytes, b"")
_CODECS: Final[dict[str, _Codec]] = {
    "node": _I32,
    "seq": _I64,
    "received_at": _F64,
    "terminal_id": _numbers("i", nullable=True),
    "source": _TEXT,
    "ebm_id": _Codec(_pack_text, _unpack_text, "", nullable=True),
    "session": _numbers("q", nullable=True),
    "kind": _TEXT,
    "attempt": _I32,
    "code": _I32,
    "standing": _I32,
    "authenticity": _TEXT,
    "late": _I32,
    "protocol": _TEXT,
    "service_type": _I32,
    "raw": _BYTES,
    "peer": _TEXT,
}
_COLUMNS: Final = tuple(_CODECS[name] for name in Receipt._fields)


def pack_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Pack at least one receipt.

    Raise ValueError, TypeError or OverflowError for a value that the receipts table could not take either, or that only
    SQLite would: whoever packs then inserts rows instead, and the schema says which of them it refuses.
    """
    parts = [_HEAD.pack(VERSION, len(receipts))]
    values: Sequence[Any]
    for codec, values in zip(_COLUMNS, zip(*receipts, strict=True), strict=True):
        form, present = 0, b""
        # the first look spares most columns that differ the second, which compares every value
        if values[0] == values[-1] and values.count(values[0]) == len(values):
            form, values = _SHARED, values[:1]
        if codec.nullable and None in values:
            form |= _GAPS
            present = bytes([value is not None for value in values])
            values = [codec.blank if value is None else value for value in values]
        packed = codec.pack(values)
        parts += (_COLUMN.pack(form, len(present) + len(packed)), present, packed)
    body = b"".join(parts)
    return body + _CRC.pack(zlib.crc32(body))


def mentions(block: bytes, ebm_ids: Iterable[bytes]) -> bool:
    """Whether a sound block may hold receipts about one of these messages: an id stands in it as it is.

    Raise StoreError when it is damaged: nobody can say then what it held.
    """
    _check(block)
    return any(ebm_id in block for ebm_id in ebm_ids)


def unpack_receipts(block: bytes) -> list[Receipt]:
    """Read back what ``pack_receipts`` wrote, equal in every field; raise StoreError when it is damaged."""
    _check(block)
    try:
        version, count = _HEAD.unpack_from(block)
        if version != VERSION:
            raise StoreError(f"a block of receipts has version {version}; this gateway reads {VERSION}")
        columns, at = [], _HEAD.size
        for codec in _COLUMNS:
            form, length = _COLUMN.unpack_from(block, at)
            at += _COLUMN.size
            columns.append(_column(codec, form, block[at : at + length], count))
            at += length
        if at + _CRC.size != len(block):
            raise ValueError("columns do not add up")
        return list(map(Receipt._make, zip(*columns, strict=True)))
    except (ValueError, struct.error) as error:
        raise StoreError(f"a block of receipts is damaged: {error}") from error


def _check(block: bytes) -> None:
    body, crc = block[: -_CRC.size], block[-_CRC.size :]
    if crc != _CRC.pack(zlib.crc32(body)):
        raise StoreError("a block of receipts is damaged: its CRC is wrong")


def _column(codec: _Codec, form: int, payload: bytes, count: int) -> Iterable[Any]:
    held = 1 if form & _SHARED else count
    present = b""
    if form & _GAPS:
        present, payload = payload[:held], payload[held:]
    values = codec.unpack(payload, held)
    if len(values) != held or form > _SHARED | _GAPS or (present and len(present) != held):
        raise ValueError("a column is cut")
    if present:
        values = [value if there else None for value, there in zip(values, present, strict=True)]
    return repeat(values[0], count) if form & _SHARED else values
