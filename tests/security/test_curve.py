from __future__ import annotations

import pytest

from gateway.errors import KeyMaterialError
from gateway.security.curve import G, N, check_public, multiply_base, signature_in_range


def test_multiples_of_the_base_point() -> None:
    base = G[0].to_bytes(32) + G[1].to_bytes(32)
    assert multiply_base(1) == base
    assert multiply_base(N + 1) == base
    # (n-1)·G is the mirror image of G
    assert multiply_base(N - 1)[:32] == base[:32]
    for scalar in (2, 3, 0xFFFF, N - 2):
        check_public(multiply_base(scalar))


def test_the_point_at_infinity_is_no_key() -> None:
    for scalar in (0, N):
        with pytest.raises(KeyMaterialError, match="order"):
            multiply_base(scalar)


def test_ranges_of_a_signature() -> None:
    one, edge = (1).to_bytes(32), N.to_bytes(32)
    assert signature_in_range(one + one)
    for wrong in (bytes(32) + one, one + bytes(32), edge + one, one + edge, one, b""):
        assert not signature_in_range(wrong)
