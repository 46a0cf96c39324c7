"""EBMStateResponse of platforms below us: what they say of our messages is kept as claims (083 table 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog

from gateway.dispatch.service import Dispatch
from gateway.errors import OverloadedError
from gateway.protocols.platform.states import EbmStateResponse
from gateway.upstream.platform.bearer import PlatformBearer
from gateway.upstream.platform.handling import TAKEN, Arrived, Verdict

log = structlog.get_logger(__name__)

_LOOK: Final = 0.01
_LONGEST: Final = 10.0


class Claims:
    """Handles EBMStateResponse."""

    def __init__(self, dispatch: Dispatch, bearers: Iterable[PlatformBearer]) -> None:
        self._dispatch = dispatch
        self._bearers = {bearer.peer.name: bearer for bearer in bearers}

    async def take(self, arrived: Arrived) -> Verdict:
        """Keep what it says; durable when this returns. Errors: OverloadedError."""
        body = arrived.ebd.body
        assert isinstance(body, EbmStateResponse)
        bearer = self._bearers.get(arrived.peer.name)
        live = self._dispatch.state.messages.get(str(body.ebm_id))
        if bearer is None or live is None:
            log.info("state of no message in memory", peer=arrived.peer.name, ebm_id=body.ebm_id, state=body.state)
            return Verdict(TAKEN.result, "已收存 kept", body.ebm_id)
        await self._committed(bearer.told(live, body, arrived.business))
        return Verdict(TAKEN.result, TAKEN.words, body.ebm_id)

    async def _committed(self, receipt: int) -> None:
        waited = 0.0
        while self._dispatch.committed() < receipt:
            if waited > _LONGEST:
                raise OverloadedError("暂不能存储，请重发 not stored yet, try again", retry_after=10)
            await asyncio.sleep(_LOOK)
            waited += _LOOK
