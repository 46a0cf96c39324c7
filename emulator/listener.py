"""One player 播放器 at one stream: from on the air until the quiet after its end, and what it heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.effects import Tune
from emulator.journal import Event
from emulator.reception import Hearing, Reception
from emulator.tape import Tape
from emulator.tuners import PullTuner
from gateway.domain.codes import EbmId, ResourceCode
from gateway.protocols.rtp import RtpPacket

if TYPE_CHECKING:
    from emulator.line import Line
    from emulator.listening import Listening


@dataclass(frozen=True, slots=True)
class HeardSound:
    """What a player heard of one message, between going on the air and off it. Times in seconds.

    ``first``: from on the air to the first sound, None where none came; ``missing``: sound known to be lost;
    ``after``: sound that still came after the end.
    """

    terminal: ResourceCode
    ebm_id: EbmId
    source: str
    seconds: float
    packets: int
    lost: int
    gaps: int
    missing: float
    first: float | None
    after: float

    def __str__(self) -> str:
        first = "no sound came" if self.first is None else f"first after {self.first:.3f} s"
        return (
            f"heard {self.seconds:.2f} s in {self.packets} packets, {first}, {self.lost} packets lost, "
            f"{self.gaps} gaps of {self.missing:.2f} s"
        )


class Listener:
    """Hears for one terminal what a tuner hands on; deaf ones and lost packets are decided here."""

    def __init__(self, owner: Listening, line: Line, wish: Tune, tape: Tape | None) -> None:
        self._owner, self.line, self.ebm_id, self.source = owner, line, wish.ebm_id, wish.source
        self.tape = tape
        self.reception = Reception(owner.fleet.now(), owner.settings.patience)
        #: hearing of what comes after the end; None until then
        self.past: Reception | None = None
        self.pull: PullTuner | None = None
        self._trouble = ""

    @property
    def tuned(self) -> bool:
        """Whether its message is on the air."""
        return self.past is None

    @property
    def heard(self) -> HeardSound:
        """What it heard until now."""
        counts, past = self.reception.counts, self.past
        return HeardSound(
            self.line.code,
            self.ebm_id,
            self.source.url,
            seconds=round(counts.seconds, 3),
            packets=counts.packets,
            lost=counts.lost,
            gaps=counts.gaps,
            missing=round(counts.missing, 3),
            first=None if self.reception.first is None else round(self.reception.first, 3),
            after=0.0 if past is None else round(past.counts.seconds, 3),
        )

    def packet(self, packet: RtpPacket) -> None:
        """Hear a packet of RTP."""
        self._hear(lambda reception, now: reception.take_packet(packet, now))

    def plain(self, data: bytes, *, whole: bool) -> None:
        """Hear plain mp3."""
        self._hear(lambda reception, now: reception.take_plain(data, now, whole=whole))

    def trouble(self, text: str) -> None:
        """Tell, once each, why nothing can come."""
        if text != self._trouble and self.past is None:
            self._trouble = text
            self._owner.note(self, Event.SILENCE, text)

    def hush(self) -> None:
        """The message is off the air: what comes from now on comes after its end."""
        now = self._owner.fleet.now()
        self._keep(self.reception.rest(now))
        self.past = Reception(now, self._owner.settings.patience)

    def watch(self) -> None:
        """Notice when sound does not come; call it when ``reception.due``, it sees to the next time itself."""
        if self.past is not None:
            return
        fleet, patience = self._owner.fleet, self._owner.settings.patience
        now = fleet.now()
        if self.reception.advance(now):
            self._owner.note(self, Event.SILENCE, f"no sound for {patience:g} s")
            self.line.apply(self.line.terminal.sound(self.ebm_id, comes=False, now=now))
            return
        if self.reception.state is not Hearing.SILENT:
            fleet.at(self.reception.due, self.watch)

    def _hear(self, take: Callable[[Reception, float], list[bytes]]) -> None:
        faults = self.line.terminal.faults
        if faults.deaf or self.line.dice.hits(faults.stream_loss):
            return
        now = self._owner.fleet.now()
        if self.past is not None:
            take(self.past, now)
            return
        before = self.reception.state
        self._keep(take(self.reception, now))
        if before is Hearing.SOUNDING or self.reception.state is not Hearing.SOUNDING:
            return
        if before is Hearing.SILENT:
            self._owner.fleet.at(self.reception.due, self.watch)
        again = "" if before is Hearing.WAITING else " again"
        self._owner.note(self, Event.SOUND_STARTED, f"sound{again} {now - self.reception.since:.3f} s after on air")
        self.line.apply(self.line.terminal.sound(self.ebm_id, comes=True, now=now))

    def _keep(self, frames: list[bytes]) -> None:
        if self.tape is None:
            return
        try:
            self.tape.write(frames)
        except OSError as error:  # a full disk costs the tape, not what is heard
            self._owner.note(self, Event.TAPE, f"{self.tape.path}: {error}")
            self.tape = None
