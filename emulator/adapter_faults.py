"""Faults of an adapter 适配器故障: what goes wrong with its answers and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class AdapterFaults:
    """One set of faults; the default is a healthy adapter."""

    #: answers name another EBM id, and another adapter where they name no message.
    other_message: bool = False
    #: the CRC of what it sends is wrong.
    corrupt: bool = False
    #: it signs with a key that nobody was told of, under its own certificate number.
    wrong_key: bool = False
    #: it signs nothing: 74 zero bytes.
    zero_signature: bool = False
    #: it takes connections and commands and says nothing; the connection stays open.
    half_open: bool = False
    #: it hangs up after so many bytes of an answer; None: never.
    cut_after: int | None = None
    #: it does as it is told, hangs up without an answer, and reports nothing.
    silent: bool = False
    #: every start and stop is answered with failure (table A.32) and not obeyed.
    refuse: bool = False

    def __post_init__(self) -> None:
        if self.cut_after is not None and self.cut_after < 0:
            raise InvalidValueError("cut_after", self.cut_after, "must be a number of bytes")


SOUND: Final = AdapterFaults()
#: Names for the command line.
NAMES: Final = ("other_message", "corrupt", "wrong_key", "zero_signature", "half_open", "silent", "refuse")
