"""Certificates 数字证书 and authorisation lists 证书授权列表 as bytes (GD/J 081-2018 tables 1 and 6).

Layout only: whom to trust is decided where the keys are.
"""

from __future__ import annotations

from dataclasses import dataclass

import construct

from gateway.domain.codes import CertificateSerial
from gateway.protocols.fields import CERTIFICATE_SERIAL, U8, adapt, counted, record

#: Octets of a certificate.
CERTIFICATE_SIZE = 143
_SIGNATURE = construct.Bytes(64)
_YEAR = adapt(U8, lambda offset: 2000 + offset, lambda year: year - 2000)


@dataclass(frozen=True, slots=True)
class Certificate:
    """数字证书: version (major, minor nibble), valid to the end of the month, public key x‖y, issuer's signature."""

    version: int
    issuer: CertificateSerial
    serial: CertificateSerial
    valid_year: int
    valid_month: int
    public_key: bytes
    signature: bytes

    def signed_part(self) -> bytes:
        """Return the 79 bytes that the issuer signs."""
        return CERTIFICATE.build(self)[:-64]


@dataclass(frozen=True, slots=True)
class AuthorisationList:
    """证书授权列表: whose list, its number (rising), the certificates that may command, and who signed it."""

    receiver: CertificateSerial
    number: int
    serials: tuple[CertificateSerial, ...]
    signer: CertificateSerial
    signature: bytes

    def signed_part(self) -> bytes:
        """Return the bytes that the signer signs: all fields before the signature."""
        return AUTHORISATION_LIST.build(self)[:-64]


CERTIFICATE = record(
    Certificate,
    version=U8,
    issuer=CERTIFICATE_SERIAL,
    serial=CERTIFICATE_SERIAL,
    valid_year=_YEAR,
    valid_month=U8,
    public_key=construct.Bytes(64),
    signature=_SIGNATURE,
)

AUTHORISATION_LIST = record(
    AuthorisationList,
    receiver=CERTIFICATE_SERIAL,
    number=U8,
    serials=counted(U8, CERTIFICATE_SERIAL),
    signer=CERTIFICATE_SERIAL,
    signature=_SIGNATURE,
)
