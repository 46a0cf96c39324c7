"""The contract of ``ebgw decode`` (docs/decode.md): what every reader of a protocol hands out for one frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.errors import FrameError
from gateway.protocols.decode_fields import time_of
from gateway.protocols.signature import SignatureBlock
from gateway.security.coverage import VERIFY_ORDER, signed_bytes
from gateway.security.sig_time import TIME_FLOOR

#: ``verify(public_key, message, signature)``: x‖y, what was signed, r‖s.
Verify = Callable[[bytes, bytes, bytes], bool]

NO_SIGNATURE: dict[str, Any] = {"present": False, "time": None, "certificate": None, "valid": None, "coverage": None}


class UndecodableInput(FrameError):
    """The input is no frame that could be shown: not hexadecimal, or of a protocol nobody reads."""

    def __init__(self, code: str, message: str, *, offset: int = 0) -> None:
        self.code = code
        super().__init__(message, offset=offset)


@dataclass(frozen=True, slots=True)
class Verifier:
    """What signatures are held against: a public key x‖y (64 bytes) and who checks; without both nothing is judged."""

    public_key: bytes | None = None
    verify: Verify | None = None

    def show(self, data: bytes, block: SignatureBlock | None) -> dict[str, Any]:
        """Return the ``signature`` of the contract for ``data`` (the bytes before the block) under ``block``."""
        if block is None:
            return NO_SIGNATURE.copy()
        coverage = self._coverage(data, block)
        known = self.public_key is not None and self.verify is not None
        return {
            "present": True,
            "time": time_of(block.sig_time) if block.sig_time >= TIME_FLOOR else block.sig_time,
            "certificate": block.certificate,
            "valid": coverage is not None if known else None,
            "coverage": coverage,
        }

    def _coverage(self, data: bytes, block: SignatureBlock) -> str | None:
        if self.public_key is None or self.verify is None:
            return None
        for coverage in VERIFY_ORDER:
            if self.verify(self.public_key, signed_bytes(data, block, coverage), block.value):
                return coverage.value
        return None


def checksum_of(kind: str, found: int, expected: int) -> dict[str, Any]:
    """Return the ``checksum`` of the contract; ``kind`` is ``crc32``, ``crc16`` or ``rds`` (check words of a group)."""
    digits = {"crc16": 4, "crc32": 8, "rds": 10}[kind]
    return {
        "kind": kind,
        "ok": found == expected,
        "found": f"{found:0{digits}X}",
        "expected": f"{expected:0{digits}X}",
    }


def result(
    *,
    protocol: str | None = None,
    kind: str | None = None,
    fields: dict[str, Any] | None = None,
    checksum: dict[str, Any] | None = None,
    signature: dict[str, Any] | None = None,
    rebuilt: str | None = None,
    error: FrameError | None = None,
) -> dict[str, Any]:
    """Return the contract's object with all its keys."""
    shown = None
    if error is not None:
        shown = {"code": error.code, "offset": error.offset, "message": error.message}
    return {
        "protocol": protocol,
        "kind": kind,
        "fields": fields or {},
        "checksum": checksum,
        "signature": signature or NO_SIGNATURE.copy(),
        "rebuilt": rebuilt,
        "error": shown,
    }
