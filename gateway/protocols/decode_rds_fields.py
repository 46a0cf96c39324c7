"""Contents of RDS packets as JSON values (docs/decode.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from gateway.protocols import rds_bodies as b
from gateway.protocols.decode_fields import authorisation_fields, certificate_fields, hex_of, printable, time_of
from gateway.protocols.ip_bodies import UnknownBody
from gateway.protocols.rds import RdsPacket
from gateway.protocols.rds_text import decode_text

Json = dict[str, Any]

_KINDS: dict[int, str] = {
    b.RdsType.AUTHORISATION: "certificates",
    b.RdsType.CERTIFICATES: "certificates",
    b.RdsType.QUERY: "query",
    b.RdsType.RESET: "reset",
    b.RdsType.FACTORY_RESET: "reset",
    b.RdsType.DRILL: "drill",
    b.RdsType.TEXT: "text",
    b.RdsType.MAINTAIN: "maintain",
    b.RdsType.DAILY_VOLUME: "set",
    b.RdsType.AMPLIFIER: "set",
}
_ACTIONS = {b.Action.START: "start", b.Action.STOP: "stop"}


def kind_of(packet: RdsPacket) -> str:
    """Name the content: the ``kind`` of the contract."""
    body = packet.body
    if packet.packet_type not in b.CONTENTS:
        return "unknown"
    if packet.packet_type in (b.RdsType.EMERGENCY, b.RdsType.DAILY):
        action = getattr(body, "action", None)  # none where the content could not be read
        return "unknown" if action not in (1, 2) else _ACTIONS[b.Action(action)]
    return _KINDS.get(packet.packet_type, "set")


def _clock(body: b.Clock) -> Json:
    shown = f"{body.year:04d}-{body.month:02d}-{body.day:02d} {body.hour:02d}:{body.minute:02d}:{body.second:02d}"
    return {"clock": shown, "time": None if body.seconds is None else time_of(body.seconds)}


def _return_route(body: b.ReturnRoute) -> Json:
    shown = body.text
    address = hex_of(body.address) if shown is None else shown
    return {"reback_type": body.kind, "address_length": len(body.address), "address": address}


def _authorisation(body: b.AuthorisationUpdate) -> Json:
    content = body.content
    if isinstance(content, bytes):
        return {"data": hex_of(content)}
    return authorisation_fields(content)


def _certificates(body: b.CertificateUpdate) -> Json:
    shown: Json = {"certificates": list(map(certificate_fields, body.certificates))}
    return shown | ({"one_length": True} if body.one_length else {})


def _emergency(body: b.EmergencyCommand) -> Json:
    return {
        "action": body.action,
        "switch": body.retune,
        "level": body.severity,
        "event": printable(body.event),
        "ebm_id": body.ebm_id.text,
        "freq_mhz": body.mhz,
    }


def _text(body: b.TextTransfer) -> Json:
    text = decode_text(body.charset, body.text)
    return {
        "text_type": body.text_type,
        "charset": body.charset,
        "ebm_id": body.ebm_id.text,
        "text_length": len(body.text),
        "text": hex_of(body.text) if text is None else text,
    }


def _daily(body: b.DailyCommand) -> Json:
    return {
        "action": body.action,
        "switch": body.retune,
        "ebm_id": body.ebm_id.text,
        "freq_mhz": body.mhz,
        "volume": body.volume,
    }


_SHOWN: dict[type, Callable[[Any], Json]] = {
    b.ScanList: lambda body: {
        "points": [{"index": one.index, "priority": one.priority, "freq_mhz": one.mhz} for one in body.points]
    },
    b.DeviceCode: lambda body: {"physical": hex_of(body.physical), "resource_code": body.code.digits},
    b.MaintainMode: asdict,
    b.Clock: _clock,
    b.ReturnRoute: _return_route,
    b.ReturnPeriod: asdict,
    b.AuthorisationUpdate: _authorisation,
    b.CertificateUpdate: _certificates,
    b.StateQuery: lambda body: {"tags": list(body.tags)},
    b.EmergencyCommand: _emergency,
    b.Reset: lambda body: {"command": body.command, "change_default": body.change, "freq_mhz": body.mhz},
    b.FactoryReset: lambda body: {"command": body.command},
    b.DrillCommand: lambda body: {
        "drill_type": body.drill,
        "operation": body.operation,
        "ebm_id": body.ebm_id.text,
    },
    b.TextTransfer: _text,
    b.Maintain: lambda body: {"number": body.number},
    b.DailyCommand: _daily,
    b.DailyVolume: lambda body: {"volume": body.volume},
    b.AmplifierSwitch: lambda body: {"amplifier": body.state},
    UnknownBody: lambda body: {"content": hex_of(body.raw)},
}


def packet_fields(packet: RdsPacket, size: int) -> Json:
    """Return the fields of a packet of ``size`` bytes."""
    shown: Json = {
        "packet_type": packet.packet_type,
        "length": size - 2,
        "targets": [code.digits for code in packet.codes],
        "content_length": size - 2 - 1 - 12 * len(packet.codes) - 74,
        **_SHOWN[type(packet.body)](packet.body),
    }
    if packet.signature is not None:
        shown["signature_value"] = hex_of(packet.block.value)
    return shown
