"""Message 应急广播消息 EBM: what is broadcast for one warning; Order 指令: one command about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from gateway.domain.codes import AreaCode, EbmId
from gateway.domain.events import EventType
from gateway.domain.warning import Severity
from gateway.errors import InvalidValueError


class EbmClass(IntEnum):
    """广播类型 (GD/J 089-2018 table D.5)."""

    SYSTEM_DRILL = 1
    SIMULATED_DRILL = 2
    REAL_DRILL = 3
    EMERGENCY = 4
    DAILY = 5

    @property
    def is_drill(self) -> bool:
        """Whether it is one of the three drills."""
        return self <= EbmClass.REAL_DRILL

    @property
    def label(self) -> str:
        """Chinese and English words for people."""
        return {
            1: "发布系统演练 system drill",
            2: "模拟演练 simulated drill",
            3: "实际演练 real drill",
            4: "应急广播 emergency",
            5: "日常广播 daily",
        }[self]


#: Before the words of every drill, wherever they are shown, sent as text or stored.
DRILL_MARK = "【演练】"


def marked(words: str) -> str:
    """Words of a drill, that nobody may take for an actual message."""
    return words if not words or words.startswith(DRILL_MARK) else f"{DRILL_MARK}{words}"


class Manner(StrEnum):
    """How a message sounds: what stands before its words, and where they come from."""

    #: a signal by severity, then the text read aloud
    WARNING = "warning"
    #: the end of a warning 解除: a chime of its own, then the text
    ALL_CLEAR = "all_clear"
    #: the text alone, as daily broadcasts have it
    READING = "reading"
    #: a recorded file of the programme library
    RECORDING = "recording"
    #: a stream of somebody else, whose address the start frames carry
    STREAM = "stream"
    #: somebody speaks 应急切播: a live source of the settings
    LIVE = "live"


class MessageState(StrEnum):
    """Life of a message: awaiting_approval → accepted → active → ended, or one of the four other ends."""

    AWAITING_APPROVAL = "awaiting_approval"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    ENDED = "ended"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"

    @property
    def is_over(self) -> bool:
        """Whether nothing will be started for it any more."""
        return self not in (MessageState.AWAITING_APPROVAL, MessageState.ACCEPTED, MessageState.ACTIVE)


#: Which state may follow which.
TRANSITIONS: Mapping[MessageState, frozenset[MessageState]] = {
    MessageState.AWAITING_APPROVAL: frozenset(
        {
            MessageState.ACCEPTED,
            MessageState.REJECTED,
            MessageState.CANCELLED,
            MessageState.SUPERSEDED,
            MessageState.EXPIRED,
        }
    ),
    MessageState.ACCEPTED: frozenset(
        {MessageState.ACTIVE, MessageState.CANCELLED, MessageState.SUPERSEDED, MessageState.EXPIRED}
    ),
    MessageState.ACTIVE: frozenset({MessageState.ENDED, MessageState.CANCELLED, MessageState.SUPERSEDED}),
}


def may_become(now: MessageState, then: MessageState) -> bool:
    """Whether a message in state ``now`` may go to ``then``."""
    return then in TRANSITIONS.get(now, frozenset())


#: Volume codes (GD/J 089-2018 table D.5): 0 mute, 1-100 percent, 255 keep the current one.
VOLUME_KEEP = 0xFF


@dataclass(frozen=True, slots=True)
class Message:
    """What is broadcast for one warning. Times are aware datetimes; ``end`` is the end of air time, not of validity.

    ``language`` is the tag (BCP 47) of headline and text; ``recording`` the name of the
    file, or of the live source, where ``manner`` says so.
    """

    ebm_id: EbmId
    warning_id: str
    ebm_class: EbmClass
    severity: Severity
    event: EventType
    volume: int
    start: datetime
    end: datetime
    programme_url: str
    areas: tuple[AreaCode, ...]
    headline: str
    text: str
    language: str = "zh-CN"
    manner: Manner = Manner.WARNING
    recording: str = ""

    @property
    def is_instant(self) -> bool:
        """Whether its seconds are counted: an earthquake warning that is no drill."""
        return self.ebm_class is EbmClass.EMERGENCY and self.event == EARTHQUAKE

    def put_off(self, now: datetime, valid_until: datetime | None) -> Message:
        """The same, beginning now, as long as it would have been and no longer than it is valid; itself if not begun.

        Errors: InvalidValueError where it is valid no more.
        """
        if valid_until is None or now <= self.start:
            return self
        start = now.replace(microsecond=0)
        return replace(self, start=start, end=min(start + (self.end - self.start), valid_until))

    def __post_init__(self) -> None:
        if self.volume != VOLUME_KEEP and not 0 <= self.volume <= 100:
            raise InvalidValueError("volume", self.volume, "must be 0-100 percent or 255 (GD/J 089-2018 table D.5)")
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InvalidValueError("start, end", self.start, "must carry a time zone")
        if self.end <= self.start:
            raise InvalidValueError("end", self.end, "must be after the start")


@dataclass(frozen=True, slots=True)
class AirTime:
    """Longest time on air by severity, in seconds (policy; GD/J 089-2018 leaves it to local rules)."""

    seconds: Mapping[Severity, int]

    def __post_init__(self) -> None:
        for severity in (Severity.RED, Severity.ORANGE, Severity.YELLOW, Severity.BLUE):
            if self.seconds.get(severity, 0) <= 0:
                raise InvalidValueError(
                    f"air time of {severity.name.lower()}", self.seconds.get(severity), "must be at least 1 second"
                )

    def end(self, start: datetime, severity: Severity, expires: datetime | None) -> datetime:
        """End of air time: the earlier of the expiry and start + air time (unknown as blue, unless set)."""
        seconds = self.seconds.get(severity) or self.seconds[severity.on_device]
        limit = start + timedelta(seconds=seconds)
        return limit if expires is None else min(limit, expires)


#: 天然地震事件 (GD/J 082-2018 annex C).
EARTHQUAKE = EventType("11C02")


class Command(StrEnum):
    """What an order asks of a receiver."""

    START = "start"
    STOP = "stop"
    SET = "set"
    QUERY = "query"


def frame_priority(
    ebm_class: EbmClass, platform_level: int, severity: Severity, start: datetime, event: str = ""
) -> tuple[int, ...]:
    """Sort key of frames, smallest first: emergency before drill before daily, higher platform, severity, start.

    An actual earthquake goes before all: its seconds are counted.

    It orders and never suppresses: the terminal arbitrates (GD/J 089-2018 B.20, F.6.4.3). ``platform_level`` is the
    first digit of the issuing platform's resource code (1 nation ... 6 village).
    """
    kind = 0 if ebm_class is EbmClass.EMERGENCY else 2 if ebm_class is EbmClass.DAILY else 1
    if ebm_class is EbmClass.EMERGENCY and event == EARTHQUAKE:
        kind = -1
    return (kind, platform_level or 9, severity.rank, int(start.timestamp()))
