"""Journal 日志: what every terminal really did, in order. Without it nobody can say that nothing played twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class Event(StrEnum):
    """What can happen at a terminal."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    REGISTERED = "registered"
    START_RECEIVED = "start_received"
    STOP_RECEIVED = "stop_received"
    SET_RECEIVED = "set_received"
    QUERY_RECEIVED = "query_received"
    CERTIFICATES_RECEIVED = "certificates_received"
    #: the first and only time a message goes on the air between two restarts.
    PLAYING = "playing"
    #: a higher message took the air; ``resumed`` or an end follows.
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    STOPPED = "stopped"
    #: its time passed while a higher message held the air: it never played.
    MISSED = "missed"
    REFUSED = "refused"
    IGNORED = "ignored"
    ANSWERED = "answered"
    #: a report left the terminal; ``report_confirmed`` when the gateway then closed the connection in order.
    REPORTED = "reported"
    REPORT_CONFIRMED = "report_confirmed"
    REPORT_LOST = "report_lost"
    #: a player hears the first sound of a stream, or the first after a silence.
    SOUND_STARTED = "sound_started"
    #: sound is expected and has been missing for as long as the patience lasts.
    SILENCE = "silence"
    #: a message is off the air: what was heard of it.
    SOUND_STOPPED = "sound_stopped"
    #: sound that still came after that.
    SOUND_AFTER = "sound_after"
    #: what was heard is on disk, or could not be written.
    TAPE = "tape"
    REBOOT = "reboot"
    LOST = "lost"


class Entry(NamedTuple):
    """One line of the journal. ``t`` is true Unix time, whatever the terminal's own clock says."""

    t: float
    terminal: str
    event: Event
    ebm_id: str | None
    session: int | None
    reason: str

    def line(self, number: int) -> str:
        """Return the entry as one line of JSON, with its number."""
        ebm_id = "null" if self.ebm_id is None else f'"{self.ebm_id}"'
        session = "null" if self.session is None else str(self.session)
        return (
            f'{{"n":{number},"t":{self.t:.6f},"terminal":"{self.terminal}","event":"{self.event.value}",'
            f'"ebm_id":{ebm_id},"session":{session},"reason":{json.dumps(self.reason, ensure_ascii=False)}}}\n'
        )


class Journal:
    """The newest entries in memory, all of them in a file where one is named."""

    def __init__(self, keep: int = 1_000_000, file: Path | None = None) -> None:
        self._entries: list[Entry] = []
        self._keep = keep
        self._file = None if file is None else os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        #: number of the next entry, and of the first that the file lacks.
        self.count = 0
        self._unwritten = 0

    def add(self, entry: Entry) -> None:
        """Append one entry; the oldest are forgotten a tenth at a time."""
        self._entries.append(entry)
        self.count += 1
        if len(self._entries) > self._keep * 11 // 10:
            self.flush()
            del self._entries[: len(self._entries) - self._keep]

    @property
    def first(self) -> int:
        """Number of the oldest entry still in memory."""
        return self.count - len(self._entries)

    def entries(self, after: int = -1, limit: int | None = None) -> Iterator[tuple[int, Entry]]:
        """Yield (number, entry) for numbers above ``after`` that were there when the walk began."""
        first = max(self.first, after + 1)
        last = self.count if limit is None else min(self.count, first + limit)
        offset = first - self.first
        return enumerate(self._entries[offset : offset + last - first], first)

    def flush(self) -> None:
        """Write what the file lacks, in one write."""
        if self._file is None or self._unwritten >= self.count:
            return
        text = "".join(entry.line(number) for number, entry in self.entries(self._unwritten - 1))
        self._unwritten = self.count
        data = memoryview(text.encode())
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None
