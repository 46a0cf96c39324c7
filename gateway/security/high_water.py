"""The signer's upper bound of used SigTimes, in a file of its own: read before the store opens, synced without it."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import KeyMaterialError
from gateway.security.durable import replace
from gateway.security.sig_time import SIG_TIME_MAX


class HighWaterFile:
    """``load`` and ``save`` fit ``Signer(last=…, persist=…)``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> int:
        """The bound, 0 when there never was one; raise KeyMaterialError when the file cannot be trusted.

        A damaged file is no zero: starting anew could repeat times that receivers have seen.
        """
        try:
            text = self._path.read_text("ascii").strip()
        except FileNotFoundError:
            return 0
        except (OSError, UnicodeDecodeError) as error:
            raise KeyMaterialError(f"{self._path}: cannot be read: {error}") from error
        if not text.isdecimal() or len(text) > 10 or int(text) > SIG_TIME_MAX:
            raise KeyMaterialError(f"{self._path}: must hold one number of 32 bits, the highest SigTime reserved")
        return int(text)

    def save(self, bound: int) -> None:
        """Return once ``bound`` is on disk; raise KeyMaterialError when it is not."""
        try:
            replace(self._path, f"{bound}\n".encode())
        except OSError as error:
            raise KeyMaterialError(f"{self._path}: cannot be written: {error.strerror}") from error
