"""Our signing key and the one that is to follow it 密钥更替: announced first, then held by receivers, then it signs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from gateway.domain.codes import CertificateSerial
from gateway.errors import KeyMaterialError
from gateway.security.durable import sync_folder
from gateway.security.keys import SigningKey, load_key_file
from gateway.security.sm2 import Sm2Provider


def next_file(path: Path) -> Path:
    """Where the key stands that is to follow the one in ``path``."""
    return path.with_name(f"{path.name}.next")


class KeyRing:
    """The key in ``path`` and, where its file is there, the next; ``switch`` makes the signer sign with another."""

    def __init__(
        self, path: Path, key: SigningKey, provider: Sm2Provider, switch: Callable[[SigningKey], object]
    ) -> None:
        self._path, self._provider, self._switch = path, provider, switch
        self.key = key
        self.next: SigningKey | None = None

    @property
    def serials(self) -> tuple[CertificateSerial, ...]:
        """Numbers of our certificates, the one that signs first."""
        return (self.key.certificate,) if self.next is None else (self.key.certificate, self.next.certificate)

    def is_ours(self, public_key: bytes) -> bool:
        """Whether a public key is one of ours."""
        return public_key in (self.key.pair.public, self.next.pair.public if self.next else b"")

    def look(self) -> None:
        """See whether there is a next key. Errors: KeyMaterialError naming file and rule."""
        path = next_file(self._path)
        if not path.exists():
            self.next = None
            return
        if not self.key.pair.private:
            raise KeyMaterialError(f"{path}: 硬件密钥不由文件更替 a key that hardware holds is changed by the settings")
        found = load_key_file(path, provider=self._provider)
        if found.certificate == self.key.certificate:
            raise KeyMaterialError(f"{path}: 编号与现行密钥相同 certificate {found.certificate} is the one in use")
        self.next = found

    def advance(self) -> SigningKey:
        """Sign with the next key from now on, also after a restart; the old file stays beside it, named by its number.

        Errors: KeyMaterialError; then nothing has changed.
        """
        if self.next is None:
            raise KeyMaterialError(f"{next_file(self._path)}: 没有下一密钥 there is no next key")
        old = self._path.with_name(f"{self._path.name}.{self.key.certificate}")
        try:
            # A second name first, so that at no moment the old key is without one.
            old.unlink(missing_ok=True)
            os.link(self._path, old)
            next_file(self._path).replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise KeyMaterialError(f"{self._path}: cannot be replaced: {error.strerror}") from error
        self.key, self.next = self.next, None
        self._switch(self.key)
        return self.key
