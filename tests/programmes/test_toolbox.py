"""The programs: missing, failing, too slow, and gone with who asked for them."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import EnvironmentLackingError, SoundProgramFailed
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox, end, last_words


def program(folder: Path, script: str) -> str:
    path = folder / "espeak"
    path.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def gone(folder: Path) -> bool:
    try:
        os.kill(int((folder / "pid").read_text()), 0)
    except ProcessLookupError:
        return True
    return False


async def started(folder: Path) -> None:
    while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():
        await asyncio.sleep(0.01)


def test_what_is_missing_is_said_with_what_to_install() -> None:
    toolbox = Toolbox.find(SoundOptions(ffmpeg="/nowhere/ffmpeg", espeak="/nowhere/espeak-ng"))
    media, speech = toolbox.capabilities()
    assert not media.present
    assert not speech.present
    assert "apt install ffmpeg" in media.zh
    assert "apt install espeak-ng ffmpeg" in speech.en
    with pytest.raises(EnvironmentLackingError, match="apt install ffmpeg"):
        toolbox.need("ffmpeg")


def test_what_is_there_is_said(toolbox: Toolbox) -> None:
    assert [(capability.name, capability.present) for capability in toolbox.capabilities()] == [
        ("media", True),
        ("speech", True),
    ]


async def test_a_failure_quotes_the_last_words(tmp_path: Path) -> None:
    toolbox = Toolbox.find(SoundOptions(espeak=program(tmp_path, r"printf 'no\033 voice\n' >&2; exit 3")))
    with pytest.raises(SoundProgramFailed, match="exit status 3: no voice"):
        await toolbox.run("espeak")


async def test_who_takes_too_long_is_killed(tmp_path: Path) -> None:
    toolbox = replace(Toolbox.find(SoundOptions(espeak=program(tmp_path, "exec sleep 60"))), seconds=0.1)
    with pytest.raises(SoundProgramFailed, match=r"not done after 0\.1 s"):
        await toolbox.run("espeak")
    assert not (tmp_path / "pid").exists() or gone(tmp_path)


async def test_a_cancelled_run_leaves_no_process(tmp_path: Path) -> None:
    toolbox = Toolbox.find(SoundOptions(espeak=program(tmp_path, "exec sleep 60")))
    task = asyncio.create_task(toolbox.run("espeak"))
    async with asyncio.timeout(10):
        await started(tmp_path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(tmp_path)


_GATEWAY = """
import asyncio, sys
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox
asyncio.run(Toolbox.find(SoundOptions(espeak=sys.argv[1])).run("espeak"))
"""


async def test_a_program_dies_with_a_gateway_that_is_killed(tmp_path: Path) -> None:
    if Toolbox.find(SoundOptions()).setpriv is None:
        pytest.skip("setpriv (util-linux) is missing")
    sleeper = program(tmp_path, "exec sleep 60")
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", _GATEWAY, sleeper)
    async with asyncio.timeout(20):
        await started(tmp_path)
        child.kill()
        await child.wait()
        while not gone(tmp_path):
            await asyncio.sleep(0.01)


def test_last_words_are_one_printable_line_of_bounded_length() -> None:
    assert last_words(b"a\n\n  b \x1b[31m\xff\n") == "a | b [31m\ufffd"
    assert len(last_words(b"x" * 10_000)) == 400


async def test_a_program_that_was_not_read_ends_too() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("yes", stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    # Long enough for the reader to hold more than it wants, and to stand still.
    while process.stdout._transport.is_reading():  # type: ignore[attr-defined]
        await asyncio.sleep(0.001)
    async with asyncio.timeout(10):
        await end(process)
    assert process.returncode == -signal.SIGKILL
