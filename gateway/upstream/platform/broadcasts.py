"""Messages of other platforms 应急广播消息: an EBM becomes a message of this gateway, or takes one off the air."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.content import sent_text
from gateway.dispatch.given import Given
from gateway.dispatch.service import Dispatch
from gateway.dispatch.submission import Acceptance, Facts, Submission
from gateway.domain.codes import AreaCode
from gateway.domain.message import Manner
from gateway.domain.peers import BareSound, Peer, PeerRole
from gateway.domain.warning import Notice, Reference, Severity, Status, Warning, WarningIdentity, WarningKind
from gateway.errors import (
    AudioRejected,
    EnvironmentLackingError,
    PackageIncomplete,
    PackageRefused,
    RightsError,
    SoundError,
    StateConflictError,
    WarningConflict,
    WarningInvalid,
)
from gateway.programmes.library import Library
from gateway.protocols.platform.ebm import Auxiliary, Ebm, MsgBasicInfo, MsgContent
from gateway.protocols.platform.ids import MessageId
from gateway.protocols.platform.package import Package
from gateway.store import queries
from gateway.store.rows import StateRow
from gateway.upstream.platform.handling import TAKEN, Arrived, Verdict
from gateway.upstream.platform.reading import (
    areas_of,
    class_of,
    event_of,
    for_whom,
    severity_of,
    sound_of,
    spoken,
    stream_of,
    tag_of,
    warning_of,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/x-gdj083-2018-ebd"
#: 未处理 of BrdStateCode (GD/J 083-2018 table 7): expired on arrival, or not for us.
UNTOUCHED: Final = 0

#: 播发取消 of the same table
CALLED_OFF: Final = 5

#: Hears of a message that is not played: (package, number of the message, BrdStateCode, why).
Left = Callable[[Arrived, MessageId, int, str], Awaitable[None]]


async def _nobody(_arrived: Arrived, _ebm_id: MessageId, _state: int, _words: str) -> None:
    return


def _called_off(peer: Peer, ebm_id: MessageId) -> str:
    """Under which the store keeps that a message was cancelled before it came."""
    return f"platform called off {peer.code} {ebm_id}"


def publisher_of(peer: Peer) -> str:
    """Under which name books and audit know what a peer publishes."""
    return f"platform:{peer.name}"


class Broadcasts:
    """Handles EBM. ``region``: what we serve; ``library``: where programme files go; ``own``: our code to a peer."""

    def __init__(
        self,
        dispatch: Dispatch,
        region: AreaCode,
        library: Library,
        own: Callable[[Peer], str],
        left: Left = _nobody,
    ) -> None:
        self._dispatch = dispatch
        self._region = region
        self._library = library
        self._own = own
        self._left = left

    async def take(self, arrived: Arrived) -> Verdict:
        """Take a message, a drill or a cancel. Errors: PackageError, StoreError, OverloadedError."""
        ebm = arrived.ebd.body
        assert isinstance(ebm, Ebm)
        if arrived.peer.role is PeerRole.STATION:
            raise PackageRefused("role", "台站不得下发消息", "a station sends no messages")
        if ebm.is_cancel:
            return await self._cancel(arrived, ebm)
        basic = ebm.basic
        if basic is None or basic.start is None or basic.end is None or not ebm.contents:
            # 非强制播发 may come without all this (082 table 2); there is nothing to play.
            return await self._leave(arrived, ebm.ebm_id, "消息无可播内容 there is nothing to broadcast")
        if why := for_whom(ebm, self._own(arrived.peer)):
            return await self._leave(arrived, ebm.ebm_id, why)
        areas = areas_of(ebm.contents, self._region)
        if not areas:
            return await self._leave(arrived, ebm.ebm_id, "区域不属于本平台 no area of it is ours")
        if basic.end.timestamp() <= self._dispatch.state.clock() and not await self._known(arrived.peer, ebm):
            return await self._leave(arrived, ebm.ebm_id, "到达时已过结束时间 it is over on arrival")
        if await self._is_called_off(arrived.peer, ebm.ebm_id):
            return await self._leave(arrived, ebm.ebm_id, "已先收到取消 its cancel came before it", CALLED_OFF)
        return await self._play(arrived, ebm, basic, areas)

    async def _leave(self, arrived: Arrived, ebm_id: MessageId, why: str, state: int = UNTOUCHED) -> Verdict:
        log.info("message not played", peer=arrived.peer.name, ebm_id=ebm_id, why=why)
        await self._left(arrived, ebm_id, state, why)
        return Verdict(TAKEN.result, why, ebm_id)

    async def _known(self, peer: Peer, ebm: Ebm) -> bool:
        rows = await self._dispatch.state.store.read(queries.warnings_by_identifier, ebm.ebm_id)
        return any(row.sender == peer.code for row in rows)

    # -- played

    async def _play(self, arrived: Arrived, ebm: Ebm, basic: MsgBasicInfo, areas: tuple[AreaCode, ...]) -> Verdict:
        peer = arrived.peer
        assert basic.start is not None and basic.end is not None
        sent = basic.send_time or basic.start
        await self._refuse_other(peer, ebm, sent)
        content = spoken(ebm.contents)
        facts = Facts(
            areas=areas,
            ebm_class=class_of(basic),
            severity=severity_of(basic),
            event=event_of(basic),
            start=basic.start.astimezone(UTC),
            end=basic.end.astimezone(UTC),
            headline=content.title,
            text=content.text or content.title,
            programme_url=stream_of(content),
            language=tag_of(content),
        )
        facts, notices = await self._with_sound(peer, facts, content, arrived.package)
        if peer.role.commands and ebm.ebm_id.forced:
            facts = replace(facts, given=Given(ebm.ebm_id.ebm_id))
        if len(ebm.contents) > 1:
            others = ", ".join(tag_of(one) for one in ebm.contents if one is not content)
            notices.append(Notice("other_languages", f"其他语种未播 other languages are not played: {others}"))
        submission = Submission(
            warning_of(ebm, basic, peer.code, sent),
            arrived.business,
            MEDIA_TYPE,
            publisher_of(peer),
            # What a superior orders is played; what it leaves to us, or somebody below asks for, a person decides.
            approval=facts.given is None,
            since=arrived.since,
        )
        try:
            done = await self._dispatch.accept(submission, facts, notices)
        except WarningConflict as error:
            raise self._conflict(ebm) from error
        if done.message_id is not None and await self._is_called_off(peer, ebm.ebm_id):
            # Its cancel came while it was taken in.
            with suppress(StateConflictError):
                await self._dispatch.cancel(done.message_id, publisher_of(peer), "取消先到 its cancel came first")
        words = "; ".join([TAKEN.words, *(notice.message for notice in done.notices)])
        return Verdict(TAKEN.result, words, ebm.ebm_id)

    async def _refuse_other(self, peer: Peer, ebm: Ebm, sent: datetime) -> None:
        """A message is told from every other by its EBMID alone (GD/J 079-2018 5.4): another time makes no other."""
        rows = await self._dispatch.state.store.read(queries.warnings_by_identifier, ebm.ebm_id)
        if any(row.sender == peer.code and row.sent != sent_text(sent) for row in rows):
            raise self._conflict(ebm)

    def _conflict(self, ebm: Ebm) -> PackageRefused:
        words = "上级以同一消息编号下发了不同内容 the same EBMID came before with other content"
        self._dispatch.state.alarms.raise_("superior_conflict", ebm.ebm_id, words, AlarmLevel.CRITICAL)
        return PackageRefused("conflict", "同一消息编号已有不同内容", "the same EBMID came before with other content")

    async def _with_sound(
        self, peer: Peer, facts: Facts, content: MsgContent, package: Package
    ) -> tuple[Facts, list[Notice]]:
        """The programme file of the package in place of speech, unless it cannot be played: then the text is."""
        sound = sound_of(content)
        if sound is None or facts.programme_url is not None:
            return facts, []
        if not sound.digest and peer.bare_sound is BareSound.SPEAK:
            words = "节目资源文件无摘要，改播文字 the file has no digest, its text is spoken"
            return facts, [Notice("sound_left_out", words)]
        try:
            name = await self._kept(sound, package)
        except (AudioRejected, EnvironmentLackingError, SoundError) as error:
            if not content.text:
                raise PackageIncomplete("sound", "节目资源文件不可用", str(error)) from error
            words = f"节目资源文件不可用，改播文字 the file cannot be played, its text is spoken: {error}"
            return facts, [Notice("sound_left_out", words)]
        return replace(facts, manner=Manner.RECORDING, recording=name), []

    async def _kept(self, sound: Auxiliary, package: Package) -> str:
        member = package.resource(sound.description)
        assert member is not None
        digest = await asyncio.to_thread(package.digest, member)
        name = f"ebdr-{digest.hex()[:40]}"
        if not any(recorded.name == name for recorded in await asyncio.to_thread(self._library.names)):
            parts = package.parts(member)

            async def chunks() -> AsyncIterator[bytes]:
                while (part := await asyncio.to_thread(next, parts, b"")) != b"":
                    yield part

            await self._library.put(name, chunks())
        return name

    # -- cancelled

    async def _cancel(self, arrived: Arrived, ebm: Ebm) -> Verdict:
        peer, meant = arrived.peer, ebm.related_ebm
        assert meant is not None
        basic = ebm.basic
        sent = (basic.send_time if basic is not None else None) or arrived.ebd.envelope.time
        warning = Warning(
            identity=WarningIdentity(peer.code, ebm.ebm_id, sent),
            status=Status.ACTUAL,
            kind=WarningKind.CANCEL,
            scope="Public",
            event=None,
            event_text="",
            severity=Severity.UNKNOWN,
            references=(Reference(meant, sender=peer.code),),
        )
        submission = Submission(warning, arrived.business, MEDIA_TYPE, publisher_of(peer))
        try:
            done = await self._cancelled(submission, peer, meant)
        except (WarningConflict, RightsError) as error:
            raise PackageRefused("cancel", "取消不被接受", str(error)) from error
        if done is None:
            words = f"所取消的消息未到，到亦不播 what it cancels has not come, and will not be played: {meant}"
            return await self._leave(arrived, meant, words, CALLED_OFF)
        words = "; ".join([TAKEN.words, *(notice.message for notice in done.notices)])
        return Verdict(TAKEN.result, words, meant)

    async def _cancelled(self, submission: Submission, peer: Peer, meant: MessageId) -> Acceptance | None:
        """Cancel; None where the message is not known: that is kept, for packages overtake one another."""
        with suppress(WarningInvalid):
            return await self._dispatch.accept(submission, None)
        state = self._dispatch.state
        await state.store.write(StateRow(_called_off(peer, meant), state.clock()))
        # The message may have come meanwhile: either it saw what is kept, or it is found now.
        with suppress(WarningInvalid):
            return await self._dispatch.accept(submission, None)
        return None

    async def _is_called_off(self, peer: Peer, ebm_id: MessageId) -> bool:
        return await self._dispatch.state.store.read(queries.state, _called_off(peer, ebm_id)) is not None
