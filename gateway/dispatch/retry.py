"""What an answer, or silence, asks of us next: the retry table as a pure rule (ADR 0007)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tenacity import RetryCallState, wait_exponential, wait_random

from gateway.protocols.results import Handling, handling


class Step(Enum):
    """What to do with one terminal of an order."""

    DONE = "done"
    #: the same bytes again, in the same session
    REPEAT = "repeat"
    #: a new session, signed anew, after a pause
    RENEW = "renew"
    #: nothing more on this route; an open item for a person
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often, and how long between (seconds)."""

    same_frame_tries: int = 3
    sessions: int = 5
    first_wait: float = 2.0
    longest_wait: float = 60.0

    def after_answer(self, result: int, tries: int, session: int) -> Step:
        """Next step after a result code (GD/J 089-2018 table D.12).

        ``tries``: times the frame was written in this session; ``session``: sessions used for this delivery.
        """
        kind = handling(result)
        if kind is Handling.DONE:
            return Step.DONE
        if kind is Handling.PERMANENT:
            return Step.GIVE_UP
        if kind is Handling.REPEAT:
            return self.after_silence(tries, session)
        return Step.RENEW if session < self.sessions else Step.GIVE_UP

    def after_silence(self, tries: int, session: int) -> Step:
        """Next step when no answer came in time."""
        if tries < self.same_frame_tries:
            return Step.REPEAT
        return Step.RENEW if session < self.sessions else Step.GIVE_UP

    def pause(self, session: int) -> float:
        """Seconds before session number ``session`` + 1: doubling, capped, with a little chance against herds."""
        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
        state.attempt_number = max(1, session)
        wait = wait_exponential(multiplier=self.first_wait, max=self.longest_wait) + wait_random(0, self.first_wait / 4)
        return float(wait(state))
