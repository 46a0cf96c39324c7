"""Commands for one kind of bearer: TS 0x01, RDS 0x02, IP 0x03 (GD/J 089-2018 tables A.22-A.25)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import construct

from gateway.protocols.adapter_address import ADDRESS, AddressBlock
from gateway.protocols.fields import CODE, U8, U16, U32, Layout, WireCode, counted, record, sized

#: tag of table A.22 for 参数配置指令, and configure_cmd_tag of table A.23.
CONFIGURATION = 0
LOCK_FREQUENCY = 4


@dataclass(frozen=True, slots=True)
class TsCommand:
    """TS方案特殊指令, 0x01 (table A.22): tag 0 configuration, 2 daily; only one content is described."""

    tag: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FrequencyLock:
    """锁定频率设置, the content of 0x01 that is described (table A.23): kHz, kBd.

    QAM 0 is 16, 1 is 32, 2 is 64, 3 is 128, 4 is 256: one less than in the transport stream tables.
    """

    freq_khz: int
    symbol_rate_k: int
    qam: int
    address: AddressBlock


@dataclass(frozen=True, slots=True)
class RdsCommand:
    """RDS方案特殊指令, 0x02 (table A.24): command 0 configuration, 1 emergency, 2 daily.

    ``data`` is the content of an RDS packet of type ``data_type`` (GD/J 085-2018 table 2); sent ``times`` times (255
    for ever) every ``interval_ms``.
    """

    command: int
    data_type: int
    times: int
    interval_ms: int
    codes: tuple[WireCode, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class IpCommand:
    """IP方案特殊指令, 0x03 (table A.25): tag 1 record query; its data are not described."""

    tag: int
    data: bytes


_LOCK = record(FrequencyLock, freq_khz=U32, symbol_rate_k=U32, qam=U8, address=ADDRESS.con)
_CONFIGURATION = construct.FocusedSeq(
    "lock", "configure_cmd_tag" / construct.Const(LOCK_FREQUENCY, U8), "lock" / sized(U16, _LOCK.con)
)
#: Each length counts what stands behind it.
FREQUENCY_LOCK: Layout[FrequencyLock] = Layout(
    "FrequencyLock",
    construct.FocusedSeq("data", "tag" / construct.Const(CONFIGURATION, U8), "data" / sized(U32, _CONFIGURATION)),
)
TS = record(TsCommand, tag=U8, data=sized(U32))
RDS = record(
    RdsCommand,
    command=U8,
    data_type=U8,
    times=U8,
    interval_ms=U8,
    codes=counted(U8, CODE),
    data=sized(U32),
)
IP = record(IpCommand, tag=U8, data=sized(U32))


def ts_layout(content: bytes) -> Layout[Any]:
    """Choose the layout of a TS command: what is not described stays bytes."""
    locks = content[:1] == bytes([CONFIGURATION]) and content[5:6] == bytes([LOCK_FREQUENCY])
    return FREQUENCY_LOCK if locks else TS
