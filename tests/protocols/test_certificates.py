from typing import cast

from gateway.protocols import ip
from gateway.protocols.certificates import AUTHORISATION_LIST, CERTIFICATE, CERTIFICATE_SIZE
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.security.libcrypto import LibcryptoProvider
from tests.protocols.golden import BY_ID, frame

BODY = cast(CertificateAuthorisation, ip.parse(frame("C39")).body)
ISSUER = bytes.fromhex(BY_ID["C39"]["public_key"])


def test_a_certificate_reads_rebuilds_and_verifies() -> None:
    raw = BODY.certificates[0]
    certificate = CERTIFICATE.parse(raw)
    assert len(raw) == CERTIFICATE_SIZE
    assert (certificate.issuer, certificate.serial) == ("000000000001", "000000000042")
    assert (certificate.valid_year, certificate.valid_month) == (2029, 12)
    assert CERTIFICATE.build(certificate) == raw
    assert LibcryptoProvider().verify(ISSUER, certificate.signed_part(), certificate.signature)


def test_an_authorisation_list_reads_rebuilds_and_verifies() -> None:
    raw = BODY.lists[0]
    listed = AUTHORISATION_LIST.parse(raw)
    assert len(raw) == 78 + 6 * 2
    assert listed.serials == ("000000000042", "000000000043")
    assert (listed.receiver, listed.number, listed.signer) == ("000000000100", 1, "000000000001")
    assert AUTHORISATION_LIST.build(listed) == raw
    assert LibcryptoProvider().verify(ISSUER, listed.signed_part(), listed.signature)


def test_a_list_whose_count_disagrees_with_its_size_is_none() -> None:
    raw = bytearray(BODY.lists[0])
    raw[7] = 3
    assert AUTHORISATION_LIST.fits(bytes(raw)) is None
