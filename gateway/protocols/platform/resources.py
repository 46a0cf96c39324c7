"""What there is 资源信息: requests for it, platforms, stations, adapters, transmitters, terminals (083 tables 9-19)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.protocols.platform.elements import CODE, FLOAT, INT, LIST, TEXT, TIME, Extras, Need, element
from gateway.protocols.platform.ids import PlatformCode

FULL, INCREMENTAL = "Full", "Incremental"
SYNC, DELETE = "Sync", "Delete"

#: OMDType (table 9).
REQUESTABLE: Final = (
    "EBRPSInfo",
    "EBRSTInfo",
    "EBRASInfo",
    "EBRBSInfo",
    "EBRDTInfo",
    "EBMBrdLog",
    "EBRPSState",
    "EBRASState",
    "EBRBSState",
    "EBRDTState",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """附加参数 Params: from when to when, and whether everything (Full) or only what is new (Incremental)."""

    start: datetime | None = element("RptStartTime", kind=TIME, need=Need.MAYBE)
    end: datetime | None = element("RptEndTime", kind=TIME, need=Need.MAYBE)
    type: str | None = element("RptType", kind=TEXT, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OmdRequest:
    """OMDRequest 运维数据请求 (table 9)."""

    type: str = element("OMDType", kind=TEXT)
    params: Period | None = element("Params", kind=Period, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformInfo:
    """应急广播平台 (table 11). With ``operation`` Delete only the code has a meaning."""

    reported: datetime = element("RptTime", kind=TIME)
    operation: str = element("RptType", kind=TEXT)
    superior: PlatformCode | None = element("RelatedEBRPS/EBRID", kind=CODE, need=Need.MAYBE)
    code: PlatformCode = element("EBRID", kind=CODE)
    name: str | None = element("EBRName", kind=TEXT, need=Need.LAX)
    address: str | None = element("Address", kind=TEXT, need=Need.LAX)
    contact: str | None = element("Contact", kind=TEXT, need=Need.LAX)
    phone: str | None = element("PhoneNumber", kind=TEXT, need=Need.LAX)
    longitude: str | None = element("Longitude", kind=TEXT, need=Need.LAX)
    latitude: str | None = element("Latitude", kind=TEXT, need=Need.LAX)
    url: str | None = element("URL", kind=TEXT, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class StationInfo:
    """台站（前端） (table 13)."""

    reported: datetime = element("RptTime", kind=TIME)
    operation: str = element("RptType", kind=TEXT)
    platform: PlatformCode | None = element("RelatedEBRPS/EBRID", kind=CODE, need=Need.MAYBE)
    code: PlatformCode = element("EBRID", kind=CODE)
    name: str | None = element("EBRName", kind=TEXT, need=Need.LAX)
    address: str | None = element("Address", kind=TEXT, need=Need.LAX)
    contact: str | None = element("Contact", kind=TEXT, need=Need.LAX)
    phone: str | None = element("PhoneNumber", kind=TEXT, need=Need.LAX)
    longitude: str | None = element("Longitude", kind=TEXT, need=Need.LAX)
    latitude: str | None = element("Latitude", kind=TEXT, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """应急广播适配器 (table 15)."""

    reported: datetime = element("RptTime", kind=TIME)
    operation: str = element("RptType", kind=TEXT)
    platform: PlatformCode | None = element("RelatedEBRPS/EBRID", kind=CODE, need=Need.MAYBE)
    station: PlatformCode | None = element("RelatedEBRST/EBRID", kind=CODE, need=Need.MAYBE)
    code: PlatformCode = element("EBRID", kind=CODE)
    name: str | None = element("EBRName", kind=TEXT, need=Need.LAX)
    longitude: str | None = element("Longitude", kind=TEXT, need=Need.LAX)
    latitude: str | None = element("Latitude", kind=TEXT, need=Need.LAX)
    url: str | None = element("URL", kind=TEXT, need=Need.LAX)
    extras: Extras | None = element("Params", kind=Extras, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioParams:
    """频率播出设备（发射机）参数: Hz, watts; 1 yes, 2 no."""

    channel: str = element("ChannelName", kind=TEXT)
    frequency: int = element("Freq", kind=INT)
    power: int = element("Power", kind=INT)
    backup: int = element("Backup", kind=INT)
    auto_switch: int = element("AutoSwitch", kind=INT)
    remote_control: int = element("RemoteControl", kind=INT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TvParams:
    """频道播出设备参数."""

    channel: str = element("ChannelName", kind=TEXT)
    frequency: int = element("Freq", kind=INT)
    program: str = element("ProgramNum", kind=TEXT)
    number: str = element("ChannelNum", kind=TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """运行图 of one weekday (1 is Monday)."""

    weekday: int = element("Weekday", kind=INT)
    start: str = element("StartTime", kind=TEXT)
    end: str = element("EndTime", kind=TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """运行图."""

    switches: tuple[Switch, ...] = element("Switch", kind=Switch, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitterInfo:
    """传输覆盖播出设备 (table 17); ``population`` in units of 10,000 people."""

    reported: datetime = element("RptTime", kind=TIME)
    operation: str = element("RptType", kind=TEXT)
    platform: PlatformCode | None = element("RelatedEBRPS/EBRID", kind=CODE, need=Need.MAYBE)
    station: PlatformCode | None = element("RelatedEBRST/EBRID", kind=CODE, need=Need.MAYBE)
    adapter: PlatformCode | None = element("RelatedEBRAS/EBRID", kind=CODE, need=Need.MAYBE)
    code: PlatformCode = element("EBRID", kind=CODE)
    name: str | None = element("EBRName", kind=TEXT, need=Need.LAX)
    url: str | None = element("URL", kind=TEXT, need=Need.MAYBE)
    longitude: str | None = element("Longitude", kind=TEXT, need=Need.LAX)
    latitude: str | None = element("Latitude", kind=TEXT, need=Need.LAX)
    square: str | None = element("Square", kind=TEXT, need=Need.LAX)
    areas: tuple[str, ...] | None = element("AreaCode", kind=LIST, need=Need.LAX)
    population: float | None = element("Population", kind=FLOAT, need=Need.LAX)
    language: str | None = element("LanguageCode", kind=TEXT, need=Need.LAX)
    room: str | None = element("EquipRoom", kind=TEXT, need=Need.LAX)
    radio: RadioParams | None = element("RadioParams", kind=RadioParams, need=Need.MAYBE)
    tv: TvParams | None = element("TVParams", kind=TvParams, need=Need.MAYBE)
    schedule: Schedule | None = element("Schedule", kind=Schedule, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalInfo:
    """平台设备及终端 (table 19)."""

    reported: datetime = element("RptTime", kind=TIME)
    operation: str = element("RptType", kind=TEXT)
    platform: PlatformCode | None = element("RelatedEBRPS/EBRID", kind=CODE, need=Need.MAYBE)
    code: PlatformCode = element("EBRID", kind=CODE)
    name: str | None = element("EBRName", kind=TEXT, need=Need.LAX)
    longitude: str | None = element("Longitude", kind=TEXT, need=Need.LAX)
    latitude: str | None = element("Latitude", kind=TEXT, need=Need.LAX)
    extras: Extras | None = element("Params", kind=Extras, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrpsInfo:
    """EBRPSInfo 应急广播平台信息."""

    params: Period | None = element("Params", kind=Period, need=Need.MAYBE)
    items: tuple[PlatformInfo, ...] = element("EBRPS", kind=PlatformInfo, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrstInfo:
    """EBRSTInfo 台站（前端）信息."""

    params: Period | None = element("Params", kind=Period, need=Need.MAYBE)
    items: tuple[StationInfo, ...] = element("EBRST", kind=StationInfo, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrasInfo:
    """EBRASInfo 应急广播适配器信息."""

    params: Period | None = element("Params", kind=Period, need=Need.MAYBE)
    items: tuple[AdapterInfo, ...] = element("EBRAS", kind=AdapterInfo, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrbsInfo:
    """EBRBSInfo 传输覆盖播出设备信息."""

    params: Period | None = element("Params", kind=Period, need=Need.MAYBE)
    items: tuple[TransmitterInfo, ...] = element("EBRBS", kind=TransmitterInfo, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrdtInfo:
    """EBRDTInfo 平台设备及终端信息."""

    params: Period | None = element("Params", kind=Period, need=Need.MAYBE)
    items: tuple[TerminalInfo, ...] = element("EBRDT", kind=TerminalInfo, need=Need.MANY)
