"""Platforms as a bearer 承载: a message goes down as an EBM to a county platform, a station or an adapter (083 5.4).

What they say of it comes back as EBMStateResponse and counts as claimed, never more: it is another's word for the
terminals behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog

from gateway.devices.bearer import BearerEvents, Carried, Errand, ErrandUnsupported, LinkHealth, LinkState, Parcel
from gateway.devices.events import Known, Origin
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.service import Dispatch
from gateway.domain.areas import without_nested
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Authenticity, EvidenceKind
from gateway.domain.message import Command, EbmClass, Manner, MessageState
from gateway.domain.peers import Peer
from gateway.domain.receiver import Route, RouteKind
from gateway.domain.zone import BEIJING
from gateway.errors import GatewayError, InvalidValueError, NotFoundError
from gateway.programmes.library import Library
from gateway.protocols.platform.ebm import STREAM, Auxiliary, Ebm
from gateway.protocols.platform.ids import Form, MessageId, PlatformCode
from gateway.protocols.platform.states import BrdState, EbmStateResponse
from gateway.security.sm3 import sm3_of
from gateway.store import queries
from gateway.store.rows import WarningRow
from gateway.upstream.platform import composing
from gateway.upstream.platform.outbox import Fate, Outbox
from gateway.upstream.platform.sealing import Sealed

log = structlog.get_logger(__name__)

PROTOCOL: Final = "platform"
#: Seconds after the end of a message in which its cancel still has a meaning.
_CANCEL_GRACE: Final = 600.0
#: AuxiliaryType of MPEG-1 layer III (082 annex G).
_MP3: Final = 2
#: Largest programme file that goes along, bytes.
_MAX_SOUND: Final = 32 << 20
#: Topic of all that concerns one message: a cancel never overtakes what it cancels.
_TOPIC: Final = "ebm {}"


class PlatformBearer:
    """One peer below us. Made by the daemon once the outbox is there."""

    is_exclusive = False
    speaks_unasked = True
    carries_frames = False

    def __init__(self, peer: Peer, dispatch: Dispatch, outbox: Outbox, library: Library) -> None:
        self.route = Route(RouteKind.PLATFORM, peer.name)
        self.peer = peer
        self._dispatch = dispatch
        self._events: BearerEvents = dispatch
        self._outbox = outbox
        self._library = library
        self._health = LinkHealth(LinkState.UNKNOWN, dispatch.state.clock())
        #: packages that were made and not yet put in the outbox, by order
        self._made: dict[int, tuple[Sealed, LiveMessage]] = {}
        outbox.on_reach(peer, self._reach)

    @property
    def health(self) -> LinkHealth:
        """Whether it answered when it was called last."""
        return self._health

    async def open(self) -> None:
        """Heartbeats tell how it stands; there is no connection to keep."""

    async def close(self) -> None:
        """Nothing is held."""

    async def probe(self) -> LinkHealth:
        """Heartbeats test it all the time."""
        return self._health

    async def make(self, errand: Errand) -> Parcel:
        """Write, sign and pack the EBM. Errors: ErrandUnsupported, InvalidValueError, StoreError."""
        message = errand.message
        if message is None or errand.command not in (Command.START, Command.STOP):
            raise ErrandUnsupported(f"平台接口无此指令 the platform interface has no {errand.command.value}")
        live = self._dispatch.state.messages.get(str(message.ebm_id))
        if live is None:
            raise ErrandUnsupported(f"消息已不在内存 message {message.ebm_id} has left memory")
        if errand.command is Command.STOP and live.wanted:
            raise ErrandUnsupported("平台接口只能整条取消 the platform interface cancels a message as a whole")
        sealed = await (self.package(live) if errand.command is Command.START else self._cancel(live))
        self._made[errand.order] = sealed, live
        return Parcel(errand, (sealed.tar,), int(self._dispatch.state.clock()))

    async def carry(self, parcel: Parcel) -> Carried:
        """Keep the package, and wait for the first try; where it failed, the outbox goes on trying by itself."""
        errand = parcel.errand
        sealed, live = self._made.pop(errand.order, (None, None))
        if sealed is None or live is None:
            return Carried(error="未成包 nothing was made of it")
        if errand.void():
            return Carried(error="停播已到，开播未发 stopped before it was sent")
        until = errand.until + (_CANCEL_GRACE if errand.command is Command.STOP else 0.0)
        topic = _TOPIC.format(live.ebm_id)
        try:
            posting = await self._outbox.keep(self.peer, sealed, "EBM", topic, until=until, ebm_id=live.ebm_id)
        except GatewayError as error:
            return Carried(error=f"{error.code}: {error}")
        try:
            first = await posting.tried
        except asyncio.CancelledError:
            if not posting.tried.cancelled():
                raise
            return Carried(error="网关正在停止 the gateway is stopping")
        if posting.done.done() and posting.done.result()[0] is Fate.DELIVERED:
            self._answered(errand, first.result or 0)
            return Carried()
        if first.result is not None:
            self._claim(EvidenceKind.REFUSED, live.ebm_id, errand.terminals, first.result, first.words, errand.order)
            return Carried(refused={known.id: first.result for known in errand.terminals})
        return Carried(error=first.words)

    def _answered(self, errand: Errand, result: int) -> None:
        assert errand.message is not None
        self._events.carried(errand.order, self.route, [known.id for known in errand.terminals])
        ebm_id = str(errand.message.ebm_id)
        self._claim(EvidenceKind.ACKNOWLEDGED, ebm_id, errand.terminals, 0, f"ResultCode {result}", errand.order)

    # -- packages

    async def package(self, live: LiveMessage) -> Sealed:
        """The whole package of a message for this peer. Errors: InvalidValueError, StoreError."""
        warning = await self._warning(live)
        areas = self.areas(live)
        if not areas:
            raise InvalidValueError("AreaCode", self.peer.area, f"{self.peer.title} serves no area of the message")
        sounds, files = await self._sound(live)
        to = PlatformCode(self.peer.code)
        ebi_id = None
        informed = self.peer.information and self._outbox.sealer.code_for(self.peer).form is Form.GDJ_2018
        if informed:
            body = composing.ebi_of(live, warning, areas, sounds)
            ebi_id = body.main.info_id
            files = [*files, *await self._outbox.sealer.information(body)]
        ebm = composing.ebm_of(live, warning, areas, to=to, sounds=sounds, ebi_id=ebi_id)
        return await self._outbox.sealer.seal(self.peer, ebm, files=files)

    async def _cancel(self, live: LiveMessage) -> Sealed:
        return await self._outbox.sealer.seal(self.peer, await self.cancel(live))

    async def cancel(self, live: LiveMessage) -> Ebm:
        """The EBM that takes a message off the air there. Errors: StoreError."""
        state = self._dispatch.state
        now = state.clock()
        number = await state.numbers.take(datetime.fromtimestamp(now, BEIJING))
        return composing.cancel_of(live, await self._warning(live), MessageId(number), self.areas(live), now)

    def areas(self, live: LiveMessage) -> tuple[AreaCode, ...]:
        """The part of a message's areas that the peer serves."""
        own = self.peer.area
        if own is None:
            return live.message.areas
        areas = live.message.areas
        if any(area.covers(own) for area in areas):
            return (own,)
        return without_nested(area for area in areas if own.covers(area))

    async def _warning(self, live: LiveMessage) -> WarningRow | None:
        return await self._dispatch.state.store.read(queries.warning_by_id, live.message.warning_id)

    async def _sound(self, live: LiveMessage) -> tuple[list[Auxiliary], list[tuple[str, bytes]]]:
        """The recorded file that is to be played, or the address of a stream; words are spoken where they arrive."""
        message = live.message
        if message.manner is Manner.STREAM:
            return [Auxiliary(type=STREAM, description=message.programme_url)], []
        if message.manner is not Manner.RECORDING or not message.recording:
            return [], []
        try:
            path = self._library.path(message.recording)
            content = await asyncio.to_thread(path.read_bytes)
        except (NotFoundError, OSError) as error:
            log.warning("recording not sent along", recording=message.recording, reason=str(error))
            return [], []
        if len(content) > _MAX_SOUND or not _is_mp3(content):
            return [], []
        name = f"EBDR_{message.recording}.mp3"
        digest = sm3_of([content]).hex()
        return [Auxiliary(type=_MP3, description=name, size=len(content), digest=digest)], [(name, content)]

    # -- what it says

    def told(self, live: LiveMessage, body: EbmStateResponse, raw: bytes) -> int:
        """Keep a state of a message as claims; returns the last receipt's number, 0 for none.

        Where coverage names divisions, what is said holds for terminals in them; for others nothing is.
        """
        terminals = [known for known in self._dispatch.members(self.route) if known.id in live.index]
        covered = self._covered(terminals, body)
        try:
            state = BrdState(body.state)
        except ValueError:
            return 0
        words = raw.decode("utf-8", "replace")
        match state:
            case BrdState.WAITING:
                return self._claim(EvidenceKind.ACKNOWLEDGED, live.ebm_id, terminals, 0, words)
            case BrdState.PLAYING:
                return self._claim(EvidenceKind.PLAYING, live.ebm_id, covered, 0, words)
            case BrdState.DONE:
                return self._claim(EvidenceKind.PLAYED, live.ebm_id, covered, 0, words)
            case BrdState.FAILED if body.coverage is not None:
                inside = {known.id for known in covered}
                others = [known for known in terminals if known.id not in inside]
                first = self._claim(EvidenceKind.PLAYED, live.ebm_id, covered, 0, words)
                return self._claim(EvidenceKind.FAILED, live.ebm_id, others, 0, words) or first
            case BrdState.FAILED:
                return self._claim(EvidenceKind.FAILED, live.ebm_id, terminals, 0, words)
            case BrdState.UNTREATED:
                return self._claim(EvidenceKind.REFUSED, live.ebm_id, terminals, int(state), words)
            case _:
                return 0

    @staticmethod
    def _covered(terminals: Sequence[Known], body: EbmStateResponse) -> list[Known]:
        if body.coverage is None:
            return list(terminals)
        areas = []
        for text in body.coverage.areas or ():
            try:
                areas.append(AreaCode(text.ljust(12, "0")))
            except InvalidValueError:
                continue
        return [known for known in terminals if any(area.covers(known.terminal.area) for area in areas)]

    def _claim(
        self,
        kind: EvidenceKind,
        ebm_id: str,
        terminals: Sequence[Known],
        code: int,
        words: str,
        order: int | None = None,
    ) -> int:
        if not terminals:
            return 0
        return self._events.claimed(
            kind,
            ebm_id,
            terminals,
            origin=Origin(self.peer.name, bound=False, authenticity=Authenticity.SIGNATURE),
            code=code,
            protocol=PROTOCOL,
            service_type=0,
            raw=words.encode()[:2000],
            order=order,
        )

    def _reach(self, there: bool, words: str) -> None:
        state = LinkState.UP if there else LinkState.DOWN
        if state is not self._health.state:
            self._health = LinkHealth(state, self._dispatch.state.clock(), "" if there else words)
            self._events.link(self.route, self._health)


class PlatformDrills:
    """平台演练 MsgType 3: the signed package goes out on platform routes, and to no device (088 B.1.5.2)."""

    def __init__(self, dispatch: Dispatch, bearers: Sequence[PlatformBearer], outbox: Outbox) -> None:
        self._dispatch = dispatch
        self._bearers = bearers
        self._outbox = outbox
        dispatch.watch(self._moved)

    def _moved(self, live: LiveMessage) -> None:
        if live.message.ebm_class is not EbmClass.SYSTEM_DRILL:
            return
        if live.state is MessageState.ACTIVE:
            self._dispatch.sender.spawn(self._send(live))
        elif live.state in (MessageState.CANCELLED, MessageState.SUPERSEDED):
            self._dispatch.sender.spawn(self._cancel(live))

    async def _send(self, live: LiveMessage) -> None:
        for bearer in self._bearers:
            if bearer.areas(live):
                sealed = await bearer.package(live)
                await self._keep(bearer, sealed, live)

    async def _cancel(self, live: LiveMessage) -> None:
        for bearer in self._bearers:
            if bearer.areas(live):
                sealed = await self._outbox.sealer.seal(bearer.peer, await bearer.cancel(live))
                await self._keep(bearer, sealed, live)

    async def _keep(self, bearer: PlatformBearer, sealed: Sealed, live: LiveMessage) -> None:
        until = live.message.end.timestamp() + _CANCEL_GRACE
        topic = _TOPIC.format(live.ebm_id)
        await self._outbox.keep(bearer.peer, sealed, "EBM", topic, until=until, ebm_id=live.ebm_id)


def _is_mp3(content: bytes) -> bool:
    return content[:3] == b"ID3" or (len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0)
