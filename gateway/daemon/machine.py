"""What the daemon asks of the machine that it runs on: open files, the collector, the clock."""

from __future__ import annotations

import ctypes
import gc
import resource
from typing import Final

#: Return value of adjtimex for a clock that nothing keeps (TIME_ERROR).
_TIME_ERROR: Final = 5


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def calm_the_collector() -> None:
    """Let the garbage collector leave alone what lives for ever, and look less often at what comes and goes.

    By default it looks at every 700 new objects; a broadcast makes tens of thousands that die by themselves, and each
    full look over thousands of sessions would hold the loop for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def clock_synchronised() -> bool | None:
    """Whether the kernel says that something keeps its clock; None where it cannot be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        # struct timex of Linux has 208 bytes; with modes = 0 the call only reads.
        state = int(libc.adjtimex(ctypes.byref(ctypes.create_string_buffer(256))))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
