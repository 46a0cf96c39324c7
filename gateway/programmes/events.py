"""What happens to a programme and somebody should know of: kinds, and words for operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class SoundKind(StrEnum):
    """Kinds of events."""

    READY = "ready"
    #: no voice, or the text cannot be read: a person must speak (the signal goes on meanwhile)
    NEEDS_PERSON = "needs_person"
    #: characters were left out of the speech
    UNREAD = "unread"
    FAILED = "failed"
    #: the pacing stood still for longer than it may make good
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """One event of the programme named ``programme``."""

    kind: SoundKind
    programme: str
    zh: str
    en: str


OnSound = Callable[[SoundEvent], None]


def silent(event: SoundEvent) -> None:
    """For callers that listen to nothing."""
