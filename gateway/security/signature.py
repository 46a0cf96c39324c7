"""The 74 bytes of a digital signature 数字签名数据 (GD/J 081-2018 table 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError
from gateway.security.curve import SIGNATURE_SIZE

SIGNATURE_BLOCK_SIZE: Final = 74
#: 2018-01-01 00:00 UTC. From here on a SigTime counts as time, below it as the counter of a hardware signer: 081 says
#: time, its own sample holds a counter.
TIME_FLOOR: Final = 1_514_764_800
SIG_TIME_MAX: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Signature74:
    """SigTime (Unix seconds or a counter), number of the signer's certificate, r ‖ s of 64 bytes."""

    sig_time: int
    certificate: CertificateSerial
    value: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.sig_time <= SIG_TIME_MAX:
            raise InvalidValueError("signature time", self.sig_time, "must fit 32 bits (GD/J 081-2018 table 2)")
        if len(self.value) != SIGNATURE_SIZE:
            raise InvalidValueError("signature", self.value.hex(), f"must be {SIGNATURE_SIZE} bytes r, s")

    def to_bytes(self) -> bytes:
        """SigTime 4 ‖ CertificateSN 6 ‖ Signature 64, most significant byte first."""
        return self.sig_time.to_bytes(4) + bytes.fromhex(self.certificate) + self.value

    @classmethod
    def from_bytes(cls, block: bytes) -> Self:
        """Read exactly 74 bytes; raise InvalidValueError on any other length."""
        if len(block) != SIGNATURE_BLOCK_SIZE:
            raise InvalidValueError("signature block", block.hex(), f"must be {SIGNATURE_BLOCK_SIZE} bytes")
        return cls(int.from_bytes(block[:4]), CertificateSerial(block[4:10].hex()), block[10:])
