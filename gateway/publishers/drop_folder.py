"""A folder that warnings are dropped into 文件投递: which files are whole, and where each goes when it is answered.

Only files are handled here, by a caller that may be killed at any moment: a file leaves the folder by one rename,
after its answer was written beside its new place. Killed before the rename, it is read again, and the warning inside,
which is known by its identity, is answered as before.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.security.durable import replace

DONE: Final = "done"
REFUSED: Final = "refused"

#: Names that writers use while a file is not whole.
_UNFINISHED: Final = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~")
#: Files looked at in one round; the rest have their turn in the next.
_ROUND: Final = 200


@dataclass(frozen=True, slots=True)
class Dropped:
    """A whole file: its name, its bytes (None: larger than the limit), SHA-256 of them in hexadecimal."""

    name: str
    body: bytes | None
    digest: str


class DropFolder:
    """One folder. ``settle`` (seconds): how long a file must stand unchanged before it counts as whole."""

    def __init__(self, folder: Path, settle: float, most_bytes: int) -> None:
        self.folder = folder
        self._settle = settle
        self._most = most_bytes
        #: by name: (size, time of change) as first seen so, and when that was
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}

    def whole(self, now: float) -> list[str]:
        """Names of whole files at ``now`` (monotonic seconds), oldest first.

        Hidden files, links, folders and names that end as unfinished ones do (.tmp, .part) are passed over. Errors:
        OSError for a folder that cannot be read.
        """
        found: list[tuple[int, str]] = []
        seen: dict[str, tuple[tuple[int, int], float]] = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower().endswith(_UNFINISHED):
                    continue
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if not stat.S_ISREG(facts.st_mode):
                    continue
                state = (facts.st_size, facts.st_mtime_ns)
                before = self._seen.get(entry.name)
                since = before[1] if before is not None and before[0] == state else now
                seen[entry.name] = (state, since)
                if now - since >= self._settle:
                    found.append((facts.st_mtime_ns, entry.name))
        self._seen = seen
        return [name for _, name in sorted(found)[:_ROUND]]

    def take(self, name: str) -> Dropped:
        """Read a file, at most ``most_bytes`` of it. Errors: OSError."""
        descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            body = file.read(self._most + 1)
        return Dropped(name, body if len(body) <= self._most else None, hashlib.sha256(body).hexdigest())

    def put_away(self, dropped: Dropped, where: str, answer: dict[str, Any]) -> Path:
        """Write the answer into ``where`` (``done`` or ``refused``), then move the file beside it; return its place.

        A name that is taken there gets the beginning of the digest before its ending. Errors: OSError.
        """
        folder = self.folder / where
        folder.mkdir(exist_ok=True)
        place = folder / dropped.name
        if place.exists():
            place = place.with_name(f"{place.stem}.{dropped.digest[:12]}{place.suffix}")
        text = json.dumps(answer, ensure_ascii=False, indent=1)
        replace(place.with_name(f"{place.name}.json"), text.encode("utf-8", "replace"))
        (self.folder / dropped.name).rename(place)
        self._seen.pop(dropped.name, None)
        return place
