"""One monitored stream 回传监听: what an adapter sends back of a task, counted, measured, recorded and listened to.

It is what the adapter says that it plays. For the terminals behind it it proves nothing (decision 0016).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import OverloadedError, SoundError
from gateway.programmes.level import STEP, Level, LevelMeter
from gateway.programmes.monitor_options import MonitorEvent, MonitorKind, MonitorOptions, OnMonitor
from gateway.programmes.pulls import Pull, PullOutlet
from gateway.programmes.recorder import Recorder, Shelf
from gateway.programmes.toolbox import Toolbox
from gateway.protocols.mpeg_audio import FrameSplitter, header_at
from gateway.protocols.rtp import RtpPacket
from gateway.protocols.rtp_reception import Reception

#: Frames of a listener's chunk are counted at this bitrate; how far a listener may fall behind, seconds.
_KBITS, _BEHIND = 64, 10.0


class MonitorState(StrEnum):
    """How a stream stands."""

    WAITING = "waiting"
    SOUNDING = "sounding"
    SILENT = "silent"
    STALLED = "stalled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class MonitorFigures:
    """What was measured of one stream. Moments are Unix seconds, ``jitter`` and ``sound`` seconds.

    ``lost`` counts packets that never came or came too late, ``useless`` those that came twice or too late, ``foreign``
    those of other senders, ``garbage`` what is no RTP of MPEG audio; ``level`` is None while nothing is measured.
    """

    id: str
    link: str
    ebm_id: str
    state: MonitorState
    port: int
    opened_at: float
    heard_at: float | None
    closed_at: float | None
    source: int | None
    packets: int
    octets: int
    lost: int
    useless: int
    foreign: int
    garbage: int
    jitter: float
    sound: float
    level: Level | None
    loudest: float | None
    unrecorded: int
    listeners: int


@dataclass(frozen=True, slots=True)
class MonitorTools:
    """What a monitor is made with; ``clock`` gives Unix seconds, ``monotonic`` seconds for time-outs."""

    toolbox: Toolbox
    options: MonitorOptions
    shelf: Shelf
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    on_event: OnMonitor


class Monitor:
    """One stream from an adapter (``hosts``) about message ``ebm_id``: ``start``, ``take`` and ``look``, ``close``."""

    def __init__(
        self, name: str, link: str, ebm_id: str, hosts: frozenset[str], port: int, tools: MonitorTools
    ) -> None:
        self.id, self.link, self.ebm_id, self.port = name, link, ebm_id, port
        #: moment (monotonic) after which it is to be closed; None while its task runs
        self.over_at: float | None = None
        self._tools = tools
        self._reception = Reception(hosts=hosts)
        self._splitter = FrameSplitter()
        self._meter = LevelMeter(tools.toolbox, self._measured, self._unmeasured)
        self._recorder = Recorder(tools.shelf, name, tools.options.file_seconds)
        self._pulls = PullOutlet(_KBITS, _BEHIND, lambda: None)
        self._opened_at = tools.clock()
        self._heard_at: float | None = None
        self._closed_at: float | None = None
        self._since = tools.monotonic()
        self._level: Level | None = None
        self._loudest: float | None = None
        self._sound = 0.0
        self._quiet = 0.0
        self._wrong: set[MonitorKind] = set()

    @property
    def pid(self) -> int | None:
        """Process id of the ffmpeg that measures it."""
        return self._meter.pid

    @property
    def idle(self) -> float:
        """Seconds since its last packet, or since it was opened."""
        heard = self._reception.heard_at
        return self._tools.monotonic() - (self._since if heard is None else heard)

    @property
    def figures(self) -> MonitorFigures:
        """All figures of this moment."""
        got = self._reception
        return MonitorFigures(
            self.id, self.link, self.ebm_id, self._state(), self.port, self._opened_at, self._heard_at, self._closed_at,
            got.source, got.packets, got.octets, got.lost, got.useless, got.foreign, got.garbage, got.jitter,
            self._sound, self._level, self._loudest, self._recorder.lost, self._pulls.listeners,
        )  # fmt: skip

    def start(self) -> None:
        """Begin to measure."""
        self._meter.start()

    def listen(self) -> Pull:
        """A listener from now on. Errors: OverloadedError."""
        if self._pulls.listeners >= self._tools.options.listeners:
            raise OverloadedError("监听人数已满 too many listen to this stream")
        return self._pulls.pull()

    def take(self, data: bytes, host: str) -> None:
        """One datagram."""
        before = self._reception.packets
        self._hear(self._reception.take(data, host, self._tools.monotonic()))
        if self._reception.packets > before:
            self._heard_at = self._tools.clock()

    def look(self) -> None:
        """What is to be done twice a second: let waiting packets go, write to disk, notice what does not come."""
        self._hear(self._reception.due(self._tools.monotonic()))
        self._recorder.flush()
        problem = self._recorder.problem
        self._tell(
            MonitorKind.UNRECORDED, problem is not None, f"监听录音写入失败：{problem}", f"cannot record: {problem}"
        )
        stalled = self.idle >= self._tools.options.stall_seconds
        if stalled:
            # No sound is another thing than silent sound.
            self._quiet = 0.0
            self._tell(MonitorKind.SILENT, False, "", "")
        self._tell(MonitorKind.STALLED, stalled, "适配器未回传声音", "no sound comes from the adapter")

    async def close(self) -> None:
        """End it: the rest is written, listeners' streams end, what was wrong is over."""
        self._hear(self._reception.due(float("inf")))
        for kind in tuple(self._wrong):
            self._tell(kind, False, "", "")
        self._closed_at = self._tools.clock()
        self._pulls.finish()
        await self._meter.close()
        await self._recorder.close()

    def _hear(self, packets: list[RtpPacket]) -> None:
        for packet in packets:
            frames = self._splitter.feed(packet.payload)
            if not frames:
                continue
            sound = b"".join(frames)
            seconds = sum(header.seconds for frame in frames if (header := header_at(frame)) is not None)
            self._sound += seconds
            self._recorder.feed(sound, seconds)
            self._meter.feed(sound)
            for frame in frames:
                self._pulls.push(frame)

    def _measured(self, level: Level) -> None:
        options = self._tools.options
        self._level = level
        self._loudest = level.momentary if self._loudest is None else max(self._loudest, level.momentary)
        self._quiet = self._quiet + STEP if level.rms < options.silence_dbfs else 0.0
        self._tell(MonitorKind.UNMEASURED, False, "", "")
        if self._closed_at is None:
            silent = self._quiet >= options.silence_seconds
            self._tell(MonitorKind.SILENT, silent, "适配器回传声音为静音", "the adapter sends silence")

    def _unmeasured(self, error: SoundError) -> None:
        self._level = None
        self._tell(MonitorKind.UNMEASURED, True, f"电平未测量：{error}", f"the level is not measured: {error}")

    def _tell(self, kind: MonitorKind, active: bool, zh: str, en: str) -> None:
        if active is (kind in self._wrong):
            return
        (self._wrong.add if active else self._wrong.discard)(kind)
        self._tools.on_event(MonitorEvent(kind, f"{self.link} {self.ebm_id}", active, zh, en))

    def _state(self) -> MonitorState:
        if self._closed_at is not None:
            return MonitorState.ENDED
        if MonitorKind.STALLED in self._wrong:
            return MonitorState.STALLED
        if MonitorKind.SILENT in self._wrong:
            return MonitorState.SILENT
        return MonitorState.WAITING if self._reception.heard_at is None else MonitorState.SOUNDING
