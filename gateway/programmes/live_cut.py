"""One live message 应急切播 on the air: its source's queue, its programme, its level, its recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import SoundError
from gateway.programmes.level import Level, LevelMeter
from gateway.programmes.live_options import LiveEvent, LiveKind, LiveOptions, LivePhase, OnLive
from gateway.programmes.live_programme import LiveHooks, LiveProgramme
from gateway.programmes.live_queue import LiveQueue
from gateway.programmes.options import FRAME_SECONDS, SoundOptions
from gateway.programmes.programme import Programme
from gateway.programmes.recorder import Recorder, Shelf
from gateway.programmes.toolbox import Toolbox

_WORDS: Final = {
    LiveKind.LOST: ("直播信号中断", "nothing comes from the live source"),
    LiveKind.SILENT: ("直播信号无声", "the live source sends silence"),
}


@dataclass(frozen=True, slots=True)
class LiveTools:
    """What live input is made with; ``monotonic`` gives seconds for time-outs.

    ``on_over`` is told once that nothing more is to come for a message, and why, in two languages.
    """

    toolbox: Toolbox
    options: LiveOptions
    sound: SoundOptions
    shelf: Shelf
    monotonic: Callable[[], float]
    on_event: OnLive
    on_over: Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class CutFigures:
    """How a live message stands. Seconds: ``sounded`` of the source, ``gaps`` filled, ``dropped``, ``delay``."""

    ebm_id: str
    source: str
    phase: LivePhase
    sounded: float
    gaps: float
    dropped: float
    delay: float
    level: Level | None
    unrecorded: int


class Cut:
    """One message's live input: ``start`` it, ``look`` at it, ``close`` it."""

    def __init__(
        self, ebm_id: str, source: str, signal: Sequence[bytes], turns: int, fallback: Programme, tools: LiveTools
    ) -> None:
        self.ebm_id, self.source = ebm_id, source
        self.queue = LiveQueue(tools.options.most_delay_seconds)
        self._tools = tools
        self._meter = LevelMeter(tools.toolbox, self._measured, self._unmeasured)
        self._recorder = Recorder(tools.shelf, ebm_id, tools.options.file_seconds)
        self._level: Level | None = None
        self._sounded = 0
        self._wrong: set[LiveKind] = set()
        hooks = LiveHooks(self._told, self._heard, self._sent, lambda zh, en: tools.on_over(ebm_id, zh, en))
        self.programme = LiveProgramme(
            ebm_id, signal, turns, self.queue, fallback, tools.options, hooks, tools.sound.kbits
        )

    @property
    def figures(self) -> CutFigures:
        """All figures of this moment."""
        programme = self.programme
        return CutFigures(
            self.ebm_id,
            self.source,
            programme.phase,
            self._sounded * FRAME_SECONDS,
            programme.gaps * FRAME_SECONDS,
            self.queue.dropped * FRAME_SECONDS,
            programme.delay,
            self._level,
            self._recorder.lost,
        )

    def start(self) -> None:
        """Begin to measure."""
        self._meter.start()

    def look(self) -> None:
        """What is to be done twice a second: write to disk."""
        self._recorder.flush()
        problem = self._recorder.problem
        zh, en = f"直播录音写入失败：{problem}", f"cannot record: {problem}"
        self._tell(LiveKind.UNRECORDED, problem is not None, zh, en)

    async def close(self) -> None:
        """It is off the air: the rest is written, what was wrong is over."""
        self.programme.close()
        for kind in tuple(self._wrong):
            self._tell(kind, False, "", "")
        await self._meter.close()
        await self._recorder.close()

    def _heard(self, frame: bytes) -> None:
        self._sounded += 1
        self._meter.feed(frame)

    def _sent(self, frame: bytes) -> None:
        self._recorder.feed(frame, FRAME_SECONDS)

    def _measured(self, level: Level) -> None:
        self._level = level
        self._tell(LiveKind.UNMEASURED, False, "", "")
        self.programme.measured(level.rms)

    def _unmeasured(self, error: SoundError) -> None:
        self._level = None
        # What is not measured must not count as silent.
        self.programme.measured(0.0)
        zh, en = f"直播电平未测量：{error}", f"the level is not measured, silence is not noticed: {error}"
        self._tell(LiveKind.UNMEASURED, True, zh, en)

    def _told(self, kind: LiveKind, active: bool) -> None:
        self._tell(kind, active, *_WORDS[kind])

    def _tell(self, kind: LiveKind, active: bool, zh: str, en: str) -> None:
        if active is (kind in self._wrong):
            return
        (self._wrong.add if active else self._wrong.discard)(kind)
        self._tools.on_event(LiveEvent(kind, self.ebm_id, active, zh, en))
