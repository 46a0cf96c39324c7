"""The 74-byte signature block 数字签名 as it stands in a frame (GD/J 081-2018 table 2, GD/J 089-2018 table D.4)."""

from __future__ import annotations

import construct

from gateway.domain.receiver import UnsignedForm
from gateway.protocols.fields import CERTIFICATE_SERIAL, U32, record
from gateway.security.coverage import SIGNATURE_SIZE, SignatureBlock

__all__ = ["BLOCK", "BLOCK_SIZE", "EMPTY_BLOCK", "SignatureBlock", "UnsignedForm"]

#: Octets of the block; the length field before it in appendices A and D, and in transport streams, holds this.
BLOCK_SIZE = 4 + 6 + SIGNATURE_SIZE

BLOCK = record(
    SignatureBlock,
    sig_time=U32,
    certificate=CERTIFICATE_SERIAL,
    value=construct.Bytes(SIGNATURE_SIZE),
)

EMPTY_BLOCK = BLOCK.parse(bytes(BLOCK_SIZE))
