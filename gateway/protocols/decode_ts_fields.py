"""Bodies of the transport stream tables as JSON values (docs/decode.md)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gateway.protocols import ts_text
from gateway.protocols.decode_fields import Json, fields_of, hex_of, printable, readable, time_of
from gateway.protocols.fields import Layout, WireCode
from gateway.protocols.ip_bodies import Auxiliary, CertificateAuthorisation, UnknownBody
from gateway.protocols.parameters import ResourceCodeSetting
from gateway.protocols.ts_commands import Command
from gateway.protocols.ts_configuration import (
    CONFIGURATION_COMMAND,
    ConfigurationTable,
    DefaultVolume,
    FrequencyLock,
    ReturnPeriod,
    ReturnTarget,
    StateQuery,
)
from gateway.protocols.ts_content import LANGUAGE, ContentTable, LanguageContent
from gateway.protocols.ts_daily import (
    DAILY_COMMAND,
    AmplifierSwitch,
    BroadcastText,
    DailyTable,
    PlayProgramme,
    StopProgramme,
)
from gateway.protocols.ts_descriptors import CableDelivery, Descriptor, Descriptors, TerrestrialDelivery
from gateway.protocols.ts_index import DetailsChannel, IndexEntry, IndexTable, Stream
from gateway.protocols.ts_time import OPEN_END, MjdTime, TsTime, WallClock

#: Octets of tag and length before the content of a command, of multilingual_content_length before a language.
_COMMAND_HEAD, _LANGUAGE_HEAD = 3, 4


def _codes(codes: tuple[WireCode, ...]) -> list[str | None]:
    return [code.digits for code in codes]


def _clock(clock: datetime | None) -> str | None:
    return None if clock is None else clock.isoformat(sep=" ")


def _text(raw: bytes, charset: int) -> str:
    text = ts_text.decode(raw, charset)
    return hex_of(raw) if text is None else text


def _mjd(name: str, time: MjdTime) -> Json:
    """Show one time read as UTC, and its digits as they stand; null for an open end."""
    if time == OPEN_END:
        return {name: None, f"{name}_clock": None}
    seconds = time.seconds(TsTime.UTC)
    if seconds is None:
        return {name: None, f"{name}_clock": hex_of(time.raw)}
    return {name: time_of(seconds), f"{name}_clock": _clock(time.clock)}


def _index(table: IndexTable) -> Json:
    return {"messages": list(map(_entry, table.messages))}


def _entry(entry: IndexEntry) -> Json:
    return {
        "ebm_id": entry.ebm_id.text,
        "original_network_id": entry.original_network_id,
        **_mjd("start", entry.start),
        **_mjd("end", entry.end),
        "event": printable(entry.event),
        "class": entry.ebm_class,
        "level": entry.severity,
        "codes": _codes(entry.codes),
        "details": None if entry.details is None else _details(entry.details),
    }


def _details(details: DetailsChannel) -> Json:
    return {
        "network_id": details.network_id,
        "ts_id": details.ts_id,
        "program_number": details.programme,
        "pcr_pid": details.pcr_pid,
        "descriptors": _descriptors(details.descriptors),
        "streams": list(map(_stream, details.streams)),
    }


def _stream(stream: Stream) -> Json:
    return {
        "stream_type": stream.stream_type,
        "pid": stream.pid,
        "descriptors": _descriptors(stream.descriptors),
    }


def _descriptors(loop: Descriptors) -> list[Json]:
    return list(map(_descriptor, loop.items))


def _descriptor(one: Descriptor) -> Json:
    value = one.value
    if isinstance(value, CableDelivery):
        return {
            "tag": one.tag,
            "freq_khz": value.freq_khz,
            "symbol_rate_k": value.symbol_rate_k,
            "qam": value.modulation,
            "fec_outer": value.fec_outer,
            "fec_inner": value.fec_inner,
        }
    if isinstance(value, TerrestrialDelivery):
        return {
            "tag": one.tag,
            "centre_frequency": value.centre_frequency,
            "fec": value.fec,
            "modulation": value.modulation,
            "subcarriers": value.subcarriers,
            "frame_header": value.frame_header,
            "interleaving": value.interleaving,
            "other_frequency": value.other_frequency,
            "single_frequency": value.single_frequency,
            "rest": hex_of(value.rest),
        }
    return {"tag": one.tag, "data": hex_of(value)}


def _content(table: ContentTable) -> Json:
    return {"ebm_id": table.ebm_id.text, "languages": list(map(_language, table.languages))}


def _language(content: LanguageContent) -> Json:
    return {
        "length": len(LANGUAGE.build(content)) - _LANGUAGE_HEAD,
        "language": printable(content.language),
        "charset": content.charset,
        "text": _text(content.text, content.charset),
        "agency": _text(content.agency, content.charset),
        "aux": list(map(_aux, content.aux)),
    }


def _aux(aux: Auxiliary) -> Json:
    return {"type": aux.kind, "length": len(aux.data), "data": hex_of(aux.data)}


def _wall(name: str, clock: WallClock) -> Json:
    seconds = clock.seconds
    if seconds is None:
        raw = f"{clock.year}-{clock.month}-{clock.day} {clock.hour}:{clock.minute}:{clock.second}"
        return {name: None, "clock": raw}
    return {"clock": _clock(clock.clock), name: time_of(seconds)}


def _play(value: PlayProgramme) -> Json:
    return {
        "ebm_id": value.ebm_id.text,
        "network_id": value.network_id,
        "ts_id": value.ts_id,
        "service_id": value.service_id,
        "pcr_pid": value.pcr_pid,
        "stream_type": value.stream_type,
        "pid": value.pid,
        "priority": value.priority,
        "volume": value.volume,
        **_wall("end", value.end),
        "codes": _codes(value.codes),
    }


def _stop(value: StopProgramme) -> Json:
    return {
        "ebm_id": value.ebm_id.text,
        "network_id": value.network_id,
        "ts_id": value.ts_id,
        "service_id": value.service_id,
        "pcr_pid": value.pcr_pid,
        "pid": value.pid,
        "codes": _codes(value.codes),
    }


def _words(value: BroadcastText) -> Json:
    return {
        "text_type": value.text_type,
        "charset": value.charset,
        "ebm_id": value.ebm_id.text,
        "codes": _codes(value.codes),
        "text_length": len(value.text),
        "text": _text(value.text, value.charset),
    }


def _return(value: ReturnTarget, length: int) -> Json:
    return {
        "reback_type": value.kind,
        # what is not this: kind, length of the address, number of codes
        "address_length": length - 3 - 12 * len(value.codes),
        "address": readable(value.address.encode("latin-1")),
        "codes": _codes(value.codes),
    }


#: How the content of each command is shown.
_VALUES: dict[type, Callable[[Any], Json]] = {
    WallClock: lambda value: _wall("time", value),
    ResourceCodeSetting: lambda value: {"physical": hex_of(value.physical), "resource_code": value.code.digits},
    FrequencyLock: lambda value: {
        "freq_khz": value.freq_khz,
        "symbol_rate_k": value.symbol_rate_k,
        "qam": value.qam,
        "codes": _codes(value.codes),
    },
    ReturnPeriod: lambda value: {"period_s": value.period_s, "codes": _codes(value.codes)},
    DefaultVolume: lambda value: {"volume": value.volume, "codes": _codes(value.codes)},
    StateQuery: lambda value: {"tags": list(value.tags), "codes": _codes(value.codes)},
    PlayProgramme: _play,
    StopProgramme: _stop,
    AmplifierSwitch: lambda value: {"switch": value.switch, "codes": _codes(value.codes)},
    BroadcastText: _words,
    bytes: lambda value: {"data": hex_of(value)},
}


def _commands(commands: tuple[Command, ...], layout: Layout[Command]) -> Json:
    shown = []
    for command in commands:
        length, value = len(layout.build(command)) - _COMMAND_HEAD, command.value
        content = _return(value, length) if isinstance(value, ReturnTarget) else _VALUES[type(value)](value)
        shown.append({"tag": command.tag, "length": length} | content)
    return {"commands": shown}


#: How each table is shown.
_SHOWN: dict[type, Callable[[Any], Json]] = {
    IndexTable: _index,
    ContentTable: _content,
    ConfigurationTable: lambda table: _commands(table.commands, CONFIGURATION_COMMAND),
    DailyTable: lambda table: _commands(table.commands, DAILY_COMMAND),
    CertificateAuthorisation: fields_of,
    UnknownBody: fields_of,
}


def table_fields(body: object) -> Json:
    """Return the fields of a table."""
    return _SHOWN[type(body)](body)
