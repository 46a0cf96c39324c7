"""Contents of appendix A as JSON values, by the conventions of ``decode_fields``; keys in docs/decode.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from gateway.protocols import adapter_answers as answers
from gateway.protocols import adapter_broadcast as broadcast
from gateway.protocols import adapter_channels as channels
from gateway.protocols import adapter_commands as commands
from gateway.protocols import adapter_reports as reports
from gateway.protocols import adapter_special as special
from gateway.protocols.adapter import AdapterPacket
from gateway.protocols.adapter_address import AddressBlock, Reback
from gateway.protocols.adapter_results import describe, describe_result
from gateway.protocols.adapter_types import ProtocolType as P
from gateway.protocols.decode_fields import auxiliary_of, certificates_of, hex_of, printable, readable, time_of
from gateway.protocols.ip_bodies import CertificateAuthorisation, UnknownBody

Json = dict[str, Any]

_KINDS: dict[str, tuple[P, ...]] = {
    "special": (P.TS, P.RDS, P.IP),
    "start": (P.BROADCAST,),
    "set": (
        P.CODES,
        P.VOLUME,
        P.REBACK,
        P.CLOCK,
        P.NETWORK,
        P.PERIOD,
        P.WHITE_LIST,
        P.ADAPTER_REBACK,
        P.AMPLIFIER,
    ),
    "query": (P.TERMINAL_QUERY, P.OUTPUT_QUERY, P.INPUT_QUERY, P.RECORD_QUERY, P.FAULT_QUERY),
    "certificates": (P.CERTIFICATES, P.ADAPTER_CERTIFICATES),
    "answer": (P.ANSWER, P.BROADCAST_ANSWER, P.PLATFORM_ANSWER, P.TASK_START_ANSWER),
    "channels": (P.OUTPUTS, P.INPUTS),
    "records": (P.RECORDS,),
    "fault": (P.FAULT,),
    "task": (P.TASK_START, P.TASK_END),
    "heartbeat": (P.HEARTBEAT,),
}
_KIND_OF: dict[int, str] = {protocol_type: kind for kind, types in _KINDS.items() for protocol_type in types}


def kind_of(packet: AdapterPacket) -> str:
    """Name the content, the ``kind`` of the decode contract."""
    if isinstance(packet.body, broadcast.BroadcastStop):
        return "stop"
    if isinstance(packet.body, special.FrequencyLock):
        return "set"
    return _KIND_OF.get(packet.protocol_type, "unknown")


def _address(block: AddressBlock) -> Json:
    return {
        "resource_code_type": block.kind,
        "resource_code_length": block.code_size,
        "targets": list(block.texts),
    }


def _reback(reback: Reback) -> Json:
    return {"reback_type": reback.kind, "address_length": len(reback.address), "address": reback.text}


def _language(one: broadcast.LanguageContent) -> Json:
    return {
        "language": printable(one.language),
        "charset": one.charset,
        "text": one.words(one.text),
        "agency": one.words(one.agency),
        "aux": [auxiliary_of(aux) for aux in one.aux],
    }


def _start(body: broadcast.BroadcastStart) -> Json:
    return {
        "ebm_id": body.ebm_id.text,
        "power_switch": broadcast.START,
        "class": body.ebm_class,
        "event": printable(body.event),
        "level": body.severity,
        "start": time_of(body.start),
        "end": time_of(body.end),
        "volume": body.volume,
        **_address(body.address),
        "languages": [_language(one) for one in body.languages],
        "aux": [auxiliary_of(aux) for one in body.languages for aux in one.aux],
        "input_channel": body.input_channel,
        "output_channels": list(body.output_channels),
        "private": hex_of(body.private),
    }


def _stop(body: broadcast.BroadcastStop) -> Json:
    return {"ebm_id": body.ebm_id.text, "power_switch": broadcast.STOP, **_address(body.address)}


def _lock(body: special.FrequencyLock) -> Json:
    return {
        "tag": special.CONFIGURATION,
        "cmd_tag": special.LOCK_FREQUENCY,
        "freq_khz": body.freq_khz,
        "symbol_rate_k": body.symbol_rate_k,
        "qam": body.qam,
        **_address(body.address),
    }


def _tagged(body: special.TsCommand | special.IpCommand) -> Json:
    return {"tag": body.tag, "data_length": len(body.data), "data": hex_of(body.data)}


def _rds(body: special.RdsCommand) -> Json:
    return {
        "cmd_type": body.command,
        "data_type": body.data_type,
        "send_times": body.times,
        "interval_ms": body.interval_ms,
        "targets": [code.digits for code in body.codes],
        "data_length": len(body.data),
        "data": hex_of(body.data),
    }


def _codes(body: commands.CodeSetting) -> Json:
    return {"items": [{"physical": hex_of(one.physical), "resource_code": one.code.digits} for one in body.assignments]}


def _network(body: commands.NetworkSetting) -> Json:
    one = AddressBlock(body.kind, (body.code,), len(body.code.raw))
    return {"ip": body.ip, "mask": body.mask, "gateway": body.gateway, **_address(one)}


def _white_list(body: commands.WhiteList) -> Json:
    return {
        "items": [
            {
                "oper_type": one.operation,
                "phone": readable(one.phone),
                "name": readable(one.name),
                "permission": one.permission,
                "area_length": one.area_size,
                "areas": [area.text for area in one.areas],
            }
            for one in body.entries
        ]
    }


def _channel_query(body: commands.OutputChannelQuery | commands.InputChannelQuery) -> Json:
    return {"front_code": body.front_code.digits, "channel_id": body.channel, "state": body.state}


def _record_query(body: commands.RecordQuery) -> Json:
    return {
        "front_code": body.front_code.digits,
        "ebm_id": body.ebm_id.text,
        "task_type": body.task_type,
        "start": time_of(body.start),
        "end": time_of(body.end),
    }


def _sub_channel(one: channels.FmChannel | channels.TsChannel) -> Json:
    shown: Json = {"freq_mhz": one.mhz} if isinstance(one, channels.FmChannel) else _transport_stream(one)
    shown["state"] = one.state
    return shown if one.ebm_id is None else shown | {"ebm_id": one.ebm_id.text}


def _transport_stream(one: channels.TsChannel) -> Json:
    return {
        "original_network_id": one.original_network_id,
        "ts_id": one.transport_stream_id,
        "program_number": one.program_number,
        "pcr_pid": one.pcr_pid,
        "streams": [asdict(stream) for stream in one.streams],
    }


def _outputs(body: channels.OutputChannels) -> Json:
    return {
        "front_code": body.front_code.digits,
        "channels": [
            {"id": one.id, "type": one.type, "sub_channels": list(map(_sub_channel, one.channels))}
            for one in body.outputs
        ],
    }


def _inputs(body: channels.InputChannels) -> Json:
    return {
        "front_code": body.front_code.digits,
        "channels": [
            {"id": one.id, "name": readable(one.name), "group": one.group, "state": one.state} for one in body.inputs
        ],
    }


def _task(one: reports.AdapterRecord | reports.TaskStart) -> Json:
    shown: Json = {
        "program_resource": one.resource,
        "class": one.ebm_class,
        "level": one.severity,
        "event": printable(one.event),
        "input_channel": one.input_channel,
        "outputs": [[output.type, output.id] for output in one.outputs],
    }
    if one.telephone is not None:
        shown["telephone"] = readable(one.telephone)
    return shown | {"volume": one.volume, "codes": [code.digits for code in one.codes]}


def _record(one: reports.AdapterRecord) -> Json:
    times = {"start": time_of(one.start), "end": time_of(one.end)}
    return {"ebm_id": one.ebm_id.text, "task_state": one.state} | times | _task(one)


def _broadcast_answer(body: answers.BroadcastAnswer) -> Json:
    return {
        "front_code": body.front_code.digits,
        "ebm_id": body.ebm_id.text,
        "result": body.result,
        "meaning": describe_result(body.result),
        "description": readable(body.description),
        "stream_address": readable(body.stream_address),
    }


#: How each content is shown.
_SHOWN: dict[type, Callable[[Any], Json]] = {
    special.TsCommand: _tagged,
    special.FrequencyLock: _lock,
    special.RdsCommand: _rds,
    special.IpCommand: _tagged,
    broadcast.BroadcastStart: _start,
    broadcast.BroadcastStop: _stop,
    commands.CodeSetting: _codes,
    commands.VolumeSetting: lambda body: {"volume": body.volume} | _address(body.address),
    commands.RebackSetting: lambda body: _reback(body.reback) | _address(body.address),
    commands.TerminalQuery: lambda body: _reback(body.reback) | _address(body.address) | {"tags": list(body.tags)},
    commands.ClockSetting: lambda body: {"time": time_of(body.time)},
    commands.NetworkSetting: _network,
    commands.PeriodSetting: lambda body: {"period_s": body.period_s} | _address(body.address),
    commands.WhiteList: _white_list,
    commands.AdapterReback: lambda body: _reback(body.reback) | {"period_s": body.period_s},
    commands.OutputChannelQuery: _channel_query,
    commands.InputChannelQuery: _channel_query,
    commands.RecordQuery: _record_query,
    commands.FaultQuery: lambda body: {"front_code": body.front_code.digits},
    commands.AmplifierSwitch: lambda body: {"switch": body.switch} | _address(body.address),
    CertificateAuthorisation: certificates_of,
    commands.AdapterCertificates: certificates_of,
    answers.AdapterAnswer: lambda body: {
        "result": body.code,
        "meaning": describe(body.code),
        "description": readable(body.data),
    },
    answers.FaultDetail: lambda body: {
        "front_code": body.front_code.digits,
        "fault_type": body.fault_type,
        "description": readable(body.description),
    },
    answers.BroadcastAnswer: _broadcast_answer,
    answers.PlatformAnswer: lambda body: {
        "result": body.code,
        "meaning": describe(body.code),
        "data": hex_of(body.data),
    },
    answers.TaskStartAnswer: lambda body: {
        "result": body.result,
        "meaning": describe_result(body.result),
        "receive_ip": body.ip,
        "receive_port": body.port,
    },
    channels.OutputChannels: _outputs,
    channels.InputChannels: _inputs,
    reports.AdapterRecords: lambda body: {
        "front_code": body.front_code.digits,
        "records": list(map(_record, body.records)),
    },
    reports.TaskStart: lambda body: {"front_code": body.front_code.digits, "ebm_id": body.ebm_id.text} | _task(body),
    reports.TaskEnd: lambda body: {"front_code": body.front_code.digits, "ebm_id": body.ebm_id.text},
    reports.AdapterHeartbeat: lambda body: {
        "front_code": body.front_code.digits,
        "state": body.state,
        "connection_time": time_of(body.connection_time),
    },
    UnknownBody: lambda body: {"content": hex_of(body.raw)},
}


def fields_of(body: object) -> Json:
    """Return the fields of a content."""
    return _SHOWN[type(body)](body)
