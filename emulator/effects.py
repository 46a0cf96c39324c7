"""What a terminal wants done 输出: bytes to send, reports to deliver, lines for the journal."""

from __future__ import annotations

from typing import NamedTuple

from emulator.journal import Event
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


Effect = Send | Report | Note | HangUp
