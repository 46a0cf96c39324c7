"""What one player hears of one stream 收听: frames, losses and silence; bytes and the time go in, nothing is opened.

RTP numbers its packets, so what is missing is known, and silence stands for it. Plain mp3 has no numbers: there the
time that passed is held against the sound that came.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from math import inf
from typing import Final, NamedTuple

from gateway.protocols import mpeg_audio, rtp
from gateway.protocols.mpeg_audio import FrameHeader, FrameSplitter
from gateway.protocols.rtp import RtpPacket
from gateway.protocols.rtp_reception import Order

#: Seconds by which plain mp3 may lag behind the time before sound is missing: what a player holds against jitter.
HELD: Final = 0.5
#: Most seconds of silence that stand for one gap.
_LONGEST_GAP: Final = 60.0
#: A leap of numbers beyond this is no loss: the sender began anew elsewhere (RFC 3550 A.1, MAX_DROPOUT).
_LEAP: Final = 3000
#: Packets whose frames are remembered: many players of one process hear the same one.
_SHARED: Final = 64


class Hearing(Enum):
    """Whether sound comes."""

    WAITING = "waiting"
    SOUNDING = "sounding"
    #: nothing came for as long as the patience lasts
    SILENT = "silent"


class Sound(NamedTuple):
    """Frames, how many seconds they sound, and the header of the last."""

    frames: tuple[bytes, ...]
    seconds: float
    header: FrameHeader | None


@lru_cache(_SHARED)
def cut(payload: bytes) -> Sound:
    """The whole frames of one packet."""
    return _measured(mpeg_audio.split(payload))


def _measured(frames: list[bytes]) -> Sound:
    headers = [header for frame in frames if (header := mpeg_audio.header_at(frame)) is not None]
    return Sound(tuple(frames), sum(header.seconds for header in headers), headers[-1] if headers else None)


@dataclass(slots=True)
class SoundCounts:
    """What came, in packets and in seconds of sound; ``lost`` packets left ``gaps``, ``missing`` so much sound."""

    packets: int = 0
    lost: int = 0
    #: packets without a whole frame
    broken: int = 0
    gaps: int = 0
    missing: float = 0.0
    seconds: float = 0.0


class Reception:
    """Hearing of one stream from ``since`` on; after ``patience`` seconds without a frame it is silent."""

    __slots__ = (
        "_begun",
        "_header",
        "_last",
        "_next",
        "_order",
        "_patience",
        "_splitter",
        "_ssrc",
        "counts",
        "first",
        "since",
        "state",
    )

    def __init__(self, since: float, patience: float) -> None:
        self.since = since
        self.state = Hearing.WAITING
        self.counts = SoundCounts()
        #: seconds from ``since`` to the first sound; None until then
        self.first: float | None = None
        self._patience = patience
        self._last = since
        self._order = Order()
        self._ssrc: int | None = None
        #: number and timestamp of the packet that follows
        self._next: tuple[int, int] | None = None
        self._splitter = FrameSplitter()
        self._header: FrameHeader | None = None
        #: of plain mp3: when its first packet came, less the sound that is accounted for since
        self._begun: float | None = None

    @property
    def due(self) -> float:
        """When ``advance`` must be called; infinity while it is silent."""
        return inf if self.state is Hearing.SILENT else self._last + self._patience

    def advance(self, now: float) -> bool:
        """Notice that nothing comes; True when it has just become silent."""
        if now < self.due:
            return False
        self.state = Hearing.SILENT
        return True

    def take_packet(self, packet: RtpPacket, now: float) -> list[bytes]:
        """Take a packet of RTP; return the frames heard, in order, with silence for what is missing."""
        if packet.payload_type != rtp.MPEG_AUDIO:
            self.counts.broken += 1
            return []
        before: list[bytes] = []
        if packet.ssrc != self._ssrc:  # another sender, with numbers and times of its own
            before = self.rest(now)
            self._ssrc, self._next = packet.ssrc, None
        return before + self._in_order(self._order.take(packet, now), now)

    def take_plain(self, data: bytes, now: float, *, whole: bool) -> list[bytes]:
        """Take plain mp3: ``whole``: a datagram of whole frames; else a piece of a byte stream."""
        sound = cut(data) if whole else _measured(self._splitter.feed(data))
        if whole and not sound.frames:
            self.counts.broken += 1
        if not sound.frames:
            return []
        self._heard(sound, now)
        if self._begun is None:
            # What comes first ends now: from here on each second brings one of sound.
            self._begun = now - self.counts.seconds
            return list(sound.frames)
        late = now - self._begun - self.counts.seconds
        if late <= HELD:
            return list(sound.frames)
        self._begun += late
        return self._silence(late) + list(sound.frames)

    def rest(self, now: float) -> list[bytes]:
        """The stream is left: what still waits for its turn."""
        return self._in_order(self._order.restart(), now)

    def _in_order(self, packets: list[RtpPacket], now: float) -> list[bytes]:
        frames: list[bytes] = []
        for packet in packets:
            sound = cut(packet.payload)
            if not sound.frames:
                self.counts.broken += 1
                continue
            if self._next is not None:
                number, timestamp = self._next
                lost = (packet.sequence - number) & 0xFFFF
                if 0 < lost < _LEAP:
                    self.counts.lost += lost
                    frames += self._silence(((packet.timestamp - timestamp) & 0xFFFFFFFF) / rtp.CLOCK)
            after = (packet.timestamp + round(sound.seconds * rtp.CLOCK)) & 0xFFFFFFFF
            self._next = (packet.sequence + 1) & 0xFFFF, after
            self._heard(sound, now)
            frames += sound.frames
        return frames

    def _heard(self, sound: Sound, now: float) -> None:
        self.counts.packets += 1
        self.counts.seconds += sound.seconds
        self._header = sound.header
        self._last = now
        self.state = Hearing.SOUNDING
        if self.first is None:
            self.first = now - self.since

    def _silence(self, seconds: float) -> list[bytes]:
        """One gap more: the frames that stand for it."""
        self.counts.gaps += 1
        header = self._header
        if header is None or not 0.0 < seconds < _LONGEST_GAP:
            return []
        self.counts.missing += seconds
        if header.version != 1:  # silence is known of MPEG-1 alone
            return []
        return [mpeg_audio.silent_frame(header.kbits, header.rate)] * round(seconds / header.seconds)
