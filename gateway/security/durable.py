"""Small files that must be whole after a crash: written beside, synced, then put in place in one step."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """Create ``path`` (mode 0600) in one step; raise FileExistsError when it is there already, OSError otherwise."""
    beside = _write_beside(path, content)
    try:
        # A link, unlike a rename, fails when the name is taken.
        os.link(beside, path)
    finally:
        beside.unlink()
    sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Write ``path`` (mode 0600) in one step, in place of what is there; raise OSError."""
    beside = _write_beside(path, content)
    try:
        beside.replace(path)
    except OSError:
        beside.unlink()
        raise
    sync_folder(path.parent)


def _write_beside(path: Path, content: bytes) -> Path:
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        beside.unlink()
        raise
    return beside


def sync_folder(folder: Path) -> None:
    """Return once the names in ``folder`` are on disk; raise OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
