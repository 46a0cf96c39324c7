"""SM3 (GB/T 32905): from the interpreter's OpenSSL where that has it, else from gmssl-pyx."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable
from functools import cache

from gateway.errors import EnvironmentLackingError


def sm3(data: bytes) -> bytes:
    """Digest of ``data``, 32 bytes; raise EnvironmentLackingError where no implementation is found."""
    return implementation()(data)


def sm3_of(parts: Iterable[bytes]) -> bytes:
    """Digest of what the parts make together, 32 bytes; in flat memory where the interpreter's OpenSSL has SM3."""
    try:
        state = hashlib.new("sm3")
    except ValueError:
        return sm3(b"".join(parts))
    for part in parts:
        state.update(part)
    return state.digest()


@cache
def implementation() -> Callable[[bytes], bytes]:
    """Find SM3 once: hashlib first, then gmssl-pyx."""
    try:
        hashlib.new("sm3")
    except ValueError:
        return from_gmssl()
    return lambda data: hashlib.new("sm3", data).digest()


def from_gmssl() -> Callable[[bytes], bytes]:
    """SM3 of gmssl-pyx; raise EnvironmentLackingError where it is not installed."""
    try:
        digest: Callable[[bytes], bytes] = importlib.import_module("gmssl_pyx").sm3_hash
    except ImportError as error:
        raise EnvironmentLackingError("no SM3: OpenSSL lacks it and gmssl-pyx is not installed") from error
    return digest
