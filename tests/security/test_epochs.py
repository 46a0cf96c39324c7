from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError
from gateway.security.epochs import EPOCH_SECONDS, EpochCache


def test_all_who_ask_within_an_epoch_share_one_signature() -> None:
    made = count()
    cache: EpochCache[str, int] = EpochCache()
    assert {cache.get("order", 100 + second / 100, lambda: next(made)) for second in range(5999)} == {0}
    assert cache.get("order", 160, lambda: next(made)) == 1
    assert cache.get("other", 160, lambda: next(made)) == 2


def test_an_epoch_begins_with_the_first_need_and_not_by_the_wall() -> None:
    made = count()
    cache: EpochCache[str, int] = EpochCache()
    assert cache.get("order", 59.9, lambda: next(made)) == 0
    assert cache.get("order", 60.1, lambda: next(made)) == 0
    assert cache.get("order", 119.8, lambda: next(made)) == 0
    assert cache.get("order", 119.9, lambda: next(made)) == 1


def test_old_ones_leave_and_the_number_is_bounded() -> None:
    cache: EpochCache[int, int] = EpochCache(limit=10)
    for key in range(50):
        cache.get(key, 0, lambda key=key: key)  # type: ignore[misc]
    assert len(cache) == 10
    cache.get(99, EPOCH_SECONDS, lambda: 99)
    assert len(cache) == 1


def test_a_failed_signature_begins_no_epoch() -> None:
    cache: EpochCache[str, int] = EpochCache()

    def fail() -> int:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cache.get("order", 0, fail)
    assert cache.get("order", 1, lambda: 7) == 7


def test_forgotten_keys_are_signed_anew() -> None:
    cache: EpochCache[tuple[str, str], int] = EpochCache()
    for key in (("a", "x"), ("a", "y"), ("b", "x")):
        cache.get(key, 0, lambda: 1)
    cache.forget(lambda key: key[0] == "a")
    assert cache.get(("a", "x"), 1, lambda: 2) == 2
    assert cache.get(("b", "x"), 1, lambda: 2) == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 500)), max_size=60))
def test_no_value_is_older_than_an_epoch_whatever_the_clock_does(asked: list[tuple[int, float]]) -> None:
    cache: EpochCache[int, float] = EpochCache(limit=3)
    for key, now in asked:
        born = cache.get(key, now, lambda now=now: now)  # type: ignore[misc]
        assert 0 <= now - born < EPOCH_SECONDS
        assert len(cache) <= 3


def test_senseless_limits_are_refused() -> None:
    with pytest.raises(InvalidValueError):
        EpochCache(epoch=0)
    with pytest.raises(InvalidValueError):
        EpochCache(limit=0)
