"""Who is there 在线, on a bearer without connections: what heartbeats said, from where, and who fell silent."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from gateway.devices.events import Known, Origin

_FIRST = 1


@dataclass(slots=True)
class Entry:
    """One terminal that is there. ``older`` is where it spoke from before, while that has not been silent long."""

    known: Known
    peer: Hashable
    heard: float
    said_first: bool
    older: Hashable = None
    older_heard: float = 0.0
    disputed: bool = False
    #: what its words from ``peer`` prove, where the bearer has found that out
    origin: Origin | None = None


class Presence:
    """Terminals by number. Times are monotonic seconds; ``missed`` heartbeats of its profile make a terminal silent."""

    def __init__(self, missed: int = 3, on_dispute: Callable[[Known, bool], None] = lambda known, on: None) -> None:
        self._missed = missed
        self._on_dispute = on_dispute
        self.entries: dict[int, Entry] = {}

    def beat(self, known: Known, first: int, peer: Hashable, now: float) -> bool:
        """Take a heartbeat with the registered physical address; whether the terminal is new, moved or powered up."""
        entry = self.entries.get(known.id)
        if entry is None:
            self.entries[known.id] = Entry(known, peer, now, first == _FIRST)
            return True
        if entry.known is not known:
            entry.known, entry.origin = known, None
        if peer == entry.peer:
            # Some devices say "first" for ever: only after another word is it a power-up (as on connections).
            powered_up = first == _FIRST and not entry.said_first
            entry.heard, entry.said_first = now, first == _FIRST
            return powered_up
        if peer == entry.older:
            # Both live: two devices, or one and its forger. Neither proves anything until one is silent.
            entry.older_heard = now
            self._dispute(entry, on=True)
            return False
        entry.older, entry.older_heard = entry.peer, entry.heard
        entry.peer, entry.heard, entry.said_first, entry.origin = peer, now, first == _FIRST, None
        return True

    def gone(self, terminal: int) -> Known | None:
        """Forget a terminal; who it was, None where it was not there."""
        entry = self.entries.pop(terminal, None)
        if entry is None:
            return None
        self._dispute(entry, on=False)
        return entry.known

    def sweep(self, now: float) -> Iterator[Known]:
        """Forget who is silent, and end disputes of which one side is."""
        for terminal, entry in tuple(self.entries.items()):
            patience = self._missed * entry.known.profile.heartbeat_seconds
            if entry.older is not None and now - entry.older_heard > patience:
                entry.older = None
                self._dispute(entry, on=False)
            if now - entry.heard <= patience:
                continue
            if entry.older is not None:
                # The newer fell silent and the older did not.
                entry.peer, entry.heard, entry.older, entry.origin = entry.older, entry.older_heard, None, None
                self._dispute(entry, on=False)
            else:
                del self.entries[terminal]
                yield entry.known

    def _dispute(self, entry: Entry, *, on: bool) -> None:
        if entry.disputed is not on:
            entry.disputed, entry.origin = on, None
            self._on_dispute(entry.known, on)
