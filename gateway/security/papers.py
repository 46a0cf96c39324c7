"""Papers 证书一览: every certificate that the gateway relies on, of GD/J 081 or X.509, in one form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.domain.zone import BEIJING
from gateway.errors import KeyMaterialError
from gateway.security.certificates import Certificate

_DAY: Final = 86_400.0


class PaperState(StrEnum):
    """How a certificate stands at a moment."""

    VALID = "valid"
    #: within the days of warning
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"
    #: its first day has not come
    EARLY = "early"


@dataclass(frozen=True, slots=True)
class Paper:
    """One certificate, or a bare key, which never ages.

    ``number`` is the CertificateSN of GD/J 081 or the head of an X.509 fingerprint (SHA-256); ``root`` the store that
    it is kept in. Unix seconds: ``begins`` (None where its form has no such field, as table 1 of GD/J 081-2018),
    ``ends`` the first moment at which it is no longer good. ``revoked`` says why, empty where it is not.
    """

    number: str
    holder: str
    root: str
    issuer: str
    form: str
    uses: tuple[str, ...]
    begins: float | None = None
    ends: float | None = None
    revoked: str = ""

    def state(self, now: float, warn_days: float) -> PaperState:
        """How it stands at ``now`` (Unix seconds)."""
        if self.revoked:
            return PaperState.REVOKED
        if self.ends is not None and now >= self.ends:
            return PaperState.EXPIRED
        if self.begins is not None and now < self.begins:
            return PaperState.EARLY
        if self.ends is not None and self.ends - now <= warn_days * _DAY:
            return PaperState.EXPIRING
        return PaperState.VALID

    def days_left(self, now: float) -> int | None:
        """Whole days until it ends; None for what never does."""
        return None if self.ends is None else int((self.ends - now) // _DAY)


def end_of(certificate: Certificate) -> float:
    """First moment after the month that a certificate names, Beijing time (GD/J 081-2018 table 1)."""
    year, month = certificate.valid_year, certificate.valid_month
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=BEIJING)
    return after.timestamp()


def x509_papers(certificates: tuple[x509.Certificate, ...], holder: str, root: str, use: str) -> tuple[Paper, ...]:
    """X.509 certificates as papers; ``holder`` is who they were pinned to, beside what they call themselves."""
    return tuple(_x509(certificate, holder, root, use) for certificate in certificates)


def pem_papers(file: Path, holder: str, use: str) -> tuple[Paper, ...]:
    """The first certificate of a PEM file, which is its owner's. Raise KeyMaterialError naming the file."""
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise KeyMaterialError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise KeyMaterialError(f"{file}: 不是 PEM 证书 no PEM certificate: {error}") from error
    return x509_papers(tuple(found[:1]), holder, "tls", use)


def _x509(certificate: x509.Certificate, holder: str, root: str, use: str) -> Paper:
    named = certificate.subject.rfc4514_string()
    return Paper(
        number=certificate.fingerprint(hashes.SHA256()).hex()[:16].upper(),
        holder=f"{holder} ({named})" if named else holder,
        root=root,
        issuer=certificate.issuer.rfc4514_string(),
        form="x509",
        uses=(use,),
        begins=certificate.not_valid_before_utc.timestamp(),
        # The last second named is still good (RFC 5280 4.1.2.5).
        ends=certificate.not_valid_after_utc.timestamp() + 1.0,
    )


def day(seconds: float | None) -> str:
    """A moment as people read it here; empty for none."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
