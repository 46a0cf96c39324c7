from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidValueError
from gateway.store import pack_ids, unpack_ids


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_what_was_packed_is_read_back(ids: list[int]) -> None:
    assert list(unpack_ids(pack_ids(ids))) == ids


def test_numbers_are_little_endian_of_four_bytes() -> None:
    assert pack_ids([1, 0x01020304]) == b"\x01\x00\x00\x00\x04\x03\x02\x01"


@pytest.mark.parametrize("ids", [[-1], [2**32], [1.5]])
def test_what_is_no_id_is_refused(ids: list[int]) -> None:
    with pytest.raises(InvalidValueError, match="terminals"):
        pack_ids(ids)


def test_cut_blob_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="whole u32"):
        unpack_ids(b"\x01\x00\x00")
