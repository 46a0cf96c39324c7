"""A superior's start and stop 上级开播与停播: 0x04 becomes a message of this gateway (GD/J 089-2018 table A.12)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import structlog

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.given import Given
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.service import Dispatch
from gateway.dispatch.submission import Acceptance, Facts, Submission
from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.events import UNKNOWN_EVENT, EventType
from gateway.domain.message import EbmClass, Message
from gateway.domain.warning import AreaClaim, Severity, Status, Warning, WarningIdentity, WarningKind, WarningText
from gateway.errors import GatewayError, InvalidValueError, StateConflictError, WarningConflict
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop
from gateway.protocols.ip_bodies import STREAM
from gateway.protocols.time_base import TimeBase, to_unix
from gateway.upstream.front_end.addressed import addressed

log = structlog.get_logger(__name__)

#: Publisher of what a superior starts, in books and audit.
ACTOR: Final = "superior"
MEDIA_TYPE: Final = "application/x-gdj089-2018-adapter"
_STREAM_URL = re.compile(r"(rtp|udp)://\S{1,240}\Z")


class Refusal(GatewayError):
    """Why a command is not obeyed, in words for the superior's operator (Chinese first)."""

    code = "front_end_refused"


class Broadcasts:
    """Starts and stops of one superior; the message keeps its EBM id, and the same id again is the same message."""

    def __init__(self, dispatch: Dispatch, superior: ResourceCode, base: TimeBase) -> None:
        self._dispatch = dispatch
        self._superior = superior
        self._base = base

    async def start(self, body: BroadcastStart, raw: bytes) -> None:
        """Take a start; it is committed when this returns. Errors: Refusal, StoreError, OverloadedError."""
        ebm_id = body.ebm_id.ebm_id
        if ebm_id is None:
            raise Refusal(f"EBM_id 不合法 {body.ebm_id.text} is no message id (GD/J 082-2018 table 2)")
        warned = self._warning(body, ebm_id)
        facts = self._facts(body, ebm_id)
        submission = Submission(warned, raw, MEDIA_TYPE, ACTOR)
        try:
            done: Acceptance = await self._dispatch.accept(submission, facts)
        except InvalidValueError as error:
            raise Refusal(str(error)) from error
        except WarningConflict as error:
            if await self._widened(facts):
                return
            self._dispatch.state.alarms.raise_(
                "superior_conflict",
                ebm_id,
                "上级以同一消息编号下发了不同内容 the superior sent the same id with other content",
                AlarmLevel.CRITICAL,
            )
            raise Refusal("同一消息编号已有不同内容 the same id came before with other content") from error
        if done.state is not None and done.state.is_over:
            raise Refusal(f"该消息已结束 the message is over: {done.state.value}")

    async def _widened(self, facts: Facts) -> bool:
        """Codes beyond 255 come as further commands of one id: all but the codes must be what came before."""
        assert facts.given is not None
        live = self._dispatch.state.messages.get(facts.given.ebm_id or "")
        if live is None or live.state.is_over or live.ending or not _same(facts, live.message):
            return False
        terminals = facts.given.terminals or [e.id for e in self._dispatch.state.registry.in_areas(facts.areas)]
        try:
            count = await self._dispatch.widen(live, terminals, facts.areas, ACTOR)
        except StateConflictError:
            return False  # it ended meanwhile
        log.info("superior names more", message_id=live.ebm_id, terminals=count)
        return True

    async def stop(self, body: BroadcastStop) -> None:
        """Silence the terminals named; what is not known or over is silent already. An id of zeros means all."""
        concerned = addressed(self._dispatch, body.address).ids
        for live in self._meant(body):
            count = await self._dispatch.silence_terminals(live.ebm_id, concerned, ACTOR, "0x04 停播 stop")
            log.info("superior stops", message_id=live.ebm_id, terminals=count)

    def _meant(self, body: BroadcastStop) -> Sequence[LiveMessage]:
        every = not body.ebm_id.text.strip("0")
        return [live for live in self._dispatch.state.messages.values() if every or live.ebm_id == body.ebm_id.text]

    def _facts(self, body: BroadcastStart, ebm_id: EbmId) -> Facts:
        found = addressed(self._dispatch, body.address)
        if not found.terminals:
            raise Refusal("所列编码下没有在用终端 none of the codes means a terminal in service here")
        start, end = to_unix(body.start, self._base), to_unix(body.end, self._base)
        if end <= max(start, self._dispatch.state.clock()):
            raise Refusal(
                f"结束时间已过，请核对时间基准 the end is past, check the time base: {body.end}, {self._base}"
            )
        try:
            ebm_class = EbmClass(body.ebm_class)
        except ValueError:
            raise Refusal(f"广播类型不合法 ebm_class {body.ebm_class} is none of 1-5 (table A.12)") from None
        words = self._words(body)
        return Facts(
            areas=found.areas,
            ebm_class=ebm_class,
            severity=_severity(body),
            event=_event(body),
            start=datetime.fromtimestamp(max(0, start), UTC),
            end=datetime.fromtimestamp(end, UTC),
            headline=words[:60],
            text=words,
            programme_url=_stream(body) or None,
            volume=body.volume,
            given=Given(ebm_id, () if found.areas else found.ids),
        )

    def _warning(self, body: BroadcastStart, ebm_id: EbmId) -> Warning:
        start = datetime.fromtimestamp(max(0, to_unix(body.start, self._base)), UTC)
        drill = body.ebm_class <= EbmClass.REAL_DRILL
        codes = tuple(("GD/J 080", text) for text in body.address.texts if text is not None)
        return Warning(
            identity=WarningIdentity(self._superior, ebm_id, start),
            status=Status.EXERCISE if drill else Status.ACTUAL,
            kind=WarningKind.ALERT,
            scope="Public",
            event=_event(body),
            event_text="",
            severity=_severity(body),
            texts=(WarningText("zh-CN", speech=self._words(body)),),
            claims=(AreaClaim("", codes),),
            effective=start,
            expires=datetime.fromtimestamp(max(0, to_unix(body.end, self._base)), UTC),
        )

    @staticmethod
    def _words(body: BroadcastStart) -> str:
        return "\n".join(one.words(one.text) for one in body.languages if one.text)


def _same(facts: Facts, message: Message) -> bool:
    """Whether a command says of a message what was said before, whoever it is for."""
    return (
        facts.ebm_class is message.ebm_class
        and facts.severity is message.severity
        and facts.event == message.event
        and facts.volume == message.volume
        and facts.text == message.text
        and facts.programme_url in (None, message.programme_url)
        and int(facts.end.timestamp()) == int(message.end.timestamp())
    )


def _severity(body: BroadcastStart) -> Severity:
    return Severity(body.severity) if 1 <= body.severity <= 4 else Severity.UNKNOWN


def _event(body: BroadcastStart) -> EventType:
    try:
        return EventType(body.event)
    except InvalidValueError:
        return UNKNOWN_EVENT


def _stream(body: BroadcastStart) -> str:
    """Where the sound comes from, if the start says so in a form that terminals know."""
    streams = (aux.text for one in body.languages for aux in one.aux if aux.kind == STREAM)
    return next((url for url in streams if _STREAM_URL.match(url)), "")
