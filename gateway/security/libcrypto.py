"""SM2 by the system's libcrypto 3 through EVP: the default. The elliptic-curve work runs without the GIL."""

from __future__ import annotations

import ctypes
import secrets
import sys
import threading
from collections import OrderedDict
from ctypes import byref, c_char_p, c_size_t, c_void_p
from typing import Final

from gateway.errors import KeyMaterialError
from gateway.security.curve import PRIVATE_SIZE, USER_ID, KeyPair, N, check_private, check_public, signature_in_range
from gateway.security.der import der_to_raw, raw_to_der
from gateway.security.evp import POINT_UNCOMPRESSED, SELECT_KEY_PAIR, SELECT_PUBLIC_KEY, Library, key_params

#: Prepared keys kept; each holds a copy of the curve (some kB). 4,021 terminals do not sign, peers that do are few.
PREPARED_KEYS: Final = 1024
_DER_MAX: Final = 80


class PreparedKey:
    """An EVP_PKEY, freed with the object that holds it; usable from several threads at once."""

    __slots__ = ("_library", "pointer")

    def __init__(self, library: Library, public: bytes, private: bytes | None = None) -> None:
        self._library, self.pointer = library, None
        scalar = None
        if private is not None:
            scalar = bytearray(private if sys.byteorder == "big" else private[::-1])
        params = key_params(public, scalar)
        context = library.light.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        made = c_void_p()
        try:
            if not context or library.light.EVP_PKEY_fromdata_init(context) != 1:
                raise KeyMaterialError(f"SM2 key: {library.failure()}")
            selection = SELECT_PUBLIC_KEY if private is None else SELECT_KEY_PAIR
            if library.light.EVP_PKEY_fromdata(context, byref(made), selection, params) != 1:
                raise KeyMaterialError(f"SM2 key: {library.failure()}")
        finally:
            library.light.EVP_PKEY_CTX_free(context)
            if scalar is not None:
                scalar[:] = bytes(len(scalar))
        self.pointer = made.value

    def __del__(self) -> None:
        if self.pointer:
            self._library.light.EVP_PKEY_free(self.pointer)


class LibcryptoProvider:
    """``Sm2Provider`` over libcrypto 3; ``path`` names another library file than the system's."""

    def __init__(self, path: str | None = None) -> None:
        self._library = Library(path)
        self.name = f"libcrypto ({self._library.version})"
        self._prepared: OrderedDict[tuple[bytes, bytes | None], PreparedKey] = OrderedDict()
        self._lock = threading.Lock()

    def sign(self, private_key: bytes, public_key: bytes, message: bytes, user_id: bytes = USER_ID) -> bytes:
        """See ``Sm2Provider.sign``."""
        key = self._key(public_key, private_key)
        light = self._library.light
        context = light.EVP_MD_CTX_new()
        try:
            self._begin(light.EVP_DigestSignInit, context, key, user_id)
            der = ctypes.create_string_buffer(_DER_MAX)
            size = c_size_t(_DER_MAX)
            if self._library.heavy.EVP_DigestSign(context, der, byref(size), message, len(message)) != 1:
                raise KeyMaterialError(f"libcrypto cannot sign: {self._library.failure()}")
        finally:
            light.EVP_MD_CTX_free(context)
        return der_to_raw(der.raw[: size.value])

    def verify(self, public_key: bytes, message: bytes, signature: bytes, user_id: bytes = USER_ID) -> bool:
        """See ``Sm2Provider.verify``."""
        key = self._key(public_key)
        if not signature_in_range(signature):
            return False
        light = self._library.light
        context = light.EVP_MD_CTX_new()
        try:
            self._begin(light.EVP_DigestVerifyInit, context, key, user_id)
            der = raw_to_der(signature)
            result = self._library.heavy.EVP_DigestVerify(context, der, len(der), message, len(message))
        finally:
            light.EVP_MD_CTX_free(context)
        if result == 1:
            return True
        # A mismatch is an answer; what libcrypto left in the queue would else turn up in the next user of ssl.
        light.ERR_clear_error()
        return False

    def generate(self) -> KeyPair:
        """See ``Sm2Provider.generate``; the scalar is drawn from the system's random source."""
        private = (secrets.randbelow(N - 2) + 1).to_bytes(PRIVATE_SIZE)
        return KeyPair(private, self.public_of(private))

    def public_of(self, private_key: bytes) -> bytes:
        """See ``Sm2Provider.public_of``."""
        check_private(private_key)
        light, group = self._library.light, self._library.group
        scalar = light.BN_bin2bn(private_key, len(private_key), None)
        point = light.EC_POINT_new(group)
        try:
            octets = ctypes.create_string_buffer(65)
            done = scalar and point and self._library.heavy.EC_POINT_mul(group, point, scalar, None, None, None) == 1
            if not done or light.EC_POINT_point2oct(group, point, POINT_UNCOMPRESSED, octets, 65, None) != 65:
                raise KeyMaterialError(f"public key: {self._library.failure()}")
        finally:
            light.EC_POINT_free(point)
            light.BN_clear_free(scalar)
        return octets.raw[1:]

    def _begin(self, init: ctypes._NamedFuncPointer, context: int | None, key: PreparedKey, user_id: bytes) -> None:
        """Start a digest with the key and, before the first byte (Z is made then), the identity."""
        inner = c_void_p()  # belongs to the digest context and is freed with it
        if not context or init(context, byref(inner), self._library.sm3, None, key.pointer) != 1:
            raise KeyMaterialError(f"libcrypto cannot begin: {self._library.failure()}")
        if self._library.light.EVP_PKEY_CTX_set1_id(inner, c_char_p(user_id), len(user_id)) != 1:
            raise KeyMaterialError(f"user id: {self._library.failure()}")

    def _key(self, public: bytes, private: bytes | None = None) -> PreparedKey:
        wanted = (public, private)
        with self._lock:
            found = self._prepared.get(wanted)
            if found is not None:
                self._prepared.move_to_end(wanted)
                return found
        check_public(public)
        if private is not None:
            check_private(private)
        made = PreparedKey(self._library, public, private)
        with self._lock:
            self._prepared[wanted] = made
            if len(self._prepared) > PREPARED_KEYS:
                self._prepared.popitem(last=False)
        return made
