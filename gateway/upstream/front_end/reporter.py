"""Reports to the superior 上报: task begun 0x18, task ended 0x19, heartbeat 0x20, each until it is answered (A.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

import structlog
from tenacity import AsyncRetrying, retry_if_result, wait_exponential

from gateway.devices.adapter_exchange import Exchange
from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage, Sent
from gateway.dispatch.service import Dispatch
from gateway.domain.ladder import EvidenceKind
from gateway.domain.message import Command
from gateway.domain.orders import Receipt
from gateway.errors import AnswerMismatch, FrameError, LinkError, MalformedFrame
from gateway.protocols import adapter
from gateway.protocols.adapter import Head
from gateway.protocols.adapter_address import parts_of
from gateway.protocols.adapter_answers import PlatformAnswer, TaskStartAnswer
from gateway.protocols.adapter_reports import AdapterHeartbeat, TaskEnd, TaskStart
from gateway.protocols.adapter_results import SUCCESS, ReturnCode
from gateway.protocols.adapter_types import Body
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.time_base import TimeBase, to_wire
from gateway.security.limits import OncePerSource
from gateway.upstream.front_end.told import BY_PLATFORM, OUTPUT, codes_of

log = structlog.get_logger(__name__)

#: Seconds between two looks at what plays.
_LOOK: Final = 0.1
#: Waits between two rounds of tries for one report: the first and the longest, seconds.
_AGAIN_FIRST, _AGAIN_LONGEST = 0.5, 60.0
#: Reports that wait at most; beyond, the oldest is given up, for the superior has been away for long.
_QUEUE: Final = 10_000
_PLAYING: Final = frozenset({EvidenceKind.PLAYING.value, EvidenceKind.PLAYED.value})


@dataclass(slots=True)
class _Watched:
    """What was reported of a message; ``position`` counts its committed evidence looked at so far."""

    position: int = 0
    begun: bool = False
    ended: bool = False


class Reporter:
    """Watches the superior's messages and tells it what becomes of them. ``sign`` makes a whole frame of a report."""

    def __init__(
        self,
        dispatch: Dispatch,
        front: WireCode,
        exchange: Exchange,
        sign: Callable[[Body], Awaitable[bytes]],
        base: TimeBase,
        heartbeat: float,
    ) -> None:
        self.exchange = exchange
        self.heartbeat = heartbeat
        self._dispatch = dispatch
        self._front = front
        self._sign = sign
        self._base = base
        self._watched: dict[str, _Watched] = {}
        self._queue: asyncio.Queue[Body] = asyncio.Queue(_QUEUE)
        self._tasks: list[asyncio.Task[None]] = []
        self._logged = OncePerSource(60.0)

    def start(self) -> None:
        """Begin to watch, to report and to beat."""
        loop = asyncio.get_running_loop()
        for work, name in ((self._watch(), "watch"), (self._report(), "report"), (self._beat(), "heartbeat")):
            self._tasks.append(loop.create_task(work, name=f"front end {name}"))

    def report_to(self, host: str, port: int, heartbeat: float) -> None:
        """Report to another place, and beat at another pace (seconds), from the next report on."""
        self.exchange = replace(self.exchange, host=host, port=port)
        self.heartbeat = heartbeat

    async def close(self) -> None:
        """End; what was not answered is told anew after the next start, from what plays then."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what there is to tell

    async def _watch(self) -> None:
        while True:
            for live in list(self._dispatch.state.messages.values()):
                if str(live.message.ebm_id.platform) != self._dispatch.state.policy.own_code:
                    self._look(live)
            for gone in self._watched.keys() - self._dispatch.state.messages.keys():
                del self._watched[gone]
            await asyncio.sleep(_LOOK)

    def _look(self, live: LiveMessage) -> None:
        """Begun when the first terminal plays, or a link that cannot answer has the start; ended when it is over."""
        watched = self._watched.setdefault(live.ebm_id, _Watched())
        news, watched.position = live.log[watched.position :], len(live.log)
        if not watched.begun and any(map(_plays, news)):
            watched.begun = True
            for body in self._begun(live):
                self._tell(body)
        if watched.begun and not watched.ended and live.state.is_over:
            watched.ended = True
            self._tell(TaskEnd(self._front, WireEbmId.of(live.ebm_id)))

    def _begun(self, live: LiveMessage) -> list[TaskStart]:
        message = live.message
        return [
            TaskStart(
                front_code=self._front,
                ebm_id=WireEbmId.of(message.ebm_id),
                resource=BY_PLATFORM,
                ebm_class=int(message.ebm_class),
                severity=int(message.severity.on_device),
                event=str(message.event),
                input_channel=1,
                outputs=(OUTPUT,),
                telephone=None,
                volume=message.volume,
                codes=codes,
            )
            for codes in parts_of(codes_of(self._dispatch, live))
        ]

    def _tell(self, body: Body) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(body)

    # -- telling it

    async def _report(self) -> None:
        """One after the other, so that an end never overtakes its beginning."""
        again = AsyncRetrying(
            retry=retry_if_result(lambda delivered: not delivered),
            wait=wait_exponential(multiplier=_AGAIN_FIRST, max=_AGAIN_LONGEST),
        )
        while True:
            body = await self._queue.get()
            await again(self.delivered, body)

    async def _beat(self) -> None:
        while True:
            now = self._dispatch.state.clock()
            state = 2 if self._dispatch.state.in_force() else 1
            await self.delivered(AdapterHeartbeat(self._front, state, to_wire(int(now), self._base)))
            await asyncio.sleep(self.heartbeat)

    async def delivered(self, body: Body) -> bool:
        """Sign and send a report, some tries long; whether the superior answered that it has it."""
        alarms = self._dispatch.state.alarms
        try:
            await self.exchange.ask(await self._sign(body), lambda raw: _require_yes(body, raw))
        except (LinkError, FrameError) as error:
            alarms.raise_("superior_unreachable", "front_end", f"上级平台未应答 no answer: {error}", AlarmLevel.WARNING)
            if self._logged.note(error.code, self._dispatch.state.monotonic()).log:
                log.warning("report not answered", peer=self.exchange.peer, code=error.code, reason=str(error))
            return False
        alarms.clear("superior_unreachable", "front_end")
        return True


def _plays(entry: object) -> bool:
    if isinstance(entry, Sent):
        return entry.command is Command.START and entry.route.kind.is_one_way
    return isinstance(entry, Receipt) and entry.kind in _PLAYING


def _require_yes(asked: Body, raw: bytes) -> None:
    """Errors: AnswerMismatch where the answer is none to this report, or is a refusal."""
    packet = adapter.parse(raw)
    body = packet.body
    if packet.head != Head.PLATFORM:
        raise AnswerMismatch(f"head: 0x{packet.head:02X} is not that of a platform (table A.1)")
    if isinstance(body, TaskStartAnswer) and isinstance(asked, TaskStart):
        if body.result != SUCCESS:
            raise AnswerMismatch(f"result_code: {body.result} (table A.38)")
    elif isinstance(body, PlatformAnswer) and not isinstance(asked, TaskStart):
        if body.code != ReturnCode.OK:
            raise AnswerMismatch(f"BackCode: {body.code} (table A.37)")
    else:
        raise MalformedFrame(f"protocol_type: 0x{packet.protocol_type:02X} answers no report of ours", offset=3)
