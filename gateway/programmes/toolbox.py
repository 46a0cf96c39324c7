"""ffmpeg, ffprobe and espeak-ng, which make sound: found or said to be missing, run in bounds, never orphaned.

Arguments go as a list and text by standard input: nothing passes a shell. Each program dies with the gateway, for
setpriv (util-linux) asks the kernel for it before it becomes the program; where setpriv is missing the closed pipes do.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.errors import EnvironmentLackingError, SoundProgramFailed
from gateway.programmes.options import SoundOptions

#: Characters of standard error that an error quotes.
LAST_WORDS: Final = 400
#: Most bytes that a run may answer with: an hour of 48 kHz mono PCM.
_LARGEST: Final = 400 << 20


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether something works here, in words for operators."""

    name: str
    present: bool
    zh: str
    en: str


def last_words(stderr: bytes) -> str:
    """The end of what a program complained of, on one line, without control characters."""
    text = stderr[-4 * LAST_WORDS :].decode("utf-8", "replace")
    lines = (" ".join(line.split()) for line in text.splitlines())
    kept = " | ".join(line for line in lines if line)
    return "".join(c for c in kept if c.isprintable())[-LAST_WORDS:]


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Where the programs are; None where one is missing. ``seconds`` bounds each run."""

    ffmpeg: str | None
    ffprobe: str | None
    espeak: str | None
    setpriv: str | None
    seconds: float

    @classmethod
    def find(cls, options: SoundOptions) -> Toolbox:
        """Look for them, by the names or paths of the options."""
        ffmpeg = shutil.which(options.ffmpeg)
        beside = shutil.which("ffprobe", path=os.path.dirname(ffmpeg)) if ffmpeg else None  # noqa: PTH120
        probe = beside or shutil.which("ffprobe")
        return cls(
            ffmpeg if probe else None,
            probe,
            shutil.which(options.espeak),
            shutil.which("setpriv"),
            options.program_seconds,
        )

    def capabilities(self) -> tuple[Capability, ...]:
        """What works here and what is missing, with what to install."""
        media = self.ffmpeg is not None
        speech = media and self.espeak is not None
        none_zh = "缺少 ffmpeg（apt install ffmpeg）：录音文件、直播切入与监听测量不可用，改播内置警报音与文字"
        none_en = (
            "ffmpeg is missing (apt install ffmpeg): no recorded files, live input or measuring; "
            "the packaged siren and text serve"
        )
        mute_zh = "语音合成不可用，缺少 espeak-ng 或 ffmpeg（apt install espeak-ng ffmpeg）：播内置警报音与文字"
        mute_en = (
            "no speech: espeak-ng or ffmpeg is missing (apt install espeak-ng ffmpeg); "
            "the packaged siren and text serve"
        )
        return (
            Capability("media", media, "ffmpeg 可用" if media else none_zh, "ffmpeg is there" if media else none_en),
            Capability("speech", speech, "语音合成可用" if speech else mute_zh, "speech works" if speech else mute_en),
        )

    def need(self, name: str) -> str:
        """Path of ``ffmpeg``, ``ffprobe`` or ``espeak``. Errors: EnvironmentLackingError where it is missing."""
        path: str | None = getattr(self, name)
        if path is None:
            package = "espeak-ng" if name == "espeak" else "ffmpeg"
            raise EnvironmentLackingError(f"缺少 {package} / {package} is missing: apt install {package}")
        return path

    def command(self, name: str, arguments: Sequence[str]) -> list[str]:
        """The whole command line, which dies with us."""
        leash = [self.setpriv, "--pdeathsig", "KILL", "--"] if self.setpriv else []
        return [*leash, self.need(name), *arguments]

    async def run(self, name: str, *arguments: str, stdin: bytes = b"") -> tuple[bytes, bytes]:
        """Run a program to its end; its standard output and error.

        Errors: EnvironmentLackingError where it is missing; SoundProgramFailed when it fails or takes too long.
        """
        process = await asyncio.create_subprocess_exec(
            *self.command(name, arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self.seconds):
                out, err = await process.communicate(stdin)
        except TimeoutError as error:
            raise SoundProgramFailed(name, f"not done after {self.seconds:g} s") from error
        finally:
            await end(process)
        if process.returncode != 0:
            raise SoundProgramFailed(name, f"exit status {process.returncode}", last_words(err))
        if len(out) > _LARGEST:
            raise SoundProgramFailed(name, f"answered {len(out)} bytes, at most {_LARGEST} are taken")
        return out, err


async def end(process: asyncio.subprocess.Process, *, read: bool = False) -> None:
    """Kill a program that still runs, and wait for it; ``read``: somebody else reads its pipes to their end."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        # A cancelled caller must not leave a zombie; a killed process ends at once. Its pipes are read to their end:
        # before Python 3.12.4 ``wait`` waits for them, and one whose reader stands still is never told of its end.
        pipes = [] if read else [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
        await asyncio.shield(asyncio.gather(*map(_drain, pipes), process.wait()))


async def _drain(pipe: asyncio.StreamReader) -> None:
    while await pipe.read(1 << 16):
        pass
