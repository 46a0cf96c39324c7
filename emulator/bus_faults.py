"""Faults of a bus 总线故障: what the wire does to bytes, whoever sent them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from gateway.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class BusFaults:
    """The default is a healthy bus. Probabilities are for each answer."""

    #: the far end hears its own bytes.
    echo: bool = False
    #: 1-16 random bytes stand before an answer.
    noise: float = 0.0
    #: another terminal answers at the same time.
    collide: float = 0.0
    #: an answer stops in its middle.
    half: float = 0.0

    def __post_init__(self) -> None:
        for name in ("noise", "collide", "half"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InvalidValueError(name, getattr(self, name), "must be a probability 0-1")

    def changed(self, wanted: Mapping[str, object]) -> BusFaults:
        """Return these faults with the named ones changed; raise InvalidValueError naming an unknown or wrong one."""
        for name, value in wanted.items():
            if name not in _NAMES:
                raise InvalidValueError("fault", name, f"must be one of {', '.join(_NAMES)}")
            if name == "echo" and not isinstance(value, bool):
                raise InvalidValueError(name, value, "must be true or false")
            if name != "echo" and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise InvalidValueError(name, value, "must be a number")
        return replace(self, **wanted)  # type: ignore[arg-type]


_NAMES: Final = tuple(field.name for field in fields(BusFaults))
