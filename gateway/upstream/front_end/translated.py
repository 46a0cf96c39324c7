"""A superior's settings and queries as requests to our terminals 指令转换: appendix A to appendix D (GD/J 089-2018)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.devices.events import Known
from gateway.dispatch.requests import Ask
from gateway.dispatch.service import Dispatch
from gateway.protocols import adapter_commands as commands
from gateway.protocols import parameters as tags
from gateway.protocols.adapter_address import AddressBlock, AddressKind, Reback, RebackKind
from gateway.protocols.adapter_special import FrequencyLock, RdsCommand
from gateway.protocols.adapter_types import Body
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.parameters import (
    Channel,
    CommandMode,
    LocalAddress,
    Parameter,
    ResourceCodeSetting,
    ReturnAddress,
    Value,
)
from gateway.protocols.rds_bodies import CONTENTS, MaintainMode, ScanList
from gateway.protocols.time_base import TimeBase, to_unix
from gateway.upstream.front_end.addressed import addressed, by_physical, in_service
from gateway.upstream.front_end.broadcasts import Refusal


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request: whom, and what."""

    terminals: Sequence[Known]
    ask: Ask


def _set(terminals: Sequence[Known], tag: int, value: Value) -> Wanted:
    return Wanted(terminals, Ask(parameters=(Parameter(tag, value),)))


def translated(dispatch: Dispatch, body: Body, base: TimeBase) -> tuple[Wanted, ...]:
    """A command as requests; empty where appendix D has no word for it. Errors: Refusal naming what is wrong."""

    def means(block: AddressBlock) -> Sequence[Known]:
        return addressed(dispatch, block).terminals

    match body:
        case commands.CodeSetting():
            return tuple(_code(dispatch, one) for one in body.assignments)
        case commands.VolumeSetting():
            return (_set(means(body.address), tags.VOLUME, body.volume),)
        case commands.RebackSetting():
            return (_set(means(body.address), tags.RETURN_ADDRESS, return_address(body.reback)),)
        case commands.TerminalQuery():
            return (Wanted(means(body.address), Ask(tags=body.tags)),)
        case commands.ClockSetting():
            return (_set(in_service(dispatch), tags.SET_CLOCK, max(0, to_unix(body.time, base))),)
        case commands.NetworkSetting():
            return (_network(dispatch, body),)
        case commands.PeriodSetting():
            return (_set(means(body.address), tags.SET_RETURN_PERIOD, body.period_s),)
        case commands.AmplifierSwitch():
            return (_set(means(body.address), tags.SET_AMPLIFIER, body.switch),)
        case FrequencyLock():
            # Table A.23 counts QAM from 0, those who receive it from 1 (GD/J 086-2018 table 11).
            channel = Channel(body.freq_khz, body.symbol_rate_k, body.qam + 1)
            return (_set(means(body.address), tags.CABLE_FREQUENCY, channel),)
        case RdsCommand():
            return _rds(dispatch, body)
        case commands.AdapterCertificates():
            return ()
        case CertificateAuthorisation():
            return (Wanted(in_service(dispatch), Ask(certificates=body)),)
    return ()


def _code(dispatch: Dispatch, one: commands.CodeAssignment) -> Wanted:
    return _set(by_physical(dispatch, (one.physical,)), tags.RESOURCE_CODE, ResourceCodeSetting(one.physical, one.code))


def _rds(dispatch: Dispatch, command: RdsCommand) -> tuple[Wanted, ...]:
    """What 0x02 configures (A.4.2.3.3): scan list and maintain mode; how often it goes out is ours."""
    layout = CONTENTS.get(command.data_type)
    content = layout.fits(command.data) if layout is not None else None
    terminals = addressed(dispatch, AddressBlock(AddressKind.LOGICAL, command.codes)).terminals
    match content:
        case ScanList():
            return (_set(terminals, tags.FM_SCAN_LIST, content.points),)
        case MaintainMode():
            return (_set(terminals, tags.FM_COMMAND_MODE, CommandMode(content.enabled, content.period_s)),)
    return ()


def _network(dispatch: Dispatch, body: commands.NetworkSetting) -> Wanted:
    """One device, by logical or physical code (table A.18)."""
    known = dispatch.find(body.code.digits or "")
    terminals = (known,) if known is not None else by_physical(dispatch, (body.code.raw,))
    return _set(terminals, tags.LOCAL_ADDRESS, LocalAddress(body.ip, body.mask, body.gateway))


def return_address(reback: Reback) -> ReturnAddress:
    """Table A.15 numbers the kinds of a return address differently from table D.9. Errors: Refusal."""
    if reback.kind == RebackKind.TELEPHONE:
        return ReturnAddress(3, reback.text)
    host, port = host_port(reback)
    return ReturnAddress(1 if reback.kind == RebackKind.IPV4 else 2, host, port)


def host_port(reback: Reback) -> tuple[str, int]:
    """Where a return address can be connected to. Errors: Refusal."""
    host, _, port = reback.text.rpartition(":")
    if reback.kind not in (RebackKind.IPV4, RebackKind.DOMAIN) or not host or not port.isdecimal():
        raise Refusal(f"回传地址不可用 return address {reback.kind} {reback.text[:80]!r} (table A.15)")
    return host, int(port)
