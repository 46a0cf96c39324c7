"""A certificate authority 证书管理系统 for tests: certificates and authorisation lists by GD/J 081-2018."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway.domain.codes import CertificateSerial
from gateway.protocols.certificates import AUTHORISATION_LIST, CERTIFICATE, AuthorisationList, Certificate
from gateway.security.curve import KeyPair
from gateway.security.sm2 import default_provider

_FIRST = CertificateSerial("000000000001")


def _new_pair() -> KeyPair:
    return default_provider().generate()


@dataclass(frozen=True)
class Authority:
    """A root that issues."""

    serial: CertificateSerial = _FIRST
    pair: KeyPair = field(default_factory=_new_pair)

    def certificate(self, serial: CertificateSerial, pair: KeyPair, until: tuple[int, int] = (2099, 12)) -> Certificate:
        """A certificate of this root."""
        blank = Certificate(0x10, self.serial, serial, *until, pair.public, bytes(64))
        return replace(blank, signature=self._sign(blank.signed_part()))

    def authorise(self, receiver: CertificateSerial, number: int, *serials: CertificateSerial) -> AuthorisationList:
        """A list of this root."""
        blank = AuthorisationList(receiver, number, serials, self.serial, bytes(64))
        return replace(blank, signature=self._sign(blank.signed_part()))

    def trust(self, name: str = "town") -> str:
        """Its entry of a trust file."""
        own = CERTIFICATE.build(self.certificate(self.serial, self.pair)).hex()
        return f'[[root]]\nname = "{name}"\ncertificate = "{own}"\n'

    def _sign(self, data: bytes) -> bytes:
        return default_provider().sign(self.pair.private, self.pair.public, data)


def packed(*papers: AuthorisationList) -> tuple[bytes, ...]:
    """Lists as they travel."""
    return tuple(map(AUTHORISATION_LIST.build, papers))


def carried(*papers: Certificate) -> tuple[bytes, ...]:
    """Certificates as they travel."""
    return tuple(map(CERTIFICATE.build, papers))
