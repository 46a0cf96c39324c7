"""Players of a fleet 收听: who is tuned to what, and what is kept of it.

Reports go by what is heard (``Claims``); the journal tells all of it, whatever the terminal reports.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import aiohttp

from emulator.effects import Hush, Tune
from emulator.journal import Entry, Event
from emulator.listener import HeardSound, Listener
from emulator.settings import PlayerSettings
from emulator.sound_source import SoundSource, Way
from emulator.tape import Tape, write_wav
from emulator.tuners import DatagramTuner, PullTuner
from gateway.domain.codes import EbmId, ResourceCode

if TYPE_CHECKING:
    from emulator.fleet import Fleet
    from emulator.line import Line

#: Hearings remembered once they are over, and programs of ffmpeg at once.
_KEPT: Final = 20_000
_PROGRAMS: Final = 2


class Listening:
    """All players of one run; made on a running loop."""

    def __init__(self, fleet: Fleet, settings: PlayerSettings) -> None:
        self.fleet, self.settings = fleet, settings
        self._taped = frozenset(line.code for line, _ in zip(fleet.lines, range(settings.tapes), strict=False))
        self._tuned: dict[tuple[ResourceCode, EbmId], Listener] = {}
        self._tuners: dict[SoundSource, DatagramTuner] = {}
        self._over: deque[HeardSound] = deque(maxlen=_KEPT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._programs = asyncio.Semaphore(_PROGRAMS)
        self._session: aiohttp.ClientSession | None = None

    def heard(self) -> Iterator[HeardSound]:
        """What every player heard, the oldest that is over first."""
        yield from self._over
        yield from (listener.heard for listener in self._tuned.values())

    def tune(self, line: Line, wish: Tune) -> None:
        """Receive a stream for a terminal; a trouble is told in the journal and heard as silence."""
        for listener in [one for one in self._tuned.values() if one.line is line]:
            if listener.ebm_id == wish.ebm_id or listener.source == wish.source:
                self._leave(listener)  # what comes from now on is no sound after an end any more
        listener = Listener(self, line, wish, None)
        self._tuned[line.code, wish.ebm_id] = listener
        try:
            listener.tape = self._tape(line.code, wish.ebm_id)
            self._connect(listener)
        except OSError as error:
            listener.trouble(f"{wish.source.url}: {error}")
        self.fleet.at(listener.reception.due, listener.watch)

    def hush(self, line: Line, wish: Hush) -> None:
        """Its message is off the air; for a while it is still listened to what comes."""
        listener = self._tuned.get((line.code, wish.ebm_id))
        if listener is None or listener.past is not None:
            return
        listener.hush()
        self.note(listener, Event.SOUND_STOPPED, str(listener.heard))
        if listener.tape is not None:
            name = f"tape {listener.tape.path.name}"
            self._await(asyncio.get_running_loop().create_task(self._finish(listener, listener.tape), name=name))
        self.fleet.at(self.fleet.now() + self.settings.linger, self._leave, listener)

    def note(self, listener: Listener, event: Event, reason: str) -> None:
        """Write into the journal."""
        self.fleet.journal.add(Entry(self.fleet.now(), listener.line.code, event, listener.ebm_id, None, reason))

    async def close(self) -> None:
        """Leave all streams, and finish the tapes."""
        for listener in list(self._tuned.values()):
            self.hush(listener.line, Hush(listener.ebm_id))
            self._leave(listener)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _connect(self, listener: Listener) -> None:
        source = listener.source
        if source.way is Way.PULL:
            listener.pull = PullTuner(source.url, listener, self._http)
            return
        if source not in self._tuners:
            self._tuners[source] = DatagramTuner(source, self.settings.interface)
        self._tuners[source].hearers.append(listener)

    def _leave(self, listener: Listener) -> None:
        """Hear no more of it."""
        key = listener.line.code, listener.ebm_id
        if self._tuned.get(key) is not listener:
            return
        del self._tuned[key]
        if listener.past is not None and listener.past.counts.packets:
            self.note(listener, Event.SOUND_AFTER, f"{listener.heard.after:.2f} s of sound after the end")
        self._over.append(listener.heard)
        if listener.pull is not None:
            self._await(listener.pull.close())
            return
        tuner = self._tuners.get(listener.source)
        if tuner is not None and listener in tuner.hearers:
            tuner.hearers.remove(listener)
            if not tuner.hearers:
                tuner.close()
                del self._tuners[listener.source]

    def _tape(self, code: ResourceCode, ebm_id: EbmId) -> Tape | None:
        folder = self.settings.tape
        if folder is None or code not in self._taped:
            return None
        return Tape(folder / f"{code}-{ebm_id}.mp3")

    def _await(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, listener: Listener, tape: Tape) -> None:
        try:
            if not tape.close():
                self.note(listener, Event.TAPE, f"{tape.path}: nothing was heard")
                return
            async with self._programs:
                wrong = await write_wav(tape.path, self.settings.ffmpeg)
        except OSError as error:
            wrong = str(error)
        self.note(listener, Event.TAPE, f"{tape.path}: {wrong}" if wrong else str(tape.path.with_suffix(".wav")))

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._session
