"""What only an adapter itself is asked 适配器管理: channels, records, faults, lists, certificates, special commands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import cast

from gateway.devices.adapter_answers import Answer
from gateway.devices.adapter_clock import ClockWatch
from gateway.devices.adapter_words import reback_of
from gateway.domain.codes import EbmId, ResourceCode
from gateway.protocols.adapter_address import AddressBlock, parts_of
from gateway.protocols.adapter_answers import AdapterAnswer, FaultDetail
from gateway.protocols.adapter_channels import InputChannels, OutputChannels
from gateway.protocols.adapter_commands import (
    ANY_EBM_ID,
    AdapterCertificates,
    AdapterReback,
    FaultQuery,
    InputChannelQuery,
    OutputChannelQuery,
    RecordQuery,
    WhiteList,
    WhiteListEntry,
)
from gateway.protocols.adapter_reports import AdapterRecords
from gateway.protocols.adapter_special import FrequencyLock, IpCommand, RdsCommand, TsCommand
from gateway.protocols.adapter_types import Body
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.time_base import to_wire


class AdapterControl(ABC):
    """Typed requests to the adapter itself; each raises what ``ask`` raises."""

    code: ResourceCode
    clock: ClockWatch

    @abstractmethod
    async def ask(self, body: Body) -> Answer:
        """Send one signed command and return its checked answer."""

    @property
    def front(self) -> WireCode:
        """Its resource code as on the wire."""
        return WireCode.of(self.code)

    async def output_channels(self, channel: int = 0, state: int = 0) -> OutputChannels:
        """0x0E: outputs; channel 0 any; state 0 all, 1 idle, 2 taken, 3 faulty (tables A.7, A.28)."""
        return cast(OutputChannels, await self._body(OutputChannelQuery(self.front, channel, state)))

    async def input_channels(self, channel: int = 0, state: int = 0) -> InputChannels:
        """0x0F: inputs, filtered as outputs (tables A.8, A.29)."""
        return cast(InputChannels, await self._body(InputChannelQuery(self.front, channel, state)))

    async def records(self, start: int, end: int, ebm_id: EbmId | None = None, task_type: int = 0) -> AdapterRecords:
        """0x10: records between two Unix times; task type 0 all, 1 daily, 2 emergency (tables A.9, A.30).

        Times inside the records are the wire's; ``time_base.to_unix`` reads them.
        """
        wanted = ANY_EBM_ID if ebm_id is None else WireEbmId.of(ebm_id)
        base = self.clock.base
        query = RecordQuery(self.front, wanted, task_type, to_wire(start, base), to_wire(end, base))
        return cast(AdapterRecords, await self._body(query))

    async def fault(self) -> FaultDetail:
        """0x11: its fault, type 0 where there is none (tables A.10, A.31)."""
        return cast(FaultDetail, await self._body(FaultQuery(self.front)))

    async def update_white_list(self, entries: Iterable[WhiteListEntry]) -> None:
        """0x0C: telephones that may speak; more than 255 take several commands (table A.5)."""
        for part in parts_of(tuple(entries)):
            await self._done(WhiteList(part))

    async def report_to(self, address: str, period_s: int) -> None:
        """0x0D: where (``host:port``) and how often, in seconds, the adapter reports itself (table A.6)."""
        await self._done(AdapterReback(reback_of(address), period_s))

    async def terminal_certificates(self, lists: tuple[bytes, ...], certificates: tuple[bytes, ...]) -> None:
        """0x40: lists and certificates for the terminals behind it (table A.21)."""
        await self._done(CertificateAuthorisation(lists, certificates))

    async def certificates(self, lists: tuple[bytes, ...], certificates: tuple[bytes, ...]) -> None:
        """0x41: lists and certificates for the adapter (table A.11)."""
        await self._done(AdapterCertificates(lists, certificates))

    async def lock_frequency(self, freq_khz: int, symbol_rate_k: int, qam: int, codes: Iterable[ResourceCode]) -> None:
        """0x01 锁定频率: kHz, kBd, QAM as in table A.23; more than 255 codes take several commands."""
        for part in parts_of(tuple(codes)):
            await self._done(FrequencyLock(freq_khz, symbol_rate_k, qam, AddressBlock.logical(part)))

    async def ts(self, command: TsCommand) -> None:
        """0x01 with a content that the tables do not describe (table A.22)."""
        await self._done(command)

    async def rds(self, command: RdsCommand) -> None:
        """0x02: contents of RDS packets to be sent so many times (table A.24)."""
        await self._done(command)

    async def ip(self, command: IpCommand) -> None:
        """0x03 (table A.25)."""
        await self._done(command)

    async def _done(self, body: Body) -> AdapterAnswer:
        return cast(AdapterAnswer, await self._body(body))

    async def _body(self, body: Body) -> Body:
        return (await self.ask(body)).body
