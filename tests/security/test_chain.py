"""Chains of GD/J 081 certificates: whoever is above must hold too, and what was taken back stays so."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.domain.codes import CertificateSerial
from gateway.errors import KeyMaterialError, UnknownCertificate
from gateway.security.certificates import CertificateStore
from gateway.security.sm2 import default_provider
from tests.paperkit import Authority

BELOW = CertificateSerial("000000000055")
DEVICE = CertificateSerial("0000000000AB")
OTHER = CertificateSerial("0000000000AC")


class Chain:
    """A root, an issuer below it, and a device below that; ``today`` moves."""

    def __init__(self, *, root_until: tuple[int, int] = (2099, 12), below_until: tuple[int, int] = (2099, 12)) -> None:
        self.today = date(2026, 11, 30)
        self.root, self.below = Authority(), Authority(BELOW)
        self.device = default_provider().generate()
        self.store = CertificateStore(default_provider(), today=lambda: self.today)
        self.store.add_root(self.root.certificate(self.root.serial, self.root.pair, root_until), root="town")
        self.issuer = self.root.certificate(BELOW, self.below.pair, below_until)

    def take(self, *, issues: bool = True) -> None:
        self.store.add(self.issuer, root="town", issues=issues)
        self.store.add(self.below.certificate(DEVICE, self.device), root="town")

    def key(self) -> bytes:
        return self.store.public_key_for(DEVICE, root="town")


def test_an_issuer_below_the_root_vouches_where_the_operator_says_so() -> None:
    chain = Chain()
    chain.take()
    assert chain.key() == chain.device.public
    with pytest.raises(KeyMaterialError, match="no trusted root"):
        Chain().take(issues=False)


def test_a_device_of_an_issuer_vouches_for_no_other() -> None:
    chain = Chain()
    chain.take()
    forger = Authority(DEVICE, chain.device)
    with pytest.raises(KeyMaterialError, match="no trusted root"):
        chain.store.add(forger.certificate(OTHER, default_provider().generate()), root="town")


def test_the_chain_ends_with_its_shortest_link() -> None:
    chain = Chain(below_until=(2026, 11))
    chain.take()
    assert chain.key()
    chain.today = date(2026, 12, 1)
    with pytest.raises(UnknownCertificate, match="issuer 000000000055 expired with 2026-11"):
        chain.key()
    with pytest.raises(KeyMaterialError, match="expired"):
        chain.store.add(chain.below.certificate(OTHER, default_provider().generate()), root="town")


def test_an_expired_root_vouches_for_nobody_and_signs_no_list() -> None:
    chain = Chain(root_until=(2026, 11))
    chain.take()
    paper = chain.root.authorise(OTHER, 1, DEVICE)
    assert chain.store.signer_of(paper, paper.signer) == "town"
    chain.today = date(2026, 12, 1)
    with pytest.raises(UnknownCertificate, match="expired"):
        chain.key()
    with pytest.raises(KeyMaterialError, match="expired with 2026-11"):
        chain.store.signer_of(paper, paper.signer)


@pytest.mark.parametrize("gone", [DEVICE, BELOW, Authority().serial])
def test_what_is_revoked_takes_all_below_with_it(gone: CertificateSerial) -> None:
    chain = Chain()
    chain.take()
    chain.store.revoke(gone, "设备丢失", root="town")
    with pytest.raises(UnknownCertificate, match="revoked"):
        chain.key()
    assert not chain.store.has_key(DEVICE, root="town")
    # Nor does it come back by being sent once more.
    with pytest.raises(KeyMaterialError, match="revoked"):
        chain.store.add(chain.below.certificate(DEVICE, chain.device), root="town")


def test_a_number_revoked_under_one_root_stands_under_another() -> None:
    chain, neighbour = Chain(), Authority()
    chain.take()
    chain.store.add_root(neighbour.certificate(neighbour.serial, neighbour.pair), root="next")
    chain.store.add(neighbour.certificate(DEVICE, chain.device), root="next")
    chain.store.revoke(DEVICE, "设备丢失", root="town")
    assert chain.store.public_key_for(DEVICE, root="next") == chain.device.public
    assert chain.store.revoked(DEVICE, root="town") == "设备丢失"
    assert chain.store.revoked(DEVICE, root="next") == ""


def test_a_ring_of_issuers_is_no_chain() -> None:
    """An issuer renewed so that it names one below itself: two certificates vouch for each other, and no root does."""
    chain = Chain()
    chain.take()
    second = Authority(OTHER)
    chain.store.add(chain.below.certificate(OTHER, second.pair), root="town", issues=True)
    ring = second.certificate(BELOW, chain.below.pair)
    chain.store.add(ring, root="town", issues=True)
    with pytest.raises(KeyMaterialError, match="longer than allowed"):
        chain.store.add(chain.below.certificate(DEVICE, chain.device), root="town")


def test_one_that_has_expired_is_kept_to_be_shown_and_stands_for_nothing() -> None:
    chain = Chain()
    old = chain.root.certificate(OTHER, chain.device, (2026, 10))
    with pytest.raises(KeyMaterialError, match="expired"):
        chain.store.add(old, root="town")
    chain.store.add(old, root="town", aged=True)
    assert chain.store.certificate(OTHER, root="town") == old
    with pytest.raises(UnknownCertificate, match="expired with 2026-10"):
        chain.store.public_key_for(OTHER, root="town")
