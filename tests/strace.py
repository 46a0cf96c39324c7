"""Where tests look over the kernel's shoulder: strace, if it is there and allowed, and its output as calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_LINE = re.compile(r"(\d+) +[\d.]+ (\w+)\((\d+)<(.*?)>(?=[,)]| <unfinished)(.*)")
_RESUMED = re.compile(r"(\d+) +[\d.]+ <\.\.\. (\w+) resumed>.* = (-?\d+)")
_RESULT = re.compile(r" = (-?\d+)(?: |$)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def strace_program() -> str:
    """Path of strace; without it the test is skipped, or fails where EBGW_TEST_STRACE=required."""
    program = shutil.which("strace")
    text = "strace is not installed (Debian package strace)"
    if program is not None:
        tried = subprocess.run([program, "-o", os.devnull, "true"], check=False, capture_output=True, text=True)
        if tried.returncode == 0:
            return program
        text = f"strace may not trace here: {tried.stderr.strip()[:200]}"
    if os.environ.get("EBGW_TEST_STRACE") == "required":
        pytest.fail(text)
    pytest.skip(text)


@dataclass(frozen=True, slots=True)
class Call:
    """A system call on a file: when it began and was done (line numbers of the trace), and the bytes it took."""

    begun: int
    done: int
    name: str
    file: str
    data: bytes
    result: int


def read_trace(path: Path) -> list[Call]:
    """Calls of ``strace -f -ttt -y -xx``, in the order in which they were done."""
    calls: list[Call] = []
    open_calls: dict[str, tuple[int, str, str, bytes]] = {}
    with path.open(errors="replace") as lines:
        for number, line in enumerate(lines):
            if resumed := _RESUMED.match(line):
                begun = open_calls.pop(resumed[1], None)
                if begun is not None:
                    calls.append(Call(begun[0], number, *begun[1:], int(resumed[3])))
            elif seen := _LINE.match(line):
                pid, name, _, file, rest = seen.groups()
                file = bytes.fromhex(file.replace("\\x", "")).decode() if file.startswith("\\x") else file
                data = b"".join(bytes.fromhex(part.replace("\\x", "")) for part in _STRING.findall(rest))
                if "<unfinished" in rest:
                    open_calls[pid] = (number, name, file, data)
                elif result := _RESULT.search(rest):
                    calls.append(Call(number, number, name, file, data, int(result[1])))
    return calls
