"""Answers between adapter and platform: 0x12, 0x16, 0x17, 0x21, 0x22 (GD/J 089-2018 A.26, A.31, A.32, A.36, A.38)."""

from __future__ import annotations

from dataclasses import dataclass

import construct

from gateway.protocols.fields import (
    CODE,
    EBM_ID,
    IPV4,
    U8,
    U16,
    U32,
    WireCode,
    WireEbmId,
    record,
    sized,
    text_of,
)


@dataclass(frozen=True, slots=True)
class AdapterAnswer:
    """通用回复 of the adapter, 0x12 (table A.26): code of ``adapter_results`` and words about it."""

    code: int
    data: bytes = b""

    @property
    def text(self) -> str:
        """The words for people."""
        return text_of(self.data)


@dataclass(frozen=True, slots=True)
class FaultDetail:
    """查询故障详情回复, 0x16 (table A.31): fault type 0 none, 1-5 as in table E.7."""

    front_code: WireCode
    fault_type: int
    description: bytes = b""

    @property
    def text(self) -> str:
        """The description for people."""
        return text_of(self.description)


@dataclass(frozen=True, slots=True)
class BroadcastAnswer:
    """开/停播请求回复, 0x17 (table A.32): result 0 success, 1 failure; where to stream to, if that was asked."""

    front_code: WireCode
    ebm_id: WireEbmId
    result: int
    description: bytes = b""
    stream_address: bytes = b""

    @property
    def text(self) -> str:
        """The description for people."""
        return text_of(self.description)


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """通用回复 of the platform, 0x21 (table A.36): code of ``adapter_results``; data as the vendor likes."""

    code: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class TaskStartAnswer:
    """任务开始上报回复, 0x22 (table A.38): result 0 success, 1 failure; IPv4 and port for the adapter's stream."""

    result: int
    ip: str
    port: int


#: The table counts without sign and then names a code -1.
_SIGNED = construct.Int32sb

ADAPTER_ANSWER = record(AdapterAnswer, code=_SIGNED, data=sized(U32))
FAULT_DETAIL = record(FaultDetail, front_code=CODE, fault_type=U8, description=sized(U16))
BROADCAST_ANSWER = record(
    BroadcastAnswer,
    front_code=CODE,
    ebm_id=EBM_ID,
    result=U8,
    description=sized(U32),
    stream_address=sized(U16),
)
PLATFORM_ANSWER = record(PlatformAnswer, code=_SIGNED, data=sized(U32))
TASK_START_ANSWER = record(TaskStartAnswer, result=U8, ip=IPV4, port=U16)
