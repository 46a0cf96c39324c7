"""An emulated certificate system 证书管理系统 (GD/J 081-2018 5.5): a root that signs what is applied for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.domain.codes import CertificateSerial
from gateway.protocols.authorisation_files import SignedLists, build_lists, parse_application
from gateway.protocols.certificates import AUTHORISATION_LIST, CERTIFICATE, AuthorisationList, Certificate
from gateway.security.curve import KeyPair
from gateway.security.sm2 import Sm2Provider


@dataclass(frozen=True, slots=True)
class CertificateSystem:
    """A root of number ``serial`` with its key; it issues certificates and signs lists."""

    serial: CertificateSerial
    pair: KeyPair
    provider: Sm2Provider

    def certificate(self, serial: CertificateSerial, public_key: bytes, until: tuple[int, int]) -> Certificate:
        """A certificate of this root, good to the end of the month ``until`` (year, month)."""
        blank = Certificate(0x10, self.serial, serial, *until, public_key, bytes(64))
        return replace(blank, signature=self._sign(blank.signed_part()))

    def authorise(
        self, receiver: CertificateSerial, number: int, serials: tuple[CertificateSerial, ...]
    ) -> AuthorisationList:
        """A signed list of table 6."""
        blank = AuthorisationList(receiver, number, serials, self.serial, bytes(64))
        return replace(blank, signature=self._sign(blank.signed_part()))

    def answer(self, application: bytes, issued: tuple[Certificate, ...] = ()) -> bytes:
        """The file of lists that an application asks for, with certificates beside. Errors: MalformedFrame."""
        wanted = parse_application(application)
        lists = tuple(
            AUTHORISATION_LIST.build(self.authorise(wish.receiver, wish.number, wish.serials)) for wish in wanted.wishes
        )
        return build_lists(SignedLists(lists, tuple(map(CERTIFICATE.build, issued))))

    def _sign(self, data: bytes) -> bytes:
        return self.provider.sign(self.pair.private, self.pair.public, data)
