"""The ladder 投递阶梯: what is known of one message at one terminal, as a pure fold over evidence.

Evidence may come in any order, twice, late or never. ``fold`` is therefore a join: each field of ``Delivery`` is a
maximum or minimum over the evidence seen, so order and repetition cannot change the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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


#: What each kind says: the rung it proves (PLANNED: none), its weight, and the outcome it gives.
#:
#: Within one attempt the stronger word wins. Any answer is stronger than our finding that none came; a report of the
#: play itself is stronger than a refusal (of a repeat, say), and its result than our own closing of the book.
_MEANING: dict[EvidenceKind, tuple[Rung, int, Outcome]] = {
    EvidenceKind.SENT: (Rung.SENT, 0, Outcome.OPEN),
    EvidenceKind.SILENT: (Rung.PLANNED, 1, Outcome.UNREACHABLE),
    EvidenceKind.ACKNOWLEDGED: (Rung.ACKNOWLEDGED, 2, Outcome.OPEN),
    EvidenceKind.REFUSED: (Rung.PLANNED, 3, Outcome.REFUSED),
    EvidenceKind.PLAYING: (Rung.PLAYING, 4, Outcome.OPEN),
    EvidenceKind.TASK_ENDED: (Rung.PLAYING, 4, Outcome.OPEN),
    EvidenceKind.EXPIRED: (Rung.PLANNED, 5, Outcome.EXPIRED),
    EvidenceKind.CANCELLED: (Rung.PLANNED, 6, Outcome.CANCELLED),
    EvidenceKind.PREEMPTED: (Rung.PLANNED, 7, Outcome.PREEMPTED),
    EvidenceKind.FAILED: (Rung.PLANNED, 8, Outcome.FAILED),
    EvidenceKind.PLAYED: (Rung.PLAYED, 9, Outcome.DONE),
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

    ``times[r]`` is when evidence for rung r itself was first seen, infinity while there is none (a start whose report
    was lost leaves a gap below the result); one entry for each rung.
    """

    proven: Rung = Rung.PLANNED
    claimed: Rung = Rung.PLANNED
    times: tuple[float, ...] = (_NEVER,) * len(Rung)
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


# Members under module names: the fold is the hot path, and a look-up on an enum costs as much as the rest of a step.
_PLANNED, _SENT = Rung.PLANNED, Rung.SENT
_ONE_WAY, _OWN_WORD = Standing.SENT, Standing.PROVEN
_TASK_ENDED = EvidenceKind.TASK_ENDED


def fold(evidence: Iterable[Evidence], start: Delivery | None = None) -> Delivery:
    """Everything known from all the evidence, joined into what was known before."""
    known = start or Delivery()
    proven, claimed, times, verdict = known.proven, known.claimed, known.times, known.verdict
    attempts, ended_at, late, one_way = known.attempts, known.ended_at, known.late, known.one_way
    for piece in evidence:
        rung, weight, outcome = _MEANING[piece.kind]
        at, attempt = piece.at, piece.attempt
        if rung is not _PLANNED:
            # What was handed to a link is our own knowledge, whatever the terminal's standing.
            if rung is _SENT or piece.standing is _OWN_WORD:
                if rung > proven:
                    proven = rung
            elif rung > claimed:
                claimed = rung
            if at < times[rung]:
                times = (*times[:rung], at, *times[rung + 1 :])
            if rung is _SENT and piece.standing is _ONE_WAY:
                one_way = True
        if attempt > attempts:
            attempts = attempt
        word = (attempt, weight, piece.code, outcome)
        if word > verdict:
            verdict = word
        if piece.kind is _TASK_ENDED and at < ended_at:
            ended_at = at
        late = late or piece.late
    return Delivery(proven, claimed, times, attempts, verdict, ended_at, late, one_way)


def advance(delivery: Delivery, evidence: Evidence) -> Delivery:
    """Join one piece of evidence into what is known."""
    return fold((evidence,), delivery)


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
