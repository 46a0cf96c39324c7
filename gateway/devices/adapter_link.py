"""A link to an adapter 适配器链路: the platform's side of GD/J 089-2018 appendix A as a bearer.

The adapter answers for what is behind it, so its word is a claim (0x17, 0x18, 0x19) and never a terminal's own.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import structlog

from gateway.devices.adapter_answers import AdapterRefusal, Answer, Peer
from gateway.devices.adapter_clock import ClockWatch
from gateway.devices.adapter_control import AdapterControl
from gateway.devices.adapter_exchange import Exchange
from gateway.devices.adapter_words import AdapterWords, Part, reached
from gateway.devices.bearer import Carried, Errand, LinkHealth, LinkState, Parcel, Tools
from gateway.devices.events import Known, Origin
from gateway.domain.codes import ResourceCode
from gateway.domain.ladder import Authenticity, EvidenceKind
from gateway.domain.message import Command
from gateway.domain.receiver import Route
from gateway.errors import FrameError, GatewayError, LinkError
from gateway.protocols import adapter
from gateway.protocols.adapter_answers import BroadcastAnswer, PlatformAnswer, TaskStartAnswer
from gateway.protocols.adapter_commands import FaultQuery
from gateway.protocols.adapter_reports import AdapterHeartbeat, TaskEnd, TaskStart
from gateway.protocols.adapter_results import SUCCESS, ReturnCode
from gateway.protocols.adapter_types import Body, ProtocolType
from gateway.protocols.time_base import TimeBase
from gateway.security.limits import OncePerSource

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Messages of which it is remembered whom the adapter's task covers.
_TASKS_KEPT: Final = 256
#: state of table A.35: faulty.
_FAULTY: Final = 3


class _KeptBackError(GatewayError):
    """Right before its first byte a frame turned out not to be wanted any more."""

    code = "kept_back"


@dataclass(frozen=True, slots=True)
class AdapterOptions:
    """One ``[links.NAME]`` of kind adapter; times in seconds. ``holds_clock``: a doubted time base holds starts."""

    code: ResourceCode
    host: str
    port: int
    answer_seconds: float = 5.0
    tries: int = 3
    time_base: TimeBase = TimeBase.UNIX
    reads_unsigned: bool = True
    test_seconds: float = 300.0
    return_address: str = ""
    holds_clock: bool = True
    #: IPv4 to which it sends a copy of what it plays, empty for none
    monitor_ip: str = ""
    tls: ssl.SSLContext | None = None
    tls_name: str = ""


class AdapterLink(AdapterControl):
    """One adapter as a bearer; ``reported`` is for the port that hears its reports."""

    carries_frames = False
    is_exclusive = True
    speaks_unasked = True

    def __init__(self, route: Route, options: AdapterOptions, tools: Tools) -> None:
        self.route = route
        self.code = options.code
        self.peer = Peer(options.code, tools.trust, options.reads_unsigned)
        self.clock = ClockWatch(options.time_base, options.holds_clock)
        self._exchange = Exchange(
            options.host, options.port, options.answer_seconds, options.tries, options.tls, options.tls_name
        )
        self._words = AdapterWords(options.time_base, options.return_address)
        self._options = options
        self._tools = tools
        self._health = LinkHealth(LinkState.UNKNOWN, tools.clock())
        self._answered_at: float | None = None
        self._covered: OrderedDict[str, tuple[Known, ...]] = OrderedDict()
        self._logged = OncePerSource(60.0)
        self._tasks: set[asyncio.Task[object]] = set()

    # -- devices.bearer.Bearer

    @property
    def health(self) -> LinkHealth:
        """How the link stands; DOWN while the time base is in doubt, for then no start may go."""
        return self._health

    async def open(self) -> None:
        """Nothing to take up: each exchange has a connection of its own."""

    async def close(self) -> None:
        """End what runs in the background."""
        running = tuple(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def make(self, errand: Errand) -> Parcel:
        """Encode and sign every part. Errors: ErrandUnsupported, InvalidValueError."""
        frames, sig_time = [], 0
        for part in self._words.parts(errand):
            unsigned = adapter.unsigned_part(adapter.command(part.body))
            block = await self._tools.workshop.sign(unsigned)
            frames.append(adapter.assemble(unsigned, block))
            sig_time = block.sig_time
        return Parcel(errand, tuple(frames), sig_time)

    async def carry(self, parcel: Parcel) -> Carried:
        """Ask the adapter for each part; its answer is its word for the terminals of that part."""
        errand = parcel.errand
        if errand.command is Command.START and self.clock.doubt:
            return Carried(error=self.clock.doubt)
        parts = self._words.parts(errand)
        told: set[int] = set()
        outcomes = await asyncio.gather(
            *(self._bring(errand, part, frame, told) for part, frame in zip(parts, parcel.frames, strict=True))
        )
        refused: dict[int, int] = {}
        lost: set[int] = set()
        errors = []
        for part, (result, error) in zip(parts, outcomes, strict=True):
            ids = [known.id for known in part.terminals]
            if error:
                errors.append(error)
                lost.update(ids)
            elif result:
                refused.update(dict.fromkeys(ids, result))
        if errors and not told:
            return Carried(error="; ".join(dict.fromkeys(errors)))
        return Carried(silent=frozenset(lost - refused.keys()), refused=refused)

    async def probe(self) -> LinkHealth:
        """Ask for the adapter's faults (0x11), unless an answer was heard within its test period."""
        heard = self._answered_at
        if heard is None or self._health.state is not LinkState.UP or self._since(heard) >= self._options.test_seconds:
            try:
                await self.ask(FaultQuery(self.front))
            except GatewayError as error:
                self._complain("link test failed", error)
        return self._health

    # -- requests

    async def ask(self, body: Body) -> Answer:
        """Send one signed command and return its checked answer.

        Errors: LinkError, AdapterRefusal, FrameError (its distinct kinds), InvalidValueError.
        """
        unsigned = adapter.unsigned_part(adapter.command(body))
        frame = adapter.assemble(unsigned, await self._tools.workshop.sign(unsigned))
        return await self._exchanged(self._exchange.ask(frame, lambda raw: self.peer.answer(body, raw)))

    async def _bring(self, errand: Errand, part: Part, frame: bytes, told: set[int]) -> tuple[int, str]:
        """Carry one part; returns the adapter's result, and why there is none."""

        def leaving() -> None:
            if errand.void() or self._tools.clock() > errand.until:
                raise _KeptBackError("已取消或过期 cancelled or over")
            new = [known.id for known in part.terminals if known.id not in told]
            told.update(new)
            self._tools.events.carried(errand.order, self.route, new)

        asking = self._exchange.ask(frame, lambda raw: self.peer.answer(part.body, raw), leaving)
        try:
            try:
                answer = await self._exchanged(asking)
            except AdapterRefusal as refusal:
                return self._claim(errand, part, refusal.result, None)
            return self._claim(errand, part, SUCCESS, answer)
        except GatewayError as error:
            if not isinstance(error, _KeptBackError):
                self._complain("adapter did not take it", error)
            return 0, f"{error.code}: {error}"

    def _claim(self, errand: Errand, part: Part, result: int, answer: Answer | None) -> tuple[int, str]:
        """Tell dispatch what the adapter said for the terminals of a part."""
        authenticity, raw, service = Authenticity.ADDRESS, b"", int(ProtocolType.ANSWER)
        if answer is not None:
            authenticity, raw = answer.authenticity, answer.raw
            if isinstance(answer.body, BroadcastAnswer):
                result, service = answer.body.result, int(ProtocolType.BROADCAST_ANSWER)
        agreed = result == SUCCESS
        if errand.message is not None and errand.command is Command.START and agreed:
            self._remember(str(errand.message.ebm_id), part.terminals)
        self._tools.events.claimed(
            EvidenceKind.ACKNOWLEDGED if agreed else EvidenceKind.REFUSED,
            "" if errand.message is None else str(errand.message.ebm_id),
            part.terminals,
            origin=Origin(self._exchange.peer, bound=False, authenticity=authenticity),
            code=result,
            protocol="adapter",
            service_type=service,
            raw=raw,
            order=errand.order,
        )
        return result, ""

    async def _exchanged(self, asking: Coroutine[object, object, T]) -> T:
        """Note what an exchange says about the link: whoever answers, if only with an error, is there."""
        try:
            answer = await asking
        except LinkError as error:
            self._turn(LinkState.DOWN, str(error))
            raise
        except (AdapterRefusal, FrameError):
            self._alive()
            raise
        self._alive()
        return answer

    # -- reports of the adapter

    def reported(self, body: Body, raw: bytes, authenticity: Authenticity, peer: str) -> tuple[int, Body]:
        """Take 0x18, 0x19 or 0x20; returns the receipt that must be durable before the answer leaves, and the answer.

        Errors: OverloadedError, StoreError: it could not be kept, and must not be answered.
        """
        origin = Origin(peer, bound=False, authenticity=authenticity)
        if isinstance(body, TaskStart):
            return self._task_begun(body, raw, origin), self._copy_wanted(body, peer)
        if isinstance(body, TaskEnd):
            return self._task_ended(body, raw, origin), PlatformAnswer(ReturnCode.OK)
        if isinstance(body, AdapterHeartbeat):
            self._beat(body)
            return 0, PlatformAnswer(ReturnCode.OK)
        return 0, PlatformAnswer(ReturnCode.UNKNOWN)

    def _task_begun(self, body: TaskStart, raw: bytes, origin: Origin) -> int:
        codes = [code.digits for code in body.codes if code.digits is not None]
        covered = tuple(reached(codes, self._tools.members(self.route)))
        self._remember(body.ebm_id.text, covered)
        return self._claimed(EvidenceKind.PLAYING, body.ebm_id.text, covered, raw, origin, ProtocolType.TASK_START)

    def _copy_wanted(self, task: TaskStart, peer: str) -> TaskStartAnswer:
        """Where the adapter sends a copy of what it plays (table A.38); address and port 0 for none."""
        port, ip = 0, self._options.monitor_ip
        if ip and self._tools.monitoring is not None:
            hosts = frozenset({peer.rpartition(":")[0], self._options.host})
            port = self._tools.monitoring.begun(self.route.link, task.ebm_id.text, hosts)
        return TaskStartAnswer(SUCCESS, ip if port else "0.0.0.0", port)  # noqa: S104  # the table's word for none

    def _task_ended(self, body: TaskEnd, raw: bytes, origin: Origin) -> int:
        """An end names no codes: it concerns those of whom the adapter said that it has begun, or will begin."""
        covered = self._covered.get(body.ebm_id.text, ())
        if self._tools.monitoring is not None:
            self._tools.monitoring.ended(self.route.link, body.ebm_id.text)
        if not covered:
            log.info("end of a task that was not known", link=str(self.route), ebm_id=body.ebm_id.text)
        return self._claimed(EvidenceKind.TASK_ENDED, body.ebm_id.text, covered, raw, origin, ProtocolType.TASK_END)

    def _claimed(
        self, kind: EvidenceKind, ebm_id: str, covered: tuple[Known, ...], raw: bytes, origin: Origin, service: int
    ) -> int:
        return self._tools.events.claimed(
            kind, ebm_id, covered, origin=origin, code=0, protocol="adapter", service_type=int(service), raw=raw
        )

    def _beat(self, beat: AdapterHeartbeat) -> None:
        self.clock.note(beat.connection_time, self._tools.clock())
        if self.clock.doubt:
            self._turn(LinkState.DOWN, self.clock.doubt)
        elif self._health.state is not LinkState.UP:
            # That it reaches us does not say that we reach it.
            self._spawn(self.probe())
        else:
            fault = "适配器报告故障 the adapter reports a fault " if beat.state == _FAULTY else ""
            self._turn(LinkState.UP, fault + self.clock.remark)

    def settle_clock(self) -> None:
        """An operator's word that the time base is right: starts may go until the next restart."""
        self.clock.override()
        if self._health.state is LinkState.DOWN:
            self._turn(LinkState.UNKNOWN, "")
            self._spawn(self.probe())

    # -- standing

    def _remember(self, ebm_id: str, terminals: tuple[Known, ...]) -> None:
        known = {one.id: one for one in (*self._covered.pop(ebm_id, ()), *terminals)}
        self._covered[ebm_id] = tuple(known.values())
        if len(self._covered) > _TASKS_KEPT:
            self._covered.popitem(last=False)

    def _alive(self) -> None:
        self._answered_at = self._tools.monotonic()
        if not self.clock.doubt:
            self._turn(LinkState.UP, self.clock.remark)

    def _since(self, moment: float) -> float:
        return self._tools.monotonic() - moment

    def _turn(self, state: LinkState, detail: str) -> None:
        before = self._health
        if before.state is state:
            self._health = replace(before, detail=detail)
            if before.detail == detail or state is not LinkState.DOWN:
                return
        else:
            self._health = LinkHealth(state, self._tools.clock(), detail)
        self._tools.events.link(self.route, self._health)

    def _complain(self, what: str, error: GatewayError) -> None:
        notice = self._logged.note(error.code, self._tools.monotonic())
        if notice.log:
            log.warning(
                what, link=str(self.route), code=error.code, reason=str(error), unlogged_before=notice.suppressed
            )

    def _spawn(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"adapter {self.route}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
