"""Recorder 录音: a stream of frames as mp3 files that follow each other, and a folder that never outgrows its bound."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Names of recordings; nothing else of the folder is given away or deleted.
NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,120}\.mp3")
#: Bytes that wait for the disk at most: half a minute at 320 kbit/s.
_MOST_WAITING: Final = 1_200_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of recordings: at most ``limit`` bytes, none older than ``seconds``. Blocking: call it in a thread."""

    folder: Path
    limit: int
    seconds: float
    now: Callable[[], float] = time.time

    def names(self, beginning: str = "") -> list[tuple[str, int]]:
        """Recordings whose name begins so, with their sizes in bytes, oldest first."""
        found = []
        for path in self.folder.glob("*.mp3"):
            if path.name.startswith(beginning):
                with suppress(OSError):
                    found.append((path.name, path.stat().st_size))
        return sorted(found)

    def find(self, name: str) -> Path | None:
        """Path of a recording; None where there is none of that name."""
        if not NAME.fullmatch(name) or name.startswith("."):
            return None
        path = self.folder / name
        return path if path.is_file() and not path.is_symlink() else None

    def append(self, name: str, sound: bytes) -> None:
        """Write to the end of a recording. Errors: OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / name).open("ab") as file:
            file.write(sound)

    def sweep(self, keep: str = "") -> None:
        """Delete what is too old, then the oldest beyond the limit; never ``keep``."""
        kept = []
        for path in self.folder.glob("*.mp3"):
            with suppress(OSError):
                facts = path.stat()
                if self.now() - facts.st_mtime > self.seconds and path.name != keep:
                    path.unlink()
                else:
                    kept.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self.limit:
                break
            if path.name != keep:
                path.unlink(missing_ok=True)
                total -= size


class Recorder:
    """Records one stream under names ``PREFIX-NNN.mp3``, each of at most ``seconds`` of sound."""

    def __init__(self, shelf: Shelf, prefix: str, seconds: float) -> None:
        self.prefix = prefix
        #: why the disk did not take sound, last time; the stream goes on
        self.problem: OSError | None = None
        #: bytes that the disk did not take
        self.lost = 0
        self._shelf = shelf
        self._longest = seconds
        self._number = 0
        self._seconds = 0.0
        self._waiting = bytearray()
        self._writing: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The file that is being written."""
        return f"{self.prefix}-{self._number:03}.mp3"

    def feed(self, frames: bytes, seconds: float) -> None:
        """Take whole frames that sound for ``seconds``; they are written with the next ``flush``."""
        if len(self._waiting) + len(frames) > _MOST_WAITING:
            self.lost += len(frames)
            return
        self._waiting += frames
        self._seconds += seconds

    def flush(self) -> None:
        """Write what waits, in a thread; while the one before is not done nothing happens."""
        if self._waiting and (self._writing is None or self._writing.done()):
            sound, name = bytes(self._waiting), self.name
            self._waiting.clear()
            if self._seconds >= self._longest:
                self._number, self._seconds = self._number + 1, 0.0
            self._writing = asyncio.get_running_loop().create_task(self._write(name, sound), name="recorder")

    async def close(self) -> None:
        """Write the rest."""
        if self._writing is not None:
            await self._writing
        self.flush()
        if self._writing is not None:
            await self._writing

    async def _write(self, name: str, sound: bytes) -> None:
        try:
            await asyncio.to_thread(self._append, name, sound)
            self.problem = None
        except OSError as error:
            self.problem = error
            self.lost += len(sound)

    def _append(self, name: str, sound: bytes) -> None:
        self._shelf.append(name, sound)
        self._shelf.sweep(name)
