"""Changes of the registry 台账维护: stored first, then in force for the next frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.dispatch.registry import Entry, Registry
from gateway.domain.codes import AreaCode, PhysicalAddress, ResourceCode
from gateway.domain.receiver import Route, Terminal
from gateway.errors import NotFoundError
from gateway.store import Store, queries
from gateway.store.rows import AuditRow, TerminalRow


def terminal_of(row: TerminalRow) -> Terminal:
    """A stored terminal."""
    return Terminal(
        code=ResourceCode(row.code),
        physical_address=PhysicalAddress(row.physical_address),
        name=row.name,
        area=AreaCode(row.area),
        profile=row.profile,
        routes=tuple(map(Route.parse, row.routes)),
        lat=row.lat,
        lon=row.lon,
        radius_m=row.radius_m,
        in_service=row.in_service,
    )


def row_of(terminal: Terminal, *, deleted: bool = False) -> TerminalRow:
    """A terminal as the store keeps it."""
    return TerminalRow(
        code=str(terminal.code),
        physical_address=str(terminal.physical_address),
        name=terminal.name,
        area=str(terminal.area),
        profile=terminal.profile,
        routes=tuple(map(str, terminal.routes)),
        lat=terminal.lat,
        lon=terminal.lon,
        radius_m=terminal.radius_m,
        in_service=terminal.in_service,
        deleted=deleted,
    )


async def load_registry(store: Store) -> Registry:
    """The whole registry from the store."""
    rows = await store.read(queries.terminals)
    return Registry(Entry(row.id, terminal_of(row)) for row in rows)


class TerminalBook:
    """Adds, changes and removes terminals while the gateway runs."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        clock: Callable[[], float],
        dropped: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._dropped = dropped

    async def put(self, terminals: Iterable[Terminal], actor: str) -> int:
        """Add or change terminals, all or none; returns how many."""
        wanted = list(terminals)
        rows = [row_of(terminal) for terminal in wanted]
        await self._store.write(*rows, AuditRow(self._clock(), actor, "terminals_put", f"{len(rows)} terminals"))
        # One read for a whole file: a look-up for each of thousands of new terminals would take seconds.
        numbers = {row.code: row.id for row in await self._store.read(queries.terminals)}
        for terminal in wanted:
            before = self._registry.by_code(terminal.code)
            if before is not None:
                self._registry.put(Entry(before.id, terminal))
                if before.terminal.physical_address != terminal.physical_address:
                    self._dropped(before.id)
                continue
            number = numbers.get(str(terminal.code))
            if number is None:
                raise NotFoundError(f"terminal {terminal.code} vanished from the store")
            self._registry.put(Entry(number, terminal))
        return len(wanted)

    async def remove(self, code: ResourceCode, actor: str) -> None:
        """Take a terminal out of service for good; what it did stays on record. Errors: NotFoundError."""
        entry = self._registry.by_code(code)
        if entry is None:
            raise NotFoundError(f"terminal {code} is not in the registry")
        await self._store.write(
            row_of(entry.terminal, deleted=True), AuditRow(self._clock(), actor, "terminal_removed", str(code))
        )
        self._registry.remove(entry.id)
        self._dropped(entry.id)
