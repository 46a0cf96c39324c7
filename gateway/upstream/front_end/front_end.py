"""The front end as one object: verifies first, obeys, answers signed; and reports (GD/J 089-2018 4.2, A.2)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Final

from gateway.devices.adapter_exchange import Exchange
from gateway.devices.adapter_server import AdapterServer, ServerLimits
from gateway.devices.trust import Trust
from gateway.dispatch.service import Dispatch
from gateway.domain.codes import CertificateSerial, ResourceCode
from gateway.errors import AnswerMismatch, FrameError, MalformedFrame, SignatureError, SignatureMissing
from gateway.protocols import adapter
from gateway.protocols.adapter import AdapterPacket, Head
from gateway.protocols.adapter_answers import AdapterAnswer
from gateway.protocols.adapter_results import ReturnCode
from gateway.protocols.adapter_types import Body
from gateway.protocols.fields import WireCode
from gateway.protocols.time_base import TimeBase
from gateway.store import queries
from gateway.store.rows import AuditRow, Json, StateRow
from gateway.upstream.front_end.broadcasts import ACTOR, Refusal
from gateway.upstream.front_end.commands import Commands
from gateway.upstream.front_end.managed import Managed
from gateway.upstream.front_end.reporter import Reporter

#: Under which the store keeps where the superior wants our reports.
_REPORTS: Final = "front_end reports"


@dataclass(frozen=True, slots=True)
class FrontOptions:
    """Who we are to the superior, who it is, and where; times in seconds."""

    code: ResourceCode
    superior: ResourceCode
    host: str
    port: int
    time_base: TimeBase = TimeBase.UNIX
    heartbeat: float = 60.0
    answer_seconds: float = 5.0
    tries: int = 3
    tls: ssl.SSLContext | None = None
    tls_name: str = ""
    limits: ServerLimits = field(default_factory=ServerLimits)


class FrontEnd:
    """The adapter's side of appendix A. Every command must bear the superior's signature, whatever it asks.

    ``own`` is the number of the certificate by which we sign.
    """

    def __init__(self, options: FrontOptions, dispatch: Dispatch, trust: Trust, own: CertificateSerial) -> None:
        self._options = options
        self._dispatch = dispatch
        self._trust = trust
        self.managed = Managed(dispatch, trust, options.superior, own)
        self._commands = Commands(
            dispatch, options.code, options.superior, options.time_base, self.report_to, self.managed
        )
        self._server = AdapterServer(self._take, self._refuse, options.limits, dispatch.state.monotonic)
        self.reporter = Reporter(
            dispatch,
            WireCode.of(options.code),
            Exchange(options.host, options.port, options.answer_seconds, options.tries, options.tls, options.tls_name),
            self._signed,
            options.time_base,
            options.heartbeat,
        )

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Serve and begin to report; returns the port's number. Errors: EnvironmentLackingError, StoreError."""
        await self.managed.open()
        kept = await self._dispatch.state.store.read(queries.state, _REPORTS)
        if isinstance(kept, dict):
            self.reporter.report_to(str(kept["host"]), int(kept["port"]), float(kept["period_s"]))
        number = await self._server.open(host, port, tls)
        self.reporter.start()
        return number

    async def report_to(self, host: str, port: int, period_s: int) -> None:
        """The superior says where and how often we report (0x0D); kept, and in force over the settings from now on."""
        if not 1 <= port <= 65535 or period_s < 1:
            raise Refusal(f"回传参数无效 no port or period: {port}, {period_s} s (table A.6)")
        place: dict[str, Json] = {"host": host, "port": port, "period_s": period_s}
        state = self._dispatch.state
        await state.store.write(
            StateRow(_REPORTS, place), AuditRow(state.clock(), ACTOR, "report_to", "front_end", place)
        )
        self.reporter.report_to(host, port, period_s)

    async def close(self) -> None:
        """Hear and say no more."""
        await self._server.close()
        await self.reporter.close()
        await self._commands.close()

    async def _take(self, raw: bytes, _peer: str) -> bytes:
        packet = adapter.parse(raw)
        if packet.head != Head.PLATFORM:
            raise AnswerMismatch(f"head: 0x{packet.head:02X} is not that of a platform (table A.1)")
        block = packet.signature
        if block is None:
            # 4.2 e: what is not signed may start nothing, and no policy lets it.
            raise SignatureMissing(f"{packet.form} signature: the superior must sign (GD/J 089-2018 4.2)")
        self._trust.verify(self._options.superior, block, raw)
        answer = adapter.answer_to(packet, await self._commands.obey(packet, raw))
        return await self._sealed(answer)

    async def _refuse(self, error: FrameError) -> bytes:
        code = ReturnCode.UNKNOWN
        if isinstance(error, SignatureError):
            code = ReturnCode.SIGNATURE_REFUSED
        elif type(error) is MalformedFrame:
            code = ReturnCode.LENGTH_ERROR
        return await self._signed(AdapterAnswer(code, error.code.encode()))

    async def _signed(self, body: Body) -> bytes:
        """A report of ours, signed."""
        return await self._sealed(adapter.report(body))

    async def _sealed(self, packet: AdapterPacket) -> bytes:
        unsigned = adapter.unsigned_part(packet)
        return adapter.assemble(unsigned, await self._dispatch.errands.sign(unsigned))
