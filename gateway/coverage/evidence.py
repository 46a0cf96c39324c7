"""Evidence 证据 of one message: what dispatch committed (``LiveMessage.log``), folded into a read model.

The ladder itself folds only what was seen on a wire. How an open delivery ends with its message (cancelled, expired) is
told from the message's state when it is shown: so a refusal or a silence stays visible after the end, and late evidence
cannot reopen what is over, whatever order it comes in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from gateway.coverage.figures import Rule
from gateway.coverage.model import CoverageSnapshot, MessageCoverage
from gateway.dispatch.live import LogEntry, Sent
from gateway.dispatch.receipts import STOP_ACKNOWLEDGED
from gateway.domain.ladder import Delivery, Evidence, EvidenceKind, Outcome, Rung, Standing, StopRung
from gateway.domain.message import Command, MessageState
from gateway.domain.orders import Receipt

_KINDS: Final[Mapping[str, EvidenceKind]] = {kind.value: kind for kind in EvidenceKind}
#: Kinds whose code is one of table D.12; a report's own code (1 is success there) must not pass for one.
#: Protocols with result codes of their own.
_OWN_CODES: Final = frozenset({"adapter", "platform"})
_ANSWERS: Final = frozenset({EvidenceKind.ACKNOWLEDGED, EvidenceKind.REFUSED})
_CLOSED_AS: Final[Mapping[MessageState, Outcome]] = {
    MessageState.REJECTED: Outcome.CANCELLED,
    MessageState.CANCELLED: Outcome.CANCELLED,
    MessageState.SUPERSEDED: Outcome.CANCELLED,
    MessageState.ENDED: Outcome.EXPIRED,
    MessageState.EXPIRED: Outcome.EXPIRED,
}
_STOPPING: Final = frozenset({MessageState.CANCELLED, MessageState.SUPERSEDED})
_NEEDS_NO_STOP: Final = frozenset({Outcome.DONE, Outcome.FAILED, Outcome.REFUSED})


def evidence_of(entry: LogEntry) -> Iterator[tuple[int, Evidence]]:
    """Evidence for the ladder in one committed entry, by terminal id; none in entries about stops and queries."""
    if isinstance(entry, Receipt):
        kind = _KINDS.get(entry.kind)
        if kind is not None and entry.terminal_id is not None:
            # Those of others are of GD/J 089-2018 table A.32 or GD/J 083-2018 table 35.
            code = entry.code if kind in _ANSWERS and entry.protocol not in _OWN_CODES else 0
            yield (
                entry.terminal_id,
                Evidence(kind, entry.received_at, entry.attempt, Standing(entry.standing), code, bool(entry.late)),
            )
    elif isinstance(entry, Sent) and entry.command is Command.START:
        standing = Standing.SENT if entry.route.kind.is_one_way else Standing.PROVEN
        piece = Evidence(EvidenceKind.SENT, entry.at, entry.attempt, standing)
        for terminal in entry.terminals:
            yield terminal, piece


class MessageBook:
    """One message as committed evidence shows it: coverage, each delivery's outcome, each stop.

    ``position`` counts the log entries taken so far; feed each once, in order.
    """

    def __init__(self, coverage: MessageCoverage) -> None:
        self.coverage = coverage
        self.position = 0
        self._stops: dict[int, StopRung] = {}

    def feed(self, entries: Sequence[LogEntry]) -> None:
        """Fold further entries of the log."""
        apply = self.coverage.apply
        for entry in entries:
            for terminal, piece in evidence_of(entry):
                apply(terminal, piece)
            self._note_stop(entry)
        self.position += len(entries)

    def _note_stop(self, entry: LogEntry) -> None:
        if isinstance(entry, Receipt):
            if entry.kind == STOP_ACKNOWLEDGED and entry.terminal_id is not None:
                self._stops[entry.terminal_id] = StopRung.ACKNOWLEDGED
            return
        if isinstance(entry, Sent):
            if entry.command is not Command.STOP:
                return
            rung = StopRung.SENT
        else:
            rung = StopRung.PLANNED
        for terminal in entry.terminals:
            if self._stops.get(terminal, StopRung.NONE) < rung:
                self._stops[terminal] = rung

    def delivery(self, terminal: int) -> Delivery:
        """What is known of one terminal."""
        return self.coverage.delivery(terminal) or Delivery()

    def outcome(self, terminal: int, state: MessageState) -> Outcome:
        """How the delivery stands while its message is in ``state``."""
        outcome = self.delivery(terminal).outcome
        if outcome is not Outcome.OPEN:
            return outcome
        if terminal in self._stops:
            return Outcome.CANCELLED
        return _CLOSED_AS.get(state, Outcome.OPEN)

    def stop(self, terminal: int, state: MessageState) -> StopRung:
        """How far its stop came; PLANNED where a message ended early and the terminal may still hold the start."""
        rung = self._stops.get(terminal, StopRung.NONE)
        if rung is StopRung.NONE and state in _STOPPING:
            known = self.delivery(terminal)
            if known.rung >= Rung.SENT and known.outcome not in _NEEDS_NO_STOP:
                return StopRung.PLANNED
        return rung

    def snapshot(self, as_of: float, rule: Rule, state: MessageState) -> CoverageSnapshot:
        """Coverage as known now; ``as_of`` in Unix seconds."""
        found = self.coverage.snapshot(as_of, rule)
        outcomes = dict(found.outcomes)
        folded = map(self.coverage.delivery, self._stops)
        silenced = sum(1 for known in folded if known is not None and known.outcome is Outcome.OPEN)
        outcomes[Outcome.OPEN] -= silenced
        outcomes[Outcome.CANCELLED] += silenced
        closed = _CLOSED_AS.get(state)
        if closed is not None:
            outcomes[closed] += outcomes[Outcome.OPEN]
            outcomes[Outcome.OPEN] = 0
        return replace(found, outcomes=outcomes)
