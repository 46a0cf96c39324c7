"""Claims 转报: what an adapter or platform says of the terminals behind it; evidence of class claimed, never more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.devices.events import Known, Origin
from gateway.dispatch.receipts import ANSWERED
from gateway.dispatch.state import State
from gateway.domain.ladder import EvidenceKind, Standing
from gateway.domain.message import Command
from gateway.domain.orders import Receipt

#: An adapter says yes to a stop; what is behind it may play on, so this never passes for the terminal's own yes.
STOP_CLAIMED: Final = "stop_claimed"


class Claims:
    """Keeps the word of another (``devices.bearer.BearerEvents.claimed``)."""

    def __init__(self, state: State) -> None:
        self._state = state

    def claimed(
        self,
        kind: EvidenceKind,
        ebm_id: str,
        terminals: Sequence[Known],
        *,
        origin: Origin,
        code: int,
        protocol: str,
        service_type: int,
        raw: bytes,
        order: int | None = None,
    ) -> int:
        """One receipt for each terminal; returns the number of the last, 0 for none."""
        state = self._state
        live = state.messages.get(ebm_id)
        known_order = state.orders.get(order) if order is not None else None
        attempt = known_order.ordinal if known_order else live.start_orders if live else 0
        late = 0 if live is not None and not live.state.is_over else 1
        counts = state.counters.reports_by_kind
        word = _word(kind, known_order.command if known_order else Command.START)
        counts[word] = counts.get(word, 0) + len(terminals)
        seq = 0
        for known in terminals:
            seq = state.store.next_receipt()
            state.store.add_receipt(
                Receipt(
                    state.store.node,
                    seq,
                    state.clock(),
                    known.id,
                    known.source,
                    ebm_id[:35] or None,
                    order,
                    word,
                    attempt,
                    code,
                    int(Standing.CLAIMED),
                    origin.word,
                    late,
                    protocol,
                    service_type,
                    raw,
                    origin.peer,
                )
            )
        return seq


def _word(kind: EvidenceKind, command: Command) -> str:
    """What a claim is kept as: an answer to a stop or a setting says nothing of how far a start came."""
    if command is Command.START or kind not in (EvidenceKind.ACKNOWLEDGED, EvidenceKind.REFUSED):
        return kind.value
    return STOP_CLAIMED if command is Command.STOP and kind is EvidenceKind.ACKNOWLEDGED else ANSWERED
