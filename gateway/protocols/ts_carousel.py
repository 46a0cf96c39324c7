"""Which tables are on the air, in which version, and when each is due again (GD/J 086-2018 6.2, 9.2, 9.3).

Pure: it is told the time and the messages, and hands out sections; who calls signs them and puts them into packets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.domain.message import EbmClass
from gateway.errors import InvalidValueError
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.ts_configuration import ConfigurationTable
from gateway.protocols.ts_daily import DailyTable
from gateway.protocols.ts_index import IndexEntry, IndexTable
from gateway.protocols.ts_render import Rendered
from gateway.protocols.ts_section import VERSIONS, Body, Section, TableId
from gateway.protocols.ts_split import sections_of

#: A sub-table: table_id and table_id_extension. Receivers tell versions within one.
Key = tuple[int, int]
_INDEX: Key = (TableId.INDEX, 0)
_OTHER: dict[type, Key] = {
    CertificateAuthorisation: (TableId.CERTIFICATES, 0),
    ConfigurationTable: (TableId.CONFIGURATION, 0),
    DailyTable: (TableId.DAILY, 0),
}
#: The index must come again within this many seconds (GD/J 086-2018 9.3).
INDEX_LIMIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds from one sending of a table to the next; the index leaves room for a late caller."""

    index_s: float = 0.35
    content_s: float = 1.0
    other_s: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.index_s < INDEX_LIMIT_S:
            raise InvalidValueError("index_s", self.index_s, "must be above 0 and below 0.5 (GD/J 086-2018 9.3)")
        for name in ("content_s", "other_s"):
            if not 0 < getattr(self, name) < math.inf:
                raise InvalidValueError(name, getattr(self, name), "must be a number above 0")


@dataclass(slots=True)
class _Slot:
    bodies: tuple[Body, ...]
    sections: tuple[Section, ...]
    interval: float
    due: float = -math.inf


def urgency(entry: IndexEntry) -> tuple[int, bytes]:
    """Sort key of index entries, most urgent first: level, then the earlier start (GD/J 086-2018 figure C.1)."""
    return entry.severity, entry.start.raw


class Carousel:
    """The tables of one multiplexer.

    ``versions`` are those of an earlier run: a receiver takes no notice of a table whose version it has seen, so what
    is shown first must differ. ``burst`` is how many sections besides the index one call may hand out, so that large
    contents never stand between two indices.
    """

    __slots__ = ("_burst", "_intervals", "_slots", "_versions")

    def __init__(
        self, intervals: Intervals | None = None, versions: Mapping[Key, int] | None = None, burst: int = 8
    ) -> None:
        self._intervals = intervals or Intervals()
        self._versions = dict(versions or {})
        self._burst = burst
        self._slots: dict[Key, _Slot] = {}
        self._set(_INDEX, (IndexTable(),))

    @property
    def versions(self) -> dict[Key, int]:
        """The version last used for each sub-table, to be kept over a restart."""
        return dict(self._versions)

    def show(self, messages: Sequence[Rendered]) -> None:
        """Make ``messages`` what is on the air: index and contents; those not named go off.

        Raises InvalidValueError, and changes nothing, for a daily broadcast or what fits no section.
        """
        for message in messages:
            if message.entry.ebm_class >= EbmClass.DAILY:
                raise InvalidValueError("class", message.entry.ebm_class, "is reserved here (GD/J 086-2018 table 2)")
        entries = tuple(sorted((message.entry for message in messages), key=urgency))
        wanted: dict[Key, tuple[Body, ...]] = {_INDEX: (IndexTable(entries),)}
        for content in (message.content for message in messages if message.content is not None):
            # two EBM ids may have the same CRC-16: they then share a sub-table and its version
            key = (int(TableId.CONTENT), content.extension)
            wanted[key] = (*wanted.get(key, ()), content)
        for bodies in wanted.values():
            _sections(bodies, 0)
        for key in [key for key in self._slots if key[0] == TableId.CONTENT and key not in wanted]:
            del self._slots[key]
        for key, bodies in wanted.items():
            self._set(key, bodies)

    def put(self, body: ConfigurationTable | DailyTable | CertificateAuthorisation) -> None:
        """Put a table beside index and contents on the air, in place of the one of its kind."""
        self._set(_OTHER[type(body)], (body,))

    def take_off(self, table: TableId) -> None:
        """Take table 0xFA, 0xFB or 0xFC off the air; the index stays, whatever happens."""
        key = (int(table), 0)
        if key not in _OTHER.values():
            raise InvalidValueError("table_id", table, "goes on and off with its messages")
        self._slots.pop(key, None)

    def copy(self) -> Carousel:
        """Return another carousel that is where this one is, so that changes can be signed before they are shown."""
        other = Carousel(self._intervals, self._versions, self._burst)
        other._versions = dict(self._versions)
        other._slots = {key: replace(slot) for key, slot in self._slots.items()}
        return other

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections that are on the air."""
        return tuple(section for slot in self._slots.values() for section in slot.sections)

    def due(self, now: float, burst: int | None = None) -> tuple[Section, ...]:
        """Return the sections to send at ``now`` (seconds of a clock that never goes back), the index first.

        ``burst`` 0 asks for the index alone.
        """
        found: list[Section] = []
        index = self._slots[_INDEX]
        if index.due <= now:
            found += self._sent(index, now)
        room = self._burst if burst is None else burst
        for slot in sorted((slot for key, slot in self._slots.items() if key != _INDEX), key=lambda slot: slot.due):
            if slot.due > now or room <= 0:
                break
            room -= len(slot.sections)
            found += self._sent(slot, now)
        return tuple(found)

    @property
    def index_due(self) -> float:
        """When the index must be sent next."""
        return self._slots[_INDEX].due

    def next_due(self, now: float) -> float:
        """Return when ``due`` must be called again: ``now`` if something still waits."""
        return max(now, min(slot.due for slot in self._slots.values()))

    @staticmethod
    def _sent(slot: _Slot, now: float) -> tuple[Section, ...]:
        # Who comes late keeps to the grid, so that the times of sending do not drift; who comes very late begins anew.
        slot.due += slot.interval
        if slot.due <= now:
            slot.due = now + slot.interval
        return slot.sections

    def _set(self, key: Key, bodies: tuple[Body, ...]) -> None:
        slot = self._slots.get(key)
        if slot is not None and slot.bodies == bodies:
            return
        last = self._versions.get(key)
        version = 0 if last is None else (last + 1) % VERSIONS
        self._slots[key] = _Slot(bodies, _sections(bodies, version), self._interval(key))
        self._versions[key] = version

    def _interval(self, key: Key) -> float:
        if key == _INDEX:
            return self._intervals.index_s
        return self._intervals.content_s if key[0] == TableId.CONTENT else self._intervals.other_s


def _sections(bodies: Iterable[Body], version: int) -> tuple[Section, ...]:
    return tuple(section for body in bodies for section in sections_of(body, version))
