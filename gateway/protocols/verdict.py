"""What comes out of a stream of bytes: frames and faults; and what a framer finds about one place of it."""

from __future__ import annotations

from typing import NamedTuple

from gateway.errors import FrameError, FrameTooLarge, MalformedFrame
from gateway.protocols.shape import Kind


class Frame(NamedTuple):
    """One frame with a right CRC."""

    kind: Kind
    raw: bytes


class Head(NamedTuple):
    """What a broken frame still says, enough to answer it; only where its head is plausible.

    Appendix A has neither session nor source: they are 0 and empty, and the type of the packet is its head.
    """

    kind: Kind
    session: int
    packet_type: int
    source: bytes
    service_type: int


class Fault(NamedTuple):
    """Bytes that are no frame: why, how many were passed over, and whom to tell."""

    error: FrameError
    skipped: int
    head: Head | None = None


class Verdict(NamedTuple):
    """On one candidate: a frame of ``size`` bytes, or ``size`` bytes needed to tell, or an error.

    With an error, ``size`` is what a large frame claimed, which took work to refuse; else 0.
    """

    size: int
    kind: Kind | None = None
    error: FrameError | None = None
    head: Head | None = None


#: Readings that fail; kept as constants because noise can hold one at every second byte.
NO_FIT = Verdict(0, error=MalformedFrame("lengths"))
TOO_LARGE = Verdict(0, error=FrameTooLarge("length"))
