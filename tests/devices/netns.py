"""A network of a test's own 网络命名空间, so that multicast never leaves it: a process enters it and runs there."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys

import pytest

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCSIFFLAGS, _IFF_UP_LOOPBACK_RUNNING_MULTICAST = 0x8914, 0x1 | 0x8 | 0x40 | 0x1000
#: Exit code of a process that was not let into a network of its own.
_REFUSED = 77


def leave_the_network() -> None:
    """Enter a new network that has a loopback interface and nothing else, or end this process."""
    flags = _CLONE_NEWNET | (0 if os.geteuid() == 0 else _CLONE_NEWUSER)
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        sys.stderr.write(f"unshare: {os.strerror(ctypes.get_errno())}\n")
        sys.exit(_REFUSED)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_LOOPBACK_RUNNING_MULTICAST))


async def said_in_there(module: str, *arguments: str) -> str:
    """Run a module that calls ``leave_the_network`` first; what it printed.

    Where no network may be made the test is skipped, or fails where EBGW_TEST_NETNS=required.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == _REFUSED and os.environ.get("EBGW_TEST_NETNS") != "required":
        pytest.skip(f"no network namespace: {errors.decode().strip()}")
    assert process.returncode == 0, errors.decode()
    return out.decode()
