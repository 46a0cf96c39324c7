"""What stands between content and CRC in appendices A and D: a length and the signature block (tables A.3, D.4)."""

from __future__ import annotations

import construct

from gateway.errors import MalformedFrame
from gateway.protocols.fields import U16, Layout
from gateway.protocols.signature import BLOCK, BLOCK_SIZE, EMPTY_BLOCK, SignatureBlock, UnsignedForm

Trailer = SignatureBlock | UnsignedForm

_SIGNED_TRAILER: Layout[SignatureBlock] = Layout("trailer", construct.Prefixed(U16, BLOCK.con))


def read_trailer(raw: bytes, sign_flag: int, *, offset: int) -> Trailer:
    """Read what stands between body and CRC (table D.4); raise MalformedFrame where it is neither form."""
    if not raw:
        return UnsignedForm.NOTHING
    if raw == b"\0\0":
        return UnsignedForm.ZERO_LENGTH
    if len(raw) == 2 + BLOCK_SIZE and int.from_bytes(raw[:2], "big") == BLOCK_SIZE:
        block = _SIGNED_TRAILER.parse(raw, offset=offset)
        return UnsignedForm.ZERO_BLOCK if block == EMPTY_BLOCK and not sign_flag else block
    raise MalformedFrame(f"signature: {len(raw)} bytes between body and CRC are no form of table D.4", offset=offset)


def write_trailer(trailer: Trailer) -> bytes:
    """Write what stands between body and CRC."""
    if isinstance(trailer, SignatureBlock):
        return _SIGNED_TRAILER.build(trailer)
    if trailer is UnsignedForm.ZERO_BLOCK:
        return _SIGNED_TRAILER.build(EMPTY_BLOCK)
    return b"" if trailer is UnsignedForm.NOTHING else b"\0\0"
