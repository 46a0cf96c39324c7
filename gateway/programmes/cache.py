"""Pieces of sound kept by the digest of what they were made from: written in one step, bounded by size and age."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.protocols import mpeg_audio
from gateway.security import durable

#: Raised when the same input is to sound otherwise: voices, rules of reading, encoding.
GENERATION: Final = "1"
_SUFFIX: Final = ".mp3"
#: Seconds after which a file half written is a crash's remains.
_HALF_WRITTEN: Final = 3600.0


def digest(*parts: object) -> str:
    """Name of a piece; parts are length-prefixed, so that no two lists of them meet."""
    made = hashlib.sha256()
    for part in (GENERATION, *parts):
        raw = part if isinstance(part, bytes) else str(part).encode()
        made.update(len(raw).to_bytes(8, "big") + raw)
    return made.hexdigest()


class SoundCache:
    """Files in one folder, the least lately used dropped first. Blocking: call it in a thread."""

    def __init__(self, folder: Path, limit: int, seconds: float, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._limit = limit
        self._seconds = seconds
        self._now = now
        #: why something could not be kept, last time
        self.problem: OSError | None = None

    def get(self, name: str) -> list[bytes] | None:
        """Frames of a piece; None where it is not kept or is damaged."""
        path = self._path(name)
        try:
            content = path.read_bytes()
            os.utime(path, (self._now(),) * 2)
        except OSError:
            return None
        checked, frames = content[:32], content[32:]
        if hashlib.sha256(frames).digest() != checked:
            path.unlink(missing_ok=True)
            return None
        return mpeg_audio.split(frames)

    def put(self, name: str, frames: list[bytes]) -> None:
        """Keep a piece, and drop what is too old or too much. Errors: OSError (a full disk); nothing is torn then."""
        self._folder.mkdir(parents=True, exist_ok=True)
        sound = b"".join(frames)
        durable.replace(self._path(name), hashlib.sha256(sound).digest() + sound)
        os.utime(self._path(name), (self._now(),) * 2)
        self.sweep()

    def sweep(self) -> None:
        """Drop what is too old, then the least lately used beyond the limit, and what a crash left half written."""
        kept = []
        for path in self._folder.glob("*"):
            with suppress(OSError):
                facts = path.stat()
                # A file half written may be another thread's work; only a dead one is as old as that.
                if self._now() - facts.st_mtime > (_HALF_WRITTEN if path.name.startswith(".") else self._seconds):
                    path.unlink()
                elif not path.name.startswith("."):
                    kept.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            total -= size

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"
