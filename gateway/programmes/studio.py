"""Studio 节目制作: a programme is there at once with its signal; its words follow from the cache, a voice or a file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from gateway.domain.warning import Severity
from gateway.errors import EnvironmentLackingError, GatewayError, InvalidValueError, NoVoice, SoundError
from gateway.programmes import recordings
from gateway.programmes.cache import SoundCache, digest
from gateway.programmes.encoder import Encoder
from gateway.programmes.events import OnSound, SoundKind, silent
from gateway.programmes.options import FRAME_SECONDS, SoundOptions
from gateway.programmes.pinyin import Pinyin
from gateway.programmes.programme import Programme
from gateway.programmes.signals import Signal, packaged, signal_of
from gateway.programmes.speech import Speaker
from gateway.programmes.toolbox import Toolbox
from gateway.programmes.voices import Voices
from gateway.protocols.mpeg_audio import silent_frame

_DAY = 86_400.0


class Studio:
    """Makes programmes, one task for each until its words are settled; what fails is told and never raised."""

    def __init__(
        self, options: SoundOptions, folder: Path, on_event: OnSound = silent, toolbox: Toolbox | None = None
    ) -> None:
        self.toolbox = toolbox or Toolbox.find(options)
        self.speaker = Speaker(self.toolbox, Voices(Pinyin(options.readings_file), options.voices), options)
        self.cache = SoundCache(folder, options.cache_bytes, options.cache_days * _DAY)
        self._encoder = Encoder(self.toolbox, options)
        self._options = options
        self._on_event = on_event
        self._tasks: set[asyncio.Task[None]] = set()

    def warning(self, name: str, severity: Severity, text: str, language: str) -> Programme:
        """Signal by severity, and ``text`` spoken in ``language`` (a tag of BCP 47) as often as ``repeats`` says."""
        return self.announcement(name, signal_of(severity), text, language)

    def announcement(
        self, name: str, signal: Signal | None, text: str, language: str, repeats: int | None = None
    ) -> Programme:
        """The same with a signal of the caller's choice, or none, and the words ``repeats`` times between two of it."""
        return self._spoken(name, signal, text, language, repeats)

    def all_clear(self, name: str, text: str, language: str) -> Programme:
        """The spoken end of a warning 解除, with a chime of its own; for its words see ``SoundOptions.said_of_end``."""
        return self._spoken(name, Signal.ALL_CLEAR, text, language)

    def reading(self, name: str, text: str, language: str) -> Programme:
        """A text read aloud without a signal."""
        return self._spoken(name, None, text, language)

    def recording(self, name: str, signal: Signal | None, path: Path) -> Programme:
        """A recorded file, checked and brought to one loudness; without a signal it begins with silence."""
        programme = self._programme(name, signal)
        self._begin(programme, lambda: self._recorded(path))
        return programme

    async def close(self) -> None:
        """End what is being made; its programs end with it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _programme(self, name: str, signal: Signal | None) -> Programme:
        frames, turns = (packaged(signal), signal.turns) if signal else ((), 1)
        return Programme(name, frames, turns, self._on_event, self._options.kbits)

    async def warm(self) -> None:
        """Load the dictionary of readings, which takes the first text a good part of a second."""
        await asyncio.to_thread(self.speaker.spoken, "应急广播", "zh")

    def _spoken(
        self, name: str, signal: Signal | None, text: str, language: str, repeats: int | None = None
    ) -> Programme:
        programme = self._programme(name, signal)
        self._begin(programme, lambda: self._said(programme, text, language, repeats or self._options.repeats))
        return programme

    def _begin(self, programme: Programme, make: Callable[[], Awaitable[list[bytes]]]) -> None:
        task = asyncio.create_task(self._fill(programme, make), name=f"words of {programme.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fill(self, programme: Programme, make: Callable[[], Awaitable[list[bytes]]]) -> None:
        try:
            programme.set_body(await make())
        except (NoVoice, InvalidValueError) as error:
            programme.give_up(error)
            programme.tell(SoundKind.NEEDS_PERSON, f"须人工播报：{error}", f"a person must read it: {error}")
        except (SoundError, EnvironmentLackingError) as error:
            self._failed(programme, error)
        except asyncio.CancelledError:
            programme.give_up(SoundError("the gateway closes"))
            raise
        except OSError as error:
            self._failed(programme, SoundError(f"{type(error).__name__}: {error}"))

    def _failed(self, programme: Programme, error: GatewayError) -> None:
        programme.give_up(error)
        programme.tell(
            SoundKind.FAILED, f"语音未能制作，继续播放警报音：{error}", f"no words, the signal goes on: {error}"
        )

    async def _said(self, programme: Programme, text: str, language: str, repeats: int) -> list[bytes]:
        # Reading takes tens of milliseconds, and the first one loads the dictionary: not on the loop.
        spoken = await asyncio.to_thread(self.speaker.spoken, text, language)
        if spoken.unread:
            left_out = "".join(spoken.unread)
            programme.tell(SoundKind.UNREAD, f"未读出的字：{left_out}", f"characters left out: {left_out}")
        name = digest(
            "speech", spoken, self._options.words_per_minute, self._options.kbits, self._options.loudness_lufs
        )

        async def make() -> list[bytes]:
            return await self._encoder.frames(await self.speaker.wav(spoken))

        return self._repeated(await self._kept(name, make), repeats)

    async def _recorded(self, path: Path) -> list[bytes]:
        facts = await recordings.inspect(self.toolbox, path, self._options)
        content = await asyncio.to_thread(path.read_bytes)
        name = digest("file", content, self._options.kbits, self._options.loudness_lufs)

        async def make() -> list[bytes]:
            frames = await self._encoder.frames(path, facts.demuxer)
            recordings.check_whole(facts, len(frames) * FRAME_SECONDS)
            return frames

        return await self._kept(name, make)

    async def _kept(self, name: str, make: Callable[[], Awaitable[list[bytes]]]) -> list[bytes]:
        found = await asyncio.to_thread(self.cache.get, name)
        if found:
            return found
        frames = await make()
        try:
            await asyncio.to_thread(self.cache.put, name, frames)
        except OSError as error:  # a full disk costs the next synthesis, not this one
            self.cache.problem = error
        return frames

    def _repeated(self, frames: Sequence[bytes], repeats: int) -> list[bytes]:
        gap = [silent_frame(self._options.kbits)] * round(self._options.gap_seconds / FRAME_SECONDS)
        return [*frames, *gap] * repeats
