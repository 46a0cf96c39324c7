"""How long things take on a serial line 串行线时序: characters, frames, gaps and waits, all from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gateway.settings.serial_link import SerialLink

#: Silence that parts two frames, in characters.
GAP_CHARACTERS: Final = 3.5
#: What a driver's buffer or a USB adapter may hold bytes back, in seconds; a port server's network somewhat more.
LOCAL_DELAY: Final = 0.05
NETWORK_DELAY: Final = 0.3
#: Longest answer that a poll waits for once it has begun, in bytes: the state of a terminal with every parameter.
LONGEST_ANSWER: Final = 1024


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of one line, in seconds. ``answer``: until the first byte of an answer; ``delay``: what may hold bytes."""

    character: float
    answer: float
    delay: float

    @classmethod
    def of(cls, link: SerialLink) -> Self:
        """Compute it: a start bit, eight data bits, parity and stop bits make one character."""
        bits = 1 + 8 + (link.parity != "N") + link.stop_bits
        return cls(bits / link.baud, link.answer_seconds, LOCAL_DELAY if link.is_local else NETWORK_DELAY)

    def wire(self, count: int) -> float:
        """Seconds that ``count`` bytes take."""
        return count * self.character

    @property
    def gap(self) -> float:
        """Silence between two frames."""
        return GAP_CHARACTERS * self.character

    @property
    def broken(self) -> float:
        """Silence within a frame after which the rest of it will not come."""
        return self.gap + self.delay
