"""Errands in the words of appendix A 指令转换: which commands of GD/J 089-2018 say what an errand asks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.devices.bearer import Errand, ErrandUnsupported
from gateway.devices.events import Known
from gateway.domain.codes import ResourceCode
from gateway.domain.message import Command, Message
from gateway.domain.targets import addresses
from gateway.protocols import parameters as tags
from gateway.protocols.adapter_address import AddressBlock, Reback, parts_of
from gateway.protocols.adapter_broadcast import BroadcastStart, BroadcastStop, LanguageContent
from gateway.protocols.adapter_commands import (
    AmplifierSwitch,
    ClockSetting,
    CodeAssignment,
    CodeSetting,
    NetworkSetting,
    PeriodSetting,
    RebackSetting,
    TerminalQuery,
    VolumeSetting,
)
from gateway.protocols.adapter_types import Body
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ip_bodies import Auxiliary
from gateway.protocols.parameters import LocalAddress, Parameter, ResourceCodeSetting, ReturnAddress
from gateway.protocols.time_base import TimeBase, to_wire

#: Texts of a message are Chinese (GB/T 4880.2).
LANGUAGE = "zho"
#: Digits that the prefix of a division may have.
_PREFIXES = (0, 2, 4, 6, 9, 12)


@dataclass(frozen=True, slots=True)
class Part:
    """One command, and the terminals that it reaches."""

    body: Body
    terminals: tuple[Known, ...]


def reback_of(address: str) -> Reback:
    """``host:port`` as a return address (table A.15): IPv4, or a name."""
    host, _, port = address.rpartition(":")
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return Reback.domain(host, int(port))
    return Reback.ipv4(host, int(port))


@dataclass(frozen=True, slots=True)
class AdapterWords:
    """How one adapter is spoken to: its time base, and where its terminals answer queries (``host:port`` or empty)."""

    base: TimeBase
    return_address: str = ""

    def parts(self, errand: Errand) -> tuple[Part, ...]:
        """An errand as commands of at most 255 codes, alike in all else.

        Errors: ErrandUnsupported (appendix A has no such setting), InvalidValueError (a time beyond 32 bits).
        """
        if errand.command is Command.QUERY and not self.return_address:
            raise ErrandUnsupported("0x08 needs return_address of the link, where terminals answer (table A.16)")
        if errand.certificates is not None:
            # 0x40 names nobody: it is for all terminals behind the adapter.
            return (Part(errand.certificates, errand.terminals),)
        if errand.command is Command.SET:
            return tuple(part for one in errand.parameters for part in self._setting(errand, one))
        return tuple(
            Part(self._addressed(errand, AddressBlock.logical(codes)), tuple(reached(codes, errand.terminals)))
            for codes in parts_of(errand.targets)
        )

    def _addressed(self, errand: Errand, block: AddressBlock) -> Body:
        message = errand.message
        if errand.command is Command.QUERY:
            return TerminalQuery(reback_of(self.return_address), block, errand.tags)
        assert message is not None
        if errand.command is Command.STOP:
            return BroadcastStop(WireEbmId.of(message.ebm_id), block)
        return self._start(message, block)

    def _start(self, message: Message, block: AddressBlock) -> BroadcastStart:
        stream = Auxiliary.stream(message.programme_url)
        return BroadcastStart(
            ebm_id=WireEbmId.of(message.ebm_id),
            ebm_class=int(message.ebm_class),
            event=str(message.event),
            severity=int(message.severity.on_device),
            start=to_wire(int(message.start.timestamp()), self.base),
            end=to_wire(int(message.end.timestamp()), self.base),
            volume=message.volume,
            address=block,
            languages=(LanguageContent.of(LANGUAGE, message.text or message.headline, "", (stream,)),),
        )

    def _setting(self, errand: Errand, parameter: Parameter) -> Iterator[Part]:
        match parameter.tag, parameter.value:
            case tags.SET_CLOCK, int(seconds):
                yield Part(ClockSetting(to_wire(seconds, self.base)), errand.terminals)
            case tags.RESOURCE_CODE, ResourceCodeSetting() as setting:
                assignment = CodeAssignment(setting.physical, setting.code)
                yield Part(CodeSetting((assignment,)), errand.terminals)
            case tags.LOCAL_ADDRESS, LocalAddress() as local:
                for code in errand.targets:
                    body = NetworkSetting(local.ip, local.mask, local.gateway, 1, WireCode.of(code))
                    yield Part(body, tuple(reached((code,), errand.terminals)))
            case _:
                for codes in parts_of(errand.targets):
                    body_ = _addressed_setting(parameter, AddressBlock.logical(codes))
                    yield Part(body_, tuple(reached(codes, errand.terminals)))


def _addressed_setting(parameter: Parameter, block: AddressBlock) -> Body:
    """Settings of table D.9 that appendix A has with an address block."""
    match parameter.tag, parameter.value:
        case tags.VOLUME, int(volume):
            return VolumeSetting(volume, block)
        case tags.RETURN_ADDRESS, ReturnAddress() as address:
            return RebackSetting(_reback(address), block)
        case tags.SET_AMPLIFIER, int(switch):
            return AmplifierSwitch(switch, block)
        case tags.SET_RETURN_PERIOD, int(seconds):
            return PeriodSetting(seconds, block)
    raise ErrandUnsupported(f"parameter {parameter.tag}: appendix A has no setting for this value (table A.4)")


def _reback(address: ReturnAddress) -> Reback:
    """Table D.9 numbers the kinds of a return address differently from table A.15."""
    if address.kind == 1:
        return Reback.ipv4(address.host, address.port)
    return Reback.domain(address.host, address.port) if address.kind == 2 else Reback.telephone(address.host)


def reached(codes: Sequence[ResourceCode | str], terminals: Iterable[Known]) -> Iterator[Known]:
    """Those of ``terminals`` that one of ``codes`` (23 digits) addresses."""
    # By division: a thousand codes times thousands of terminals would hold the loop for seconds.
    by_prefix: dict[str, list[str]] = {}
    for code in map(str, codes):
        area = code[1:13]
        used = next((n for n in _PREFIXES if not area[n:].strip("0")), 12)
        by_prefix.setdefault(area[:used], []).append(code)
    for known in terminals:
        own: Any = known.terminal.code
        near = (code for used in _PREFIXES for code in by_prefix.get(own[1 : 1 + used], ()))
        if any(addresses(code, own) for code in near):
            yield known
