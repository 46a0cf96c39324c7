"""Intake 接收: a warning becomes a message, an update or a cancel; on disk before its publisher hears 202."""

from __future__ import annotations

import asyncio
import secrets
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.content import content_of, sent_text
from gateway.dispatch.given import concerned
from gateway.dispatch.kept import message_row, warning_row
from gateway.dispatch.lifecycle import AREAS_OPEN, Lifecycle, Work
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.planner import called, is_prepared, scheme_for
from gateway.dispatch.references import REFERENCE_OVER, References, Turn, may_touch
from gateway.dispatch.state import State
from gateway.dispatch.submission import Acceptance, Facts, Submission, Targets
from gateway.dispatch.ways import Ways
from gateway.domain.codes import EbmId
from gateway.domain.message import Manner, Message, MessageState, marked
from gateway.domain.plans import Scheme, is_planned
from gateway.domain.quiet import Quiet
from gateway.domain.warning import Notice, WarningKind
from gateway.domain.zone import BEIJING
from gateway.errors import RowRefused, StateConflictError, Violation, WarningConflict, WarningInvalid
from gateway.store import queries
from gateway.store.rows import AuditRow, Row, WarningRow

log = structlog.get_logger(__name__)

#: Action in the audit of a warning that was not broadcast again (docs/publishers.md).
SUPPRESSED = "suppressed"
#: How long a warning that says no expiry may wait for its approval.
_WAITS = timedelta(days=1)
#: Identities remembered, so that a publisher that repeats itself costs no number of a message each time.
_SEEN = 50_000


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


def _valid_until(submission: Submission, facts: Facts, start: datetime, end: datetime) -> datetime:
    """Until when it may wait: a superior's end, else what the warning says, else a day."""
    if facts.given is not None:
        return end
    expires = submission.warning.expires
    return start + _WAITS if expires is None else max(end, expires)


def _quiet(state: State, submission: Submission, facts: Facts, start: datetime) -> Quiet | None:
    """What quiet hours do with it. They have no say in what a superior orders, nor in daily broadcasts."""
    rule = state.planner.quiet
    if rule is None or facts.given is not None or facts.instant or not is_prepared(facts):
        return None
    if not is_planned(facts.ebm_class):
        return None
    return rule.decide(facts.severity, start, submission.warning.expires)


def _noted(done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("suppression not kept", error=str(error))


class Intake:
    """Takes warnings in, one at a time for each identity."""

    def __init__(self, state: State, lifecycle: Lifecycle) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._turns: dict[tuple[str, str, str], Turn] = {}
        #: warnings that change or end others go one at a time: two updates of one warning must see each other
        self._changes = asyncio.Lock()
        self._references = References(state, self._turns)
        self._seen: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    async def accept(self, submission: Submission, facts: Facts | None, notices: Iterable[Notice] = ()) -> Acceptance:
        """Commit a warning and what it starts or ends.

        ``facts`` may be None for a cancel only. The same warning again gives the same ids and the present state.
        Errors: WarningConflict (same identity, other content), WarningInvalid (cancel of an unknown reference),
        RightsError (it names somebody else's warning).
        """
        identity = submission.warning.identity
        key = (identity.sender, identity.identifier, sent_text(identity.sent))
        turn = self._turns.setdefault(key, Turn())
        turn.users += 1
        try:
            async with turn.lock, self._changes if submission.warning.references else nullcontext():
                content = content_of(submission.warning)
                news = not submission.warning.references and key not in self._seen
                self._remember(key)
                if not news and (known := await self._known(key)) is not None:
                    return await self._again(known, content, submission)
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
                    return await self._again(known, content, submission)
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

    async def _again(self, known: WarningRow, content: str, submission: Submission) -> Acceptance:
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
        suppressed = AuditRow(
            self._state.clock(),
            submission.publisher,
            SUPPRESSED,
            known.id,
            {"rule": "same_identity", "identifier": known.identifier, "message_id": known.ebm_id},
        )
        self._state.store.submit(suppressed).add_done_callback(_noted)
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
        old = await self._references.for_update(submission, notices)
        given = None if facts.given is None else facts.given.ebm_id
        ebm_id = given or await state.numbers.take(datetime.fromtimestamp(now, BEIJING))
        live, targets = self._message(submission, facts, ebm_id, now, old)
        if submission.areas_open:
            words = f"{facts.headline}: 区域须由人确认 a person must say which areas are meant"
            state.alarms.raise_(AREAS_OPEN, ebm_id, words, AlarmLevel.CRITICAL)
        elif not targets.terminals:
            notices.append(Notice("no_terminals", "区域内没有在用终端 no terminal in service in the area"))
            state.alarms.raise_("no_terminals", ebm_id, f"{facts.headline}: 区域内没有在用终端 no terminal in the area")
        if live.scheme.quiet:
            notices.append(Notice("quiet_hours", live.scheme.quiet))
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
            warning_row(submission, live.message.warning_id, content, now, notices, ebm_id),
            message_row(live, facts, targets, submission),
            *starts.rows,
        ]
        if old is not None and live.state is not MessageState.AWAITING_APPROVAL:
            stops, _ = await self._lifecycle.end_early(
                old, MessageState.SUPERSEDED, submission.publisher, f"superseded by {ebm_id}", *rows
            )
        else:
            try:
                await state.store.write(*rows)
            except RowRefused:
                # It came before: the message that was to be never was.
                for kind in (AREAS_OPEN, "no_terminals"):
                    state.alarms.clear(kind, ebm_id)
                raise
        state.counters.messages += 1
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
        aim = None if facts.given is not None and facts.given.terminals else state.aims.of(facts.areas)
        population = 0 if aim is None else aim.population
        scheme = Scheme() if facts.instant else scheme_for(state.planner, submission, facts, population)
        inside: Sequence[int]
        if aim is not None and not scheme.routes:
            # The registry's own order of routes.
            scheme, inside = replace(scheme, carriers=aim.carriers), aim.terminals
            ways = Ways(aim.routes)
        else:
            scheme, inside = called(scheme, state.registry, concerned(state.registry, facts.areas, facts.given))
            ways = Ways.of(state.registry, inside, scheme)
        end, volume = _steered(submission, facts, scheme, start)
        volume = policy.volume if volume is None else volume
        quiet = _quiet(state, submission, facts, start)
        if quiet is not None:
            scheme = replace(scheme, quiet=quiet.words)
            end += quiet.start - start
            if submission.warning.expires is not None:
                end = min(end, submission.warning.expires)
            start, volume = quiet.start, volume if quiet.volume is None else min(volume, quiet.volume)
        end = max(end, start + timedelta(seconds=1))
        if scheme.ruling.needed:
            scheme = replace(scheme, valid_until=_valid_until(submission, facts, start, end))
        message = Message(
            ebm_id=ebm_id,
            warning_id=_warning_id(now),
            ebm_class=facts.ebm_class,
            severity=facts.severity,
            event=facts.event,
            volume=volume,
            start=start,
            end=end,
            programme_url=facts.programme_url or state.sound.address(ebm_id) or policy.programme_url,
            areas=facts.areas,
            headline=marked(facts.headline) if facts.ebm_class.is_drill else facts.headline,
            text=marked(facts.text) if facts.ebm_class.is_drill else facts.text,
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
            ways=ways,
        )
        return live, Targets(len(facts.areas), len(terminals), population)

    async def _cancel(self, submission: Submission, content: str, notices: tuple[Notice, ...]) -> Acceptance:
        rows = await self._references.named(submission.warning.references)
        if not rows:
            raise WarningInvalid(
                Violation(
                    "/references",
                    "unknown_reference",
                    "解除所引用的预警未知 the warning to cancel is not known: "
                    + ", ".join(reference.identifier for reference in submission.warning.references),
                )
            )
        may_touch(submission, rows)
        now = self._state.clock()
        ebm_id = rows[-1].ebm_id
        assert ebm_id is not None
        warning_id = _warning_id(now)
        targets = {live.ebm_id: live for row in rows if (live := self._references.newest(row)) is not None}
        open_ones = [live for live in targets.values() if not live.state.is_over and not live.ending]
        own = warning_row(submission, warning_id, content, now, list(notices), ebm_id)
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
