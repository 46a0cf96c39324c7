"""Errands in the words of RDS (GD/J 085-2018 tables 3-20): which packets an order needs, unsigned."""

from __future__ import annotations

from gateway.devices.bearer import Errand, ErrandUnsupported
from gateway.domain.codes import ResourceCode
from gateway.domain.message import Command, EbmClass, Message
from gateway.domain.warning import Notice
from gateway.protocols import parameters as tags
from gateway.protocols import rds
from gateway.protocols.fields import WireEbmId
from gateway.protocols.ip_bodies import CertificateAuthorisation
from gateway.protocols.parameters import CommandMode, Parameter, ResourceCodeSetting, ReturnAddress
from gateway.protocols.rds_bodies import (
    AmplifierSwitch,
    AuthorisationUpdate,
    CertificateUpdate,
    Clock,
    DailyVolume,
    DeviceCode,
    MaintainMode,
    ReturnPeriod,
    ReturnRoute,
    ScanList,
    StateQuery,
    TextTransfer,
)
from gateway.protocols.rds_frames import LEVELS
from gateway.protocols.rds_render import RdsBroadcast, Rendered, start_packets, stop_packets
from gateway.protocols.rds_text import Charset, encode_text
from gateway.settings.rds_link import RdsLink

#: 文本内容类型 (table 16) by class: emergency, daily; drills are tests.
_TEXT_TYPES = {EbmClass.EMERGENCY: 1, EbmClass.DAILY: 2}
_TEXT_OF_A_DRILL = 3
#: Certificates in one packet: room is left for fifty codes.
_CERTIFICATES_AT_ONCE = 4


def packets_of(errand: Errand, link: RdsLink) -> Rendered:
    """Render an errand to packets, in the order in which they go out, with what the operator must know.

    Raises ErrandUnsupported for what RDS has no word for, InvalidValueError naming a value that does not fit.
    """
    if errand.command is Command.QUERY:
        return _addressed(errand.targets, StateQuery(errand.tags))
    if errand.certificates is not None:
        return _certificates(errand.certificates, errand.targets)
    if errand.command is Command.SET:
        parts = [_setting(parameter, errand.targets) for parameter in errand.parameters]
        return Rendered(tuple(packet for part in parts for packet in part.packets))
    if errand.message is None:
        raise ErrandUnsupported("RDS: a start or stop needs its message")
    if errand.command is Command.STOP:
        return stop_of(errand.message, errand.targets)
    return _start(errand.message, errand.targets, link)


def stop_of(message: Message, targets: tuple[ResourceCode, ...]) -> Rendered:
    """Render the stop of a message."""
    return stop_packets(_broadcast(message, targets))


def level_of(message: Message | None, own_code: ResourceCode) -> int:
    """数据包来源级别 (table 22): where the message comes from, which a superior's EBM id tells; else our own level."""
    level = int(own_code[0] if message is None else message.ebm_id[0])
    return level if level in LEVELS else LEVELS[-1]


def _broadcast(message: Message, targets: tuple[ResourceCode, ...], link: RdsLink | None = None) -> RdsBroadcast:
    return RdsBroadcast(
        ebm_id=message.ebm_id,
        ebm_class=message.ebm_class,
        severity=message.severity,
        event=message.event,
        codes=targets,
        frequency=(link.frequency or None) if link is not None else None,
        volume=message.volume,
        stored_audio=link is not None and link.stored_audio,
    )


def _start(message: Message, targets: tuple[ResourceCode, ...], link: RdsLink) -> Rendered:
    start = start_packets(_broadcast(message, targets, link))
    bodies, notices = _texts(message)
    texts = tuple(rds.command(codes, body) for body in bodies for codes in rds.split_codes(targets, body))
    return Rendered(start.packets + texts, start.notices + notices)


def _texts(message: Message) -> tuple[list[TextTransfer], tuple[Notice, ...]]:
    """Split the text at whole characters: a packet holds 255 bytes, and nothing of a warning is cut off."""
    bodies: list[TextTransfer] = []
    told: list[Notice] = []
    left, kind = message.text or message.headline, _TEXT_TYPES.get(message.ebm_class, _TEXT_OF_A_DRILL)
    while left:
        part = encode_text(left)
        bodies.append(TextTransfer(kind, part.charset, WireEbmId.of(message.ebm_id), part.raw))
        left = left[len(left) - part.cut :] if part.cut else ""
        if part.charset is not Charset.GB2312:
            named = "".join(part.forced_by)
            words = f"文本含 GB 2312 以外的字符“{named}”，改用 GB 18030 / characters outside GB 2312: sent in GB 18030"
            told.append(Notice("rds_charset", words))
    if len(bodies) > 1:
        words = f"RDS 文本每包限 255 字节，分 {len(bodies)} 包发送 / text sent in {len(bodies)} packets of 255 bytes"
        told.append(Notice("rds_text_split", words))
    return bodies, tuple(told)


def _certificates(body: CertificateAuthorisation, targets: tuple[ResourceCode, ...]) -> Rendered:
    """Certificates (type 7), then the lists that name them (type 6), one in a packet."""
    papers, at_once = body.certificates, _CERTIFICATES_AT_ONCE
    updates = [CertificateUpdate(papers[at : at + at_once]) for at in range(0, len(papers), at_once)]
    parts = [_addressed(targets, update) for update in updates]
    parts += [_addressed(targets, AuthorisationUpdate(raw)) for raw in body.lists]
    return Rendered(tuple(packet for part in parts for packet in part.packets))


def _addressed(targets: tuple[ResourceCode, ...], body: rds.Body) -> Rendered:
    return Rendered(tuple(rds.command(codes, body) for codes in rds.split_codes(targets, body)))


def _setting(parameter: Parameter, targets: tuple[ResourceCode, ...]) -> Rendered:
    """One parameter of table D.9, or of table E.5 where D.9 lacks it and RDS can set it."""
    match parameter.tag, parameter.value:
        case tags.VOLUME, int() as volume:
            return _addressed(targets, DailyVolume(volume))
        case tags.RETURN_ADDRESS, ReturnAddress() as address:
            return _addressed(targets, _return_route(address))
        case tags.RESOURCE_CODE, ResourceCodeSetting() as setting:
            return Rendered((rds.command((), DeviceCode(setting.physical, setting.code)),))
        case tags.SET_AMPLIFIER, int() as state:
            return _addressed(targets, AmplifierSwitch(state))
        case tags.SET_CLOCK, int() as seconds:
            return _addressed(targets, Clock.of(seconds))
        case tags.SET_RETURN_PERIOD, int() as seconds:
            return _addressed(targets, ReturnPeriod(seconds))
        case tags.FM_SCAN_LIST, tuple() as points:
            return _addressed(targets, ScanList(points))
        case tags.FM_COMMAND_MODE, CommandMode(enabled, period):
            return _addressed(targets, MaintainMode(enabled, period))
    raise ErrandUnsupported(f"RDS 无此参数设置指令 RDS has no word to set parameter {parameter.tag}")


def _return_route(address: ReturnAddress) -> ReturnRoute:
    """Table 7 numbers its kinds otherwise: 1 telephone, 2 IPv4 and port, 3 name and port."""
    if address.kind == 1:
        octets = bytes(int(part) for part in address.host.split("."))
        return ReturnRoute(2, octets + address.port.to_bytes(2, "big"))
    return ReturnRoute(1 if address.kind == 3 else 3, address.text.encode("ascii"))
