"""SM2 behind one interface (GD/J 081-2018 5.1; GB/T 32918.2 with SM3), and the choice of who does the work."""

from __future__ import annotations

from functools import cache
from typing import Final, Protocol

from gateway.errors import EnvironmentLackingError, KeyMaterialError
from gateway.security.curve import USER_ID, KeyPair
from gateway.security.gmssl import GmsslProvider
from gateway.security.libcrypto import LibcryptoProvider

__all__ = ["USER_ID", "KeyPair", "Sm2Provider", "check_pair", "default_provider", "self_test"]

#: GB/T 32918.5: key, and a signature of "message digest" that any right implementation verifies.
_KNOWN_PUBLIC: Final = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
_KNOWN_MESSAGE: Final = b"message digest"
_KNOWN_SIGNATURE: Final = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)


class Sm2Provider(Protocol):
    """Signs and verifies with raw keys and signatures; safe to call from several threads."""

    @property
    def name(self) -> str:
        """Which implementation, with its version where known."""
        ...

    def sign(self, private_key: bytes, public_key: bytes, message: bytes, user_id: bytes = USER_ID) -> bytes:
        """Sign ``message`` (hashed inside as SM3(Z ‖ M)); return r ‖ s, 64 bytes. Raise KeyMaterialError on bad keys.

        That the two halves belong together is not checked here: ``check_pair`` does so once, when a key is loaded.
        """
        ...

    def verify(self, public_key: bytes, message: bytes, signature: bytes, user_id: bytes = USER_ID) -> bool:
        """Whether r ‖ s is a signature of ``message``; any malformed signature is False, a bad key KeyMaterialError."""
        ...

    def generate(self) -> KeyPair:
        """Make a fresh key pair."""
        ...

    def public_of(self, private_key: bytes) -> bytes:
        """Public key (64 bytes) that belongs to a private key; raise KeyMaterialError when it is out of range."""
        ...


def check_pair(provider: Sm2Provider, pair: KeyPair) -> None:
    """Sign and verify once; raise KeyMaterialError when the halves do not belong together."""
    message = b"ebgw key self-test"
    if not provider.verify(pair.public, message, provider.sign(pair.private, pair.public, message)):
        raise KeyMaterialError("key pair: the public key does not belong to the private key (sign-and-verify failed)")


def self_test(provider: Sm2Provider) -> None:
    """Check a provider against the published vector of GB/T 32918.5; raise EnvironmentLackingError when it fails."""
    if not provider.verify(_KNOWN_PUBLIC, _KNOWN_MESSAGE, _KNOWN_SIGNATURE):
        raise EnvironmentLackingError(f"SM2 by {provider.name} fails the published vector of GB/T 32918.5")


@cache
def default_provider() -> Sm2Provider:
    """libcrypto 3 where the system's has SM2, else gmssl-pyx; raise EnvironmentLackingError where neither works."""
    reasons: list[str] = []
    for make in (LibcryptoProvider, GmsslProvider):
        try:
            provider: Sm2Provider = make()
            self_test(provider)
        except EnvironmentLackingError as error:
            reasons.append(str(error))
        else:
            return provider
    raise EnvironmentLackingError("no SM2: " + "; ".join(reasons))
