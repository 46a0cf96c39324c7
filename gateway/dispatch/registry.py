"""Registry 终端台账: which terminals there are, in memory, by id, code and division."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.domain.codes import AreaCode
from gateway.domain.receiver import Route, Terminal


@dataclass(frozen=True, slots=True)
class Entry:
    """A terminal with its small stable number in the store."""

    id: int
    terminal: Terminal


class Registry:
    """All terminals; every lookup is by dictionary or bisection."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        #: equal routes as one object
        self._routes: dict[tuple[Route, ...], tuple[Route, ...]] = {}
        self._by_id: dict[int, Entry] = {}
        self._by_code: dict[str, Entry] = {}
        self._sorted: list[tuple[str, int]] | None = None
        #: rises with each change
        self.version = 0
        for entry in entries:
            self.put(entry)

    def put(self, entry: Entry) -> None:
        """Add a terminal, or take its new facts."""
        routes = self._routes.setdefault(entry.terminal.routes, entry.terminal.routes)
        if routes is not entry.terminal.routes:
            entry = Entry(entry.id, replace(entry.terminal, routes=routes))
        old = self._by_id.get(entry.id)
        if old is not None:
            self._by_code.pop(old.terminal.code, None)
        self._by_id[entry.id] = entry
        self._by_code[entry.terminal.code] = entry
        self._sorted = None
        self.version += 1

    def remove(self, terminal_id: int) -> None:
        """Take a terminal out; its past deliveries keep its number."""
        entry = self._by_id.pop(terminal_id, None)
        if entry is not None:
            self._by_code.pop(entry.terminal.code, None)
            self._sorted = None
            self.version += 1

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._by_id.values())

    def get(self, terminal_id: int) -> Entry | None:
        """The terminal with this number, or None."""
        return self._by_id.get(terminal_id)

    def by_code(self, code: str) -> Entry | None:
        """The terminal with this resource code, or None."""
        return self._by_code.get(code)

    def next_id(self) -> int:
        """A number that no terminal here has."""
        return max(self._by_id, default=0) + 1

    def in_areas(self, areas: Iterable[AreaCode]) -> list[Entry]:
        """Terminals in service inside any of ``areas``, each once, by division."""
        if self._sorted is None:
            self._sorted = sorted((str(e.terminal.area), e.id) for e in self._by_id.values())
        found: dict[int, None] = {}
        for area in areas:
            prefix = area.prefix
            start = bisect_left(self._sorted, (prefix, 0))
            for code, terminal_id in self._sorted[start:]:
                if not code.startswith(prefix):
                    break
                found[terminal_id] = None
        return [self._by_id[i] for i in found if self._by_id[i].terminal.in_service]
