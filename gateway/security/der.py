"""Signatures between raw r ‖ s and the DER that libraries speak: SEQUENCE of two INTEGERs."""

from __future__ import annotations

from gateway.errors import KeyMaterialError

_SEQUENCE, _INTEGER = 0x30, 0x02


def raw_to_der(raw: bytes) -> bytes:
    """Write r ‖ s (64 bytes) as DER, integers at their shortest."""
    body = _integer(raw[:32]) + _integer(raw[32:])
    return bytes((_SEQUENCE, len(body))) + body


def der_to_raw(der: bytes) -> bytes:
    """Read DER into r ‖ s, each padded to 32 bytes; raise KeyMaterialError on anything but shortest-form DER."""
    if len(der) < 2 or der[0] != _SEQUENCE or der[1] != len(der) - 2 or der[1] > 0x7F:
        raise KeyMaterialError("DER signature: no SEQUENCE of the stated length")
    first, rest = _take(der[2:])
    second, rest = _take(rest)
    if rest:
        raise KeyMaterialError("DER signature: bytes after the second INTEGER")
    return first + second


def _integer(value: bytes) -> bytes:
    digits = value.lstrip(b"\0") or b"\0"
    if digits[0] & 0x80:
        digits = b"\0" + digits
    return bytes((_INTEGER, len(digits))) + digits


def _take(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 3 or data[0] != _INTEGER or not 1 <= data[1] <= min(33, len(data) - 2):
        raise KeyMaterialError("DER signature: an INTEGER is missing or too long")
    digits, rest = data[2 : 2 + data[1]], data[2 + data[1] :]
    value = digits.lstrip(b"\0").rjust(32, b"\0")
    if digits[0] & 0x80 or len(value) > 32 or _integer(value) != data[: 2 + data[1]]:
        raise KeyMaterialError("DER signature: an INTEGER is negative, too large or not in shortest form")
    return value, rest
