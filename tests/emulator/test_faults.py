from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.dice import Dice
from emulator.faults import HEALTHY, Faults, shape
from gateway.errors import InvalidValueError


@given(st.binary(min_size=1, max_size=200), st.integers(0, 2**64 - 1))
def test_split_keeps_every_byte(data: bytes, seed: int) -> None:
    pieces = shape(data, Faults(split=1.0), Dice(seed))
    assert b"".join(pieces) == data
    assert all(pieces)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 2**64 - 1))
def test_garbage_stands_before_and_corruption_at_the_end(data: bytes, seed: int) -> None:
    (dirty,) = shape(data, Faults(garbage=1.0), Dice(seed))
    assert dirty.endswith(data)
    assert 1 <= len(dirty) - len(data) <= 64
    (wrong,) = shape(data, Faults(corrupt=1.0), Dice(seed))
    assert wrong != data
    assert wrong[:-1] == data[:-1]
    assert shape(data, Faults(corrupt=1.0), Dice(seed), checksum_too=False) == [data]


def test_changes_and_what_they_mean() -> None:
    faults = HEALTHY.changed({"loss": 1, "skew": -5, "refuse": 73})
    assert faults == Faults(loss=1.0, skew=-5.0, refuse=73)
    assert not faults.reachable
    assert HEALTHY.reachable
    assert faults.changed({"refuse": None, "loss": 0}).reachable
    assert not HEALTHY.bends_line
    assert Faults(merge=0.1).bends_line


@pytest.mark.parametrize(
    ("name", "value"),
    [("loss", -0.1), ("delay", 4000.0), ("refuse", 0), ("refuse", 256), ("skew", 1e10), ("corrupt", 1.01)],
)
def test_values_out_of_range_are_named(name: str, value: float) -> None:
    with pytest.raises(InvalidValueError) as caught:
        HEALTHY.changed({name: value})
    assert caught.value.field == name
