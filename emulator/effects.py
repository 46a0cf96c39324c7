"""What a terminal wants done 输出: bytes to send, reports to deliver, lines for the journal."""

from __future__ import annotations

from typing import NamedTuple

from emulator.journal import Event
from emulator.sound_source import SoundSource
from gateway.domain.codes import EbmId


class Send(NamedTuple):
    """One frame for the line of appendix D."""

    data: bytes


class Report(NamedTuple):
    """One frame of appendix E to be delivered; ``what`` is for the journal."""

    data: bytes
    ebm_id: EbmId | None
    session: int
    what: str


class Note(NamedTuple):
    """One line of the journal."""

    event: Event
    ebm_id: EbmId | None
    session: int | None
    reason: str


class HangUp(NamedTuple):
    """Cut the line; ``reboot``: and restart the terminal."""

    reason: str
    reboot: bool = False


class Tune(NamedTuple):
    """Receive the stream of a message that has come on the air 收听."""

    ebm_id: EbmId
    source: SoundSource


class Hush(NamedTuple):
    """Play it no longer."""

    ebm_id: EbmId


Effect = Send | Report | Note | HangUp | Tune | Hush
