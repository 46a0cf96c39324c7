"""Whose key a number stands for, with the certificate of vector C39 and ones issued here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest

from gateway.domain.codes import CertificateSerial
from gateway.errors import KeyMaterialError, UnknownCertificate
from gateway.security.certificates import CertificateStore, expired, signed_by
from gateway.security.curve import KeyPair
from gateway.security.libcrypto import LibcryptoProvider
from gateway.security.sm2 import Sm2Provider

ROOT, DEVICE, OTHER = (CertificateSerial(f"{number:012X}") for number in (0x01, 0x142, 0x143))


@dataclass(frozen=True)
class Paper:
    """A certificate by the layout of GD/J 081-2018 table 1."""

    version: int
    issuer: CertificateSerial
    serial: CertificateSerial
    valid_year: int
    valid_month: int
    public_key: bytes
    signature: bytes

    def signed_part(self) -> bytes:
        numbers = bytes([self.version]) + bytes.fromhex(self.issuer + self.serial)
        return numbers + bytes([self.valid_year - 2000, self.valid_month]) + self.public_key


def issue(
    provider: Sm2Provider,
    issuer: KeyPair,
    subject: KeyPair,
    *,
    by: CertificateSerial = ROOT,
    serial: CertificateSerial = DEVICE,
    until: tuple[int, int] = (2030, 6),
) -> Paper:
    blank = Paper(0x10, by, serial, *until, subject.public, bytes(64))
    return replace(blank, signature=provider.sign(issuer.private, issuer.public, blank.signed_part()))


class Town:
    """A root with its store, a device, and a calendar."""

    def __init__(self, provider: LibcryptoProvider) -> None:
        self.today = date(2026, 5, 1)
        self.provider = provider
        self.root, self.device = provider.generate(), provider.generate()
        self.store = CertificateStore(provider, today=lambda: self.today)
        self.store.add_root(issue(provider, self.root, self.root, serial=ROOT))

    def issue(self, serial: CertificateSerial = DEVICE, until: tuple[int, int] = (2030, 6)) -> Paper:
        return issue(self.provider, self.root, self.device, serial=serial, until=until)


@pytest.fixture
def town(libcrypto: LibcryptoProvider) -> Town:
    return Town(libcrypto)


def test_published_certificate_verifies(provider: Sm2Provider, sample_pair: KeyPair) -> None:
    """The certificate inside vector C39 (D 0x17), issued with the sample key."""
    signature = bytes.fromhex(
        "B72DCF5029D36A778E3C253D1ADCEA3ECA596DE960484409AF9E8E1FC3FF4FB2"
        "AB016E9C5D7D684058CA6629F6E5A99B07903B73F0FACDBBEA0E8AB3193DE8BB"
    )
    paper = Paper(0, ROOT, CertificateSerial("000000000042"), 2029, 12, sample_pair.public, signature)
    assert signed_by(paper, sample_pair.public, provider)
    assert not signed_by(replace(paper, valid_year=2039), sample_pair.public, provider)
    store = CertificateStore(provider, today=lambda: date(2029, 12, 31))
    store.add_root_key(ROOT, sample_pair.public)
    store.add(paper)
    assert store.public_key_for(paper.serial) == sample_pair.public


def test_an_issued_certificate_is_trusted(town: Town) -> None:
    paper = town.issue()
    town.store.add(paper)
    assert town.store.public_key_for(DEVICE) == town.device.public
    assert town.store.certificate(DEVICE) == paper
    assert town.store.public_key_for(ROOT) == town.root.public


def test_unknown_numbers_and_roots_have_no_key(town: Town) -> None:
    with pytest.raises(UnknownCertificate, match=DEVICE) as caught:
        town.store.public_key_for(DEVICE)
    assert caught.value.result == 52
    with pytest.raises(UnknownCertificate, match="elsewhere"):
        town.store.public_key_for(ROOT, root="elsewhere")
    assert town.store.certificate(ROOT, root="elsewhere") is None
    assert town.store.roots == ("default",)


def test_validity_lasts_to_the_end_of_its_month(town: Town) -> None:
    paper = town.issue(until=(2026, 5))
    assert not expired(paper, date(2026, 5, 31))
    assert expired(paper, date(2026, 6, 1))
    assert expired(paper, date(2027, 1, 1))
    town.store.add(paper)
    town.today = date(2026, 5, 31)
    assert town.store.public_key_for(DEVICE) == town.device.public
    town.today = date(2026, 6, 1)
    with pytest.raises(UnknownCertificate, match="expired with 2026-05"):
        town.store.public_key_for(DEVICE)
    with pytest.raises(KeyMaterialError, match="expired with 2026-05"):
        town.store.add(paper)


def test_wrong_certificates_are_refused_and_kept_out(town: Town) -> None:
    stranger = town.provider.generate()
    good = town.issue()
    refused = [
        (issue(town.provider, stranger, town.device), "issuer's signature is wrong"),
        (replace(good, public_key=stranger.public), "issuer's signature is wrong"),
        (issue(town.provider, stranger, town.device, by=OTHER), "no trusted root"),
        (replace(good, public_key=bytes(64)), "no point of the SM2 curve"),
        (replace(good, signature=bytes(64)), "issuer's signature is wrong"),
        (replace(good, valid_month=13), "must be 1-12"),
        (replace(good, valid_month=0), "must be 1-12"),
    ]
    for paper, rule in refused:
        with pytest.raises(KeyMaterialError, match=rule) as caught:
            town.store.add(paper)
        assert paper.serial in str(caught.value)
    assert town.store.roots_of(DEVICE) == ()


def test_a_device_cannot_issue(town: Town) -> None:
    town.store.add(town.issue())
    child = issue(town.provider, town.device, town.provider.generate(), by=DEVICE, serial=OTHER)
    with pytest.raises(KeyMaterialError, match="no trusted root"):
        town.store.add(child)


def test_nobody_takes_over_the_number_of_a_root(town: Town) -> None:
    with pytest.raises(KeyMaterialError, match="another key"):
        town.store.add(town.issue(serial=ROOT))
    with pytest.raises(KeyMaterialError, match="another key"):
        town.store.register_key(ROOT, town.device.public)
    with pytest.raises(KeyMaterialError, match="another key"):
        town.store.add_root_key(ROOT, town.device.public)
    assert town.store.public_key_for(ROOT) == town.root.public


def test_a_false_self_signature_is_refused(town: Town) -> None:
    forged = issue(town.provider, town.device, town.root, serial=ROOT)
    with pytest.raises(KeyMaterialError, match="its own signature is wrong"):
        town.store.add_root(forged, root="forged")
    assert town.store.roots_of(ROOT) == ("default",)


def test_a_root_below_an_unknown_higher_one_is_an_anchor(town: Town) -> None:
    """Seen in the field: root number 1 whose issuer is 2."""
    above, second = town.provider.generate(), town.provider.generate()
    town.store.add_root(
        issue(town.provider, above, second, by=CertificateSerial("000000000002"), serial=ROOT), root="b"
    )
    town.store.add(issue(town.provider, second, town.device), root="b")
    assert town.store.public_key_for(DEVICE, root="b") == town.device.public


def test_same_number_under_two_roots_are_two_keys(town: Town) -> None:
    second, device = town.provider.generate(), town.provider.generate()
    town.store.add_root_key(ROOT, second.public, root="b")
    town.store.add(town.issue())
    town.store.add(issue(town.provider, second, device), root="b")
    assert town.store.public_key_for(DEVICE) == town.device.public
    assert town.store.public_key_for(DEVICE, root="b") == device.public
    assert town.store.roots_of(DEVICE) == ("default", "b")


def test_the_later_certificate_of_a_number_stays(town: Town) -> None:
    late, early = town.issue(until=(2031, 1)), town.issue(until=(2027, 1))
    town.store.add(late)
    town.store.add(early)
    assert town.store.certificate(DEVICE) == late


def test_bare_keys_serve_and_leave(town: Town) -> None:
    town.store.register_key(DEVICE, town.device.public)
    assert town.store.public_key_for(DEVICE) == town.device.public
    town.store.register_key(DEVICE, town.device.public)
    with pytest.raises(KeyMaterialError, match="another key"):
        town.store.register_key(DEVICE, town.root.public)
    with pytest.raises(KeyMaterialError, match="public key"):
        town.store.register_key(OTHER, b"short")
    town.store.remove(DEVICE)
    town.store.remove(DEVICE)
    town.store.remove(ROOT)
    town.store.remove(DEVICE, root="elsewhere")
    assert town.store.roots_of(DEVICE) == ()
    assert town.store.roots_of(ROOT) == ("default",)
