"""管理配置表 0xFB: clock, codes, frequency, return path, volume, queries (GD/J 086-2018 and 087-2018 tables 7-15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import construct

from gateway.errors import InvalidValueError
from gateway.protocols.fields import CODE, IPV4, REST, U8, U16, U32, Layout, WireCode, adapt, counted, record, sized
from gateway.protocols.parameters import ResourceCodeSetting
from gateway.protocols.ts_commands import Command, command, commands
from gateway.protocols.ts_fields import CODES
from gateway.protocols.ts_time import WALL_CLOCK, WallClock

CLOCK, RESOURCE_CODE, FREQUENCY, RETURN_TARGET, RETURN_PERIOD, DEFAULT_VOLUME, QUERY = range(1, 8)

#: 回传方式: short message, IPv4 and port, domain name and port.
BY_SMS, BY_IPV4, BY_DOMAIN = 1, 2, 3


@dataclass(frozen=True, slots=True)
class FrequencyLock:
    """锁定频率 (table 11): kHz, kBd; qam 1 is QAM16 to 5 QAM256, unlike the adapter's 0-4."""

    freq_khz: int
    symbol_rate_k: int
    qam: int
    codes: tuple[WireCode, ...]


@dataclass(frozen=True, slots=True)
class ReturnTarget:
    """回传方式和地址 (table 12): ``address`` is a telephone number, ``a.b.c.d:port`` or ``name:port``."""

    kind: int
    address: str
    codes: tuple[WireCode, ...]


@dataclass(frozen=True, slots=True)
class ReturnPeriod:
    """回传周期 in seconds (table 13)."""

    period_s: int
    codes: tuple[WireCode, ...]


@dataclass(frozen=True, slots=True)
class DefaultVolume:
    """默认音量 0-100 % (table 14); 255 has no meaning here."""

    volume: int
    codes: tuple[WireCode, ...]


@dataclass(frozen=True, slots=True)
class StateQuery:
    """状态/参数查询 (table 15): tags of GD/J 089-2018 table E.5."""

    tags: tuple[int, ...]
    codes: tuple[WireCode, ...]


@dataclass(frozen=True, slots=True)
class ConfigurationTable:
    """管理配置表."""

    commands: tuple[Command, ...] = ()


def _join(obj: Any) -> str:
    return f"{obj.host}:{obj.port}"


def _part(address: str) -> dict[str, object]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        raise InvalidValueError("address", address, "must be a.b.c.d:port (GD/J 086-2018 table 12)")
    return {"host": host, "port": int(port)}


_IPV4_AND_PORT = adapt(construct.Struct("host" / IPV4, "port" / U16), _join, _part)
_TEXT = adapt(REST, lambda raw: raw.decode("latin-1"), lambda text: text.encode("latin-1"))
_RETURN = record(
    ReturnTarget,
    kind=U8,
    address=sized(U8, construct.Switch(construct.this._.kind, {BY_IPV4: _IPV4_AND_PORT}, default=_TEXT)),
    codes=CODES,
)

#: Content of a command by its tag.
CONFIGURATIONS: dict[int, Layout[Any]] = {
    CLOCK: Layout("WallClock", WALL_CLOCK.con),
    RESOURCE_CODE: record(ResourceCodeSetting, physical=sized(U8), code=CODE),
    FREQUENCY: record(FrequencyLock, freq_khz=U32, symbol_rate_k=U32, qam=U8, codes=CODES),
    RETURN_TARGET: _RETURN,
    RETURN_PERIOD: record(ReturnPeriod, period_s=U32, codes=CODES),
    DEFAULT_VOLUME: record(DefaultVolume, volume=U8, codes=CODES),
    QUERY: record(StateQuery, tags=counted(U8, U8), codes=CODES),
}
_TAGS: dict[type, int] = {
    WallClock: CLOCK,
    ResourceCodeSetting: RESOURCE_CODE,
    FrequencyLock: FREQUENCY,
    ReturnTarget: RETURN_TARGET,
    ReturnPeriod: RETURN_PERIOD,
    DefaultVolume: DEFAULT_VOLUME,
    StateQuery: QUERY,
}
CONFIGURATION_COMMAND = command(CONFIGURATIONS)
CONFIGURATION = record(ConfigurationTable, commands=commands(CONFIGURATION_COMMAND))


def configure(*values: object) -> ConfigurationTable:
    """Make a table of these contents, each under its tag."""
    for value in values:
        if type(value) not in _TAGS:
            raise InvalidValueError("command", type(value).__name__, "is no command of GD/J 086-2018 tables 9-15")
    return ConfigurationTable(tuple(Command(_TAGS[type(value)], value) for value in values))
