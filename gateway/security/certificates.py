"""Certificates 应急广播数字证书 (GD/J 081-2018 table 1) and whose key a certificate number stands for.

Certificate numbers are not unique across issuing systems (two roots in the field both call themselves 1), so trust is
kept by root, and a peer is bound to a root. The 143-byte layout lives in ``gateway.protocols.certificates``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

from gateway.domain.codes import CertificateSerial
from gateway.errors import KeyMaterialError, TrustRefused, UnknownCertificate
from gateway.security.curve import check_public
from gateway.security.sm2 import Sm2Provider

#: Root of keys that were registered by hand and of towns with one issuing system.
DEFAULT_ROOT: Final = "default"
#: Certificates from one of a device up to its root, at most; the systems in the field have two.
_LONGEST_CHAIN: Final = 4


class Certificate(Protocol):
    """What trust needs to know of a certificate; ``gateway.protocols.certificates.Certificate`` is one."""

    @property
    def issuer(self) -> CertificateSerial:
        """IssuerSN."""
        ...

    @property
    def serial(self) -> CertificateSerial:
        """CertificateSN."""
        ...

    @property
    def valid_year(self) -> int:
        """Year of the last month it is good for."""
        ...

    @property
    def valid_month(self) -> int:
        """That month, 1-12."""
        ...

    @property
    def public_key(self) -> bytes:
        """x ‖ y, 64 bytes."""
        ...

    @property
    def signature(self) -> bytes:
        """r ‖ s of the issuer, 64 bytes."""
        ...

    def signed_part(self) -> bytes:
        """Bytes 0-78, which the issuer signed."""
        ...


class Signed(Protocol):
    """What a root signs."""

    @property
    def signature(self) -> bytes:
        """r ‖ s, 64 bytes."""
        ...

    def signed_part(self) -> bytes:
        """The bytes that were signed."""
        ...


def expired(certificate: Certificate, on: date) -> bool:
    """Whether ``on`` (Beijing date) lies after the last month that the certificate names."""
    return (on.year, on.month) > (certificate.valid_year, certificate.valid_month)


def signed_by(certificate: Certificate, public_key: bytes, provider: Sm2Provider) -> bool:
    """Whether the issuer's key signed the certificate (GD/J 081-2018 table 1, SignatureData)."""
    return provider.verify(public_key, certificate.signed_part(), certificate.signature)


@dataclass(slots=True)
class _Root:
    """One issuing system: its anchors (number → key) and what they vouch for."""

    anchors: dict[CertificateSerial, bytes] = field(default_factory=dict)
    certificates: dict[CertificateSerial, Certificate] = field(default_factory=dict)
    keys: dict[CertificateSerial, bytes] = field(default_factory=dict)
    #: certificates that may issue others, as the operator says
    issuers: set[CertificateSerial] = field(default_factory=set)
    #: numbers taken back, with the reason
    revoked: dict[CertificateSerial, str] = field(default_factory=dict)


class CertificateStore:
    """Trusted roots, the certificates they issued, and bare public keys; ``today`` gives the Beijing date.

    Only a root issues, and what the operator named an issuer below it: a certificate of a device vouches for no other,
    for its layout has no word that would tell the two apart. In memory, filled at start by the caller.
    """

    def __init__(self, provider: Sm2Provider, *, today: Callable[[], date]) -> None:
        self._provider, self._today = provider, today
        self._roots: dict[str, _Root] = {}

    @property
    def roots(self) -> tuple[str, ...]:
        """Names of the roots, in the order they came."""
        return tuple(self._roots)

    def add_root(self, certificate: Certificate, *, root: str = DEFAULT_ROOT, aged: bool = False) -> None:
        """Trust a root certificate on the operator's word.

        One that names itself as issuer must carry its own signature; one issued by a higher system that we do not know
        is an anchor all the same. ``aged``: an expired one is kept, to be shown; it vouches for nothing. Raise
        KeyMaterialError when expired, off the curve or wrongly self-signed.
        """
        self._check(certificate, root, aged=aged)
        own = certificate.issuer == certificate.serial
        if own and not signed_by(certificate, certificate.public_key, self._provider):
            raise KeyMaterialError(f"certificate {certificate.serial} of root {root}: its own signature is wrong")
        self._anchor(root, certificate.serial, certificate.public_key)
        self._root(root).certificates[certificate.serial] = certificate

    def add_root_key(self, serial: CertificateSerial, public_key: bytes, *, root: str = DEFAULT_ROOT) -> None:
        """Trust a root of which only number and public key are known; raise KeyMaterialError on a bad key."""
        check_public(public_key)
        self._anchor(root, serial, public_key)

    def add(
        self, certificate: Certificate, *, root: str = DEFAULT_ROOT, issues: bool = False, aged: bool = False
    ) -> None:
        """Take a certificate that a trusted root issued; the newer one of the same number replaces the older.

        ``issues``: the operator's word that it may issue others; ``aged``: an expired one is kept, to be shown, and
        stands for nothing. Raise KeyMaterialError naming number and rule: unknown issuer, wrong signature, expired,
        revoked, key off the curve, number of the root itself or of a key registered by hand.
        """
        self.check(certificate, root=root, aged=aged)
        known = self._root(root)
        if issues:
            known.issuers.add(certificate.serial)
        present = known.certificates.get(certificate.serial)
        if certificate.serial in known.anchors or certificate.serial in known.keys:
            return
        if present is None or _validity(certificate) >= _validity(present):
            known.certificates[certificate.serial] = certificate

    def check(self, certificate: Certificate, *, root: str = DEFAULT_ROOT, aged: bool = False) -> None:
        """Whether ``add`` would take it. Raise KeyMaterialError as it does."""
        self._check(certificate, root, aged=aged)
        known = self._root(root)
        name = f"certificate {certificate.serial} of root {root}"
        if certificate.serial in known.revoked:
            raise KeyMaterialError(f"{name}: revoked 已吊销: {known.revoked[certificate.serial]}")
        self._climb(known, root, certificate, aged=aged)
        if certificate.serial in known.anchors or certificate.serial in known.keys:
            if self._key(known, certificate.serial) == certificate.public_key:
                return
            raise KeyMaterialError(f"{name}: the number belongs to another key already")

    def _climb(self, known: _Root, root: str, certificate: Certificate, *, aged: bool) -> None:
        """Follow the issuers up to the root. Raise KeyMaterialError naming the first link that does not hold."""
        below = certificate
        for _ in range(_LONGEST_CHAIN):
            name = f"certificate {below.serial} of root {root}"
            anchor = known.anchors.get(below.issuer)
            above = known.certificates.get(below.issuer)
            if anchor is None and (above is None or below.issuer not in known.issuers):
                raise KeyMaterialError(f"{name}: its issuer {below.issuer} is no trusted root")
            key = anchor if anchor is not None else above.public_key if above is not None else b""
            if not signed_by(below, key, self._provider):
                raise KeyMaterialError(f"{name}: the issuer's signature is wrong")
            if below.issuer in known.revoked:
                raise KeyMaterialError(f"{name}: its issuer {below.issuer} is revoked 签发者已吊销")
            if above is not None and not aged and expired(above, self._today()):
                raise KeyMaterialError(f"{name}: its issuer {below.issuer} expired with {_month(above)}")
            if anchor is not None or above is None:
                return
            below = above
        raise KeyMaterialError(f"certificate {certificate.serial} of root {root}: its chain is longer than allowed")

    def revoke(self, serial: CertificateSerial, reason: str, *, root: str = DEFAULT_ROOT) -> None:
        """Trust this number no longer, whatever comes under it later; what it issued goes with it."""
        self._root(root).revoked[serial] = reason

    def revoked(self, serial: CertificateSerial, *, root: str = DEFAULT_ROOT) -> str:
        """Why the number was taken back; empty where it was not."""
        known = self._roots.get(root)
        return known.revoked.get(serial, "") if known else ""

    def signer_of(self, paper: Signed, signer: CertificateSerial) -> str:
        """Name of the root whose own key signed ``paper`` under this number.

        Raise TrustRefused: ``list_signer_unknown``, ``list_signature``; ``list_signer_expired`` and
        ``list_signer_revoked``, for such a root signs nothing any more.
        """
        for name, known in self._roots.items():
            key = known.anchors.get(signer)
            if key is not None and self._provider.verify(key, paper.signed_part(), paper.signature):
                own = known.certificates.get(signer)
                if signer in known.revoked:
                    raise TrustRefused("list_signer_revoked", f"root {name}: its number {signer} is revoked 已吊销")
                if own is not None and expired(own, self._today()):
                    said = f"root {name}: its certificate {signer} expired with {_month(own)} 已过期"
                    raise TrustRefused("list_signer_expired", said)
                return name
        if any(signer in known.anchors for known in self._roots.values()):
            raise TrustRefused("list_signature", f"签名不符 no trusted root of number {signer} signed it")
        raise TrustRefused("list_signer_unknown", f"签发者未受信任 no trusted root has the number {signer}")

    def register_key(self, serial: CertificateSerial, public_key: bytes, *, root: str = DEFAULT_ROOT) -> None:
        """Trust a bare public key, for a device without certificate; raise KeyMaterialError on a bad or second key."""
        check_public(public_key)
        known = self._root(root)
        present = self._key(known, serial)
        if present is not None and present != public_key:
            raise KeyMaterialError(f"certificate {serial} of root {root}: the number belongs to another key already")
        known.keys[serial] = public_key

    def remove(self, serial: CertificateSerial, *, root: str = DEFAULT_ROOT) -> None:
        """Trust this number no longer (certificate or bare key, not a root); unknown numbers are ignored."""
        known = self._roots.get(root)
        if known is not None and serial not in known.anchors:
            known.certificates.pop(serial, None)
            known.keys.pop(serial, None)

    def certificate(self, serial: CertificateSerial, *, root: str = DEFAULT_ROOT) -> Certificate | None:
        """The whole certificate, where there is one."""
        known = self._roots.get(root)
        return known.certificates.get(serial) if known else None

    def public_key_for(self, serial: CertificateSerial, *, root: str = DEFAULT_ROOT) -> bytes:
        """Key (64 bytes) that the number stands for.

        Raise UnknownCertificate (answer 52) where there is none, or it or what issued it is expired or revoked.
        """
        known = self._roots.get(root)
        key = self._key(known, serial) if known else None
        if known is None or key is None:
            raise UnknownCertificate(f"no key is known for certificate {serial} under root {root}")
        if serial in known.revoked:
            raise UnknownCertificate(
                f"certificate {serial} under root {root} is revoked 已吊销: {known.revoked[serial]}"
            )
        certificate = known.certificates.get(serial)
        # A bare key registered beside the certificate was trusted by hand and does not age.
        if certificate is None or serial in known.keys:
            return key
        if expired(certificate, self._today()):
            raise UnknownCertificate(f"certificate {serial} under root {root} expired with {_month(certificate)}")
        if serial not in known.anchors and (fault := self._fault_above(known, certificate)):
            raise UnknownCertificate(f"certificate {serial} under root {root}: {fault}")
        return key

    def _fault_above(self, known: _Root, certificate: Certificate) -> str:
        """Why what issued a certificate holds no more; its signatures were checked when each came."""
        issuer, today = certificate.issuer, self._today()
        for _ in range(_LONGEST_CHAIN):
            if issuer in known.revoked:
                return f"its issuer {issuer} is revoked 签发者已吊销"
            above = known.certificates.get(issuer)
            if above is not None and expired(above, today):
                return f"its issuer {issuer} expired with {_month(above)} 签发者已过期"
            if above is None or issuer in known.anchors:
                break
            issuer = above.issuer
        return ""

    def listed(self) -> Iterator[tuple[str, CertificateSerial, Certificate | None, bool]]:
        """All that is known: root, number, certificate (None for a bare key), whether it issues."""
        for name, known in self._roots.items():
            for serial in dict.fromkeys((*known.anchors, *known.certificates, *known.keys)):
                issues = serial in known.anchors or serial in known.issuers
                yield name, serial, known.certificates.get(serial), issues

    def has_key(self, serial: CertificateSerial, *, root: str = DEFAULT_ROOT) -> bool:
        """Whether the number has a key under the root now."""
        try:
            self.public_key_for(serial, root=root)
        except UnknownCertificate:
            return False
        return True

    def roots_of(self, serial: CertificateSerial) -> tuple[str, ...]:
        """Roots under which the number has a key: more than one means that a peer must be bound to its root."""
        return tuple(name for name, known in self._roots.items() if self._key(known, serial) is not None)

    def _root(self, root: str) -> _Root:
        return self._roots.setdefault(root, _Root())

    def _anchor(self, root: str, serial: CertificateSerial, public_key: bytes) -> None:
        known = self._root(root)
        present = self._key(known, serial)
        if present is not None and present != public_key:
            raise KeyMaterialError(f"certificate {serial} of root {root}: the number belongs to another key already")
        known.anchors[serial] = public_key

    def _check(self, certificate: Certificate, root: str, *, aged: bool = False) -> None:
        name = f"certificate {certificate.serial} of root {root}"
        try:
            check_public(certificate.public_key)
        except KeyMaterialError as error:
            raise KeyMaterialError(f"{name}: {error}") from error
        if not 1 <= certificate.valid_month <= 12:
            raise KeyMaterialError(f"{name}: its month is {certificate.valid_month}, must be 1-12 (GD/J 081-2018)")
        if not aged and expired(certificate, self._today()):
            raise KeyMaterialError(f"{name}: expired with {_month(certificate)}")

    @staticmethod
    def _key(known: _Root, serial: CertificateSerial) -> bytes | None:
        certificate = known.certificates.get(serial)
        issued = certificate.public_key if certificate is not None else None
        return known.anchors.get(serial) or known.keys.get(serial) or issued


def _validity(certificate: Certificate) -> tuple[int, int]:
    return certificate.valid_year, certificate.valid_month


def _month(certificate: Certificate) -> str:
    return f"{certificate.valid_year}-{certificate.valid_month:02d}"
