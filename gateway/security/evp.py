"""The functions of the system's libcrypto 3 that SM2 needs, declared for ctypes; nothing above C's own level here.

The library is opened twice. ``heavy`` releases the GIL around each call and is used for the elliptic-curve work;
``light`` keeps it, for calls of a microsecond where giving it away would cost more, under load even a switch interval.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_ulong, c_void_p
from typing import Any, Final

from gateway.errors import EnvironmentLackingError

NID_SM2: Final = 1172
SELECT_PUBLIC_KEY: Final = 0x86  # public key, domain and other parameters
SELECT_KEY_PAIR: Final = 0x87
POINT_UNCOMPRESSED: Final = 4

_PARAM_UNSIGNED, _PARAM_UTF8, _PARAM_OCTETS = 2, 4, 5


class OsslParam(ctypes.Structure):
    """``OSSL_PARAM`` of openssl/core.h."""

    _fields_ = (
        ("key", c_char_p),
        ("data_type", ctypes.c_uint),
        ("data", c_void_p),
        ("data_size", c_size_t),
        ("return_size", c_size_t),
    )


_VOID = None
#: name → (result, arguments); calls that return a status or a pointer are checked by the caller.
_LIGHT: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "OpenSSL_version_num": (c_ulong, ()),
    "OpenSSL_version": (c_char_p, (c_int,)),
    "ERR_get_error": (c_ulong, ()),
    "ERR_error_string_n": (_VOID, (c_ulong, c_char_p, c_size_t)),
    "ERR_clear_error": (_VOID, ()),
    "EVP_MD_fetch": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_free": (_VOID, (c_void_p,)),
    "EVP_PKEY_fromdata_init": (c_int, (c_void_p,)),
    "EVP_PKEY_fromdata": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(OsslParam))),
    "EVP_PKEY_free": (_VOID, (c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_int)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (_VOID, (c_void_p,)),
    "EVP_DigestSignInit": (c_int, (c_void_p, POINTER(c_void_p), c_void_p, c_void_p, c_void_p)),
    "EVP_DigestVerifyInit": (c_int, (c_void_p, POINTER(c_void_p), c_void_p, c_void_p, c_void_p)),
    "EC_GROUP_new_by_curve_name": (c_void_p, (c_int,)),
    "EC_POINT_new": (c_void_p, (c_void_p,)),
    "EC_POINT_free": (_VOID, (c_void_p,)),
    "EC_POINT_point2oct": (c_size_t, (c_void_p, c_void_p, c_int, c_char_p, c_size_t, c_void_p)),
    "BN_bin2bn": (c_void_p, (c_char_p, c_int, c_void_p)),
    "BN_clear_free": (_VOID, (c_void_p,)),
}
_HEAVY: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "EVP_DigestSign": (c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "EC_POINT_mul": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
}


class Library:
    """libcrypto 3, opened and declared; EnvironmentLackingError where it is missing, older or without SM2."""

    def __init__(self, path: str | None = None) -> None:
        self.light, self.heavy = _open(path) if path else _open_system()
        number = self.light.OpenSSL_version_num()
        self.version: str = self.light.OpenSSL_version(0).decode("ascii", "replace")
        if number < 0x30000000:
            raise EnvironmentLackingError(f"libcrypto is {self.version}; version 3 or newer is needed")
        # Fetched once and kept for the life of the process: a fetch by name on each signature costs more than the rest.
        self.sm3 = self.light.EVP_MD_fetch(None, b"SM3", None)
        self.group = self.light.EC_GROUP_new_by_curve_name(NID_SM2)
        if not self.sm3 or not self.group:
            self.light.ERR_clear_error()
            raise EnvironmentLackingError(f"{self.version} is built without SM2 or SM3")

    def failure(self) -> str:
        """Text of the oldest error of this thread; the queue is emptied, as the ssl module shares it."""
        code = self.light.ERR_get_error()
        self.light.ERR_clear_error()
        if not code:
            return "no reason given"
        text = ctypes.create_string_buffer(256)
        self.light.ERR_error_string_n(code, text, len(text))
        return text.value.decode("ascii", "replace")


def key_params(public: bytes, private: bytearray | None) -> ctypes.Array[OsslParam]:
    """OSSL_PARAM array of an SM2 key: 04 ‖ x ‖ y and, where given, the scalar in the machine's own byte order."""
    point = ctypes.create_string_buffer(b"\x04" + public, 65)
    params = [
        _param(b"group", _PARAM_UTF8, ctypes.create_string_buffer(b"SM2"), 3),
        _param(b"pub", _PARAM_OCTETS, point, 65),
    ]
    if private is not None:
        params.append(
            _param(b"priv", _PARAM_UNSIGNED, (ctypes.c_char * len(private)).from_buffer(private), len(private))
        )
    array = (OsslParam * (len(params) + 1))(*(param for param, _ in params), OsslParam(None, 0, None, 0, 0))
    array._buffers = [buffer for _, buffer in params]  # type: ignore[attr-defined]  # C keeps only addresses
    return array


def _param(key: bytes, kind: int, buffer: ctypes.Array[Any], size: int) -> tuple[OsslParam, ctypes.Array[Any]]:
    return OsslParam(key, kind, ctypes.addressof(buffer), size, ctypes.c_size_t(-1).value), buffer


def _open_system() -> tuple[ctypes.PyDLL, ctypes.CDLL]:
    """The library by its own name (the copy that the ssl module has loaded), else whatever the linker finds."""
    try:
        return _open("libcrypto.so.3")
    except EnvironmentLackingError:
        found = ctypes.util.find_library("crypto")
        if found is None:
            raise
        return _open(found)


def _open(path: str) -> tuple[ctypes.PyDLL, ctypes.CDLL]:
    try:
        light, heavy = ctypes.PyDLL(path), ctypes.CDLL(path)
        for library, table in ((light, _LIGHT), (heavy, _HEAVY)):
            for name, (result, arguments) in table.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise EnvironmentLackingError(f"libcrypto 3 cannot be used ({error}); apt install libssl3") from error
    return light, heavy
