"""Receipts 回执: every answer and report becomes a row, a step of pacing, and, once committed, evidence for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.devices.events import Known, Origin
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage, LiveOrder, Phase
from gateway.dispatch.retry import Step
from gateway.dispatch.sender import Sender
from gateway.dispatch.state import State, priority_of
from gateway.domain.ladder import Authenticity, EvidenceKind, Standing, StopRung
from gateway.domain.message import Command, MessageState
from gateway.domain.orders import Receipt
from gateway.protocols.feedback import FeedbackPacket
from gateway.protocols.feedback_bodies import BroadcastResult, FaultReport, QueryAnswer, RecordReport, TaskSwitch
from gateway.protocols.ip_bodies import Heartbeat, ServiceType
from gateway.protocols.results import describe

_HELD: Final = int(Phase.HELD)
_BEFORE_HELD: Final = frozenset(map(int, (Phase.IDLE, Phase.WAITING, Phase.SILENT, Phase.REFUSED)))
_ACTIVE: Final = MessageState.ACTIVE
_STOP: Final = Command.STOP
_OVER: Final = frozenset(state for state in MessageState if state.is_over)
#: Ends that terminals must be told of; after the others they fall silent by themselves.
_STOPPED: Final = frozenset({MessageState.CANCELLED, MessageState.SUPERSEDED})
#: Makes a row without the keyword handling of a NamedTuple's own constructor.
_row: Final = tuple.__new__
_PROVEN: Final = int(Standing.PROVEN)
_ACKNOWLEDGED: Final = EvidenceKind.ACKNOWLEDGED.value
#: Words of our own beside EvidenceKind.
STOP_ACKNOWLEDGED: Final = "stop_acknowledged"
POWERED_UP: Final = "powered_up"
ANSWERED: Final = "answered"
#: State 2 of a heartbeat: working (GD/J 089-2018 table E.6).
_WORKING: Final = 2
_BEGIN: Final = 1


class Receipts:
    """Takes what links hear."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sender: Sender | None = None
        self._node = state.store.node
        self._orders = state.orders
        self._counts = state.counters.answers_by_result
        self._next_seq = state.store.next_receipt
        self._add_receipt = state.store.add_receipt
        self._clock = state.clock
        self._committed_seq = 0
        self.on_committed: Callable[[], None] = lambda: None
        #: told of answers that are about no message, and of values that a query brought
        self.on_answer: Callable[[LiveOrder, Known, int, Origin], None] = lambda *_: None
        self.on_query_answer: Callable[[int, Known, QueryAnswer, Origin], None] = lambda *_: None
        state.store.on_receipts = self._committed

    def attach(self, sender: Sender) -> None:
        """Sender and receipts need each other."""
        self._sender = sender

    @property
    def committed(self) -> int:
        """Number up to which every receipt is durable."""
        return self._committed_seq

    # -- answers of appendix D

    def answered(self, known: Known, session: int, service_type: int, result: int, raw: bytes, origin: Origin) -> int:
        """A general answer (GD/J 089-2018 table D.10); the session alone says what it answers."""
        order = self._orders.get(session)
        counts = self._counts
        counts[result] = counts.get(result, 0) + 1
        if order is None or service_type != order.service_type:
            self._state.counters.answers_unknown_session += 1
            return self._add(known, None, session, ANSWERED, 0, result, raw, origin, "ip", service_type)
        live = order.message
        kind, late = ANSWERED, 0
        if live is not None:
            # A look at an enum's hash costs more than this whole comparison.
            late = 1 if live.state is not _ACTIVE and live.state in _OVER else 0
            if result == 0:
                order.waiting.pop(known.id, None)
                kind = self._agreed(live, order, known.id)
            else:
                kind = self._declined(live, order, known, result)
        else:
            self.on_answer(order, known, result, origin)
        # The commonest receipt by far is built here and not by ``_push``: 4,021 of them within a tenth of a second.
        seq = self._next_seq()
        self._add_receipt(
            _row(
                Receipt,
                (
                    self._node,
                    seq,
                    self._clock(),
                    known.id,
                    known.source,
                    order.ebm_id,
                    session,
                    kind,
                    order.ordinal,
                    result,
                    origin.standing,
                    origin.word,
                    late,
                    "ip",
                    service_type,
                    raw,
                    origin.peer,
                ),
            )
        )
        return seq

    def _agreed(self, live: LiveMessage, order: LiveOrder, terminal: int) -> str:
        position = live.index.get(terminal, -1)
        if order.command is _STOP:
            if position >= 0:
                live.stop[position] = StopRung.ACKNOWLEDGED
            return STOP_ACKNOWLEDGED
        if position >= 0:
            if live.phase[position] in _BEFORE_HELD:
                live.phase[position] = _HELD
            if live.state is not _ACTIVE and live.state in _STOPPED:
                # Its yes may have crossed our stop: only an answered stop ends that.
                self._still_on(live, terminal)
        return _ACKNOWLEDGED

    def _still_on(self, live: LiveMessage, terminal: int) -> None:
        """What was taken off the air is on at a terminal that seemed to need no stop: now it does."""
        if live.want_stop((terminal,)):
            assert self._sender is not None
            self._sender.spawn(self._sender.catch_up(live))

    def _declined(self, live: LiveMessage, order: LiveOrder, known: Known, result: int) -> str:
        state, sender = self._state, self._sender
        assert sender is not None
        used = live.session_count(known.id, order.command)
        awaited = order.waiting.get(known.id)
        step = state.policy.retry.after_answer(result, awaited.tries if awaited else 1, used)
        if step is Step.REPEAT:
            return ANSWERED
        order.waiting.pop(known.id, None)
        if step is Step.RENEW:
            if awaited is not None:
                # Not for a second "busy" to a repeat: one new session is on its way already.
                sender.renew(order, (known.id,), state.policy.retry.pause(used))
            return ANSWERED
        state.counters.given_up += 1
        if order.command is Command.START:
            live.refuse(known.id)
            sender.on_failed(live, known.id)
            state.alarms.raise_("start_refused", live.ebm_id, f"{known.terminal.code}: {result} {describe(result)}")
            return EvidenceKind.REFUSED.value
        state.alarms.raise_(
            "stop_refused",
            live.ebm_id,
            f"{known.terminal.code} {known.terminal.name}: {result} {describe(result)}",
            AlarmLevel.CRITICAL,
        )
        return ANSWERED

    # -- reports of appendix E

    def reported(self, known: Known, packet: FeedbackPacket, raw: bytes, origin: Origin) -> int:
        """A report: task begun or ended, result, heartbeat, fault, status, records."""
        body = packet.body
        if not origin.bound and not isinstance(body, Heartbeat):
            self._state.alarms.raise_(
                "unbound_source",
                known.terminal.code,
                f"回传来源未绑定，只计为声称 report from {origin.peer} is a claim only",
            )
        if isinstance(body, TaskSwitch):
            return self._task(known, body, raw, origin)
        if isinstance(body, BroadcastResult):
            kind = EvidenceKind.PLAYED if body.result == 1 else EvidenceKind.FAILED
            live = self._message(body.ebm_id.ebm_id)
            if live is not None and origin.bound:
                live.rise(known.id, Phase.DONE)
            return self._evidence(
                known, live, body.ebm_id.text, kind.value, body.result, raw, origin, ServiceType.RESULT
            )
        if isinstance(body, Heartbeat):
            return self._working(known, body.state, raw, origin, ServiceType.HEARTBEAT)
        if isinstance(body, FaultReport):
            return self._fault(known, body, raw, origin)
        if isinstance(body, QueryAnswer):
            self.on_query_answer(packet.session, known, body, origin)
            kept = self._add(
                known, None, packet.session, "status", 0, body.result, raw, origin, "feedback", ServiceType.QUERY
            )
            # Said when asked, it is worth what it is worth in a heartbeat.
            return max(kept, self._working(known, body.work_state, raw, origin, ServiceType.QUERY))
        word = "records" if isinstance(body, RecordReport) else "unknown"
        return self._add(known, None, packet.session, word, 0, 0, raw, origin, "feedback", packet.service_type)

    def _task(self, known: Known, body: TaskSwitch, raw: bytes, origin: Origin) -> int:
        live = self._message(body.ebm_id.ebm_id)
        begun = body.switch == _BEGIN
        kind = EvidenceKind.PLAYING if begun else EvidenceKind.TASK_ENDED
        if live is not None and origin.bound:
            # A claim is evidence, but it neither stops our sending nor spares the terminal its stop.
            live.rise(known.id, Phase.PLAYING)
            if begun and live.state in _STOPPED:
                self._still_on(live, known.id)
            if not begun and self._preempted(live, known.id):
                self._evidence(known, live, live.ebm_id, EvidenceKind.PREEMPTED.value, 0, raw, origin, ServiceType.TASK)
        return self._evidence(known, live, body.ebm_id.text, kind.value, 0, raw, origin, ServiceType.TASK)

    def _preempted(self, live: LiveMessage, terminal: int) -> bool:
        """Whether an end came too early while something more urgent was in force there."""
        position = live.index.get(terminal)
        if position is None or not live.wanted or live.stop[position] != StopRung.NONE:
            return False
        if self._state.clock() >= live.message.end.timestamp() - 1:
            return False
        mine = priority_of(live)
        return any(
            other is not live and terminal in other.index and priority_of(other) < mine
            for other in self._state.in_force()
        )

    def _working(self, known: Known, state: int | None, raw: bytes, origin: Origin, service: ServiceType) -> int:
        """State "working" says that a message plays only while no other is in force at that terminal."""
        if state != _WORKING:
            return 0
        here = [
            live
            for live in self._state.messages.values()
            if (position := live.index.get(known.id)) is not None
            and ((live.wanted and live.phase[position] != Phase.IDLE) or live.needs_stop(known.id))
        ]
        # One whose stop is not confirmed may be what it still plays.
        if len(here) != 1 or not here[0].wanted or here[0].phase[here[0].index[known.id]] != Phase.HELD:
            return 0
        live = here[0]
        if origin.bound:
            live.rise(known.id, Phase.PLAYING)
        return self._evidence(known, live, live.ebm_id, EvidenceKind.PLAYING.value, 0, raw, origin, service)

    def _fault(self, known: Known, body: FaultReport, raw: bytes, origin: Origin) -> int:
        if body.flag == _BEGIN:
            self._state.alarms.raise_("terminal_fault", known.terminal.code, f"故障 {body.fault_type}: {body.text}")
        else:
            self._state.alarms.clear("terminal_fault", known.terminal.code)
        return self._add(known, None, None, "fault", 0, body.fault_type, raw, origin, "feedback", ServiceType.FAULT)

    # -- our own findings

    def powered_up(self, known: Known) -> int:
        """A terminal lost its memory, and with it every start it held.

        It says so until it is answered and never again, so a restart of ours in between must not forget it: returns the
        number of the receipt to wait for, 0 when nothing was held.
        """
        seq = 0
        for live in self._state.messages.values():
            if live.state not in _OVER and live.may_forget(known.id):
                seq = self._push(
                    known.id, known.source, live.ebm_id, None, POWERED_UP, live.start_orders, 0, _PROVEN,
                    Authenticity.NONE.value, 0, "ip", int(ServiceType.HEARTBEAT), b"", "",
                )  # fmt: skip
                live.forget(known.id)
        return seq

    def silent(self, live: LiveMessage, terminal: int, attempt: int) -> None:
        """Every try of this attempt stayed without an answer, or there was no connection to try."""
        entry = self._state.registry.get(terminal)
        source = str(entry.terminal.code) if entry else ""
        self._push(
            terminal, source, live.ebm_id, None, EvidenceKind.SILENT.value, attempt, 0, _PROVEN, "", 0, "", 0, b"", ""
        )

    # -- rows

    def _message(self, ebm_id: str | None) -> LiveMessage | None:
        return self._state.messages.get(ebm_id) if ebm_id is not None else None

    def _evidence(
        self,
        known: Known,
        live: LiveMessage | None,
        ebm_id: str,
        kind: str,
        code: int,
        raw: bytes,
        origin: Origin,
        service_type: int,
    ) -> int:
        counts = self._state.counters.reports_by_kind
        counts[kind] = counts.get(kind, 0) + 1
        attempt = live.start_orders if live is not None else 0
        late = 0 if live is not None and not live.state.is_over else 1
        return self._push(
            known.id,
            known.source,
            ebm_id[:35],
            None,
            kind,
            attempt,
            code,
            origin.standing,
            origin.word,
            late,
            "feedback",
            int(service_type),
            raw,
            origin.peer,
        )

    def _add(
        self,
        known: Known,
        live: LiveMessage | None,
        session: int | None,
        kind: str,
        attempt: int,
        code: int,
        raw: bytes,
        origin: Origin,
        protocol: str,
        service_type: int,
    ) -> int:
        late = 1 if live is not None and live.state.is_over else 0
        return self._push(
            known.id,
            known.source,
            live.ebm_id if live is not None else None,
            session,
            kind,
            attempt,
            code,
            origin.standing,
            origin.word,
            late,
            protocol,
            int(service_type),
            raw,
            origin.peer,
        )

    def _push(
        self,
        terminal: int,
        source: str,
        ebm_id: str | None,
        session: int | None,
        kind: str,
        attempt: int,
        code: int,
        standing: int,
        authenticity: str,
        late: int,
        protocol: str,
        service_type: int,
        raw: bytes,
        peer: str,
    ) -> int:
        seq = self._next_seq()
        self._add_receipt(
            Receipt(
                self._node,
                seq,
                self._clock(),
                terminal,
                source,
                ebm_id,
                session,
                kind,
                attempt,
                code,
                standing,
                authenticity,
                late,
                protocol,
                service_type,
                raw,
                peer,
            )
        )
        return seq

    def _committed(self, rows: list[Receipt]) -> None:
        messages = self._state.messages
        for row in rows:
            if row.ebm_id is not None:
                live = messages.get(row.ebm_id)
                if live is not None:
                    live.log.append(row)
        self._committed_seq = max(self._committed_seq, rows[-1].seq)
        self.on_committed()
