from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidValueError
from gateway.store.paging import decode_cursor, encode_cursor


@given(st.floats(allow_nan=False), st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126)))
def test_a_cursor_keeps_its_key(at: float, ident: str) -> None:
    cursor = encode_cursor((at, ident))
    assert decode_cursor(cursor, (float, str)) == (at, ident)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@settings(max_examples=50)
@given(st.text() | st.binary().map(lambda b: encode_cursor((b.hex(),))))
def test_a_strange_cursor_is_an_invalid_value(cursor: str) -> None:
    with contextlib.suppress(InvalidValueError):
        (value,) = decode_cursor(cursor, (int,))
        assert type(value) is int


@pytest.mark.parametrize("key", [(1,), (1.0,), ("x", 1.0), (2**70, "x"), (1.0, "a\x00"), (True, "x")])
def test_a_key_of_another_list_is_refused(key: tuple[object, ...]) -> None:
    with pytest.raises(InvalidValueError, match="cursor"):
        decode_cursor(encode_cursor(key), (float, str))
