"""A packet's content as JSON values: codes as digits, times in RFC 3339 UTC, unknown bytes in hexadecimal.

The keys are described in docs/decode.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.protocols import parameters as p
from gateway.protocols.certificates import AUTHORISATION_LIST, CERTIFICATE, AuthorisationList
from gateway.protocols.feedback_bodies import (
    BroadcastRecord,
    BroadcastResult,
    FaultReport,
    QueryAnswer,
    RecordReport,
    TaskSwitch,
)
from gateway.protocols.fields import WireCode, text_of
from gateway.protocols.ip_bodies import (
    STREAM,
    Auxiliary,
    CertificateAuthorisation,
    GeneralAnswer,
    Heartbeat,
    ParameterSetting,
    ServiceType,
    StartBroadcast,
    StatusQuery,
    StopBroadcast,
    UnknownBody,
)
from gateway.protocols.ip_legacy import LegacyAnswer, audio_of
from gateway.protocols.results import describe

Json = dict[str, Any]

#: Names of contents, the ``kind`` of the decode contract.
KINDS: dict[int, str] = {
    ServiceType.START: "start",
    ServiceType.STOP: "stop",
    ServiceType.HEARTBEAT: "heartbeat",
    ServiceType.QUERY: "query",
    ServiceType.SET: "set",
    ServiceType.FAULT: "fault",
    ServiceType.TASK: "task",
    ServiceType.RESULT: "result",
    ServiceType.RECORDS: "records",
    ServiceType.CERTIFICATES: "certificates",
}


def hex_of(raw: bytes) -> str:
    """Return bytes as upper-case hexadecimal."""
    return raw.hex().upper()


def time_of(seconds: int) -> str:
    """Return Unix seconds as RFC 3339 UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def readable(raw: bytes) -> str:
    """Return text where the bytes are text, else hexadecimal."""
    text = text_of(raw)
    return hex_of(raw) if "\ufffd" in text else text


def printable(event: str) -> str:
    """Return characters that were read as Latin-1 where they are ASCII, else hexadecimal."""
    return event if event.isascii() and event.isprintable() else hex_of(event.encode("latin-1"))


def auxiliary_of(aux: Auxiliary) -> Json:
    """Return 辅助数据; the address too where the type is a stream."""
    shown: Json = {"type": aux.kind, "length": len(aux.data), "data": hex_of(aux.data)}
    if aux.kind == STREAM:
        shown["url"] = readable(aux.data)
    return shown


def _legacy_auxiliary(aux: Auxiliary) -> Json:
    audio = audio_of(aux)
    if audio is None:
        return auxiliary_of(aux)
    named = {"protocol": audio.protocol, "codec": audio.codec, "pid": audio.pid, "url": readable(audio.url)}
    return auxiliary_of(aux) | named


def _start(body: StartBroadcast) -> Json:
    legacy = len(body.ebm_id.raw) != body.ebm_id.long_form
    return {
        "ebm_id": body.ebm_id.text,
        "class": body.ebm_class,
        "level": body.severity,
        "event": printable(body.event),
        "volume": body.volume,
        "start": time_of(body.start),
        "end": time_of(body.end),
        "aux": [_legacy_auxiliary(aux) if legacy else auxiliary_of(aux) for aux in body.aux],
    }


def _stop(body: StopBroadcast) -> Json:
    return {"ebm_id": body.ebm_id.text}


def _heartbeat(body: Heartbeat) -> Json:
    return {"work_state": body.state, "first": body.first, "physical": hex_of(body.physical)}


def _answer(body: GeneralAnswer) -> Json:
    return {"result": body.result, "meaning": describe(body.result), "description": readable(body.description)}


def _legacy_answer(body: LegacyAnswer) -> Json:
    return _answer(body) | {"extra": hex_of(body.extra)}


def _query_answer(body: QueryAnswer) -> Json:
    return {
        "result": body.result,
        "meaning": describe(body.result),
        "description": readable(body.description),
        "params": [parameter_of(one, p.REPORTED) for one in body.params],
    }


#: Names of plain values by tag; the tables D.9 and E.5 disagree above tag 4.
_SET_NAMES = {p.VOLUME: "volume", p.SET_AMPLIFIER: "amplifier", p.SET_CLOCK: "time", p.SET_RETURN_PERIOD: "period_s"}
_REPORTED_NAMES = {
    p.VOLUME: "volume",
    p.WORK_STATE: "work_state",
    p.FAULT_CODE: "fault_code",
    p.DEVICE_TYPE: "device_type",
    p.HARDWARE_VERSION: "hardware",
    p.SOFTWARE_VERSION: "software",
    p.TERRESTRIAL_FREQUENCY: "freq_khz",
}


def parameter_of(one: p.Parameter, table: dict[int, Any]) -> Json:
    """Return one parameter by the table that it belongs to, ``parameters.SETTABLE`` or ``REPORTED``."""
    value, setting = one.value, table is p.SETTABLE
    raw = value if isinstance(value, bytes) else table[one.tag].build(value)
    return {"tag": one.tag, "length": len(raw)} | _value(one.tag, value, _SET_NAMES if setting else _REPORTED_NAMES)


def _value(tag: int, value: p.Value, names: dict[int, str]) -> Json:
    if isinstance(value, int):
        return {names[tag]: time_of(value) if names[tag] == "time" else value}
    if isinstance(value, bytes):
        return {names.get(tag, "data") if names is _REPORTED_NAMES and tag in p.VENDOR_TAGS else "data": hex_of(value)}
    if isinstance(value, WireCode):
        return {"resource_code": value.digits}
    if isinstance(value, p.ReturnAddress):
        return {"kind": value.kind, "address": readable(value.text.encode("latin-1"))}
    if isinstance(value, p.ResourceCodeSetting):
        return {"physical": hex_of(value.physical), "resource_code": value.code.digits}
    if isinstance(value, p.PhysicalValue):
        return {"physical": hex_of(value.address)} | ({"counts_itself": True} if value.counts_itself else {})
    if isinstance(value, tuple):
        return {"points": [{"index": q.index, "priority": q.priority, "freq_mhz": q.mhz} for q in value]}
    assert is_dataclass(value)
    return asdict(value)


def certificates_of(body: CertificateAuthorisation) -> Json:
    """Return lists and certificates, read where they have the layout of GD/J 081-2018."""
    return {"lists": list(map(_list, body.lists)), "certificates": list(map(certificate_fields, body.certificates))}


def _list(raw: bytes) -> Json:
    parsed = AUTHORISATION_LIST.fits(raw)
    return {"length": len(raw)} | ({"data": hex_of(raw)} if parsed is None else authorisation_fields(parsed))


def authorisation_fields(parsed: AuthorisationList) -> Json:
    """Return the fields of an authorisation list (GD/J 081-2018 table 6)."""
    return {
        "receiver": parsed.receiver,
        "number": parsed.number,
        "serials": list(parsed.serials),
        "signer": parsed.signer,
        "signature": hex_of(parsed.signature),
    }


def certificate_fields(raw: bytes) -> Json:
    """Return the fields of a certificate (GD/J 081-2018 table 1), or its bytes where it has another layout."""
    parsed = CERTIFICATE.fits(raw)
    if parsed is None:
        return {"length": len(raw), "data": hex_of(raw)}
    return {
        "length": len(raw),
        "version": parsed.version,
        "issuer": parsed.issuer,
        "serial": parsed.serial,
        "valid_year": parsed.valid_year,
        "valid_month": parsed.valid_month,
        "public_key": hex_of(parsed.public_key),
        "signature": hex_of(parsed.signature),
    }


def _fault(body: FaultReport) -> Json:
    return {
        "flag": body.flag,
        "fault_type": body.fault_type,
        "description": readable(body.description),
        "time": time_of(body.time),
    }


def _task(body: TaskSwitch) -> Json:
    return {
        "switch": body.switch,
        "task_type": body.task_type,
        "ebm_id": body.ebm_id.text,
        "time": time_of(body.time),
    }


def _result(body: BroadcastResult) -> Json:
    return {
        "ebm_id": body.ebm_id.text,
        "result": body.result,
        "description": readable(body.description),
        "start": time_of(body.start),
        "end": time_of(body.end),
        "times": body.times,
        "report_time": time_of(body.report_time),
    }


def _record(one: BroadcastRecord) -> Json:
    shown: Json = {
        "channel": one.channel,
        "state": one.state,
        "ebm_id": one.ebm_id.text,
        "task_type": one.task_type,
        "class": one.ebm_class,
        "level": one.severity,
        "event": printable(one.event),
        "start": time_of(one.start),
        "end": time_of(one.end),
    }
    if one.telephone is not None:
        shown["telephone"] = readable(one.telephone)
    return shown | {"volume": one.volume, "codes": [code.digits for code in one.codes]}


#: How each content is shown.
_SHOWN: dict[type, Callable[[Any], Json]] = {
    StartBroadcast: _start,
    StopBroadcast: _stop,
    Heartbeat: _heartbeat,
    StatusQuery: lambda body: {"tags": list(body.tags)},
    ParameterSetting: lambda body: {"params": [parameter_of(one, p.SETTABLE) for one in body.params]},
    CertificateAuthorisation: certificates_of,
    GeneralAnswer: _answer,
    LegacyAnswer: _legacy_answer,
    QueryAnswer: _query_answer,
    FaultReport: _fault,
    TaskSwitch: _task,
    BroadcastResult: _result,
    RecordReport: lambda body: {
        "front_code": body.front_code.digits,
        "records": [_record(one) for one in body.records],
    },
    UnknownBody: lambda body: {"content": hex_of(body.raw)},
}


def fields_of(body: object) -> Json:
    """Return the fields of a content."""
    return _SHOWN[type(body)](body)
