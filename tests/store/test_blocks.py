"""The packed form of receipts: equal when read back, refused where a column would be lost."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.orders import Receipt
from gateway.errors import StoreError
from gateway.store.blocks import mentions, pack_receipts, unpack_receipts

_I32, _I64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
# few different values, so that columns are shared as often as not
_WORD = st.sampled_from(["", "ip", "acknowledged", "回执"])
_RECEIPT = st.builds(
    Receipt,
    node=st.integers(0, 255), seq=_I64, received_at=st.floats(allow_nan=False), terminal_id=st.none() | _I32,
    source=_TEXT, ebm_id=st.none() | _WORD, session=st.none() | _I64, kind=_WORD, attempt=st.integers(0, 2),
    code=_I32, standing=st.integers(0, 2), authenticity=_WORD, late=st.integers(0, 1), protocol=_WORD,
    service_type=st.integers(0, 255), raw=st.binary(max_size=80), peer=_TEXT,
)  # fmt: skip

ONE = Receipt(
    0, 1, 2.0, 3, "6" * 23, "6" * 35, 5, "acknowledged", 1, 0, 2, "address", 0, "ip", 2, b"\xfe\xfd", "127.0.0.1:9"
)


@given(st.lists(_RECEIPT, min_size=1, max_size=40))
def test_what_was_packed_is_read_back(receipts: list[Receipt]) -> None:
    assert unpack_receipts(pack_receipts(receipts)) == receipts


def test_layout() -> None:
    packed = pack_receipts([ONE, ONE._replace(seq=2, terminal_id=None, raw=b"\x01")])
    head, node = "01 02000000", "01 04000000 00000000"
    seq = "00 10000000 0100000000000000 0200000000000000"
    at = "01 08000000 0000000000000040"
    terminal = "02 0a000000 01 00 03000000 00000000"
    assert packed.startswith(bytes.fromhex(head + node + seq + at + terminal))
    raw = "00 0b000000 02000000 01000000 fefd 01"
    peer = "01 0b000000" + b"127.0.0.1:9".hex()
    crc = zlib.crc32(packed[:-4]).to_bytes(4, "little").hex()
    assert packed.endswith(bytes.fromhex(raw + peer + crc))


@pytest.mark.parametrize(
    "change",
    [
        {"source": None}, {"peer": "\ud800"}, {"kind": "a\0b"}, {"raw": None}, {"seq": 2**63}, {"node": None},
        {"terminal_id": 2**31}, {"received_at": None}, {"code": "1"}, {"late": 0.5}, {"raw": "text"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("alone", [True, False])
def test_what_no_column_holds_is_refused(change: dict[str, Any], alone: bool) -> None:
    wrong = ONE._replace(**change)
    with pytest.raises((ValueError, TypeError, OverflowError)):
        pack_receipts([wrong] if alone else [ONE, wrong, ONE])


def test_another_version_is_named() -> None:
    body = b"\x02" + pack_receipts([ONE])[1:-4]
    with pytest.raises(StoreError, match="version 2"):
        unpack_receipts(body + zlib.crc32(body).to_bytes(4, "little"))


def test_an_id_is_found_without_unpacking() -> None:
    packed = pack_receipts([ONE, ONE._replace(ebm_id=None)])
    assert mentions(packed, [b"7" * 35, b"6" * 35])
    assert not mentions(packed, [b"7" * 35])


@given(st.lists(_RECEIPT, min_size=1, max_size=5), st.data())
def test_a_damaged_block_is_never_passed_over(receipts: list[Receipt], data: st.DataObject) -> None:
    packed = pack_receipts(receipts)
    at = data.draw(st.integers(0, len(packed) - 1))
    changed = bytes([packed[at] ^ data.draw(st.integers(1, 255))]) + packed[at + 1 :]
    damaged = packed[:at] + data.draw(st.sampled_from([b"", changed]))
    with pytest.raises(StoreError, match="damaged"):
        unpack_receipts(damaged)
    with pytest.raises(StoreError, match="damaged"):
        mentions(damaged, [b"6" * 35])
