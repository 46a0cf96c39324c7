"""Live room 直播间: the sources of the settings, and the messages that are cut in from them 应急切播.

A source serves one message at a time. What goes wrong with one is told, and never keeps a programme from sounding.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.errors import GatewayError, NotFoundError, SoundError, StateConflictError
from gateway.programmes.live_cut import Cut, CutFigures, LiveTools
from gateway.programmes.live_options import LiveEvent, LiveKind, LiveOptions, PullSource, PushSource, RtpSource, Source
from gateway.programmes.live_programme import LiveProgramme
from gateway.programmes.live_rtp import RtpInput
from gateway.programmes.live_stream import PullInput, PushInput
from gateway.programmes.programme import Programme

#: Seconds between two looks at all sources.
LOOK_SECONDS: Final = 0.5

Input = RtpInput | PushInput | PullInput


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """How a source stands. ``heard`` seconds ago came its last packet, or None; counts are of RTP alone.

    ``connected``: it sends to us now, or answers; ``message`` is the EBM id that it is cut in for, or "".
    """

    name: str
    kind: str
    title: str
    message: str
    connected: bool
    problem: str
    port: int = 0
    form: str = ""
    heard: float | None = None
    packets: int = 0
    lost: int = 0
    foreign: int = 0
    jitter: float = 0.0


class LiveRoom:
    """All sources by their names; ``open`` and ``close`` it."""

    def __init__(self, sources: Mapping[str, Source], tools: LiveTools) -> None:
        self._sources = dict(sources)
        self._tools = tools
        self._problems: dict[str, SoundError] = {}
        self._inputs: dict[str, Input] = {name: self._made(name, source) for name, source in sources.items()}
        self._cuts: dict[str, Cut] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    @property
    def options(self) -> LiveOptions:
        """What it goes by."""
        return self._tools.options

    @property
    def sources(self) -> list[SourceFigures]:
        """All sources, in the order of the settings."""
        return [self._figures(name) for name in self._sources]

    @property
    def cuts(self) -> list[CutFigures]:
        """Live messages on the air, oldest first."""
        return [cut.figures for cut in self._cuts.values()]

    def open(self) -> None:
        """Open the ports of RTP sources; one that is taken is told, and tried again."""
        for name, input_ in self._inputs.items():
            self._open(name, input_)
        self._looking = asyncio.get_running_loop().create_task(self._look(), name="live room")

    async def close(self) -> None:
        """End all."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for ebm_id in tuple(self._cuts):
            self.end(ebm_id)
        await asyncio.gather(*self._ending, return_exceptions=True)
        for input_ in self._inputs.values():
            if isinstance(input_, RtpInput):
                await input_.close()

    # -- messages

    def free(self, name: str) -> Source:
        """A source that can be cut in. Errors: NotFoundError, StateConflictError, EnvironmentLackingError."""
        self._tools.toolbox.need("ffmpeg")
        if name not in self._sources:
            raise NotFoundError(f"没有此直播源 no live source {name[:60]!r}")
        user = self._user(name)
        if user is not None:
            raise StateConflictError(f"直播源 {name} 正用于 {user.ebm_id} the source is in use")
        return self._sources[name]

    def begin(self, ebm_id: str, name: str, signal: Sequence[bytes], turns: int, fallback: Programme) -> LiveProgramme:
        """The programme of a live message. Where its source cannot be had, it is the signal and the announcement."""
        cut = Cut(ebm_id, name, signal, turns, fallback, self._tools)
        try:
            self.free(name)
        except GatewayError as error:
            cut.programme.lose(error)
        else:
            self._open(name, self._inputs[name])
            self._inputs[name].attach(cut.queue)
        self._cuts[ebm_id] = cut
        cut.start()
        return cut.programme

    def end(self, ebm_id: str) -> None:
        """A live message is off the air; again, or of another kind, is no harm."""
        cut = self._cuts.pop(ebm_id, None)
        if cut is not None:
            detached = self._inputs[cut.source] if cut.programme.problem is None else None
            task = asyncio.get_running_loop().create_task(self._end(cut, detached), name=f"end of live {ebm_id}")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def receive(self, name: str, media_type: str, chunks: AsyncIterator[bytes]) -> bool:
        """Sound that is pushed to a source; see ``PushInput.receive``. Errors: NotFoundError, and those of it."""
        input_ = self._inputs.get(name)
        if not isinstance(input_, PushInput):
            raise NotFoundError(f"没有此推送源 no live source {name[:60]!r} of kind push")
        self._told(name, None)
        try:
            return await input_.receive(media_type, chunks)
        except SoundError as error:
            self._told(name, error)
            raise

    # -- inside

    def _made(self, name: str, source: Source) -> Input:
        tools = self._tools

        def on_problem(error: SoundError | None) -> None:
            self._told(name, error)

        if isinstance(source, RtpSource):
            return RtpInput(source, tools.toolbox, tools.sound, tools.monotonic, on_problem)
        if isinstance(source, PullSource):
            return PullInput(source, tools.toolbox, tools.sound, on_problem)
        return PushInput(tools.toolbox, tools.sound)

    def _user(self, name: str) -> Cut | None:
        found = (cut for cut in self._cuts.values() if cut.source == name and cut.programme.problem is None)
        return next(found, None)

    def _open(self, name: str, input_: Input) -> None:
        if not isinstance(input_, RtpInput) or input_.port:
            return
        try:
            input_.open()
        except OSError as error:
            place = f"{input_.source.host}:{input_.source.port}"
            self._tell(LiveKind.NO_PORT, name, True, f"端口无法打开 {place}", f"cannot be opened: {error}")
        else:
            self._tell(LiveKind.NO_PORT, name, False, "", "")

    def _told(self, name: str, error: SoundError | None) -> None:
        if error is None:
            if self._problems.pop(name, None) is not None:
                self._tell(LiveKind.UNREADABLE, name, False, "", "")
        elif name not in self._problems:
            self._problems[name] = error
            self._tell(LiveKind.UNREADABLE, name, True, f"直播源不可用：{error}", f"cannot be heard: {error}")

    def _tell(self, kind: LiveKind, subject: str, active: bool, zh: str, en: str) -> None:
        self._tools.on_event(LiveEvent(kind, subject, active, zh, en))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for name, input_ in self._inputs.items():
                self._open(name, input_)
                if isinstance(input_, RtpInput):
                    input_.look()
            for cut in self._cuts.values():
                cut.look()

    async def _end(self, cut: Cut, input_: Input | None) -> None:
        if input_ is not None:
            await input_.detach(cut.queue)
            self._told(cut.source, None)
        await cut.close()

    def _figures(self, name: str) -> SourceFigures:
        source, input_, user = self._sources[name], self._inputs[name], self._user(name)
        message, problem = "" if user is None else user.ebm_id, str(self._problems.get(name, ""))
        if not isinstance(input_, RtpInput):
            kind = "push" if isinstance(source, PushSource) else "pull"
            return SourceFigures(name, kind, source.title, message, input_.connected, problem)
        got, form, heard = input_.reception, input_.form, input_.silent_for
        here = heard is not None and heard < self._tools.options.stall_seconds
        shown = SourceFigures(name, "rtp", source.title, message, here, problem, input_.port, form.name if form else "")
        if got is None:
            return replace(shown, foreign=input_.foreign)
        return replace(
            shown,
            heard=heard,
            packets=got.packets,
            lost=got.lost,
            foreign=input_.foreign + got.foreign,
            jitter=got.jitter,
        )
