from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError
from gateway.security.signature import Signature74


def test_sample_of_081_annex_b() -> None:
    """Four bytes of a counter, certificate 42: the standard's own sample, whose key was never published."""
    block = bytes.fromhex(
        "000009DD000000000042"
        "7D6EB4CF9FA06AF2B0CA3BE3188AAE7CE9766360E0E5C62CF2073980A0228C01"
        "4AD6983E91A95A020CA197E937F13A4499061C52F091E9D833F2B780C162A494"
    )
    read = Signature74.from_bytes(block)
    assert (read.sig_time, read.certificate) == (2525, "000000000042")
    assert read.to_bytes() == block


@given(st.binary(min_size=74, max_size=74))
def test_any_74_bytes_survive(block: bytes) -> None:
    assert Signature74.from_bytes(block).to_bytes() == block


def test_wrong_values_cannot_be_built() -> None:
    serial = CertificateSerial("000000000042")
    for time in (-1, 1 << 32):
        with pytest.raises(InvalidValueError, match="32 bits"):
            Signature74(time, serial, bytes(64))
    with pytest.raises(InvalidValueError, match="64 bytes"):
        Signature74(0, serial, bytes(63))
    with pytest.raises(InvalidValueError, match="74 bytes"):
        Signature74.from_bytes(bytes(73))
