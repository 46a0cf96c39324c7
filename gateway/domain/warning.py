"""Warning 应急信息: what a publisher sent, in our own words, whatever dialect it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from gateway.domain.codes import AreaCode
from gateway.domain.events import EventType


class Status(StrEnum):
    """What the publisher means it for (CAP 1.2 alert/status)."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class WarningKind(StrEnum):
    """What the publisher does with it (CAP 1.2 alert/msgType)."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Severity(IntEnum):
    """事件级别: 1 red 特别重大 to 4 blue 一般; 0 unknown 缺省."""

    UNKNOWN = 0
    RED = 1
    ORANGE = 2
    YELLOW = 3
    BLUE = 4

    @property
    def on_device(self) -> Severity:
        """What D, RDS and TS frames carry: 0 does not exist there and is sent as 4 (binary.md 9 row 19)."""
        return Severity.BLUE if self is Severity.UNKNOWN else self

    @property
    def label(self) -> str:
        """Chinese and English words for people."""
        return ("未知 unknown", "红色 red", "橙色 orange", "黄色 yellow", "蓝色 blue")[self]

    @property
    def rank(self) -> int:
        """Order of urgency: 0 is red, 4 is unknown."""
        return 4 if self is Severity.UNKNOWN else self - 1


@dataclass(frozen=True, slots=True)
class WarningIdentity:
    """What makes a warning itself, over all publishers (CAP 1.2: sender, identifier, sent)."""

    sender: str
    identifier: str
    sent: datetime

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent.isoformat()}"


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier warning that this one speaks of; 12379 names the identifier alone."""

    identifier: str
    sender: str | None = None
    sent: datetime | None = None


@dataclass(frozen=True, slots=True)
class WarningText:
    """The words in one language; ``speech`` is the text meant for loudspeakers, when the publisher gave one."""

    language: str
    headline: str = ""
    description: str = ""
    instruction: str = ""
    speech: str = ""

    @property
    def spoken(self) -> str:
        """What should be read aloud: the loudspeaker text, else description and instruction, else the headline."""
        if self.speech:
            return self.speech
        parts = [part for part in (self.description, self.instruction) if part]
        return "\n".join(parts) if parts else self.headline


@dataclass(frozen=True, slots=True)
class Circle:
    """CAP circle: centre in degrees WGS 84, radius in km."""

    lat: float
    lon: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class AreaClaim:
    """An area as the publisher wrote it: words, codes, shapes; resolving it is a later step.

    ``polygons`` are rings of (lat, lon) in degrees; ``geocodes`` are (name of the code system, value).
    """

    description: str
    geocodes: tuple[tuple[str, str], ...] = ()
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()
    circles: tuple[Circle, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchedArea:
    """A division that a warning addresses, and what said so: ``code``, ``polygon``, ``circle``."""

    code: AreaCode
    name: str
    matched_by: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the publisher should know though the warning was taken."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Warning:
    """A warning as understood: equal values are the same warning, whatever their bytes were."""

    identity: WarningIdentity
    status: Status
    kind: WarningKind
    scope: str
    event: EventType | None
    event_text: str
    severity: Severity
    texts: tuple[WarningText, ...] = ()
    claims: tuple[AreaClaim, ...] = ()
    references: tuple[Reference, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    #: means asked for by the publisher, such as SPEAKER (12379 code/method/methodName).
    means: tuple[str, ...] = ()
    #: secClassification Inner and the like: not for the public air.
    restricted: bool = False
    notices: tuple[Notice, ...] = field(default=(), compare=False)
