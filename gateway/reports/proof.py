"""The proof 签名 of a report's file: its SHA-256 signed by the gateway's key, beside the file as JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes
from gateway.security.sm2 import Sm2Provider


@dataclass(frozen=True, slots=True)
class Proof:
    """``block`` covers the digest of the file and the time of signing (GD/J 081-2018 5.4, coverage A)."""

    digest: bytes
    block: SignatureBlock

    def text(self) -> str:
        """As it goes beside the file, and into a header."""
        block = self.block
        return json.dumps(
            {
                "sha256": self.digest.hex(),
                "sig_time": block.sig_time,
                "certificate": str(block.certificate),
                "signature": block.value.hex(),
            }
        )

    @classmethod
    def read(cls, text: str) -> Self:
        """What ``text`` gave. Errors: InvalidValueError."""
        try:
            said: dict[str, Any] = json.loads(text)
            block = SignatureBlock(
                int(said["sig_time"]), CertificateSerial(said["certificate"]), bytes.fromhex(said["signature"])
            )
            return cls(bytes.fromhex(said["sha256"]), block)
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidValueError("signature", text[:80], f"is no proof of a report: {error}") from error

    def holds(self, file: bytes, public_key: bytes, provider: Sm2Provider) -> bool:
        """Whether it is about this file, and of this key."""
        if digest_of(file) != self.digest:
            return False
        return provider.verify(public_key, signed_bytes(self.digest, self.block, Coverage.A), self.block.value)


def digest_of(file: bytes) -> bytes:
    """SHA-256 of a file."""
    return hashlib.sha256(file).digest()
