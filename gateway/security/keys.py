"""Key files of the gateway's own signing key 签名私钥: made once, kept at 0600, tested each time they are loaded."""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gateway.domain.codes import CertificateSerial
from gateway.errors import InvalidValueError, KeyMaterialError
from gateway.security.curve import KeyPair, check_private, check_public
from gateway.security.durable import write_new
from gateway.security.sm2 import Sm2Provider, check_pair
from gateway.security.sm3 import sm3

_VERSION: Final = 1
_SIZE_LIMIT: Final = 65_536
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair with the number of the certificate that speaks for it; ``created`` is UTC."""

    pair: KeyPair
    certificate: CertificateSerial
    created: datetime

    def facts(self) -> dict[str, str]:
        """What may be shown to anyone: certificate, public key, its SM3 as a fingerprint, day of making."""
        return {
            "certificate": str(self.certificate),
            "public_key": self.pair.public.hex().upper(),
            "fingerprint": sm3(self.pair.public).hex().upper(),
            "created": self.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def new_key_file(
    path: Path, certificate: CertificateSerial, *, provider: Sm2Provider, now: datetime, pair: KeyPair | None = None
) -> SigningKey:
    """Make a key (or take ``pair``), test it, and write it to ``path`` with mode 0600.

    ``now`` is an aware time. Raise KeyMaterialError when the file exists, cannot be written, or the
    pair fails its test.
    """
    key = SigningKey(pair or provider.generate(), certificate, now.astimezone(UTC).replace(microsecond=0))
    check_pair(provider, key.pair)
    try:
        write_new(path, _render(key).encode())
    except FileExistsError as error:
        raise KeyMaterialError(f"{path}: exists already; a key file is never overwritten") from error
    except OSError as error:
        raise KeyMaterialError(f"{path}: cannot be written: {error.strerror}") from error
    return key


def load_key_file(path: Path, *, provider: Sm2Provider) -> SigningKey:
    """Read a key file and sign and verify with it once.

    Raise KeyMaterialError naming file and rule: missing, readable by group or others, not TOML, a field wrong, halves
    that do not belong together. The private key is in no message.
    """
    key = _parse(path, _read_private(path))
    try:
        check_pair(provider, key.pair)
    except KeyMaterialError as error:
        raise KeyMaterialError(f"{path}: {error}") from error
    return key


def _render(key: SigningKey) -> str:
    facts = key.facts()
    return (
        "# SM2 signing key 签名私钥. Keep it secret: owner only, mode 0600.\n"
        f"version = {_VERSION}\n"
        f'certificate = "{facts["certificate"]}"\n'
        f"created = {facts['created']}\n"
        f'public_key = "{facts["public_key"]}"\n'
        f'private_key = "{key.pair.private.hex().upper()}"\n'
    )


def _read_private(path: Path) -> bytes:
    """Bytes of a regular file that only its owner can touch; mode is taken from the opened file, not from its name."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyMaterialError(f"{path}: cannot be opened: {error.strerror}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise KeyMaterialError(f"{path}: is no regular file")
        if mode & _OTHERS:
            seen = f"{stat.S_IMODE(mode):04o}"
            raise KeyMaterialError(f"{path}: mode is {seen}, must give nothing to group and others; chmod 600")
        content = os.read(descriptor, _SIZE_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(content) > _SIZE_LIMIT:
        raise KeyMaterialError(f"{path}: larger than {_SIZE_LIMIT} bytes, no key file")
    return content


def _parse(path: Path, content: bytes) -> SigningKey:
    try:
        table = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        # The reason could quote the file, hence the secret: `from None` keeps it out of a printed chain too.
        raise KeyMaterialError(f"{path}: is not TOML") from None
    if table.get("version") != _VERSION:
        raise KeyMaterialError(f"{path}: version: must be {_VERSION}")
    created = table.get("created")
    if not isinstance(created, datetime) or created.tzinfo is None:
        raise KeyMaterialError(f"{path}: created: must be a date and time with its zone")
    private, public = _hex(path, table, "private_key"), _hex(path, table, "public_key")
    try:
        check_private(private)
        check_public(public)
        certificate = CertificateSerial(_text(path, table, "certificate"))
    except (InvalidValueError, KeyMaterialError) as error:
        raise KeyMaterialError(f"{path}: {error}") from error
    return SigningKey(KeyPair(private, public), certificate, created)


def _text(path: Path, table: dict[str, Any], name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str):
        raise KeyMaterialError(f"{path}: {name}: must be a text in quotes")
    return value


def _hex(path: Path, table: dict[str, Any], name: str) -> bytes:
    try:
        return bytes.fromhex(_text(path, table, name))
    except ValueError:
        raise KeyMaterialError(f"{path}: {name}: must be hexadecimal digits") from None
