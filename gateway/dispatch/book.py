"""The book of one message 播发台账: a message rebuilt from its stored orders, attempts and receipts.

Used after a restart, and to show messages that left memory long ago: both see exactly what the store holds.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection

from gateway.dispatch.live import INTENDED, LiveMessage, LiveOrder, LogEntry, Phase, Sent, Stopped
from gateway.dispatch.receipts import POWERED_UP, STOP_ACKNOWLEDGED
from gateway.domain.codes import AreaCode, EbmId
from gateway.domain.events import EventType
from gateway.domain.ladder import EvidenceKind, Standing, StopRung
from gateway.domain.message import Command, EbmClass, Manner, Message, MessageState
from gateway.domain.orders import Attempt, Order, Receipt
from gateway.domain.plans import Scheme
from gateway.domain.receiver import Route
from gateway.domain.warning import Severity
from gateway.store import queries
from gateway.store.packing import unpack_ids
from gateway.store.rows import MessageRow

_PHASE_OF = {
    EvidenceKind.ACKNOWLEDGED.value: Phase.HELD,
    EvidenceKind.PLAYING.value: Phase.PLAYING,
    EvidenceKind.TASK_ENDED.value: Phase.PLAYING,
    EvidenceKind.PLAYED.value: Phase.DONE,
    EvidenceKind.FAILED.value: Phase.DONE,
}


def message_of(row: MessageRow) -> Message:
    """The message as it was accepted."""
    return Message(
        ebm_id=EbmId(row.ebm_id),
        warning_id=row.warning_id,
        ebm_class=EbmClass(row.ebm_class),
        severity=Severity(row.severity),
        event=EventType(row.event),
        volume=row.volume,
        start=datetime.fromtimestamp(row.start_at, UTC),
        end=datetime.fromtimestamp(row.end_at, UTC),
        programme_url=row.programme_url,
        areas=tuple(map(AreaCode, row.areas)),
        headline=row.headline,
        text=row.text,
        language=row.language,
        manner=Manner(row.manner),
        recording=row.recording or "",
    )


def live_of(row: MessageRow) -> LiveMessage:
    """The message without its evidence."""
    return LiveMessage(
        message=message_of(row),
        state=MessageState(row.state),
        state_at=row.state_at,
        state_reason=row.state_reason,
        terminals=unpack_ids(row.terminals),
        population=int(row.targets.get("population", 0)),
        accepted_at=row.accepted_at,
        activated_at=row.activated_at,
        ended_at=row.ended_at,
        supersedes=row.supersedes,
        scheme=Scheme.from_facts(cast("Mapping[str, Any] | None", row.scheme)),
    )


def read_book(connection: Connection, row: MessageRow) -> tuple[LiveMessage, list[LiveOrder]]:
    """A message with everything stored about it."""
    orders = queries.orders_of(connection, [row.ebm_id])
    attempts = queries.attempts_of(connection, [order.id for order in orders])
    return rebuild(row, orders, attempts, queries.receipts_of(connection, row.ebm_id))


def rebuild(
    row: MessageRow, orders: Sequence[Order], attempts: Iterable[Attempt], receipts: Iterable[Receipt]
) -> tuple[LiveMessage, list[LiveOrder]]:
    """Fold the stored rows into the live form.

    A terminal named by a committed start order may hold it even where no attempt was stored: the process may have died
    between writing the frame and storing that it did.
    """
    live = live_of(row)
    known: dict[int, LiveOrder] = {}
    entries: list[tuple[float, LogEntry]] = []
    counted: set[tuple[int, int]] = set()
    for stored in orders:
        command = Command(stored.command)
        if command is Command.START:
            live.start_orders += 1
        terminals = unpack_ids(stored.terminals)
        order = LiveOrder(stored.session, live, command, stored.profile, b"", 0.0, live.start_orders)
        order.named.update(terminals)
        known[stored.id] = order
        if command is Command.START:
            _may_hold(live, terminals)
        elif command is Command.STOP:
            news = live.want_stop(terminals)
            # A stop from before its end is a part of it that was silenced.
            if news and (live.ended_at is None or stored.created_at < live.ended_at):
                entries.append((stored.created_at, Stopped(stored.created_at, array("I", news))))
    for attempt in attempts:
        order = known[attempt.order_id]
        terminals = unpack_ids(attempt.terminals)
        if attempt.route == INTENDED:
            order.named.update(terminals)
            _may_hold(live, terminals)
            continue
        entries.append((attempt.at, _sent(attempt, order, terminals)))
        _apply_attempt(live, order, terminals, counted)
    for receipt in receipts:
        entries.append((receipt.received_at, receipt))
        _apply_receipt(live, receipt)
    entries.sort(key=lambda pair: pair[0])
    live.log.extend(entry for _, entry in entries)
    if live.state in (MessageState.CANCELLED, MessageState.SUPERSEDED):
        live.want_stop(live.may_hold())
    return live, list(known.values())


def _sent(attempt: Attempt, order: LiveOrder, terminals: array[int]) -> Sent:
    return Sent(attempt.at, order.session, order.ordinal, order.command, Route.parse(attempt.route), terminals)


def _may_hold(live: LiveMessage, terminals: Iterable[int]) -> None:
    for terminal in terminals:
        position = live.index.get(terminal)
        if position is not None and live.phase[position] == Phase.IDLE:
            live.phase[position] = Phase.WAITING


def _apply_attempt(live: LiveMessage, order: LiveOrder, terminals: array[int], counted: set[tuple[int, int]]) -> None:
    starting = order.command is Command.START
    sessions = live.sessions if starting else live.stop_sessions
    if starting:
        _may_hold(live, terminals)
    for terminal in terminals:
        position = live.index.get(terminal)
        if position is None:
            continue
        if (order.session, terminal) not in counted:
            counted.add((order.session, terminal))
            sessions[position] = min(255, sessions[position] + 1)
        if not starting and live.stop[position] < StopRung.SENT:
            live.stop[position] = StopRung.SENT


def _apply_receipt(live: LiveMessage, receipt: Receipt) -> None:
    if receipt.terminal_id is None:
        return
    position = live.index.get(receipt.terminal_id)
    if position is None:
        return
    phase = _PHASE_OF.get(receipt.kind)
    if phase is not None:
        if phase is Phase.HELD or receipt.standing == Standing.PROVEN:
            live.rise(receipt.terminal_id, phase)
    elif receipt.kind == POWERED_UP:
        live.forget(receipt.terminal_id)
    elif receipt.kind == STOP_ACKNOWLEDGED:
        live.stop[position] = StopRung.ACKNOWLEDGED
    elif receipt.kind == EvidenceKind.REFUSED.value:
        live.refuse(receipt.terminal_id)
    elif receipt.kind == EvidenceKind.SILENT.value:
        live.give_up(receipt.terminal_id)
