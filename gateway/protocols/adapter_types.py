"""Kinds of packets of appendix A, what answers what, and which content each holds (GD/J 089-2018 tables A.1, A.4).

Table A.1 numbers 0x17-0x21 differently from A.4 and from the tables of the contents; devices follow the latter.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from gateway.protocols import adapter_answers as answers
from gateway.protocols import adapter_broadcast as broadcast
from gateway.protocols import adapter_channels as channels
from gateway.protocols import adapter_commands as commands
from gateway.protocols import adapter_reports as reports
from gateway.protocols import adapter_special as special
from gateway.protocols.fields import Layout
from gateway.protocols.ip_bodies import CERTIFICATES, CertificateAuthorisation


class ProtocolType(IntEnum):
    """protocol_type; 0x41 is missing from both tables, 0x3F from A.1."""

    TS = 0x01
    RDS = 0x02
    IP = 0x03
    BROADCAST = 0x04
    CODES = 0x05
    VOLUME = 0x06
    REBACK = 0x07
    TERMINAL_QUERY = 0x08
    CLOCK = 0x09
    NETWORK = 0x0A
    PERIOD = 0x0B
    WHITE_LIST = 0x0C
    ADAPTER_REBACK = 0x0D
    OUTPUT_QUERY = 0x0E
    INPUT_QUERY = 0x0F
    RECORD_QUERY = 0x10
    FAULT_QUERY = 0x11
    ANSWER = 0x12
    OUTPUTS = 0x13
    INPUTS = 0x14
    RECORDS = 0x15
    FAULT = 0x16
    BROADCAST_ANSWER = 0x17
    TASK_START = 0x18
    TASK_END = 0x19
    HEARTBEAT = 0x20
    PLATFORM_ANSWER = 0x21
    TASK_START_ANSWER = 0x22
    AMPLIFIER = 0x3F
    CERTIFICATES = 0x40
    ADAPTER_CERTIFICATES = 0x41


#: What answers a command or report (table A.4).
ANSWERS: dict[int, ProtocolType] = {
    **dict.fromkeys((*range(0x01, 0x0E), 0x3F, 0x40, 0x41), ProtocolType.ANSWER),
    ProtocolType.BROADCAST: ProtocolType.BROADCAST_ANSWER,
    ProtocolType.OUTPUT_QUERY: ProtocolType.OUTPUTS,
    ProtocolType.INPUT_QUERY: ProtocolType.INPUTS,
    ProtocolType.RECORD_QUERY: ProtocolType.RECORDS,
    ProtocolType.FAULT_QUERY: ProtocolType.FAULT,
    ProtocolType.TASK_START: ProtocolType.TASK_START_ANSWER,
    ProtocolType.TASK_END: ProtocolType.PLATFORM_ANSWER,
    ProtocolType.HEARTBEAT: ProtocolType.PLATFORM_ANSWER,
}

Body = (
    special.TsCommand
    | special.FrequencyLock
    | special.RdsCommand
    | special.IpCommand
    | broadcast.BroadcastStart
    | broadcast.BroadcastStop
    | commands.CodeSetting
    | commands.VolumeSetting
    | commands.RebackSetting
    | commands.TerminalQuery
    | commands.ClockSetting
    | commands.NetworkSetting
    | commands.PeriodSetting
    | commands.WhiteList
    | commands.AdapterReback
    | commands.OutputChannelQuery
    | commands.InputChannelQuery
    | commands.RecordQuery
    | commands.FaultQuery
    | commands.AmplifierSwitch
    | CertificateAuthorisation
    | answers.AdapterAnswer
    | answers.FaultDetail
    | answers.BroadcastAnswer
    | answers.PlatformAnswer
    | answers.TaskStartAnswer
    | channels.OutputChannels
    | channels.InputChannels
    | reports.AdapterRecords
    | reports.TaskStart
    | reports.TaskEnd
    | reports.AdapterHeartbeat
)

#: Contents with one layout.
_PLAIN: dict[ProtocolType, tuple[type, Layout[Any]]] = {
    ProtocolType.RDS: (special.RdsCommand, special.RDS),
    ProtocolType.IP: (special.IpCommand, special.IP),
    ProtocolType.CODES: (commands.CodeSetting, commands.CODE_SETTING),
    ProtocolType.VOLUME: (commands.VolumeSetting, commands.VOLUME),
    ProtocolType.REBACK: (commands.RebackSetting, commands.REBACK_SETTING),
    ProtocolType.TERMINAL_QUERY: (commands.TerminalQuery, commands.TERMINAL_QUERY),
    ProtocolType.CLOCK: (commands.ClockSetting, commands.CLOCK),
    ProtocolType.NETWORK: (commands.NetworkSetting, commands.NETWORK),
    ProtocolType.PERIOD: (commands.PeriodSetting, commands.PERIOD),
    ProtocolType.WHITE_LIST: (commands.WhiteList, commands.WHITE_LIST),
    ProtocolType.ADAPTER_REBACK: (commands.AdapterReback, commands.ADAPTER_REBACK),
    ProtocolType.OUTPUT_QUERY: (commands.OutputChannelQuery, commands.OUTPUT_QUERY),
    ProtocolType.INPUT_QUERY: (commands.InputChannelQuery, commands.INPUT_QUERY),
    ProtocolType.RECORD_QUERY: (commands.RecordQuery, commands.RECORD_QUERY),
    ProtocolType.FAULT_QUERY: (commands.FaultQuery, commands.FAULT_QUERY),
    ProtocolType.ANSWER: (answers.AdapterAnswer, answers.ADAPTER_ANSWER),
    ProtocolType.OUTPUTS: (channels.OutputChannels, channels.OUTPUTS),
    ProtocolType.INPUTS: (channels.InputChannels, channels.INPUTS),
    ProtocolType.FAULT: (answers.FaultDetail, answers.FAULT_DETAIL),
    ProtocolType.BROADCAST_ANSWER: (answers.BroadcastAnswer, answers.BROADCAST_ANSWER),
    ProtocolType.TASK_END: (reports.TaskEnd, reports.TASK_END),
    ProtocolType.HEARTBEAT: (reports.AdapterHeartbeat, reports.HEARTBEAT),
    ProtocolType.PLATFORM_ANSWER: (answers.PlatformAnswer, answers.PLATFORM_ANSWER),
    ProtocolType.TASK_START_ANSWER: (answers.TaskStartAnswer, answers.TASK_START_ANSWER),
    ProtocolType.AMPLIFIER: (commands.AmplifierSwitch, commands.AMPLIFIER),
    ProtocolType.CERTIFICATES: (CertificateAuthorisation, CERTIFICATES),
    ProtocolType.ADAPTER_CERTIFICATES: (commands.AdapterCertificates, commands.ADAPTER_CERTIFICATES),
}
#: Contents whose layout their bytes decide.
_CHOSEN: dict[ProtocolType, Callable[[bytes], Layout[Any]]] = {
    ProtocolType.TS: special.ts_layout,
    ProtocolType.BROADCAST: broadcast.broadcast_layout,
    ProtocolType.RECORDS: reports.RECORDS.reading,
    ProtocolType.TASK_START: reports.TASK_START.reading,
}
_WRITTEN: dict[type, Layout[Any]] = {
    **dict(_PLAIN.values()),
    special.TsCommand: special.TS,
    special.FrequencyLock: special.FREQUENCY_LOCK,
    broadcast.BroadcastStart: broadcast.START_LAYOUT,
    broadcast.BroadcastStop: broadcast.STOP_LAYOUT,
}
#: Type of the packet that holds a content.
TYPES: dict[type, ProtocolType] = {
    **{cls: protocol_type for protocol_type, (cls, _) in _PLAIN.items()},
    special.TsCommand: ProtocolType.TS,
    special.FrequencyLock: ProtocolType.TS,
    broadcast.BroadcastStart: ProtocolType.BROADCAST,
    broadcast.BroadcastStop: ProtocolType.BROADCAST,
    reports.AdapterRecords: ProtocolType.RECORDS,
    reports.TaskStart: ProtocolType.TASK_START,
}


def layout_of(protocol_type: int, content: bytes) -> Layout[Any] | None:
    """Return how the content of such a packet is read; None where no table has the type."""
    try:
        known = ProtocolType(protocol_type)
    except ValueError:
        return None
    return _CHOSEN[known](content) if known in _CHOSEN else _PLAIN[known][1]


def write_body(body: Body) -> bytes:
    """Write a content; raise InvalidValueError naming a value that does not fit."""
    if isinstance(body, reports.AdapterRecords):
        return reports.RECORDS.writing(body).build(body)
    if isinstance(body, reports.TaskStart):
        return reports.TASK_START.writing(body).build(body)
    return _WRITTEN[type(body)].build(body)
