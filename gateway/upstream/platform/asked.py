"""Answers to requests 查询应答: OMDRequest and EBMStateRequest, each in a connection of its own (083 5.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway.dispatch.service import Dispatch
from gateway.domain.peers import Peer
from gateway.domain.zone import BEIJING
from gateway.errors import NotFoundError, PackageRefused
from gateway.protocols.platform.conditions import EbdNotify, EbdResponse, EbrbsState, ResultCode
from gateway.protocols.platform.envelope import Body
from gateway.protocols.platform.ids import Form, MessageId
from gateway.protocols.platform.resources import (
    INCREMENTAL,
    REQUESTABLE,
    EbrbsInfo,
    EbrstInfo,
    OmdRequest,
    Period,
)
from gateway.protocols.platform.states import BrdState, EbmStateRequest
from gateway.store import package_queries, queries
from gateway.upstream.platform import figures
from gateway.upstream.platform.announcing import Announcer
from gateway.upstream.platform.handling import TAKEN, Arrived, Verdict
from gateway.upstream.platform.outbox import Outbox
from gateway.upstream.platform.progress import Progress
from gateway.upstream.platform.records import Records

#: Seconds that an answer waits, so that the receipt of its request is there first.
_AFTER: Final = 0.2
#: Seconds after which an answer is of no use to whoever asked.
_KEPT: Final = 3600.0
#: Period of a record request that names none.
_DAY: Final = timedelta(days=1)
#: Kinds of resources that a platform of loudspeakers does not have (083 tables 13, 17, 27).
_NONE_HERE: Final[dict[str, Body]] = {
    "EBRSTInfo": EbrstInfo(params=Period(type=INCREMENTAL)),
    "EBRBSInfo": EbrbsInfo(params=Period(type=INCREMENTAL)),
    "EBRBSState": EbrbsState(),
}


class Asked:
    """Handlers of requests. Each answer is kept in the outbox before the request is receipted."""

    def __init__(
        self, dispatch: Dispatch, outbox: Outbox, announcer: Announcer, progress: Progress, records: Records
    ) -> None:
        self._dispatch = dispatch
        self._outbox = outbox
        self._announcer = announcer
        self._progress = progress
        self._records = records

    async def data(self, arrived: Arrived) -> Verdict:
        """OMDRequest. Errors: PackageRefused, StoreError, OverloadedError."""
        request = arrived.ebd.body
        assert isinstance(request, OmdRequest)
        self._require_address(arrived.peer)
        await self._answer(arrived, await self._content(arrived.peer, request))
        return TAKEN

    async def state(self, arrived: Arrived) -> Verdict:
        """EBMStateRequest. Errors: PackageRefused, StoreError, OverloadedError."""
        request = arrived.ebd.body
        assert isinstance(request, EbmStateRequest)
        self._require_address(arrived.peer)
        await self._answer(arrived, await self._standing(arrived.peer, request.ebm_id))
        return Verdict(TAKEN.result, TAKEN.words, request.ebm_id)

    def _require_address(self, peer: Peer) -> None:
        if not self._outbox.reaches(peer):
            raise PackageRefused("no_address", "未配置对端地址，无法应答", "no URL of this peer is set")

    async def _answer(self, arrived: Arrived, body: Body) -> None:
        now = self._dispatch.state.clock()
        if isinstance(body, EbdNotify) and self._outbox.sealer.code_for(arrived.peer).form is Form.DRAFT:
            # The draft has no EBDNotify; its EBDResponse does both (platform.md 4.9).
            body = EbdResponse(result=body.result, description=body.description)
        await self._outbox.put(
            arrived.peer,
            body,
            "answers",
            related=arrived.ebd.envelope.ebd_id,
            until=now + _KEPT,
            after=_AFTER,
        )

    async def _content(self, peer: Peer, request: OmdRequest) -> Body:
        kind, params = request.type.strip(), request.params
        full = params is None or params.type != INCREMENTAL
        if kind not in REQUESTABLE:
            return _cannot(f"OMDType {kind[:40]} 未知 is none of GD/J 083-2018 table 9")
        if kind == "EBMBrdLog":
            now = datetime.fromtimestamp(self._dispatch.state.clock(), BEIJING)
            end = (params.end if params is not None else None) or now
            start = (params.start if params is not None else None) or end - _DAY
            if start > end:
                return _cannot("RptStartTime 晚于 RptEndTime is after it")
            return await self._records.between(peer, start, end)
        if kind in _NONE_HERE:
            if full:
                return _cannot(f"本平台无此类资源 this platform has none of {kind}")
            return _NONE_HERE[kind]
        body = await self._announcer.asked(peer, kind, full=full)
        assert body is not None
        if full and not getattr(body, "items", ()):
            return _cannot(f"本平台无此类资源 this platform has none of {kind}")
        return body

    async def _standing(self, peer: Peer, ebm_id: MessageId) -> Body:
        state = self._dispatch.state
        for warning in await state.store.read(queries.warnings_by_identifier, str(ebm_id)):
            if warning.sender != peer.code or warning.ebm_id is None:
                continue
            try:
                _, live = await self._dispatch.book(warning.ebm_id)
                return await self._progress.answer(live, ebm_id)
            except NotFoundError:
                continue
        told = await state.store.read(package_queries.told_states, peer.name, str(ebm_id))
        if not told:
            return _cannot(f"未收到该消息 EBM {ebm_id} has not come here")
        now = datetime.fromtimestamp(state.clock(), BEIJING)
        last = BrdState(told[-1])
        return figures.response(ebm_id, last, now, last.chinese)


def _cannot(words: str) -> EbdNotify:
    """That the data cannot be given, and why (083 5.2)."""
    return EbdNotify(result=int(ResultCode.OTHER), description=words)
