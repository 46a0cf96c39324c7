"""Emergency broadcast message 应急广播消息 EBM (GD/J 082-2018 tables 2-5, annexes E and G)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from gateway.protocols.platform.elements import CODE, INT, LIST, MESSAGE, TEXT, TIME, Faults, Need, element
from gateway.protocols.platform.ids import MessageId, PlatformCode


class MsgType(IntEnum):
    """消息类型 (table 3)."""

    PLAY = 1
    CANCEL = 2
    PLATFORM_DRILL = 3
    FRONT_END_DRILL = 4
    TERMINAL_DRILL = 5


#: 音视频流 of AuxiliaryType (annex G): ``description`` is an address; in others the name of a file of the package.
STREAM: Final = 61
#: Types of annex G that are sound: MPEG-1 layers I/II and III, DRA, DRA+.
SOUNDS: Final = frozenset({1, 2, 3, 4})


@dataclass(frozen=True, slots=True, kw_only=True)
class MsgBasicInfo:
    """消息基本信息 (table 3). A cancel needs only ``msg_type``, so the rest may be missing when read."""

    msg_type: int = element("MsgType", kind=INT)
    sender_name: str | None = element("SenderName", kind=TEXT, need=Need.LAX)
    sender_code: str | None = element("SenderCode", kind=TEXT, need=Need.LAX)
    send_time: datetime | None = element("SendTime", kind=TIME, need=Need.LAX, old="SentTime")
    event_type: str | None = element("EventType", kind=TEXT, need=Need.LAX)
    severity: int | None = element("Severity", kind=INT, need=Need.LAX)
    start: datetime | None = element("StartTime", kind=TIME, need=Need.LAX)
    end: datetime | None = element("EndTime", kind=TIME, need=Need.LAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Auxiliary:
    """辅助数据 (table 4): a file of the package, or a stream. ``digest``: SM3 of the file as hexadecimal digits."""

    type: int = element("AuxiliaryType", kind=INT)
    description: str = element("AuxiliaryDesc", kind=TEXT)
    size: int | None = element("Size", kind=INT, need=Need.MAYBE)
    digest: str | None = element("Digest", kind=TEXT, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MsgContent:
    """应急广播消息内容 (table 4), one for each language."""

    language: str = element("LanguageCode", kind=TEXT)
    title: str = element("MsgTitle", kind=TEXT)
    text: str | None = element("MsgDesc", kind=TEXT, need=Need.LAX)
    areas: tuple[str, ...] | None = element("AreaCode", kind=LIST, need=Need.LAX)
    program: int | None = element("ProgramNum", kind=INT, need=Need.MAYBE)
    auxiliaries: tuple[Auxiliary, ...] = element("Auxiliary", kind=Auxiliary, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmitter:
    """传输覆盖播出设备 (table 5): kinds of resources, or some of them as ``(code,parameter type,value),…``."""

    kinds: tuple[str, ...] | None = element("BrdSysType", kind=LIST, need=Need.MAYBE)
    devices: str | None = element("BrdSysInfo", kind=TEXT, need=Need.MAYBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """调用资源信息 (table 5)."""

    language: str = element("LanguageCode", kind=TEXT)
    platform: PlatformCode | None = element("EBRPS/EBRID", kind=CODE, need=Need.MAYBE)
    station: PlatformCode | None = element("EBRRTS/EBRID", kind=CODE, need=Need.MAYBE)
    adapter: PlatformCode | None = element("EBRAS/EBRID", kind=CODE, need=Need.MAYBE)
    transmitters: tuple[Transmitter, ...] = element("EBRBS", kind=Transmitter, need=Need.MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ebm:
    """EBM (table 2)."""

    ebm_id: MessageId = element("EBMID", kind=MESSAGE)
    related_ebi: str | None = element("RelatedInfo/EBIID", kind=TEXT, need=Need.MAYBE)
    related_ebm: MessageId | None = element("RelatedInfo/EBMID", kind=MESSAGE, need=Need.MAYBE)
    basic: MsgBasicInfo | None = element("MsgBasicInfo", kind=MsgBasicInfo, need=Need.MAYBE)
    contents: tuple[MsgContent, ...] = element("MsgContent", kind=MsgContent, need=Need.MANY)
    dispatches: tuple[Dispatch, ...] = element("Dispatch", kind=Dispatch, need=Need.MANY)

    @property
    def is_cancel(self) -> bool:
        """取消播发: stops the message that it relates to."""
        return self.basic is not None and self.basic.msg_type == MsgType.CANCEL

    def check(self, faults: Faults) -> None:
        """What a forced message must hold besides (table 2 rows 7 and 8): basic information, content, area, times."""
        if self.is_cancel:
            if self.related_ebm is None:
                faults.add("EBM/RelatedInfo/EBMID", "missing", "取消播发未指明消息", "a cancel must name its message")
            return
        basic = self.basic
        if basic is None:
            if self.ebm_id.forced:
                faults.add("EBM/MsgBasicInfo", "missing", "强制播发须有该元素", "must stand in a forced message")
            return
        for name, value in (("SendTime", basic.send_time), ("StartTime", basic.start), ("EndTime", basic.end)):
            if value is None:
                faults.add(f"EBM/MsgBasicInfo/{name}", "missing", "缺少该元素或内容为空", "is missing or empty")
        if basic.start is not None and basic.end is not None and basic.end <= basic.start:
            faults.add(
                "EBM/MsgBasicInfo/EndTime", "end_before_start", "结束时间不晚于开始时间", "is not after StartTime"
            )
        if not self.contents and self.ebm_id.forced:
            faults.add("EBM/MsgContent", "missing", "强制播发须有该元素", "must stand in a forced message")
        for number, content in enumerate(self.contents, 1):
            path = f"EBM/MsgContent[{number}]"
            if not content.areas:
                faults.add(f"{path}/AreaCode", "missing", "缺少覆盖区域编码", "is missing or empty")
            if not content.text and not content.auxiliaries:
                faults.add(f"{path}/MsgDesc", "missing", "既无文字也无节目", "there is neither text nor a programme")
