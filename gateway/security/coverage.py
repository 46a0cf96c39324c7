"""What a signature covers 签名范围, and the 74-byte block 数字签名 that carries it (GD/J 081-2018 table 2, 5.4).

The block stands here and not with the frames, because the signer makes it and knows no frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError

#: Octets of r‖s of an SM2 signature.
SIGNATURE_SIZE = 64


@dataclass(frozen=True, slots=True)
class SignatureBlock:
    """数字签名: SigTime (Unix seconds, or the counter of a crypto device), certificate number and raw r‖s."""

    sig_time: int
    certificate: CertificateSerial
    value: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.sig_time <= 0xFFFFFFFF:
            raise InvalidValueError("signature time", self.sig_time, "must fit 32 bits (GD/J 081-2018 table 2)")
        if len(self.value) != SIGNATURE_SIZE:
            raise InvalidValueError("signature", self.value.hex(), f"must be {SIGNATURE_SIZE} bytes r‖s")


class Coverage(StrEnum):
    """Which bytes were signed; the standard's texts and devices in the field differ."""

    #: data ‖ SigTime: 081 figure 3 and 089 D.4; what our signer writes.
    A = "A"
    #: data alone: SigTime is then not authenticated, so no replay check may rest on it.
    B = "B"
    #: data ‖ SigTime ‖ CertificateSN: the literal reading of 085 table 1.
    C = "C"
    #: SigTime ‖ data: seen from one vendor.
    D = "D"


#: Order in which a verifier tries the variants.
VERIFY_ORDER: tuple[Coverage, ...] = (Coverage.A, Coverage.D, Coverage.C, Coverage.B)


def signed_bytes_at(data: bytes, sig_time: int, certificate: CertificateSerial, coverage: Coverage) -> bytes:
    """Return what goes into SM2 for ``data``, before the signature itself is known (what a signer needs)."""
    time = sig_time.to_bytes(4, "big")
    if coverage is Coverage.A:
        return data + time
    if coverage is Coverage.B:
        return data
    if coverage is Coverage.C:
        return data + time + bytes.fromhex(certificate)
    return time + data


def signed_bytes(data: bytes, block: SignatureBlock, coverage: Coverage) -> bytes:
    """Return what went into SM2 for ``data`` under ``block``, if ``coverage`` is the variant that was used."""
    return signed_bytes_at(data, block.sig_time, block.certificate, coverage)
