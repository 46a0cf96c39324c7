"""Trying again 补发: a person has a message brought once more to terminals of which nothing good was heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.dispatch.carriers import Carriers
from gateway.dispatch.live import LiveMessage, Phase
from gateway.dispatch.sender import Sender
from gateway.dispatch.state import State
from gateway.errors import StateConflictError
from gateway.store.rows import AuditRow

#: Whoever holds the start, plays or has played needs no other.
_HELD = (Phase.HELD, Phase.PLAYING, Phase.DONE)


@dataclass(frozen=True, slots=True)
class Retried:
    """Terminals that the start was sent to anew: over their own connection, over a link; and those out of reach now.

    The last get it as soon as they connect.
    """

    connected: int
    links: int
    waiting: int


async def try_again(
    state: State, sender: Sender, carriers: Carriers, live: LiveMessage, terminals: Iterable[int], actor: str
) -> Retried:
    """A new session for each, by another route if there is one. Errors: StateConflictError where it is not on air."""
    if not live.wanted:
        raise StateConflictError(f"message is {live.state.value}, not on air")
    chosen = [t for t in terminals if t in live.index and live.phase[live.index[t]] not in _HELD and live.may_start(t)]
    if not chosen:
        return Retried(0, 0, 0)
    detail = {"terminals": len(chosen)}
    await state.store.write(AuditRow(state.clock(), actor, "retry", live.ebm_id, detail), urgent=True)
    for terminal in chosen:
        position = live.index[terminal]
        if live.phase[position] in (Phase.REFUSED, Phase.SILENT):
            live.phase[position] = Phase.WAITING
    rest = carriers.try_again(live, chosen)
    current = state.links.current
    here = [terminal for terminal in rest if terminal in current and live.needs_start(terminal)]
    await sender.begin_anew(live, here)
    return Retried(len(here), len(chosen) - len(rest), len(rest) - len(here))
