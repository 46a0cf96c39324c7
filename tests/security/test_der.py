from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import KeyMaterialError
from gateway.security.der import der_to_raw, raw_to_der


@given(st.binary(min_size=64, max_size=64))
def test_raw_survives_der(raw: bytes) -> None:
    assert der_to_raw(raw_to_der(raw)) == raw


def test_integers_are_shortest_and_positive() -> None:
    raw = bytes(31) + b"\x80" + bytes(31) + b"\x7f"
    assert raw_to_der(raw).hex() == "3007" + "02020080" + "02017f"


@pytest.mark.parametrize(
    "der",
    [
        "",
        "30",
        "3000",
        "3006020101",
        "310602010102 0101",
        "30070201010201010 0",
        "300602010102018 0",
        "30070202000102 0101",
    ],
)
def test_other_bytes_are_refused(der: str) -> None:
    with pytest.raises(KeyMaterialError, match="DER signature"):
        der_to_raw(bytes.fromhex(der.replace(" ", "")))


@given(st.binary(max_size=90))
def test_garbage_never_raises_anything_else(der: bytes) -> None:
    try:
        raw = der_to_raw(der)
    except KeyMaterialError:
        return
    assert raw_to_der(raw) == der
