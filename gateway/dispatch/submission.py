"""What is handed to intake 提交, and what its publisher hears."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.dispatch.given import Given
from gateway.domain.codes import AreaCode, EbmId
from gateway.domain.events import EventType
from gateway.domain.message import EbmClass, Manner, MessageState
from gateway.domain.warning import Notice, Severity, Warning
from gateway.store.rows import Json, MessageRow


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be broadcast, as the mapping of a warning decided (platform.md §8.3). Times are aware."""

    areas: tuple[AreaCode, ...]
    ebm_class: EbmClass
    severity: Severity
    event: EventType
    start: datetime
    end: datetime
    headline: str
    text: str
    #: a stream of somebody else; None: the gateway's own
    programme_url: str | None = None
    language: str = "zh-CN"
    manner: Manner = Manner.WARNING
    recording: str = ""
    volume: int | None = None
    given: Given | None = None
    #: an earthquake warning: no plan, no approval, nothing that takes time
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """A publisher's warning with what it came in. ``approval`` asks a second person to look first."""

    warning: Warning
    body: bytes
    media_type: str
    publisher: str
    operator: bool = False
    approval: bool = False
    #: monotonic time at which the request was whole, for accept-to-wire
    since: float | None = None
    #: how areas of words alone were read, to be kept with the warning; whether a person must say which are meant
    area_text: Json = None
    #: which rule of the mapping made what: rule, given, result
    mapping: Json = None
    areas_open: bool = False


@dataclass(frozen=True, slots=True)
class Targets:
    """Counts matched before a broadcast: divisions, terminals, people."""

    areas: int
    terminals: int
    population: int

    @classmethod
    def of(cls, row: MessageRow | None) -> Targets:
        """The counts that were stored with a message; none where there is no message."""
        return cls(0, 0, 0) if row is None else cls(**row.targets)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the publisher hears. ``created`` is false when the same warning had come before."""

    warning_id: str
    message_id: EbmId | None
    state: MessageState | None
    targets: Targets
    notices: tuple[Notice, ...]
    created: bool
