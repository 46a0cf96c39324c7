"""Contents of commands to an adapter and its terminals (GD/J 089-2018 tables A.5-A.11, A.13-A.21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import construct

from gateway.protocols.adapter_address import ADDRESS, REBACK, AddressBlock, Reback
from gateway.protocols.fields import (
    CODE,
    EBM_ID,
    IPV4,
    SIZED_CODE,
    U8,
    U32,
    Layout,
    WireCode,
    WireEbmId,
    adapt,
    count_of,
    counted,
    record,
    sized,
    wire_codes,
)
from gateway.protocols.ip_bodies import CERTIFICATES, CertificateAuthorisation

#: EBM id of a record query that asks for all: all F (table A.9).
ANY_EBM_ID = WireEbmId(b"\xff" * 18)


@dataclass(frozen=True, slots=True)
class CodeAssignment:
    """The device with this physical address takes this code."""

    physical: bytes
    code: WireCode


@dataclass(frozen=True, slots=True)
class CodeSetting:
    """通用资源编码设置, 0x05 (table A.13)."""

    assignments: tuple[CodeAssignment, ...]


@dataclass(frozen=True, slots=True)
class VolumeSetting:
    """通用音量设置, 0x06 (table A.14): 0-100 %, 255 keeps what is set."""

    volume: int
    address: AddressBlock


@dataclass(frozen=True, slots=True)
class RebackSetting:
    """通用回传参数设置, 0x07 (table A.15): where terminals send their return data."""

    reback: Reback
    address: AddressBlock


@dataclass(frozen=True, slots=True)
class TerminalQuery:
    """终端参数/状态查询, 0x08 (table A.16): tags of table E.5; the terminals answer by appendix E, to ``reback``."""

    reback: Reback
    address: AddressBlock
    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """通用时钟校准, 0x09 (table A.17): seconds of the adapter's time base."""

    time: int


@dataclass(frozen=True, slots=True)
class NetworkSetting:
    """通用网络参数设置, 0x0A (table A.18): addresses dotted; for one device, hence no number of codes."""

    ip: str
    mask: str
    gateway: str
    kind: int
    code: WireCode


@dataclass(frozen=True, slots=True)
class PeriodSetting:
    """通用回传周期设置, 0x0B (table A.19): seconds."""

    period_s: int
    address: AddressBlock


@dataclass(frozen=True, slots=True)
class WhiteListEntry:
    """One telephone: operation 1 add, 2 change, 3 delete; permission 1 message, 2 call, 3 both; areas as digits."""

    operation: int
    phone: bytes
    name: bytes
    permission: int
    areas: tuple[WireCode, ...]
    area_size: int = 6


@dataclass(frozen=True, slots=True)
class WhiteList:
    """白名单更新, 0x0C (table A.5)."""

    entries: tuple[WhiteListEntry, ...]


@dataclass(frozen=True, slots=True)
class AdapterReback:
    """回传参数设置, 0x0D (table A.6): where and how often (seconds) the adapter reports itself."""

    reback: Reback
    period_s: int


@dataclass(frozen=True, slots=True)
class OutputChannelQuery:
    """输出通道查询, 0x0E (table A.7): channel 0 any; state 0 all, 1 idle, 2 taken, 3 faulty."""

    front_code: WireCode
    channel: int = 0
    state: int = 0


@dataclass(frozen=True, slots=True)
class InputChannelQuery:
    """输入通道查询, 0x0F (table A.8): as for outputs."""

    front_code: WireCode
    channel: int = 0
    state: int = 0


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """播发记录查询, 0x10 (table A.9): task type 0 all, 1 daily, 2 emergency; times in the adapter's time base."""

    front_code: WireCode
    ebm_id: WireEbmId
    task_type: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FaultQuery:
    """故障详情查询, 0x11 (table A.10)."""

    front_code: WireCode


@dataclass(frozen=True, slots=True)
class AmplifierSwitch:
    """通用终端功放开关, 0x3F (table A.20): 1 off, 2 on."""

    switch: int
    address: AddressBlock


@dataclass(frozen=True, slots=True)
class AdapterCertificates(CertificateAuthorisation):
    """适配器证书更新, 0x41 (table A.11): as 0x40 (table A.21), for the adapter and not its terminals."""


_ASSIGNMENT = record(CodeAssignment, physical=sized(U8), code=SIZED_CODE)
_ENTRY = record(
    WhiteListEntry,
    operation=U8,
    phone=sized(U8),
    name=sized(U8),
    permission=U8,
    permission_area_number=count_of("areas"),
    area_size=U8,
    areas=wire_codes("permission_area_number", "area_size"),
)
_CHANNEL_QUERY: dict[str, Any] = {"front_code": CODE, "channel": U8, "state": U8}

CODE_SETTING = record(CodeSetting, assignments=counted(U8, _ASSIGNMENT.con))
VOLUME = record(VolumeSetting, volume=U8, address=ADDRESS.con)
REBACK_SETTING = record(RebackSetting, reback=REBACK.con, address=ADDRESS.con)
TERMINAL_QUERY = record(TerminalQuery, reback=REBACK.con, address=ADDRESS.con, tags=counted(U8, U8))
CLOCK = record(ClockSetting, time=U32)
NETWORK = record(NetworkSetting, ip=IPV4, mask=IPV4, gateway=IPV4, kind=U8, code=SIZED_CODE)
PERIOD = record(PeriodSetting, period_s=U32, address=ADDRESS.con)
WHITE_LIST = record(WhiteList, entries=counted(U8, _ENTRY.con))
#: The period stands between the kind of the address and the address.
ADAPTER_REBACK: Layout[AdapterReback] = Layout(
    "AdapterReback",
    adapt(
        construct.Struct("kind" / U8, "period_s" / U32, "address" / sized(U8)),
        lambda obj: AdapterReback(Reback(obj.kind, obj.address), obj.period_s),
        lambda value: {"kind": value.reback.kind, "period_s": value.period_s, "address": value.reback.address},
    ),
)
OUTPUT_QUERY = record(OutputChannelQuery, **_CHANNEL_QUERY)
INPUT_QUERY = record(InputChannelQuery, **_CHANNEL_QUERY)
RECORD_QUERY = record(RecordQuery, front_code=CODE, ebm_id=EBM_ID, task_type=U8, start=U32, end=U32)
FAULT_QUERY = record(FaultQuery, front_code=CODE)
AMPLIFIER = record(AmplifierSwitch, switch=U8, address=ADDRESS.con)
ADAPTER_CERTIFICATES: Layout[AdapterCertificates] = Layout(
    "AdapterCertificates",
    adapt(CERTIFICATES.con, lambda read: AdapterCertificates(read.lists, read.certificates), lambda value: value),
)
