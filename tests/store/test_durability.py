"""What the kernel sees: the log is written and synced before a call returns; and a full disk."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.strace import strace_program

_MARK = re.compile(r'write\(1<[^>]*>, "MARK (\w+)')
_LOG = re.compile(r"(\d+) +(pwrite64|fdatasync|fsync)\(\d+<([^>]*)>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (pwrite64|fdatasync|fsync) resumed")


def _steps(trace: str) -> list[list[str]]:
    """For each call of the child: the system calls on the log that were finished before it was acknowledged."""
    calls: list[list[str]] = []
    waiting: dict[str, str] = {}
    within = False
    for line in trace.splitlines():
        if mark := _MARK.search(line):
            within = mark[1] == "call"
            if within:
                calls.append([])
        elif (seen := _LOG.match(line)) and seen[3].endswith("-wal"):
            if "<unfinished" in line:
                waiting[seen[1]] = seen[2]
            elif within:
                calls[-1].append(seen[2])
        elif (resumed := _RESUMED.match(line)) and waiting.pop(resumed[1], None) and within:
            calls[-1].append(resumed[2])
    return calls


def test_the_log_is_synced_before_a_call_returns(sqlite_url: str, tmp_path: Path) -> None:
    strace = strace_program()
    trace = tmp_path / "trace"
    command = [strace, "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", str(trace)]
    child = [sys.executable, "-m", "tests.store.durability_child", sqlite_url]
    subprocess.run([*command, *child], check=True, capture_output=True, timeout=40)
    calls = _steps(trace.read_text())
    assert len(calls) == 4
    for steps in calls:
        assert "pwrite64" in steps
        assert steps[-1] == "fdatasync", f"written after the last sync: {steps}"


def test_a_full_disk_fails_calls_and_keeps_receipts(sqlite_url: str) -> None:
    child = [sys.executable, "-m", "tests.store.full_disk_child", sqlite_url]
    ran = subprocess.run(child, check=False, capture_output=True, text=True, timeout=40)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "refused: StoreError; unhealthy; kept: 2000; healthy"
