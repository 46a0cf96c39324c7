"""The ladder 投递阶梯: what is known of one message at one terminal, as a pure fold over evidence.

Evidence may come in any order, twice, late or never. ``fold`` is therefore a join: each field of ``Delivery`` is a
maximum or minimum over the evidence seen, so order and repetition cannot change the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum


class Rung(IntEnum):
    """How far a start came; it only rises."""

    PLANNED = 0
    SENT = 1
    ACKNOWLEDGED = 2
    PLAYING = 3
    PLAYED = 4

    @property
    def label(self) -> str:
        """Lower-case word for contracts."""
        return self.name.lower()


class Outcome(StrEnum):
    """How the last attempt stands."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    PREEMPTED = "preempted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Authenticity(StrEnum):
    """What binds a piece of evidence to the receiver it speaks of."""

    NONE = "none"
    ADDRESS = "address"
    MTLS = "mtls"
    SIGNATURE = "signature"


class Standing(IntEnum):
    """Class of evidence: bytes handed to a one-way link, the word of another, the terminal's own bound word."""

    SENT = 0
    CLAIMED = 1
    PROVEN = 2


class EvidenceKind(StrEnum):
    """What one piece of evidence says."""

    #: an attempt: the frame's bytes were handed to the link.
    SENT = "sent"
    #: D general answer 0 (GD/J 089-2018 table D.10).
    ACKNOWLEDGED = "acknowledged"
    #: D general answer other than 0 that ends this attempt.
    REFUSED = "refused"
    #: E 0x14 start (table E.8), or E 0x10 working while only this message is in force.
    PLAYING = "playing"
    #: E 0x14 end (table E.8).
    TASK_ENDED = "task_ended"
    #: E 0x15 result 1 (table E.9).
    PLAYED = "played"
    #: E 0x15 result 0 (table E.9).
    FAILED = "failed"
    #: every try of this attempt stayed without an answer, or no route is left.
    SILENT = "silent"
    #: a message of higher priority took the terminal.
    PREEMPTED = "preempted"
    #: the message was cancelled or superseded.
    CANCELLED = "cancelled"
    #: its air time ended.
    EXPIRED = "expired"


_RUNG: dict[EvidenceKind, Rung] = {
    EvidenceKind.SENT: Rung.SENT,
    EvidenceKind.ACKNOWLEDGED: Rung.ACKNOWLEDGED,
    EvidenceKind.PLAYING: Rung.PLAYING,
    EvidenceKind.TASK_ENDED: Rung.PLAYING,
    EvidenceKind.PLAYED: Rung.PLAYED,
}

#: Within one attempt the stronger word wins: a report of the play itself beats our own closing of the book.
_WEIGHT: dict[EvidenceKind, tuple[int, Outcome]] = {
    EvidenceKind.SENT: (0, Outcome.OPEN),
    EvidenceKind.SILENT: (1, Outcome.UNREACHABLE),
    EvidenceKind.REFUSED: (2, Outcome.REFUSED),
    EvidenceKind.EXPIRED: (3, Outcome.EXPIRED),
    EvidenceKind.CANCELLED: (4, Outcome.CANCELLED),
    EvidenceKind.PREEMPTED: (5, Outcome.PREEMPTED),
    EvidenceKind.FAILED: (6, Outcome.FAILED),
    EvidenceKind.PLAYED: (7, Outcome.DONE),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing known: ``at`` in Unix seconds of our clock, ``attempt`` counted from 1 (0: before any).

    ``code`` is a result code of table D.12 for answers, 0 otherwise; ``late`` marks what came after the message's end.
    ``standing`` of SENT evidence is SENT on a one-way link and PROVEN elsewhere.
    """

    kind: EvidenceKind
    at: float
    attempt: int = 0
    standing: Standing = Standing.PROVEN
    code: int = 0
    late: bool = False


_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Message × terminal: the highest rungs by class of evidence, and when each was first reached.

    ``times[r]`` is when rung r was first reached, infinity while it was not.
    """

    proven: Rung = Rung.PLANNED
    claimed: Rung = Rung.PLANNED
    times: tuple[float, float, float, float, float] = (_NEVER,) * 5
    attempts: int = 0
    #: (attempt, weight, result code, outcome): the greatest decides.
    verdict: tuple[int, int, int, Outcome] = (0, 0, 0, Outcome.OPEN)
    ended_at: float = _NEVER
    late: bool = False
    #: whether bytes were handed to a one-way link, where no answer can come.
    one_way: bool = False

    @property
    def rung(self) -> Rung:
        """The highest rung by any evidence."""
        return max(self.proven, self.claimed)

    @property
    def outcome(self) -> Outcome:
        """How the last attempt stands."""
        return self.verdict[3]

    @property
    def result(self) -> int:
        """Result code of table D.12 behind the outcome, 0 where there is none."""
        return self.verdict[2]

    @property
    def reached(self) -> Standing | None:
        """Class in which this terminal counts as reached, None when it does not.

        Playing or played, by the terminal's own bound word → PROVEN; by another's word → CLAIMED; bytes handed to a
        one-way link and nothing more → SENT.
        """
        if self.proven >= Rung.PLAYING:
            return Standing.PROVEN
        if self.claimed >= Rung.PLAYING:
            return Standing.CLAIMED
        return Standing.SENT if self.one_way else None


def advance(delivery: Delivery, evidence: Evidence) -> Delivery:
    """Join one piece of evidence into what is known."""
    rung = _RUNG.get(evidence.kind, Rung.PLANNED)
    proven, claimed, times = delivery.proven, delivery.claimed, delivery.times
    if rung is not Rung.PLANNED:
        # What was handed to a link is our own knowledge, whatever the terminal's standing.
        if evidence.standing is Standing.PROVEN or rung is Rung.SENT:
            proven = max(proven, rung)
        else:
            claimed = max(claimed, rung)
        if evidence.at < times[rung]:
            first, second, third, fourth, fifth = (evidence.at if i == rung else t for i, t in enumerate(times))
            times = (first, second, third, fourth, fifth)
    verdict = delivery.verdict
    weighed = _WEIGHT.get(evidence.kind)
    if weighed is not None:
        verdict = max(verdict, (evidence.attempt, weighed[0], evidence.code, weighed[1]))
    ended_at = delivery.ended_at
    if evidence.kind is EvidenceKind.TASK_ENDED:
        ended_at = min(ended_at, evidence.at)
    return replace(
        delivery,
        proven=proven,
        claimed=claimed,
        times=times,
        attempts=max(delivery.attempts, evidence.attempt),
        verdict=verdict,
        ended_at=ended_at,
        late=delivery.late or evidence.late,
        one_way=delivery.one_way or (rung is Rung.SENT and evidence.standing is Standing.SENT),
    )


def fold(evidence: Iterable[Evidence], start: Delivery | None = None) -> Delivery:
    """Everything known from all the evidence."""
    delivery = start or Delivery()
    for piece in evidence:
        delivery = advance(delivery, piece)
    return delivery


class StopRung(IntEnum):
    """How far a stop came: an unconfirmed one is a loudspeaker that may still shout."""

    NONE = 0
    PLANNED = 1
    SENT = 2
    ACKNOWLEDGED = 3

    @property
    def label(self) -> str:
        """Lower-case word for contracts."""
        return self.name.lower()
