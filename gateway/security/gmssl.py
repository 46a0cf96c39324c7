"""SM2 by gmssl-pyx: the second opinion in tests, and the stand-in where libcrypto lacks SM2.

What it does otherwise than libcrypto: it holds the GIL, prints a trace to standard error on each failed verification,
and signs with a private key that does not belong to the public one. Its public keys have no 04 prefix, as ours.
"""

from __future__ import annotations

import importlib
from typing import Any

from gateway.errors import EnvironmentLackingError, KeyMaterialError
from gateway.security.curve import USER_ID, KeyPair, check_private, check_public, multiply_base, signature_in_range
from gateway.security.der import der_to_raw, raw_to_der


class GmsslProvider:
    """``Sm2Provider`` over gmssl-pyx."""

    def __init__(self) -> None:
        try:
            self._library: Any = importlib.import_module("gmssl_pyx")
        except ImportError as error:
            raise EnvironmentLackingError(f"gmssl-pyx cannot be imported ({error}); pip install gmssl-pyx") from error
        self.name = f"gmssl-pyx {getattr(self._library, '__version__', '')}".strip()

    def sign(self, private_key: bytes, public_key: bytes, message: bytes, user_id: bytes = USER_ID) -> bytes:
        """See ``Sm2Provider.sign``."""
        check_private(private_key)
        check_public(public_key)
        try:
            return der_to_raw(self._library.sm2_sign(private_key, public_key, message, user_id))
        except self._library.GmsslInnerError as error:
            raise KeyMaterialError(f"gmssl cannot sign: {error}") from error

    def verify(self, public_key: bytes, message: bytes, signature: bytes, user_id: bytes = USER_ID) -> bool:
        """See ``Sm2Provider.verify``; ranges are checked first, so that fewer traces reach standard error."""
        check_public(public_key)
        if not signature_in_range(signature):
            return False
        try:
            return bool(self._library.sm2_verify(public_key, message, raw_to_der(signature), user_id))
        except self._library.GmsslInnerError:
            return False

    def generate(self) -> KeyPair:
        """See ``Sm2Provider.generate``."""
        public, private = self._library.sm2_key_generate()
        return KeyPair(private, public)

    def public_of(self, private_key: bytes) -> bytes:
        """See ``Sm2Provider.public_of``; gmssl-pyx has no call for it."""
        return multiply_base(check_private(private_key))
