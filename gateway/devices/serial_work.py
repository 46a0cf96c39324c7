"""One errand on a serial line 串行线任务: who still owes an answer, who refused, which sessions belong to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.devices.bearer import Carried, Errand
from gateway.devices.events import Known
from gateway.devices.serial_lane import Ticket
from gateway.domain.message import Command
from gateway.protocols.results import Handling, handling


@dataclass(slots=True, eq=False)
class Work:
    """State of an errand from ``carry`` to its end."""

    errand: Errand
    #: terminals that have not answered, by number
    waiting: dict[int, Known] = field(init=False)
    refused: dict[int, int] = field(default_factory=dict)
    sessions: set[int] = field(init=False)
    tickets: set[Ticket] = field(default_factory=set)
    #: terminals that a stop has spared this start
    stopped: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.waiting = {known.id: known for known in self.errand.terminals}
        self.sessions = {self.errand.order}

    @property
    def alone(self) -> Known | None:
        """The one terminal that the errand's own frame asks for an answer: its only target, by its full code."""
        errand = self.errand
        if len(errand.terminals) == 1 and errand.targets == (errand.terminals[0].terminal.code,):
            return errand.terminals[0]
        return None

    def answered(self, terminal: int, result: int) -> None:
        """Take an answer; a frame hurt on its way (13, 15) is polled again."""
        known = self.waiting.get(terminal)
        if known is None:
            return
        match handling(result):
            case Handling.DONE:
                del self.waiting[terminal]
                self.refused.pop(terminal, None)
            case Handling.REPEAT:
                self.refused[terminal] = result
            case _:
                del self.waiting[terminal]
                self.refused[terminal] = result

    def is_start_of(self, other: Errand) -> bool:
        """Whether this starts what ``other``, a stop, is about."""
        mine, theirs = self.errand.message, other.message
        return (
            self.errand.command is Command.START
            and mine is not None
            and theirs is not None
            and mine.ebm_id == theirs.ebm_id
        )

    def spare(self, terminals: tuple[Known, ...]) -> None:
        """These terminals need not start any more."""
        for known in terminals:
            if self.waiting.pop(known.id, None) is not None:
                self.stopped.add(known.id)

    @property
    def is_void(self) -> bool:
        """Whether a stop has spared every terminal its start."""
        return len(self.stopped) == len(self.errand.terminals)

    def outcome(self) -> Carried:
        """What became of it, once bytes were handed over."""
        silent = frozenset(number for number in self.waiting if number not in self.refused)
        return Carried(silent=silent, refused=dict(self.refused))
