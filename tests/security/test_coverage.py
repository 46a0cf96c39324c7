from gateway.domain.codes import CertificateSerial
from gateway.security.coverage import VERIFY_ORDER, Coverage, SignatureBlock, signed_bytes, signed_bytes_at

BLOCK = SignatureBlock(0x665AD4FB, CertificateSerial("000000000042"), bytes(64))


def test_each_variant_covers_what_its_name_says() -> None:
    time, serial = bytes.fromhex("665AD4FB"), bytes.fromhex("000000000042")
    assert {variant: signed_bytes(b"data", BLOCK, variant) for variant in Coverage} == {
        Coverage.A: b"data" + time,
        Coverage.B: b"data",
        Coverage.C: b"data" + time + serial,
        Coverage.D: time + b"data",
    }
    assert signed_bytes_at(b"data", 1, BLOCK.certificate, Coverage.A) == b"data\0\0\0\1"


def test_the_variant_that_proves_no_time_is_tried_last() -> None:
    assert VERIFY_ORDER == (Coverage.A, Coverage.D, Coverage.C, Coverage.B)
