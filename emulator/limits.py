"""How many files this process may have open 文件数上限: the soft limit is raised to the hard one first."""

from __future__ import annotations

import resource

#: Files beside connections of terminals: libraries, loop, journal, control and report connections.
RESERVE = 64


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; return what holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return 1 << 30 if soft == resource.RLIM_INFINITY else soft


def how_many_fit(files: int, wanted: int, *, returns: int, each: int = 1) -> int:
    """Return how many terminals fit: ``returns`` report connections at once, ``each`` kept connections a terminal."""
    return max(0, min(wanted, (files - RESERVE - returns) // each))
