"""Our own signatures: coverage A (data ‖ SigTime, GD/J 081-2018 5.4) with a SigTime that rises over restarts.

A receiver may hold our certificate in counter mode, so SigTime never repeats and never falls, whatever the clock does:
SigTime = max(now, last + 1). What must survive a crash is only an upper bound of all values used. It is therefore
persisted ahead, a block of seconds at a time: a value up to the reserved mark needs no sync to disk, the first one
beyond reserves the next block before it is used. After a crash numbering goes on above the mark, so that each of a row
of crashes adds to the lead what its run had reserved in vain. A block is therefore never longer than what the run has
used: a gateway that crashes at once, again and again, must not lead until receivers (window 300 s) refuse every frame.
``close`` gives the unused rest back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol

from gateway.errors import InvalidValueError, KeyMaterialError
from gateway.security.coverage import Coverage, SignatureBlock, signed_bytes_at
from gateway.security.keys import SigningKey
from gateway.security.sig_time import SIG_TIME_MAX, TIME_FLOOR
from gateway.security.sm2 import Sm2Provider

#: Seconds that SigTime may lead the clock before operators hear of it: a receiver's window is 300 s.
AHEAD_LIMIT: Final = 5
#: Reserved beyond the clock while we sign less than once a second, so that a restart stays within AHEAD_LIMIT.
BLOCK_AT_CLOCK: Final = 4
#: Most that is reserved beyond the value in use in a burst, which leads the clock anyhow and must not pay one sync for
#: every few frames.
BLOCK_IN_BURST: Final = 32


class SignerAlarm(StrEnum):
    """What operators must know about our signature times."""

    AHEAD_OF_CLOCK = "signer_ahead_of_clock"
    CLOCK_UNSYNCHRONISED = "clock_unsynchronised"


class AlarmSink(Protocol):
    """Takes an alarm when its state changes: raised (``active``) or cleared."""

    def __call__(self, alarm: SignerAlarm, active: bool, detail: str, /) -> None:
        """Called in the thread that signs, before the signature is made."""


class Signer:
    """Signs with one key.

    ``clock`` gives Unix seconds; ``last`` is what ``persist`` was given last (0 at the very beginning); ``persist``
    must return only when the value is safe on disk; ``clock_synchronised`` says None where the machine cannot tell.
    Safe to call from several threads: times are handed out under a lock, the signing itself runs beside it.
    """

    def __init__(
        self,
        key: SigningKey,
        provider: Sm2Provider,
        *,
        clock: Callable[[], float],
        last: int,
        persist: Callable[[int], object],
        alarm: AlarmSink,
        clock_synchronised: Callable[[], bool | None] = lambda: None,
    ) -> None:
        if not 0 <= last <= SIG_TIME_MAX:
            raise InvalidValueError("last SigTime", last, "must fit 32 bits (GD/J 081-2018 table 2)")
        self._key, self._provider, self._clock, self._persist = key, provider, clock, persist
        self._alarm, self._clock_synchronised = alarm, clock_synchronised
        self._last = self._reserved = last
        self._raised: set[SignerAlarm] = set()
        self._lock = threading.Lock()
        self._signatures_made = 0

    @property
    def signatures_made(self) -> int:
        """Signatures since the start, for metrics and the ``sign_count`` benchmark."""
        return self._signatures_made

    @property
    def last(self) -> int:
        """The newest SigTime handed out."""
        return self._last

    def sign(self, data: bytes) -> SignatureBlock:
        """Sign ``data`` with the next SigTime; raise KeyMaterialError when none is left, or what ``persist`` raises."""
        # Once, since another thread may switch keys meanwhile.
        key = self._key
        sig_time, certificate = self._next_time(), key.certificate
        message = signed_bytes_at(data, sig_time, certificate, Coverage.A)
        value = self._provider.sign(key.pair.private, key.pair.public, message)
        return SignatureBlock(sig_time, certificate, value)

    def switch(self, key: SigningKey) -> None:
        """Sign with another key from now on; SigTime goes on rising."""
        self._key = key

    def close(self) -> None:
        """Give back the unused rest of the reserved block, so that an orderly restart does not lead the clock."""
        with self._lock:
            if self._last < self._reserved:
                self._persist(self._last)
                self._reserved = self._last

    def _next_time(self) -> int:
        with self._lock:
            now = int(self._clock())
            synchronised = self._clock_synchronised() is not False and now >= TIME_FLOOR
            self._state(SignerAlarm.CLOCK_UNSYNCHRONISED, not synchronised, "signing by a clock that nobody sets")
            # Below the floor receivers would take the value for a counter and, the clock once set, refuse our times.
            sig_time = max(now, self._last + 1, TIME_FLOOR)
            if sig_time > SIG_TIME_MAX:
                raise KeyMaterialError("SigTime: no value left in 32 bits (GD/J 081-2018 table 2); check the clock")
            ahead = sig_time - now
            self._state(SignerAlarm.AHEAD_OF_CLOCK, ahead > AHEAD_LIMIT, f"SigTime leads the clock by {ahead} s")
            if sig_time > self._reserved:
                mark = max(now + BLOCK_AT_CLOCK, sig_time + min(self._signatures_made, BLOCK_IN_BURST))
                mark = min(mark, SIG_TIME_MAX)
                self._persist(mark)
                self._reserved = mark
            self._last = sig_time
            self._signatures_made += 1
            return sig_time

    def _state(self, alarm: SignerAlarm, active: bool, detail: str) -> None:
        if active != (alarm in self._raised):
            (self._raised.add if active else self._raised.discard)(alarm)
            self._alarm(alarm, active, detail)
