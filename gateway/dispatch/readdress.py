"""Areas from a person 区域确认: a message whose words were not wholly understood is told whom it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.given import concerned
from gateway.dispatch.lifecycle import AREAS_OPEN
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.planner import called, settled_by_person
from gateway.dispatch.state import State
from gateway.dispatch.ways import Ways
from gateway.domain.approval import Weighed
from gateway.domain.areas import without_nested
from gateway.domain.codes import AreaCode
from gateway.domain.message import MessageState
from gateway.domain.plans import Case, Scheme
from gateway.domain.warning import Status
from gateway.errors import StateConflictError
from gateway.store import queries
from gateway.store.packing import pack_ids
from gateway.store.rows import AuditRow, MessageAreasRow


async def readdress(state: State, live: LiveMessage, areas: Sequence[AreaCode], actor: str, reason: str) -> None:
    """Commit that a waiting message is for ``areas`` and for nothing else; it still waits for its approval.

    The plan is chosen anew, since plans go by area, and its air time with it, as far as the warning is valid.
    Errors: StateConflictError where it waits no more.
    """
    async with live.turn:
        if live.state is not MessageState.AWAITING_APPROVAL or live.ending:
            raise StateConflictError(f"message is {live.state.value}, not awaiting_approval: its areas are settled")
        kept = without_nested(areas)
        population = sum(state.gazetteer.population(area) for area in kept)
        until = live.scheme.valid_until
        scheme = replace(await _scheme(state, live, kept, population), valid_until=until)
        scheme, inside = called(scheme, state.registry, concerned(state.registry, kept, None))
        message = replace(live.message, areas=kept)
        if scheme.volume is not None:
            message = replace(message, volume=scheme.volume)
        if scheme.air_seconds is not None:
            end = message.start + timedelta(seconds=scheme.air_seconds)
            message = replace(message, end=min(end, until or message.end))
        now = state.clock()
        await state.store.write(
            MessageAreasRow(
                live.ebm_id,
                {"areas": len(kept), "terminals": len(inside), "population": population},
                pack_ids(inside),
                tuple(map(str, kept)),
                message.volume,
                message.end.timestamp(),
                scheme.facts(),
            ),
            AuditRow(now, actor, "areas", live.ebm_id, {"areas": list(map(str, kept)), "reason": reason}),
        )
        live.address(message, inside, population, scheme, Ways.of(state.registry, inside, scheme))
    state.alarms.clear(AREAS_OPEN, live.ebm_id)
    if inside:
        state.alarms.clear("no_terminals", live.ebm_id)
    else:
        words = f"{message.headline}: 区域内没有在用终端 no terminal in the area"
        state.alarms.raise_("no_terminals", live.ebm_id, words, AlarmLevel.WARNING)


async def _scheme(state: State, live: LiveMessage, areas: tuple[AreaCode, ...], population: int) -> Scheme:
    message = live.message
    row = await state.store.read(queries.warning_by_id, message.warning_id)
    publisher, status = (row.publisher, Status(row.status)) if row is not None else ("", Status.ACTUAL)
    key_asks = "key" in live.scheme.ruling.reasons
    case = Case(message.event, message.severity, areas, status, publisher)
    weighed = Weighed(publisher, message.severity, status, population, len(areas), key_asks)
    scheme = state.planner.scheme(case, message.ebm_class, weighed)
    return replace(scheme, ruling=settled_by_person(scheme.ruling))
