"""What only the binding can get wrong: memory, threads, the shared error queue, a missing library."""

from __future__ import annotations

import gc
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.errors import EnvironmentLackingError
from gateway.security import libcrypto as module
from gateway.security.curve import KeyPair
from gateway.security.libcrypto import LibcryptoProvider


def resident_kilobytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def test_ten_thousand_operations_do_not_grow_the_process(libcrypto: LibcryptoProvider, sample_pair: KeyPair) -> None:
    signature = libcrypto.sign(sample_pair.private, sample_pair.public, b"m")
    wrong = bytes(31) + b"\1" + signature[32:]

    def work(times: int) -> None:
        for _ in range(times):
            libcrypto.sign(sample_pair.private, sample_pair.public, b"m")
            libcrypto.verify(sample_pair.public, b"m", wrong)

    work(200)
    gc.collect()
    before = resident_kilobytes()
    work(5_000)
    assert resident_kilobytes() - before < 1_500


def test_prepared_keys_are_bounded_and_freed(sample_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PREPARED_KEYS", 4)
    provider = LibcryptoProvider()
    pairs = [provider.generate() for _ in range(20)]
    signature = provider.sign(sample_pair.private, sample_pair.public, b"m")
    for pair in pairs:
        assert not provider.verify(pair.public, b"m", signature)
    assert len(provider._prepared) <= 4
    # One that was thrown out is made anew.
    assert provider.verify(sample_pair.public, b"m", signature)
    before = resident_kilobytes()
    for _ in range(100):
        for pair in pairs:
            provider.verify(pair.public, b"m", bytes(64))
    assert resident_kilobytes() - before < 1_500


def test_threads_share_a_key(libcrypto: LibcryptoProvider, sample_pair: KeyPair) -> None:
    def round_trip(number: int) -> bool:
        message = number.to_bytes(4)
        signature = libcrypto.sign(sample_pair.private, sample_pair.public, message)
        return libcrypto.verify(sample_pair.public, message, signature)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(round_trip, range(200)))


def test_a_failed_verification_leaves_nothing_for_ssl(libcrypto: LibcryptoProvider, sample_pair: KeyPair) -> None:
    assert not libcrypto.verify(sample_pair.public, b"m", b"\1" * 64)
    assert libcrypto._library.light.ERR_get_error() == 0
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


def test_a_missing_or_foreign_library_is_named() -> None:
    with pytest.raises(EnvironmentLackingError, match="libcrypto 3 cannot be used"):
        LibcryptoProvider("libnothing.so.9")
    with pytest.raises(EnvironmentLackingError, match="libcrypto 3 cannot be used"):
        LibcryptoProvider("libc.so.6")
