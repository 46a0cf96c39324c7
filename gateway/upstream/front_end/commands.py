"""Commands of the superior 上级指令: each is obeyed and answered with the content that table A.4 asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from gateway.dispatch.requests import RequestReport, RequestStatus
from gateway.dispatch.service import Dispatch
from gateway.domain.codes import ResourceCode
from gateway.protocols import adapter_commands as commands
from gateway.protocols import feedback
from gateway.protocols.adapter import AdapterPacket
from gateway.protocols.adapter_answers import AdapterAnswer, BroadcastAnswer
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop
from gateway.protocols.adapter_results import FAILURE, SUCCESS, ReturnCode
from gateway.protocols.adapter_types import Body
from gateway.protocols.feedback_bodies import QueryAnswer
from gateway.protocols.fields import WireCode
from gateway.protocols.ip_bodies import PacketType
from gateway.protocols.time_base import TimeBase
from gateway.upstream.front_end.broadcasts import Broadcasts, Refusal
from gateway.upstream.front_end.managed import Managed
from gateway.upstream.front_end.told import Told
from gateway.upstream.front_end.translated import Wanted, host_port, translated

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Where (host, port) and how often (seconds) we report.
ReportTo = Callable[[str, int, int], Awaitable[None]]

#: Seconds that an answer waits for terminals at most; the rest becomes receipts.
WAIT: Final = 2.0
#: Seconds that a terminal's values may take to the superior.
_FORWARD_SECONDS: Final = 5.0


class Commands:
    """Obeys one superior. ``code`` is ours as its adapter."""

    def __init__(
        self,
        dispatch: Dispatch,
        code: ResourceCode,
        superior: ResourceCode,
        base: TimeBase,
        report_to: ReportTo,
        managed: Managed,
    ) -> None:
        self._dispatch = dispatch
        self._front = WireCode.of(code)
        self._superior = superior
        self._base = base
        self._report_to = report_to
        self._managed = managed
        self._broadcasts = Broadcasts(dispatch, superior, base)
        self._told = Told(dispatch, self._front, base)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """End the requests under way."""
        running = tuple(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def obey(self, packet: AdapterPacket, raw: bytes) -> Body:
        """Carry out one verified command; returns the content of its answer.

        Errors: StoreError, OverloadedError: it could not be kept, and must not be answered.
        """
        body = packet.body
        if isinstance(body, BroadcastStart | BroadcastStop):
            return await self._broadcast(body, raw)
        try:
            return await self._other(packet, body)  # type: ignore[arg-type]  # an unknown content matches no case
        except Refusal as refusal:
            return AdapterAnswer(ReturnCode.UNKNOWN, str(refusal).encode())

    async def _broadcast(self, body: BroadcastStart | BroadcastStop, raw: bytes) -> BroadcastAnswer:
        try:
            if isinstance(body, BroadcastStart):
                await self._broadcasts.start(body, raw)
            else:
                await self._broadcasts.stop(body)
        except Refusal as refusal:
            return BroadcastAnswer(self._front, body.ebm_id, FAILURE, str(refusal).encode())
        return BroadcastAnswer(self._front, body.ebm_id, SUCCESS)

    async def _other(self, packet: AdapterPacket, body: Body) -> Body:
        front = getattr(body, "front_code", self._front)
        if front.text != self._front.text:
            raise Refusal(f"front_code {front.text} 不是本适配器 is not this adapter")
        match body:
            case commands.OutputChannelQuery():
                return self._told.outputs(body)
            case commands.InputChannelQuery():
                return self._told.inputs(body)
            case commands.RecordQuery():
                return self._told.records(body)
            case commands.FaultQuery():
                return self._told.fault(body)
            case commands.AdapterReback():
                await self._report_to(*host_port(body.reback), body.period_s)
                return AdapterAnswer(ReturnCode.OK)
            case commands.WhiteList():
                return AdapterAnswer(ReturnCode.OK, (await self._managed.white_list(body)).encode())
            case commands.AdapterCertificates():
                return AdapterAnswer(ReturnCode.OK, (await self._managed.certificates(body)).encode())
        wanted = translated(self._dispatch, body, self._base)
        if not wanted:
            raise Refusal(f"本适配器不支持该指令 0x{packet.protocol_type:02X} is not supported by this adapter")
        if not any(one.terminals for one in wanted):
            raise Refusal("所列编码下没有在用终端 none of the codes means a terminal in service here")
        if isinstance(body, commands.TerminalQuery):
            self._spawn(self._query(wanted[0], *host_port(body.reback)))
            return AdapterAnswer(ReturnCode.OK)
        return await self._set(wanted)

    async def _set(self, wanted: tuple[Wanted, ...]) -> AdapterAnswer:
        """Ask the terminals; an answer of 0 says that those who answered in time agreed, or that some still may."""
        asking = self._spawn(self._all(wanted))
        await asyncio.wait((asking,), timeout=WAIT)
        if not asking.done():
            return AdapterAnswer(ReturnCode.OK, "执行中 under way".encode())
        reports = asking.result()
        devices = [device for report in reports for device in report.devices]
        good = sum(1 for device in devices if device.status in ("done", "sent"))
        words = f"{good}/{len(devices)} 台终端成功 terminals did it".encode()
        failed = all(report.status is RequestStatus.FAILED for report in reports)
        return AdapterAnswer(ReturnCode.UNKNOWN if failed else ReturnCode.OK, words)

    async def _all(self, wanted: tuple[Wanted, ...]) -> list[RequestReport]:
        asked = [one for one in wanted if one.terminals]
        return list(await asyncio.gather(*(self._dispatch.requests.ask(one.terminals, one.ask) for one in asked)))

    # -- queries: the terminals' values go on to where the superior wants them

    async def _query(self, wanted: Wanted, host: str, port: int) -> None:
        report = await self._dispatch.requests.ask(wanted.terminals, wanted.ask)
        for device in report.devices:
            if not device.values or device.order is None:
                continue
            answer = QueryAnswer(device.code, b"", device.values)
            code = device.known.terminal.code
            packet = feedback.report(device.order, code, self._superior, answer, PacketType.ANSWER)
            await _deliver(host, port, feedback.build(packet))

    def _spawn(self, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work, name="front end request")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("request of the superior failed", error=str(error), exc_info=error)


async def _deliver(host: str, port: int, frame: bytes) -> None:
    """One frame of appendix E on a short connection; what cannot be delivered is asked for again by the superior."""
    try:
        async with asyncio.timeout(_FORWARD_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(frame)
                writer.write_eof()
                await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        log.warning("values of a terminal not delivered", peer=f"{host}:{port}", reason=str(error))
