"""XML signatures of publishers (XML-DSig, enveloped: CAP 1.2 §3.3.4.1), checked against certificates pinned to each.

What is read afterwards is the signed element itself, as it was canonicalised for the check, and nothing else of the
body: a signature that covers another part, or an alert put around a signed one, gives nothing to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cryptography.exceptions
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidCertificate, InvalidInput, InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.domain.rules import broken, shown
from gateway.errors import KeyMaterialError, WarningInvalid
from gateway.security.papers import Paper, x509_papers

XML_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_PATH = "alert/Signature"

#: SHA-1 and DSA are not taken: forging them is within reach.
_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.SHA384_RSA_MGF1,
        SignatureMethod.SHA512_RSA_MGF1,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


@dataclass(frozen=True, slots=True)
class Opened:
    """What a valid signature covers, and the SHA-256 of the certificate that it was made with, in hexadecimal.

    ``indented``: the signature holds for the body without the white space that only indents it.
    """

    element: etree._Element
    fingerprint: str
    indented: bool = False


@dataclass(frozen=True, slots=True)
class Seal:
    """The certificates of one publisher; several while it changes from one to the next."""

    certificates: tuple[x509.Certificate, ...] = ()

    def papers(self, publisher: str) -> tuple[Paper, ...]:
        """Its certificates, for the list of all that the gateway relies on."""
        return x509_papers(self.certificates, publisher, "publishers", "发布者 XML 签名 signs what it publishes")

    def open(self, root: etree._Element, now: datetime) -> Opened:
        """Check the signature under ``root`` at ``now`` (aware) and return what it covers.

        Raises WarningInvalid with one of the codes ``signature_missing``, ``signature_no_certificate``,
        ``signature_unsupported`` (an algorithm or a form that we do not take), ``signature_invalid``,
        ``certificate_expired``, ``signature_elsewhere`` (it covers something else than the alert).
        """
        if root.find(XML_SIGNATURE) is None:
            raise _refused("signature_missing", "缺少数字签名", "this publisher must sign")
        if not self.certificates:
            raise _refused(
                "signature_no_certificate",
                "配置中没有此发布者的证书，无法验证签名",
                "no certificate of this publisher is set ([publishers.NAME] certificates)",
            )
        refusals: list[WarningInvalid] = []
        for certificate in self.certificates:
            # Real alerts are known to be indented after they were signed. A second try on the body without that is
            # safe: whatever is read afterwards is what was signed.
            for indented in (False, True):
                body = _without_indentation(root) if indented else root
                try:
                    return Opened(_verified(body, certificate, now), fingerprint(certificate), indented)
                except WarningInvalid as refusal:
                    refusals.append(refusal)
                    if refusal.violations[0].code != "signature_invalid":
                        break
        # The publisher hears of the certificate that came nearest: not of the one that it no longer, or not yet, uses.
        raise min(refusals, key=lambda refusal: refusal.violations[0].code == "signature_invalid")


def _verified(root: etree._Element, certificate: x509.Certificate, now: datetime) -> etree._Element:
    config = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=now,
    )
    try:
        found = XMLVerifier().verify(root, x509_cert=certificate, expect_config=config)
    except InvalidCertificate:
        raise _refused(
            "certificate_expired", "证书不在有效期内", f"the certificate {_about(certificate)} is not valid now"
        ) from None
    except (InvalidSignature, cryptography.exceptions.InvalidSignature):
        raise _refused(
            "signature_invalid", "签名与内容或证书不符", "the signature does not fit the content and the certificate"
        ) from None
    except InvalidInput as error:
        raise _unsupported(str(error)) from None
    except Exception as error:
        # A stranger's bytes in a library: whatever it stumbles over is no signature that we take.
        raise _unsupported(type(error).__name__) from None
    assert not isinstance(found, list)
    signed = found.signed_xml
    reference = found.signature_xml.find("{*}SignedInfo/{*}Reference")
    if signed is None or signed.tag != root.tag or reference is None or reference.get("URI") != "":
        raise _refused("signature_elsewhere", "签名覆盖的不是整个 alert", "it must cover the alert as a whole (URI '')")
    return signed


def _without_indentation(root: etree._Element) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)
    return etree.fromstring(etree.tostring(root), parser)


def _refused(code: str, chinese: str, english: str) -> WarningInvalid:
    return WarningInvalid(broken(_PATH, code, chinese, english))


def _unsupported(reason: str) -> WarningInvalid:
    return _refused(
        "signature_unsupported", "不支持的签名形式或算法", f"not a form that is taken: {shown(reason, 160)}"
    )


def _about(certificate: x509.Certificate) -> str:
    return f"{fingerprint(certificate)[:16]} ({certificate.not_valid_before_utc:%Y-%m-%d} to " + (
        f"{certificate.not_valid_after_utc:%Y-%m-%d})"
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def load_seal(files: Iterable[Path]) -> Seal:
    """Read PEM files, each with one certificate or more; raise KeyMaterialError naming the file."""
    found: list[x509.Certificate] = []
    for file in files:
        try:
            found += x509.load_pem_x509_certificates(file.read_bytes())
        except OSError as error:
            raise KeyMaterialError(f"{file}: {error.strerror}") from error
        except ValueError as error:
            raise KeyMaterialError(f"{file}: 不是 PEM 证书 no PEM certificate: {error}") from error
    return Seal(tuple(found))
