"""Terminal parameters as tag, length, value: set by table D.9, reported by table E.5 (GD/J 089-2018).

A value that does not fit the layout of its tag stays as bytes: an unknown tag or a vendor's own form survives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import construct

from gateway.errors import InvalidValueError
from gateway.protocols.fields import (
    CODE,
    IPV4,
    REST,
    U8,
    U16,
    U32,
    Layout,
    WireCode,
    adapt,
    counted,
    record,
    sized,
)

__all__ = [
    "REPORTED",
    "SETTABLE",
    "Channel",
    "CommandMode",
    "CurrentFrequency",
    "FrequencyPoint",
    "LocalAddress",
    "Parameter",
    "PhysicalValue",
    "ResourceCodeSetting",
    "ReturnAddress",
    "Signal",
    "parameters",
]

VOLUME, LOCAL_ADDRESS, RETURN_ADDRESS, RESOURCE_CODE = 1, 2, 3, 4
#: Tags of table D.9 that mean something else in table E.5.
SET_AMPLIFIER, SET_CLOCK, SET_RETURN_PERIOD = 5, 6, 7
PHYSICAL_ADDRESS, WORK_STATE, FAULT_CODE, DEVICE_TYPE, HARDWARE_VERSION, SOFTWARE_VERSION = 5, 6, 7, 8, 9, 10
FM_SIGNAL, CABLE_SIGNAL, TERRESTRIAL_SIGNAL, CABLE_FREQUENCY, TERRESTRIAL_FREQUENCY = 11, 12, 13, 14, 15
FM_SCAN_LIST, FM_CURRENT, FM_COMMAND_MODE = 16, 17, 18
#: Tags of table E.5 whose bytes mean what the vendor says.
VENDOR_TAGS = (DEVICE_TYPE, HARDWARE_VERSION, SOFTWARE_VERSION)


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """本地地址: IPv4 address, mask and gateway, dotted."""

    ip: str
    mask: str
    gateway: str


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """回传地址: kind 1 IPv4 and port, 2 domain name and port, 3 telephone number (port 0)."""

    kind: int
    host: str
    port: int = 0

    @property
    def text(self) -> str:
        """``host:port``, or the number alone."""
        return self.host if self.kind == 3 else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ResourceCodeSetting:
    """Tag 4 of table D.9: the device with this physical address takes this code."""

    physical: bytes
    code: WireCode


@dataclass(frozen=True, slots=True)
class PhysicalValue:
    """Tag 5 of table E.5. Read literally, the length counts itself; most devices count the address alone."""

    address: bytes
    counts_itself: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """信号状态: strength and quality, 0-255 each."""

    strength: int
    quality: int


@dataclass(frozen=True, slots=True)
class Channel:
    """有线频率: frequency in kHz, symbol rate in kBd, modulation (coding of the transport stream tables)."""

    freq_khz: int
    symbol_rate_k: int
    qam: int


@dataclass(frozen=True, slots=True)
class FrequencyPoint:
    """One entry of the FM scan list; ``mhz`` is six digits, the last two behind the point."""

    index: int
    priority: int
    mhz: str


@dataclass(frozen=True, slots=True)
class CurrentFrequency:
    """FM当前频点: where commands and where the programme are received, MHz."""

    command_mhz: str
    programme_mhz: str


@dataclass(frozen=True, slots=True)
class CommandMode:
    """FM维持指令模式: 0 off, 1 on, and the period in seconds."""

    enabled: int
    period_s: int


Value = (
    int
    | bytes
    | WireCode
    | LocalAddress
    | ReturnAddress
    | ResourceCodeSetting
    | PhysicalValue
    | Signal
    | Channel
    | tuple[FrequencyPoint, ...]
    | CurrentFrequency
    | CommandMode
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; ``value`` is bytes where the tag is unknown, opaque, or its content does not fit the table."""

    tag: int
    value: Value


def _mhz(raw: bytes) -> str:
    digits = raw.hex().upper()
    return f"{digits[:4].lstrip('0') or '0'}.{digits[4:]}"


def _mhz_bytes(text: str) -> bytes:
    whole, _, part = text.partition(".")
    return bytes.fromhex(whole.rjust(4, "0") + part.ljust(2, "0"))


#: 频率 in 3 bytes: four digits of MHz and two behind the point (GD/J 085-2018 table 3).
FREQ_BCD = adapt(construct.Bytes(3), _mhz, _mhz_bytes)
_TEXT = adapt(REST, lambda raw: raw.decode("latin-1"), lambda text: text.encode("latin-1"))
_LOCAL = record(LocalAddress, ip=IPV4, mask=IPV4, gateway=IPV4)
_RETURN = record(
    ReturnAddress,
    kind=U8,
    host=construct.Switch(
        construct.this.kind,
        {1: IPV4, 2: sized(U8, _TEXT), 3: sized(U8, _TEXT)},
        default=construct.Error,
    ),
    port=construct.IfThenElse(construct.this.kind == 3, construct.Computed(0), U16),
)
_CODE_SETTING = record(ResourceCodeSetting, physical=sized(U8), code=CODE)
_SIGNAL = record(Signal, strength=U8, quality=U8)
POINT = record(FrequencyPoint, index=U8, priority=U8, mhz=FREQ_BCD)


def _physical(raw: bytes) -> PhysicalValue | bytes:
    if raw and raw[0] == len(raw) - 1:
        return PhysicalValue(raw[1:])
    if raw and raw[0] == len(raw):
        return PhysicalValue(raw[1:], counts_itself=True)
    return raw


def _physical_bytes(value: PhysicalValue | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    return bytes([len(value.address) + value.counts_itself]) + value.address


_PHYSICAL = adapt(REST, _physical, _physical_bytes)


def _layout(name: str, con: Any) -> Layout[Any]:
    return Layout(name, con)


#: Table D.9.
SETTABLE: dict[int, Layout[Any]] = {
    VOLUME: _layout("volume", U8),
    LOCAL_ADDRESS: _LOCAL,
    RETURN_ADDRESS: _RETURN,
    # one early implementation sends the code alone
    RESOURCE_CODE: _layout("resource code", construct.Select(_CODE_SETTING.con, CODE)),
    SET_AMPLIFIER: _layout("amplifier", U8),
    SET_CLOCK: _layout("clock", U32),
    SET_RETURN_PERIOD: _layout("return period", U32),
}

#: Table E.5; device type and versions are the vendor's own and stay bytes.
REPORTED: dict[int, Layout[Any]] = {
    VOLUME: _layout("volume", U8),
    LOCAL_ADDRESS: _LOCAL,
    RETURN_ADDRESS: _RETURN,
    RESOURCE_CODE: _layout("resource code", CODE),
    PHYSICAL_ADDRESS: _layout("physical address", _PHYSICAL),
    WORK_STATE: _layout("work state", U8),
    FAULT_CODE: _layout("fault code", U8),
    FM_SIGNAL: _SIGNAL,
    CABLE_SIGNAL: _SIGNAL,
    TERRESTRIAL_SIGNAL: _SIGNAL,
    CABLE_FREQUENCY: record(Channel, freq_khz=U32, symbol_rate_k=U32, qam=U8),
    TERRESTRIAL_FREQUENCY: _layout("terrestrial frequency", U32),
    FM_SCAN_LIST: _layout("FM scan list", counted(U8, POINT.con)),
    FM_CURRENT: record(CurrentFrequency, command_mhz=FREQ_BCD, programme_mhz=FREQ_BCD),
    FM_COMMAND_MODE: record(CommandMode, enabled=U8, period_s=U16),
}


def parameters(table: dict[int, Layout[Any]]) -> Any:
    """Declare a counted list of parameters whose values follow ``table``."""

    def read(obj: Any) -> Parameter:
        layout = table.get(obj.tag)
        value = None if layout is None else layout.fits(obj.value)
        return Parameter(obj.tag, obj.value if value is None else value)

    def write(parameter: Parameter) -> dict[str, object]:
        value = parameter.value
        if not isinstance(value, bytes):
            if parameter.tag not in table:
                raise InvalidValueError("parameter", parameter.tag, "has no layout: its value must be bytes")
            value = table[parameter.tag].build(value)
        return {"tag": parameter.tag, "value": value}

    return counted(U8, adapt(construct.Struct("tag" / U8, "value" / sized(U8)), read, write))
