"""One frame, shown to people and programs: ``ebgw decode`` (contract in docs/decode.md).

Each protocol has a reader of its own; a new one is a module ``decode_…`` and a line in ``READERS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.errors import FrameError
from gateway.protocols import decode_adapter, decode_ip, decode_platform, decode_rds, decode_ts
from gateway.protocols.adapter_envelope import is_head
from gateway.protocols.decode_contract import UndecodableInput, Verifier, Verify, result

__all__ = ["READERS", "Reader", "UndecodableInput", "Verify", "decode"]

_BROKEN_HEX = re.compile(r"[^0-9A-Fa-f]")


class Reader(NamedTuple):
    """A protocol: does it know these bytes by their head, and what does it say of them (raises FrameError)?"""

    knows: Callable[[bytes], bool]
    read: Callable[[bytes, Verifier], dict[str, Any]]


#: Asked in this order; the last one takes, and explains, whatever nobody knew.
READERS: tuple[Reader, ...] = (
    Reader(decode_platform.knows, decode_platform.read),
    Reader(is_head, decode_adapter.read),
    Reader(decode_ts.knows, decode_ts.read),
    Reader(decode_rds.knows, decode_rds.read),
    Reader(lambda _: True, decode_ip.read),
)


def decode(source: str | bytes, public_key: bytes | None = None, verify: Verify | None = None) -> dict[str, Any]:
    """Return the JSON contract for one frame, given as hexadecimal text (white space ignored) or as bytes.

    ``public_key`` is x‖y, 64 bytes; without it or ``verify`` a signature is shown as neither valid nor invalid.
    Never raises for bad input: ``error`` says what is wrong.
    """
    try:
        frame = _bytes_of(source)
        reader = next(reader for reader in READERS if reader.knows(frame))
        return reader.read(frame, Verifier(public_key, verify))
    except FrameError as refused:
        return result(error=refused)


def _bytes_of(source: str | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    text = "".join(source.split())
    broken = _BROKEN_HEX.search(text)
    if broken is not None:
        raise UndecodableInput("not_hex", f"{broken.group()!r} is no hexadecimal digit", offset=broken.start() // 2)
    if len(text) % 2:
        raise UndecodableInput("not_hex", "odd number of hexadecimal digits", offset=len(text) // 2)
    return bytes.fromhex(text)
