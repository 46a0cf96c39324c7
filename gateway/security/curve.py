"""The SM2 curve (GB/T 32918.5), raw forms of keys and signatures, and the signer's identity.

Inside the gateway a public key is x ‖ y (64 bytes), a private key 32 bytes, a signature r ‖ s (64 bytes); the 04 prefix
and DER exist only at the edge to a library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.errors import KeyMaterialError

#: Default user identity 用户标识 of GB/T 32918; always passed explicitly, since libraries differ in what they assume.
USER_ID: Final = b"1234567812345678"

PRIVATE_SIZE: Final = 32
PUBLIC_SIZE: Final = 64
SIGNATURE_SIZE: Final = 64

#: Recommended curve of GB/T 32918.5: y² = x³ + ax + b (mod p), base point G of order n.
P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G: Final = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)

_Point = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key (32 bytes) with its public key (64 bytes, x ‖ y); the private half never shows in ``repr``."""

    private: bytes = field(repr=False)
    public: bytes

    def __post_init__(self) -> None:
        check_private(self.private)
        check_public(self.public)


def check_private(private: bytes) -> int:
    """Return the scalar; raise KeyMaterialError unless it is 32 bytes in 1 … n−2 (GB/T 32918.1 6.1)."""
    if len(private) != PRIVATE_SIZE:
        raise KeyMaterialError(f"private key: must be {PRIVATE_SIZE} bytes, is {len(private)}")
    scalar = int.from_bytes(private)
    if not 1 <= scalar <= N - 2:
        raise KeyMaterialError("private key: must lie in 1 … n-2")
    return scalar


def check_public(public: bytes) -> tuple[int, int]:
    """Return the point; raise KeyMaterialError unless it is 64 bytes x ‖ y of a point on the curve."""
    if len(public) != PUBLIC_SIZE:
        raise KeyMaterialError(
            f"public key: must be {PUBLIC_SIZE} bytes (x, y without the 04 prefix), is {len(public)}"
        )
    x, y = int.from_bytes(public[:32]), int.from_bytes(public[32:])
    if x >= P or y >= P or (y * y - (x * x * x + A * x + B)) % P:
        raise KeyMaterialError("public key: is no point of the SM2 curve")
    return x, y


def signature_in_range(signature: bytes) -> bool:
    """Whether the bytes are r ‖ s with both in 1 … n−1; anything else can verify nowhere (GB/T 32918.2 7.1)."""
    if len(signature) != SIGNATURE_SIZE:
        return False
    return 1 <= int.from_bytes(signature[:32]) < N and 1 <= int.from_bytes(signature[32:]) < N


def multiply_base(scalar: int) -> bytes:
    """Public key of a scalar in plain Python: not constant-time, only for a provider that cannot derive one itself."""
    result: _Point = None
    addend: _Point = G
    while scalar:
        if scalar & 1:
            result = _add(result, addend)
        addend = _add(addend, addend)
        scalar >>= 1
    if result is None:
        raise KeyMaterialError("private key: a multiple of the curve's order")
    return result[0].to_bytes(32) + result[1].to_bytes(32)


def _add(left: _Point, right: _Point) -> _Point:
    if left is None or right is None:
        return left or right
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) if left == right else (y2 - y1) * pow(x2 - x1, -1, P)
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P
