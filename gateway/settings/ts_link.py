"""A multiplexer 复用器 of the settings: the output of tables to a cable or terrestrial transport stream."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.base import Port, Seconds, Section


def _address(text: str) -> str:
    ipaddress.ip_address(text)
    return text


def _interface(text: str) -> str:
    if text:
        ipaddress.IPv4Address(text)
    return text


_U16 = Annotated[int, Field(ge=0, le=0xFFFF)]
_Pid = Annotated[int, Field(ge=0, le=0x1FFF)]
_Nibble = Annotated[int, Field(ge=0, le=15)]


class TsLink(Section):
    """Where the multiplexer takes packets, what its receivers read times by, and where they find the sound."""

    kind: Literal["ts"]
    title: str = ""
    #: address and port that take UDP; a multicast group leaves by ``interface`` (an IPv4 address) with ``ttl``
    host: Annotated[str, AfterValidator(_address)]
    port: Annotated[Port, Field(ge=1)]
    interface: Annotated[str, AfterValidator(_interface)] = ""
    ttl: Annotated[int, Field(ge=1, le=255)] = 1
    medium: Literal["cable", "terrestrial"] = "cable"
    #: which clock the digits of index times show (ADR 0021)
    ts_time: Literal["utc", "beijing"] = "utc"
    original_network_id: _U16 = 0
    #: the programme that carries the sound; audio_pid 0: messages of words alone
    network_id: _U16 = 0
    ts_id: _U16 = 0
    service_id: _U16 = 0
    pcr_pid: _Pid = 0x1FFF
    audio_pid: _Pid = 0
    #: how that programme is received; 0: no delivery descriptor. Cable: kHz; terrestrial: the multiplexer's unit
    frequency: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = 0
    #: cable: kBd, and 1 QAM16 to 5 QAM256
    symbol_rate: Annotated[int, Field(ge=0, lt=1_000_000)] = 6875
    modulation: _Nibble = 3
    #: terrestrial (DTMB)
    fec: _Nibble = 1
    subcarriers: _Nibble = 1
    frame_header: _Nibble = 1
    interleaving: _Nibble = 1
    index_seconds: Annotated[float, Field(gt=0, lt=0.5)] = 0.35
    content_seconds: Seconds = 1.0
    other_seconds: Seconds = 5.0
    #: what all but the index may take of the line
    kilobits_per_second: Annotated[int, Field(ge=64, le=100_000)] = 1000
    #: how long a setting, a query or a daily stop is repeated
    setting_seconds: Seconds = 30.0
    resign_seconds: Seconds = 60.0
