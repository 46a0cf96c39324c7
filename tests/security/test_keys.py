from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.codes import CertificateSerial
from gateway.errors import KeyMaterialError
from gateway.security.curve import KeyPair
from gateway.security.keys import load_key_file, new_key_file
from gateway.security.libcrypto import LibcryptoProvider
from gateway.security.sm2 import Sm2Provider

SERIAL = CertificateSerial("000000000142")
NOW = datetime(2026, 5, 4, 3, 2, 1, 999, tzinfo=UTC)


def test_a_key_survives_its_file(tmp_path: Path, provider: Sm2Provider) -> None:
    path = tmp_path / "signing.toml"
    made = new_key_file(path, SERIAL, provider=provider, now=NOW)
    assert load_key_file(path, provider=provider) == made
    assert path.stat().st_mode & 0o7777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["signing.toml"]


def test_umask_cannot_open_the_file(tmp_path: Path, libcrypto: LibcryptoProvider) -> None:
    before = os.umask(0)
    try:
        new_key_file(tmp_path / "k", SERIAL, provider=libcrypto, now=NOW)
    finally:
        os.umask(before)
    assert (tmp_path / "k").stat().st_mode & 0o7777 == 0o600


def test_an_existing_file_is_never_overwritten(tmp_path: Path, libcrypto: LibcryptoProvider) -> None:
    path = tmp_path / "k"
    path.write_text("precious")
    with pytest.raises(KeyMaterialError, match="exists already"):
        new_key_file(path, SERIAL, provider=libcrypto, now=NOW)
    assert path.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["k"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, libcrypto: LibcryptoProvider) -> None:
    with pytest.raises(KeyMaterialError, match="cannot be written"):
        new_key_file(tmp_path / "no" / "k", SERIAL, provider=libcrypto, now=NOW)
    with pytest.raises(KeyMaterialError, match="cannot be opened"):
        load_key_file(tmp_path / "no" / "k", provider=libcrypto)
    with pytest.raises(KeyMaterialError, match="no regular file"):
        load_key_file(tmp_path, provider=libcrypto)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_others_can_touch_is_refused(tmp_path: Path, libcrypto: LibcryptoProvider, mode: int) -> None:
    path = tmp_path / "k"
    new_key_file(path, SERIAL, provider=libcrypto, now=NOW)
    path.chmod(mode)
    with pytest.raises(KeyMaterialError, match=f"mode is {mode:04o}"):
        load_key_file(path, provider=libcrypto)


def test_halves_that_do_not_belong_together_are_refused(tmp_path: Path, provider: Sm2Provider) -> None:
    one, other = provider.generate(), provider.generate()
    with pytest.raises(KeyMaterialError, match="does not belong"):
        new_key_file(tmp_path / "k", SERIAL, provider=provider, now=NOW, pair=KeyPair(one.private, other.public))
    assert not (tmp_path / "k").exists()
    path = tmp_path / "swapped"
    new_key_file(path, SERIAL, provider=provider, now=NOW, pair=one)
    path.write_text(path.read_text().replace(one.public.hex().upper(), other.public.hex().upper()))
    with pytest.raises(KeyMaterialError, match=r"swapped: .*does not belong"):
        load_key_file(path, provider=provider)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("version", "2", "version: must be 1"),
        ("certificate", '"42"', "certificate number"),
        ("certificate", "42", "certificate: must be a text"),
        ("created", '"today"', "created: must be a date"),
        ("created", "2026-01-01T00:00:00", "created: must be a date"),
        ("public_key", '"00"', "public key: must be 64 bytes"),
        ("public_key", '"xy"', "public_key: must be hexadecimal"),
        ("private_key", '"5ec4e7"', "private key: must be 32 bytes"),
        ("private_key", '"5ec4e7 oops"', "private_key: must be hexadecimal"),
        ("private_key", "[", "is not TOML"),
    ],
)
def test_a_wrong_field_is_named_and_no_secret_told(
    tmp_path: Path, libcrypto: LibcryptoProvider, field: str, value: str, rule: str
) -> None:
    path = tmp_path / "k"
    made = new_key_file(path, SERIAL, provider=libcrypto, now=NOW)
    lines = [f"{field} = {value}" if line.startswith(field) else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    with pytest.raises(KeyMaterialError, match=rule) as caught:
        load_key_file(path, provider=libcrypto)
    assert made.pair.private.hex() not in str(caught.value).lower()
    assert "5ec4e7" not in str(caught.value)


def test_a_field_left_out_is_named(tmp_path: Path, libcrypto: LibcryptoProvider) -> None:
    path = tmp_path / "k"
    new_key_file(path, SERIAL, provider=libcrypto, now=NOW)
    whole = path.read_text().splitlines()
    for name in ("version", "certificate", "created", "public_key", "private_key"):
        path.write_text("\n".join(line for line in whole if not line.startswith(name)))
        with pytest.raises(KeyMaterialError, match=name):
            load_key_file(path, provider=libcrypto)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_garbage_is_refused_as_key_material(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyMaterialError):
        load_key_file(path, provider=LibcryptoProvider())


def test_a_huge_file_is_not_read_whole(tmp_path: Path, libcrypto: LibcryptoProvider) -> None:
    path = tmp_path / "k"
    path.write_bytes(b"#" * 70_000)
    path.chmod(0o600)
    with pytest.raises(KeyMaterialError, match="larger than"):
        load_key_file(path, provider=libcrypto)


def test_only_public_facts_are_shown(tmp_path: Path, libcrypto: LibcryptoProvider) -> None:
    made = new_key_file(tmp_path / "k", SERIAL, provider=libcrypto, now=NOW)
    facts = made.facts()
    assert facts["certificate"] == SERIAL
    assert facts["created"] == "2026-05-04T03:02:01Z"
    assert bytes.fromhex(facts["public_key"]) == made.pair.public
    secret = made.pair.private
    for shown in (str(facts), repr(made), str(made)):
        assert secret.hex() not in shown.lower()
        assert repr(secret)[2:-1] not in shown
