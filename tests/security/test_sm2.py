"""Both providers against published vectors and against each other."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import KeyMaterialError
from gateway.security.curve import KeyPair, N, multiply_base
from gateway.security.gmssl import GmsslProvider
from gateway.security.libcrypto import LibcryptoProvider
from gateway.security.sm2 import Sm2Provider, check_pair, default_provider, self_test
from tests.security.conftest import signed_vectors

PROVIDERS: tuple[Sm2Provider, ...] = (LibcryptoProvider(), GmsslProvider())
#: Certificate 000000000042 of a vendor's test device (081 table 1: key at 15), and two blocks over 16 zero bytes.
VENDOR_CERTIFICATE = bytes.fromhex(
    "100000000000010000000000424605F778F3148CC2A3200D4A67F55675A4795D3358D3F57F884FE484E07EA926C12584BE7A8B3479392E77"
    "79402AF017FDED5945F12E37BFE1C97A6EFF64D4712D59480D4CAB2551A45873C007590D05E58DC5783A040EDFCF7F6D5500F8689274EE9BF8"
    "E6BFFBFAC0B13A94E89A49433BFA82138D0DE5E03D89C0EEEB5C61F05979"
)
VENDOR_KEY = VENDOR_CERTIFICATE[15:79]
VENDOR_A = base64.b64decode(
    "AAAlfAAAAAAAQmqOMgaA92uZh47TG2etjtMVjGEPg0pXQ+ze1dvOje/00C8lE8jcnn4XX9varR/2jf9hPCIrS4mxdB3tA7shfvw="
)
VENDOR_D = base64.b64decode(
    "AAAlUgAAAAAAQlx6kQvFG3n9iQOw3sCUrIxKlXuO1o6nVJD9iUHF0c2uWBff2Crd2JJVdG5Ay3TSAx2U5LIltdOcPjyPJcT4sFk="
)

scalars = st.integers(1, N - 2).map(lambda value: value.to_bytes(32))


def covered(vector: dict[str, Any]) -> tuple[bytes, bytes]:
    """What was signed, and r ‖ s: the block stands before the CRC, in IP and adapter frames after its length."""
    frame = bytes.fromhex(vector["hex"])
    if vector["protocol"] == "rds":
        block, data = frame[-74:], frame[:-74]
    else:
        block, data = frame[-78:-4], frame[:-80]
    time, serial = block[:4], block[4:10]
    whole = {"A": data + time, "B": data, "C": data + time + serial, "D": time + data}[vector["coverage"]]
    return whole, block[10:]


@pytest.mark.parametrize("vector", signed_vectors(), ids=lambda vector: vector["id"])
def test_golden_frames_verify_and_only_whole(vector: dict[str, Any], provider: Sm2Provider) -> None:
    message, signature = covered(vector)
    key = bytes.fromhex(vector["public_key"])
    assert provider.verify(key, message, signature)
    assert not provider.verify(key, message[:-1] + bytes([message[-1] ^ 1]), signature)


def test_published_vector(provider: Sm2Provider, sample_pair: KeyPair) -> None:
    self_test(provider)
    assert provider.public_of(sample_pair.private) == sample_pair.public


def test_vendor_vectors_of_081(provider: Sm2Provider) -> None:
    data = bytes(16)
    assert provider.verify(VENDOR_KEY, data + VENDOR_A[:4], VENDOR_A[10:])
    assert provider.verify(VENDOR_KEY, VENDOR_D[:4] + data, VENDOR_D[10:])
    assert not provider.verify(VENDOR_KEY, data + VENDOR_D[:4], VENDOR_D[10:])


@settings(max_examples=25, deadline=None)
@given(private=scalars, message=st.binary(max_size=300))
def test_each_verifies_what_the_other_signs(private: bytes, message: bytes) -> None:
    public = multiply_base(int.from_bytes(private))
    for signer in PROVIDERS:
        assert signer.public_of(private) == public
        signature = signer.sign(private, public, message)
        assert len(signature) == 64
        assert [verifier.verify(public, message, signature) for verifier in PROVIDERS] == [True, True]


@settings(max_examples=25, deadline=None)
@given(position=st.integers(0, 63), bit=st.integers(0, 7), cut=st.integers(0, 80))
def test_a_tampered_signature_verifies_nowhere(position: int, bit: int, cut: int) -> None:
    pair = KeyPair((7).to_bytes(32), multiply_base(7))
    signature = bytearray(PROVIDERS[0].sign(pair.private, pair.public, b"stop"))
    signature[position] ^= 1 << bit
    for provider in PROVIDERS:
        assert not provider.verify(pair.public, b"stop", bytes(signature))
        assert not provider.verify(pair.public, b"stop", bytes(cut) if cut != 64 else b"\xff" * 64)


@settings(max_examples=20, deadline=None)
@given(user_id=st.binary(min_size=1, max_size=32))
def test_identity_is_part_of_the_signature(user_id: bytes) -> None:
    pair = KeyPair((9).to_bytes(32), multiply_base(9))
    signature = PROVIDERS[0].sign(pair.private, pair.public, b"m", user_id)
    for provider in PROVIDERS:
        assert provider.verify(pair.public, b"m", signature, user_id)
        assert provider.verify(pair.public, b"m", signature) is (user_id == b"1234567812345678")


@pytest.mark.parametrize(
    "public",
    [b"", bytes(64), bytes(63), b"\x04" + multiply_base(5), b"\xff" * 64, multiply_base(5)[:-1] + b"\0"],
    ids=["empty", "zero", "short", "with 04", "beyond p", "beside the curve"],
)
def test_malformed_public_key_is_refused(provider: Sm2Provider, public: bytes) -> None:
    with pytest.raises(KeyMaterialError, match="public key"):
        provider.verify(public, b"m", bytes(64))
    with pytest.raises(KeyMaterialError, match="public key"):
        provider.sign((5).to_bytes(32), public, b"m")


@pytest.mark.parametrize("private", [b"", bytes(32), (N - 1).to_bytes(32), b"\xff" * 32, bytes(31)])
def test_private_key_out_of_range_is_refused(provider: Sm2Provider, private: bytes) -> None:
    with pytest.raises(KeyMaterialError, match="private key"):
        provider.public_of(private)
    with pytest.raises(KeyMaterialError, match="private key"):
        provider.sign(private, multiply_base(5), b"m")


def test_generated_pairs_work_and_differ(provider: Sm2Provider) -> None:
    one, other = provider.generate(), provider.generate()
    check_pair(provider, one)
    assert one.private != other.private
    assert provider.public_of(one.private) == one.public


def test_mismatched_pair_is_found(provider: Sm2Provider) -> None:
    """gmssl signs with it without a word."""
    with pytest.raises(KeyMaterialError, match="does not belong"):
        check_pair(provider, KeyPair((5).to_bytes(32), multiply_base(6)))


def test_private_half_is_not_shown(sample_pair: KeyPair) -> None:
    assert sample_pair.private.hex() not in repr(sample_pair).lower()
    assert repr(sample_pair.private) not in repr(sample_pair)


def test_default_is_the_systems_library() -> None:
    assert default_provider().name.startswith("libcrypto")
    assert default_provider() is default_provider()
