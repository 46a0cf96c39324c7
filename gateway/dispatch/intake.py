"""Intake 接收: a warning becomes a message, an update or a cancel; on disk before its publisher hears 202."""

from __future__ import annotations

import asyncio
import secrets
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.content import content_of, sent_text
from gateway.dispatch.given import concerned
from gateway.dispatch.lifecycle import AREAS_OPEN, Lifecycle, Work
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.planner import called, is_prepared, scheme_for
from gateway.dispatch.state import State
from gateway.dispatch.submission import Acceptance, Facts, Submission, Targets
from gateway.dispatch.ways import Ways
from gateway.domain.codes import EbmId
from gateway.domain.message import Manner, Message, MessageState
from gateway.domain.plans import Scheme
from gateway.domain.warning import Notice, Reference, WarningKind
from gateway.domain.zone import BEIJING
from gateway.errors import RightsError, RowRefused, StateConflictError, Violation, WarningConflict, WarningInvalid
from gateway.store import queries
from gateway.store.packing import pack_ids
from gateway.store.rows import AuditRow, MessageRow, Row, WarningRow

log = structlog.get_logger(__name__)

#: Identities remembered, so that a publisher that repeats itself costs no number of a message each time.
_SEEN = 50_000
REFERENCE_OVER = Notice("reference_over", "所引用的预警已结束 the warning it updates is over")


@dataclass(slots=True)
class _Turn:
    """One at a time for an identity, and how many want it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


def _warning_id(now: float) -> str:
    """A warning id of ours: the time of its arrival, for people to sort by, and chance."""
    return f"{datetime.fromtimestamp(now, BEIJING):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"


def _steered(submission: Submission, facts: Facts, scheme: Scheme, start: datetime) -> tuple[datetime, int | None]:
    """End of air time and volume: a superior's word, then the scheme's, then what the warning and the settings say."""
    volume = scheme.volume if facts.volume is None else facts.volume
    if scheme.air_seconds is None or facts.given is not None or not is_prepared(facts):
        return facts.end, volume
    end = start + timedelta(seconds=scheme.air_seconds)
    expires = submission.warning.expires
    return (end if expires is None else min(end, expires)), volume


class Intake:
    """Takes warnings in, one at a time for each identity."""

    def __init__(self, state: State, lifecycle: Lifecycle) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._turns: dict[tuple[str, str, str], _Turn] = {}
        #: warnings that change or end others go one at a time: two updates of one warning must see each other
        self._changes = asyncio.Lock()
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    async def accept(self, submission: Submission, facts: Facts | None, notices: Iterable[Notice] = ()) -> Acceptance:
        """Commit a warning and what it starts or ends.

        ``facts`` may be None for a cancel only. The same warning again gives the same ids and the present state.
        Errors: WarningConflict (same identity, other content), WarningInvalid (cancel of an unknown reference),
        RightsError (it names somebody else's warning).
        """
        identity = submission.warning.identity
        key = (identity.sender, identity.identifier, sent_text(identity.sent))
        turn = self._turns.setdefault(key, _Turn())
        turn.users += 1
        try:
            async with turn.lock, self._changes if submission.warning.references else nullcontext():
                content = content_of(submission.warning)
                news = not submission.warning.references and key not in self._seen
                self._remember(key)
                if not news and (known := await self._known(key)) is not None:
                    return await self._again(known, content)
                self._state.counters.warnings += 1
                if submission.warning.kind is WarningKind.CANCEL:
                    return await self._cancel(submission, content, tuple(notices))
                if facts is None:
                    raise WarningInvalid(Violation("/", "nothing_to_broadcast", "没有可播内容 nothing to broadcast"))
                if not news:
                    return await self._new(submission, facts, content, list(notices))
                try:
                    return await self._new(submission, facts, content, list(notices))
                except RowRefused:
                    # It came before this process began.
                    if (known := await self._known(key)) is None:
                        raise
                    return await self._again(known, content)
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[key]

    async def _known(self, key: tuple[str, str, str]) -> WarningRow | None:
        return await self._state.store.read(queries.warning_by_identity, *key)

    def _remember(self, key: tuple[str, str, str]) -> None:
        """Identities seen lately are looked up before anything is made of them, others are refused by the store."""
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > _SEEN:
            self._seen.popitem(last=False)

    # -- the same again

    async def _again(self, known: WarningRow, content: str) -> Acceptance:
        if known.content != content:
            raise WarningConflict(
                Violation(
                    "/",
                    "identity_conflict",
                    "相同标识（发布者、编号、时间）已有不同内容 the same identity came before with other content",
                )
            )
        state, targets = None, Targets(0, 0, 0)
        if known.ebm_id is not None:
            live = self._state.messages.get(known.ebm_id)
            row = await self._state.store.read(queries.message_by_id, known.ebm_id)
            if row is not None:
                targets = Targets.of(row)
                state = live.state if live is not None else MessageState(row.state)
        stored = known.notices if isinstance(known.notices, list) else []
        return Acceptance(
            known.id,
            EbmId(known.ebm_id) if known.ebm_id else None,
            state,
            targets,
            tuple(Notice(str(code), str(text)) for code, text in stored),
            created=False,
        )

    # -- a new one

    async def _new(self, submission: Submission, facts: Facts, content: str, notices: list[Notice]) -> Acceptance:
        state = self._state
        now = state.clock()
        old = await self._referenced_for_update(submission, notices)
        given = None if facts.given is None else facts.given.ebm_id
        ebm_id = given or await state.numbers.take(datetime.fromtimestamp(now, BEIJING))
        live, targets = self._message(submission, facts, ebm_id, now, old)
        if not submission.areas_open and not targets.terminals:
            notices.append(Notice("no_terminals", "区域内没有在用终端 no terminal in service in the area"))
        if left_out := live.scheme.left_out:
            text = f"预案 plan {live.scheme.plan}: {left_out} 个终端没有预案所列链路 terminals have none of its routes"
            notices.append(Notice("plan_leaves_out", text))
        stops = Work([], [])
        starts = Work([], [])
        try:
            if live.state is MessageState.ACTIVE:
                starts = await self._lifecycle.starts(live)
        except Exception as error:
            # Whatever goes wrong with the orders, the warning itself is kept and tried again from there.
            log.error("plan failed", message_id=ebm_id, error=str(error), exc_info=error)
            state.alarms.raise_("plan_failed", ebm_id, str(error), AlarmLevel.CRITICAL)
            live.state, live.activated_at, starts = MessageState.ACCEPTED, None, Work([], [])
        if old is not None and (old.ending or old.state.is_over):
            # It ended while the orders were made.
            notices.append(REFERENCE_OVER)
            old = live.supersedes = None
        rows: list[Row] = [
            self._warning_row(submission, live.message.warning_id, content, now, notices, ebm_id),
            self._message_row(live, facts, targets, submission),
            *starts.rows,
        ]
        if old is not None and live.state is not MessageState.AWAITING_APPROVAL:
            stops, _ = await self._lifecycle.end_early(
                old, MessageState.SUPERSEDED, submission.publisher, f"superseded by {ebm_id}", *rows
            )
        else:
            await state.store.write(*rows)
        state.counters.messages += 1
        if submission.areas_open:
            words = f"{facts.headline}: 区域须由人确认 a person must say which areas are meant"
            state.alarms.raise_(AREAS_OPEN, ebm_id, words, AlarmLevel.CRITICAL)
        elif not targets.terminals:
            state.alarms.raise_("no_terminals", ebm_id, f"{facts.headline}: 区域内没有在用终端 no terminal in the area")
        self._lifecycle.enter(live)
        self._lifecycle.launch(live, starts, before=stops, since=submission.since, old=old)
        log.info("warning accepted", message_id=ebm_id, state=live.state.value, terminals=targets.terminals)
        return Acceptance(live.message.warning_id, ebm_id, live.state, targets, tuple(notices), created=True)

    def _message(
        self, submission: Submission, facts: Facts, ebm_id: EbmId, now: float, old: LiveMessage | None
    ) -> tuple[LiveMessage, Targets]:
        state = self._state
        policy = state.policy
        start = max(facts.start, datetime.fromtimestamp(now, UTC).replace(microsecond=0))
        population = sum(state.gazetteer.population(area) for area in facts.areas)
        scheme = scheme_for(state.planner, submission, facts, population)
        scheme, inside = called(scheme, state.registry, concerned(state.registry, facts.areas, facts.given))
        end, volume = _steered(submission, facts, scheme, start)
        message = Message(
            ebm_id=ebm_id,
            warning_id=_warning_id(now),
            ebm_class=facts.ebm_class,
            severity=facts.severity,
            event=facts.event,
            volume=policy.volume if volume is None else volume,
            start=start,
            end=max(end, start + timedelta(seconds=1)),
            programme_url=facts.programme_url or state.sound.address(ebm_id) or policy.programme_url,
            areas=facts.areas,
            headline=facts.headline,
            text=facts.text,
            language=facts.language,
            manner=Manner.STREAM if facts.programme_url else facts.manner,
            recording=facts.recording,
        )
        terminals = array("I", inside)
        if scheme.ruling.needed:
            begun = MessageState.AWAITING_APPROVAL
        elif start.timestamp() - policy.send_ahead > now:
            begun = MessageState.ACCEPTED
        else:
            begun = MessageState.ACTIVE
        live = LiveMessage(
            message=message,
            state=begun,
            state_at=now,
            state_reason="",
            terminals=terminals,
            population=population,
            accepted_at=now,
            activated_at=now if begun is MessageState.ACTIVE else None,
            supersedes=old.ebm_id if old is not None else None,
            scheme=scheme,
            ways=Ways.of(state.registry, terminals, scheme),
        )
        return live, Targets(len(facts.areas), len(terminals), population)

    # -- references

    async def _referenced(self, references: Iterable[Reference]) -> list[WarningRow]:
        found: dict[str, WarningRow] = {}
        for reference in references:
            for row in await self._state.store.read(queries.warnings_by_identifier, reference.identifier):
                same_sender = reference.sender is None or row.sender == reference.sender
                same_time = reference.sent is None or row.sent == sent_text(reference.sent)
                if same_sender and same_time and row.ebm_id is not None and row.kind != WarningKind.CANCEL.value:
                    found[row.id] = row
        for row in found.values():
            await self._entered(row)
        return sorted(found.values(), key=lambda row: row.received_at)

    async def _entered(self, row: WarningRow) -> None:
        """Wait for a message that is on disk and not yet in memory: whoever ends it must find it there."""
        turn = self._turns.get((row.sender, row.identifier, row.sent))
        # One with references waits for us to let ``_changes`` go: it cannot be on disk.
        if turn is not None and not row.references and row.ebm_id not in self._state.messages:
            async with turn.lock:
                return

    def _newest(self, row: WarningRow) -> LiveMessage | None:
        """The message of a warning, or the one that took its place since."""
        live = self._state.messages.get(row.ebm_id or "")
        while live is not None and live.state is MessageState.SUPERSEDED:
            heir = next((m for m in self._state.messages.values() if m.supersedes == live.ebm_id), None)
            if heir is None:
                break
            live = heir
        return live

    async def _referenced_for_update(self, submission: Submission, notices: list[Notice]) -> LiveMessage | None:
        if submission.warning.kind is not WarningKind.UPDATE:
            return None
        rows = await self._referenced(submission.warning.references)
        if not rows:
            notices.append(
                Notice(
                    "unknown_reference",
                    "更新所引用的预警未知，按新预警处理 update of an unknown reference, taken as new",
                )
            )
            return None
        self._may_touch(submission, rows)
        live = self._newest(rows[-1])
        if live is None or live.state.is_over or live.ending:
            notices.append(REFERENCE_OVER)
            return None
        return live

    @staticmethod
    def _may_touch(submission: Submission, rows: Iterable[WarningRow]) -> None:
        """Only the publisher of a warning, or an operator, may change or end it."""
        for row in rows:
            if row.publisher != submission.publisher and not submission.operator:
                raise RightsError(
                    "reference",
                    f"所引用的预警 {row.identifier} 属于其他发布者 / it was published by somebody else",
                )

    async def _cancel(self, submission: Submission, content: str, notices: tuple[Notice, ...]) -> Acceptance:
        rows = await self._referenced(submission.warning.references)
        if not rows:
            raise WarningInvalid(
                Violation(
                    "/references",
                    "unknown_reference",
                    "解除所引用的预警未知 the warning to cancel is not known: "
                    + ", ".join(reference.identifier for reference in submission.warning.references),
                )
            )
        self._may_touch(submission, rows)
        now = self._state.clock()
        ebm_id = rows[-1].ebm_id
        assert ebm_id is not None
        warning_id = _warning_id(now)
        targets = {live.ebm_id: live for row in rows if (live := self._newest(row)) is not None}
        open_ones = [live for live in targets.values() if not live.state.is_over and not live.ending]
        own = self._warning_row(submission, warning_id, content, now, list(notices), ebm_id)
        more: tuple[Row, ...] = (own,)
        reason = f"cancelled by {submission.warning.identity.identifier}"
        for live in open_ones:
            # With the last one: if any fails before it, the publisher tries again and finds the rest still to be done.
            last = more if live is open_ones[-1] else ()
            try:
                await self._lifecycle.cancel(live, submission.publisher, reason, *last)
            except StateConflictError:
                continue  # it ended meanwhile
            more = () if last else more
        if more:
            notices = (*notices, Notice("already_over", "该预警已结束 the warning was over already"))
            await self._state.store.write(own, AuditRow(now, submission.publisher, "cancel", ebm_id, reason))
        row = await self._state.store.read(queries.message_by_id, ebm_id)
        return Acceptance(
            warning_id,
            EbmId(ebm_id),
            MessageState(row.state) if row is not None else None,
            Targets.of(row),
            notices,
            created=True,
        )

    # -- rows

    @staticmethod
    def _warning_row(
        submission: Submission, warning_id: str, content: str, now: float, notices: list[Notice], ebm_id: str
    ) -> WarningRow:
        warning = submission.warning
        return WarningRow(
            id=warning_id,
            sender=warning.identity.sender,
            identifier=warning.identity.identifier,
            sent=sent_text(warning.identity.sent),
            publisher=submission.publisher,
            received_at=now,
            media_type=submission.media_type,
            body=submission.body,
            content=content,
            kind=warning.kind.value,
            status=warning.status.value,
            ebm_id=str(ebm_id),
            notices=[[notice.code, notice.message] for notice in notices],
            references=[reference.identifier for reference in warning.references],
            area_text=submission.area_text,
        )

    @staticmethod
    def _message_row(live: LiveMessage, facts: Facts, targets: Targets, submission: Submission) -> MessageRow:
        message = live.message
        return MessageRow(
            ebm_id=live.ebm_id,
            warning_id=message.warning_id,
            state=live.state.value,
            state_at=live.state_at,
            ebm_class=int(message.ebm_class),
            severity=int(message.severity),
            severity_received=int(submission.warning.severity),
            event=str(message.event),
            volume=message.volume,
            start_at=message.start.timestamp(),
            end_at=message.end.timestamp(),
            programme_url=message.programme_url,
            areas=tuple(map(str, message.areas)),
            headline=message.headline,
            text=message.text,
            targets=asdict(targets),
            terminals=pack_ids(live.terminals),
            accepted_at=live.accepted_at,
            platform_level=int(message.ebm_id[0]),
            actor=submission.publisher,
            activated_at=live.activated_at,
            supersedes=live.supersedes,
            language=message.language,
            manner=message.manner.value,
            recording=message.recording or None,
            scheme=live.scheme.facts(),
        )
