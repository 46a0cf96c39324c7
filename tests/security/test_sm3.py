from __future__ import annotations

import hashlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import EnvironmentLackingError
from gateway.security import sm3 as module
from gateway.security.sm3 import from_gmssl, sm3


def test_published_example() -> None:
    """GB/T 32905 annex A.1."""
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@given(st.binary(max_size=300))
def test_both_sources_agree(data: bytes) -> None:
    assert from_gmssl()(data) == sm3(data)


def test_without_sm3_in_openssl_gmssl_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, data: bytes = b"") -> None:
        raise ValueError(f"unsupported hash type {name}")

    module.implementation.cache_clear()
    monkeypatch.setattr(hashlib, "new", refuse)
    try:
        assert sm3(b"abc").hex().startswith("66c7f0f4")
        monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
        module.implementation.cache_clear()
        with pytest.raises(EnvironmentLackingError, match="no SM3"):
            sm3(b"abc")
    finally:
        module.implementation.cache_clear()
