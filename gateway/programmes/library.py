"""The library of recorded files 录音库: taken in whole and checked before they have a name, never half of one."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.errors import AudioRejected, InvalidValueError, NotFoundError
from gateway.programmes.options import SoundOptions
from gateway.programmes.recordings import RecordingFacts, inspect
from gateway.programmes.toolbox import Toolbox

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PART: Final = ".part-"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A file of the library; ``size`` in bytes, ``changed_at`` Unix seconds."""

    name: str
    size: int
    changed_at: float


class Library:
    """Recorded files in a folder, by name. What a crash left half is removed when the library is opened."""

    def __init__(self, folder: Path, toolbox: Toolbox, options: SoundOptions) -> None:
        self._folder = folder
        self._toolbox = toolbox
        self._options = options
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(f"{_PART}*"):
            part.unlink()

    def names(self) -> list[Recorded]:
        """All files, by name."""
        found = []
        for path in sorted(self._folder.iterdir()):
            if _NAME.fullmatch(path.name) and path.is_file():
                status = path.stat()
                found.append(Recorded(path.name, status.st_size, status.st_mtime))
        return found

    def path(self, name: str) -> Path:
        """Where a file lies. Errors: NotFoundError."""
        path = self._folder / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise NotFoundError(f"没有录音 no recording {name[:80]!r}")
        return path

    async def put(self, name: str, chunks: AsyncIterable[bytes]) -> RecordingFacts:
        """Take a file in, in the place of one of that name.

        Errors: InvalidValueError for a name; AudioRejected naming field and rule; EnvironmentLackingError without
        ffmpeg.
        """
        if not _NAME.fullmatch(name):
            raise InvalidValueError("name", name[:80], "须为小写字母、数字、-、_ / must be a-z, 0-9, - and _")
        self._toolbox.need("ffmpeg")
        part = self._folder / f"{_PART}{secrets.token_hex(8)}"
        try:
            await self._receive(part, chunks)
            facts = await inspect(self._toolbox, part, self._options)
            await asyncio.to_thread(part.replace, self._folder / name)
        finally:
            part.unlink(missing_ok=True)
        return facts

    async def _receive(self, part: Path, chunks: AsyncIterable[bytes]) -> None:
        size, most = 0, self._options.max_file_bytes
        file = await asyncio.to_thread(part.open, "xb")
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > most:
                    raise AudioRejected("size", f"more than {most} bytes", f"must be 1-{most} bytes")
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(_settle, file.fileno(), file.flush)
        finally:
            await asyncio.to_thread(file.close)

    def drop(self, name: str) -> None:
        """Remove a file. Errors: NotFoundError."""
        self.path(name).unlink()


def _settle(descriptor: int, flush: object) -> None:
    assert callable(flush)
    flush()
    os.fsync(descriptor)
