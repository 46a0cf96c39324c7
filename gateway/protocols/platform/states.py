"""How a broadcast stands 播发状态: query, answer and record (GD/J 083-2018 tables 5, 7 and 21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from gateway.protocols.platform.ebm import MsgBasicInfo
from gateway.protocols.platform.elements import (
    CODE,
    COUNTS,
    FLOAT,
    INT,
    LIST,
    MESSAGE,
    TEXT,
    TIME,
    Need,
    element,
)
from gateway.protocols.platform.ids import MessageId, PlatformCode


class BrdState(IntEnum):
    """播发状态代码 (table 7)."""

    UNTREATED = 0
    WAITING = 1
    PLAYING = 2
    DONE = 3
    FAILED = 4
    CANCELLED = 5

    @property
    def chinese(self) -> str:
        """The table's word."""
        return ("未处理", "等待播发", "播发中", "播发成功", "播发失败", "播发取消")[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class EbmStateRequest:
    """EBMStateRequest (table 5); the standard's own sample leaves out the EBM element around."""

    ebm_id: MessageId = element("EBM/EBMID", "EBMID", kind=MESSAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """实际覆盖详情: rate 0..1, divisions reached, and how many platforms, adapters, transmitters, terminals served."""

    rate: float = element("CoverageRate", kind=FLOAT)
    areas: tuple[str, ...] | None = element("AreaCode", kind=LIST, need=Need.LAX)
    resources: tuple[int, ...] | None = element("ResBrdStat", kind=COUNTS, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitterLog:
    """调用传输覆盖播出设备播出详情; ``devices`` as ``(code,parameter type,value),…``; no ``end``: not finished."""

    reported: datetime | None = element("RptTime", kind=TIME, need=Need.LAX)
    devices: str | None = element("BrdSysInfo", kind=TEXT, need=Need.LAX)
    start: datetime | None = element("StartTime", kind=TIME, need=Need.LAX)
    end: datetime | None = element("EndTime", kind=TIME, need=Need.LAX)
    file_url: str | None = element("FileURL", kind=TEXT, need=Need.LAX)
    state: int = element("BrdStateCode", kind=INT)
    description: str | None = element("BrdStateDesc", "BrdStateDes", kind=TEXT, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLog:
    """调用资源播出条目 (ResBrdItem)."""

    platform: PlatformCode | None = element("EBRPS/EBRID", kind=CODE, need=Need.MAYBE)
    station: PlatformCode | None = element("EBRST/EBRID", kind=CODE, need=Need.MAYBE)
    adapter: PlatformCode | None = element("EBRAS/EBRID", kind=CODE, need=Need.MAYBE)
    transmitters: tuple[TransmitterLog, ...] = element("EBRBS", kind=TransmitterLog, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLogs:
    """调用资源播出详情 (ResBrdInfo)."""

    items: tuple[ResourceLog, ...] = element("ResBrdItem", kind=ResourceLog, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbmStateResponse:
    """EBMStateResponse (table 7); field packages stop after the state or the coverage."""

    reported: datetime = element("RptTime", kind=TIME)
    ebm_id: MessageId = element("EBM/EBMID", kind=MESSAGE)
    state: int = element("BrdStateCode", kind=INT)
    description: str | None = element("BrdStateDesc", "BrdStateDes", kind=TEXT, need=Need.LAX)
    coverage: Coverage | None = element("Coverage", kind=Coverage, need=Need.MAYBE)
    resources: ResourceLogs | None = element("ResBrdInfo", kind=ResourceLogs, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedContent:
    """MsgContent of a record: as in an EBM, without files."""

    language: str = element("LanguageCode", kind=TEXT)
    title: str = element("MsgTitle", kind=TEXT)
    text: str | None = element("MsgDesc", kind=TEXT, need=Need.LAX)
    areas: tuple[str, ...] | None = element("AreaCode", kind=LIST, need=Need.LAX)
    program: int | None = element("ProgramNum", kind=INT, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEbm:
    """The message of a record."""

    ebm_id: MessageId = element("EBMID", kind=MESSAGE)
    basic: MsgBasicInfo | None = element("MsgBasicInfo", kind=MsgBasicInfo, need=Need.MAYBE)
    content: LoggedContent = element("MsgContent", kind=LoggedContent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """播发部门及人员: who put it on air."""

    platform: PlatformCode = element("EBRPS/EBRID", kind=CODE)
    unit_id: str = element("UnitID", kind=TEXT)
    unit_name: str = element("UnitName", kind=TEXT)
    person_id: str = element("PersonID", kind=TEXT)
    person_name: str = element("PersonName", kind=TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """UnitInfo."""

    items: tuple[Unit, ...] = element("Unit", kind=Unit, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogItem:
    """播发记录条目 (EBMBrdItem)."""

    ebm: LoggedEbm = element("EBM", kind=LoggedEbm)
    units: Units | None = element("UnitInfo", kind=Units, need=Need.MAYBE)
    state: int = element("BrdStateCode", kind=INT)
    description: str | None = element("BrdStateDesc", "BrdStateDes", kind=TEXT, need=Need.LAX)
    coverage: Coverage | None = element("Coverage", kind=Coverage, need=Need.MAYBE)
    resources: ResourceLogs | None = element("ResBrdInfo", kind=ResourceLogs, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPeriod:
    """Params of a record."""

    start: datetime = element("RptStartTime", kind=TIME)
    end: datetime = element("RptEndTime", kind=TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbmBrdLog:
    """EBMBrdLog 播发记录 (table 21)."""

    period: LogPeriod | None = element("Params", kind=LogPeriod, need=Need.MAYBE)
    items: tuple[LogItem, ...] = element("EBMBrdItem", kind=LogItem, need=Need.MANY)
