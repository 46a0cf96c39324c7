"""What a player heard, kept 收听录音: mp3 as it came, and a wav of it by ffmpeg."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Most bytes of one tape: an hour at 320 kbit/s.
LONGEST: Final = 144_000_000
_SECONDS: Final = 60.0


class Tape:
    """One file that grows; a message that pauses and resumes is one tape. Errors: OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def write(self, frames: list[bytes]) -> None:
        """Add frames; beyond the longest tape nothing more is kept."""
        if frames and self._file.tell() < LONGEST:
            self._file.write(b"".join(frames))

    def close(self) -> int:
        """Write the rest; return how many bytes there are."""
        size = self._file.tell()
        self._file.close()
        return size


async def write_wav(path: Path, ffmpeg: str) -> str:
    """Make a wav of 16 bits beside the mp3 at an absolute path; return what went wrong, nothing when all is well."""
    program = shutil.which(ffmpeg)
    if program is None:
        return f"no wav: {ffmpeg} is not installed"
    process = await asyncio.create_subprocess_exec(
        program, "-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-protocol_whitelist", "file",
        "-f", "mp3", "-i", f"file:{path}", "-c:a", "pcm_s16le", f"file:{path.with_suffix('.wav')}",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_SECONDS):
            _, said = await process.communicate()
    except TimeoutError:
        return f"no wav: ffmpeg not done after {_SECONDS:g} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
    return "" if process.returncode == 0 else f"no wav: {said.decode('utf-8', 'replace').strip()[-200:]}"
