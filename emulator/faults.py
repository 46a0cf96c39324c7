"""Faults 故障注入: what goes wrong at a terminal or on its line, as one frozen set shared by all who suffer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from emulator.dice import Dice
from gateway.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class Faults:
    """One set of faults; the default is a healthy terminal. Probabilities are for each frame, times in seconds."""

    #: frames that vanish, either way, on the line of appendix D; a report's delivery fails and is tried again.
    loss: float = 0.0
    #: everything leaves this much later, plus up to ``jitter``.
    delay: float = 0.0
    jitter: float = 0.0
    #: frames leave in pieces, each a segment of its own.
    split: float = 0.0
    #: frames wait this long, so that several leave as one segment.
    merge: float = 0.0
    #: 1-64 random bytes stand before a frame.
    garbage: float = 0.0
    #: the CRC of a frame on the D line is wrong.
    corrupt: float = 0.0
    #: every start is answered with this code of GD/J 089-2018 table D.12 and not played.
    refuse: int | None = None
    #: the terminal's clock is ahead (negative: behind).
    skew: float = 0.0
    #: does as it is told and beats its heart, but answers no request and reports nothing.
    silent: bool = False
    #: without power.
    off: bool = False
    #: a frame comes, and the line is cut before any answer.
    drop: float = 0.0
    #: a frame comes, and the terminal restarts before any answer.
    reboot: float = 0.0
    #: the player hears nothing, and its terminal does not know why.
    deaf: bool = False
    #: packets of a stream that vanish.
    stream_loss: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "split", "garbage", "corrupt", "drop", "reboot", "stream_loss"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InvalidValueError(name, getattr(self, name), "must be a probability 0-1")
        for name in ("delay", "jitter", "merge"):
            if not 0.0 <= getattr(self, name) <= 3600.0:
                raise InvalidValueError(name, getattr(self, name), "must be 0-3600 seconds")
        if abs(self.skew) > 1e9:
            raise InvalidValueError("skew", self.skew, "must be within a thousand million seconds")
        if self.refuse is not None and not 1 <= self.refuse <= 255:
            raise InvalidValueError("refuse", self.refuse, "must be a result code 1-255 (GD/J 089-2018 table D.12)")

    @property
    def reachable(self) -> bool:
        """Whether a broadcast can be answered at all: not silent, off, refusing, or deaf."""
        return not (self.silent or self.off or self.refuse is not None or self.loss >= 1.0)

    @property
    def bends_line(self) -> bool:
        """Whether bytes that leave are changed, cut or held."""
        return bool(self.delay or self.jitter or self.split or self.merge or self.garbage or self.corrupt)

    def changed(self, wanted: Mapping[str, object]) -> Faults:
        """Return these faults with the named ones changed; raise InvalidValueError naming an unknown or wrong one."""
        return replace(self, **{name: _checked(name, value) for name, value in wanted.items()})  # type: ignore[arg-type]


HEALTHY: Final = Faults()
_KINDS: Final = {field.name: type(getattr(HEALTHY, field.name)) for field in fields(Faults)}


def _checked(name: str, value: object) -> object:
    """Bring a value from JSON to the type of its field."""
    if name not in _KINDS:
        raise InvalidValueError("fault", name, f"must be one of {', '.join(_KINDS)}")
    if name == "refuse":
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise InvalidValueError(name, value, "must be a whole number or null")
        return value
    if _KINDS[name] is bool:
        if not isinstance(value, bool):
            raise InvalidValueError(name, value, "must be true or false")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidValueError(name, value, "must be a number")
    return float(value)


def shape(data: bytes, faults: Faults, dice: Dice, *, checksum_too: bool = True) -> list[bytes]:
    """Return the segments in which ``data``, one frame, leaves a line with these faults."""
    if checksum_too and dice.hits(faults.corrupt):
        data = data[:-1] + bytes((data[-1] ^ (1 + dice.below(255)),))
    if dice.hits(faults.garbage):
        data = dice.data(1 + dice.below(64)) + data
    if not dice.hits(faults.split):
        return [data]
    segments: list[bytes] = []
    while data:
        size = 1 + dice.below(max(1, len(data) // 2))
        segments.append(data[:size])
        data = data[size:]
    return segments
