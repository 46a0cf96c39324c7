"""A superior's settings and queries as requests to our terminals 指令转换: appendix A to appendix D (GD/J 089-2018)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.devices.events import Known
from gateway.dispatch.requests import Ask
from gateway.dispatch.service import Dispatch
from gateway.protocols import adapter_commands as commands
from gateway.protocols import parameters as tags
from gateway.protocols.adapter_address import AddressBlock, Reback, RebackKind
from gateway.protocols.adapter_types import Body
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.parameters import LocalAddress, Parameter, ResourceCodeSetting, ReturnAddress, Value
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
        case commands.AdapterCertificates():
            return ()
        case CertificateAuthorisation():
            return (Wanted(in_service(dispatch), Ask(certificates=body)),)
    return ()


def _code(dispatch: Dispatch, one: commands.CodeAssignment) -> Wanted:
    return _set(by_physical(dispatch, (one.physical,)), tags.RESOURCE_CODE, ResourceCodeSetting(one.physical, one.code))


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
