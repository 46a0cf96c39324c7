"""Chance that repeats itself 可复现随机数: one small generator for each terminal, seeded from run and code.

``random.Random`` keeps 2.5 kB of state; four thousand terminals want eight bytes each.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_MASK: Final = (1 << 64) - 1
_UNIT: Final = 1.0 / (1 << 53)


def seed_of(seed: int, name: str) -> int:
    """Return 64 bits that depend on the run's seed and on ``name`` alone, the same on every machine."""
    return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big")


def standing(seed: int, name: str, purpose: str = "share") -> float:
    """Return a number 0 ≤ x < 1 for ``name``: whoever stands below p belongs to a share p of the fleet."""
    return (seed_of(seed, f"{purpose}/{name}") >> 11) * _UNIT


class Dice:
    """SplitMix64: eight bytes of state, good enough to decide what gets lost."""

    __slots__ = ("_state",)

    def __init__(self, state: int) -> None:
        self._state = state & _MASK

    def bits(self) -> int:
        """Return the next 64 bits."""
        self._state = state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)

    def unit(self) -> float:
        """Return a number 0 ≤ x < 1."""
        return (self.bits() >> 11) * _UNIT

    def hits(self, probability: float) -> bool:
        """Whether an event of this probability happens now; 0 and 1 draw nothing."""
        if probability <= 0.0:
            return False
        return probability >= 1.0 or self.unit() < probability

    def below(self, limit: int) -> int:
        """Return a whole number 0 ≤ n < limit."""
        return self.bits() % limit

    def data(self, length: int) -> bytes:
        """Return ``length`` random bytes."""
        return b"".join(self.bits().to_bytes(8, "big") for _ in range((length + 7) // 8))[:length]
