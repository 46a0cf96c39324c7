"""The 74-byte signature block 数字签名 as it stands in a frame (GD/J 081-2018 table 2, GD/J 089-2018 table D.4)."""

from __future__ import annotations

from enum import StrEnum

import construct

from gateway.protocols.fields import CERTIFICATE_SERIAL, U32, record
from gateway.security.signature import SIGNATURE_BLOCK_SIZE as BLOCK_SIZE
from gateway.security.signature import Signature74 as SignatureBlock

__all__ = ["BLOCK", "BLOCK_SIZE", "EMPTY_BLOCK", "SignatureBlock", "UnsignedForm"]

BLOCK = record(SignatureBlock, sig_time=U32, certificate=CERTIFICATE_SERIAL, value=construct.Bytes(64))

EMPTY_BLOCK = BLOCK.parse(bytes(BLOCK_SIZE))


class UnsignedForm(StrEnum):
    """How a frame without signature ends; table D.4 leaves it open and all three are in the field."""

    #: nothing between the body and the CRC
    NOTHING = "a"
    #: a length field of zero
    ZERO_LENGTH = "b"
    #: a length field of 74 and 74 zero bytes
    ZERO_BLOCK = "c"
