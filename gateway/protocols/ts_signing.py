"""Sections signed once and sent many times: signed anew, in the same version, when the signature grows old."""

from __future__ import annotations

from collections.abc import Callable

from gateway.protocols.signature import SignatureBlock
from gateway.protocols.ts_section import Section, build_signed


class SignedSections:
    """Bytes of sections under their signatures; what is no longer asked for is forgotten.

    ``resign_after`` in seconds: a receiver that is switched on later than that still meets a fresh SigTime.
    """

    __slots__ = ("_made", "_resign_after", "_sign")

    def __init__(self, sign: Callable[[bytes], SignatureBlock], resign_after: float = 60.0) -> None:
        self._sign = sign
        self._resign_after = resign_after
        self._made: dict[Section, tuple[float, bytes]] = {}

    def raw(self, section: Section, now: float) -> bytes:
        """Return ``section`` signed not longer than ``resign_after`` ago; ``now`` in seconds of a monotonic clock."""
        made = self._made.get(section)
        if made is not None and now - made[0] < self._resign_after:
            return made[1]
        raw = build_signed(section, self._sign)
        limit = now - 2 * self._resign_after
        self._made = {known: value for known, value in self._made.items() if value[0] > limit}
        self._made[section] = (now, raw)
        return raw
