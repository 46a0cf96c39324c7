"""How resources are 资源状态 (GD/J 083-2018 tables 23, 25, 27 and 29), and the small answers (tables 31, 33, 35)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from gateway.protocols.platform.elements import CODE, INT, TEXT, TIME, Need, element
from gateway.protocols.platform.ids import PlatformCode


class ResourceState(IntEnum):
    """状态代码; being off line has no code of its own (platform.md 1.7)."""

    RUNNING = 1
    STOPPED = 2
    FAULT = 3
    RECOVERED = 4
    PLAYING = 5


class ResultCode(IntEnum):
    """执行结果代码 of a receipt or a notice (tables 33, 35)."""

    NOT_TREATED = 0
    OK = 1
    UNREADABLE = 2
    INCOMPLETE = 3
    SIGNATURE = 4
    OTHER = 5

    @property
    def chinese(self) -> str:
        """The table's words."""
        return (
            "收到数据未处理",
            "接收解析及数据校验成功",
            "接收解析失败",
            "数据内容缺失",
            "签名验证失败",
            "其他错误",
        )[self]

    @property
    def is_delivered(self) -> bool:
        """Whether a sender has done its part."""
        return self <= ResultCode.OK

    @property
    def is_final(self) -> bool:
        """Whether sending the same package again makes no sense."""
        return self is not ResultCode.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One resource. Table 29 has no StateDesc for terminals; the whole field sends it."""

    reported: datetime = element("RptTime", kind=TIME)
    code: PlatformCode = element("EBRID", kind=CODE)
    state: int = element("StateCode", kind=INT)
    description: str | None = element("StateDesc", kind=TEXT, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrpsState:
    """EBRPSState 应急广播平台状态."""

    items: tuple[Condition, ...] = element("EBRPS", kind=Condition, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrasState:
    """EBRASState 应急广播适配器状态."""

    items: tuple[Condition, ...] = element("EBRAS", kind=Condition, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrbsState:
    """EBRBSState 传输覆盖播出设备状态."""

    items: tuple[Condition, ...] = element("EBRBS", kind=Condition, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbrdtState:
    """EBRDTState 平台设备及终端状态."""

    items: tuple[Condition, ...] = element("EBRDT", kind=Condition, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCheck:
    """ConnectionCheck 心跳检测 (table 31)."""

    reported: datetime = element("RptTime", kind=TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbdNotify:
    """EBDNotify 处理结果通知 (table 33); the draft has none and uses EBDResponse."""

    result: int = element("ResultCode", kind=INT)
    description: str | None = element("ResultDesc", kind=TEXT, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class EbdResponse:
    """EBDResponse 接收回执 (table 35)."""

    result: int = element("ResultCode", kind=INT)
    description: str | None = element("ResultDesc", kind=TEXT, need=Need.LAX)
