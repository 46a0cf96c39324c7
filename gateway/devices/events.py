"""What links tell the layers above, and what they may ask of them: the seam between devices and dispatch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from gateway.domain.ladder import Authenticity, Standing
from gateway.domain.receiver import Profile, Terminal
from gateway.protocols.feedback import FeedbackPacket


@dataclass(frozen=True, slots=True)
class Known:
    """A terminal of the registry as links know it."""

    id: int
    terminal: Terminal
    profile: Profile
    #: its resource code as a plain string: what a receipt keeps, and a subclass of str costs the database a look more
    source: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", str(self.terminal.code))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report came from: ``bound`` is whether the source is tied to the terminal it names."""

    peer: str
    bound: bool
    authenticity: Authenticity
    #: as receipts keep them: the terminal's own bound word or a claim, and what binds it, as a plain string
    standing: int = field(init=False)
    word: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "standing", int(Standing.PROVEN if self.bound else Standing.CLAIMED))
        object.__setattr__(self, "word", self.authenticity.value)


class TerminalEvents(Protocol):
    """What dispatch listens to; every call returns at once."""

    def find(self, code: str) -> Known | None:
        """The registry's terminal with this resource code."""
        ...

    def registered(self, known: Known, *, first: bool) -> int:
        """A terminal is bound to a connection; ``first`` is 首次注册标识 1, power-up.

        Returns the number of the receipt that must be durable before the terminal hears an answer, 0 for none.
        """
        ...

    def lost(self, known: Known) -> None:
        """The last connection of a terminal is gone."""
        ...

    def answered(self, known: Known, session: int, service_type: int, result: int, raw: bytes, origin: Origin) -> int:
        """A general answer came (GD/J 089-2018 table D.10); returns the number of its receipt, 0 for none."""
        ...

    def reported(self, known: Known, packet: FeedbackPacket, raw: bytes, origin: Origin) -> int:
        """A report of appendix E came; returns the number of its receipt, 0 for none."""
        ...

    def committed(self) -> int:
        """Number up to which every receipt is durable."""
        ...

    def ask_alive(self, known: Known) -> None:
        """Query the older connections that claim a terminal, whether they still live."""
        ...

    def stranger(self, source: str, physical: str, peer: str, reason: str) -> None:
        """A device that the registry does not know, or not so, tried to register."""
        ...

    def disputed(self, known: Known, *, on: bool) -> None:
        """Two live connections claim one terminal, or no longer do."""
        ...


@dataclass(slots=True)
class LinkCounters:
    """Plain counts for the metrics; one object for all connections of a hub."""

    connections: int = 0
    frames_in: int = 0
    heartbeats: int = 0
    answers: int = 0
    reports: int = 0
    bytes_skipped: int = 0
    slow_peers_dropped: int = 0
    silent_peers_dropped: int = 0
    faults: dict[str, int] = field(default_factory=dict)

    def fault(self, code: str) -> None:
        """Count one fault by its error code."""
        self.faults[code] = self.faults.get(code, 0) + 1
