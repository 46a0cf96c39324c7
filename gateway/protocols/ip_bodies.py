"""Contents 业务数据内容 of GD/J 089-2018 appendix D (tables D.5-D.11): commands, heartbeat, settings, answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from gateway.protocols.fields import (
    EBM_ID,
    EVENT,
    U8,
    U16,
    UNIX_TIME,
    Layout,
    WireEbmId,
    counted,
    record,
    sized,
    text_of,
)
from gateway.protocols.parameters import SETTABLE, Parameter, parameters


class ServiceType(IntEnum):
    """业务数据类型 of tables D.3 and E.3."""

    START = 0x01
    STOP = 0x02
    HEARTBEAT = 0x10
    QUERY = 0x11
    SET = 0x12
    FAULT = 0x13
    TASK = 0x14
    RESULT = 0x15
    RECORDS = 0x16
    CERTIFICATES = 0x17


class PacketType(IntEnum):
    """数据包类型: request or answer (table D.2); in appendix E reported actively or on demand (table E.2)."""

    REQUEST = 1
    ANSWER = 2


#: 辅助数据类型 of a stream: ``rtp://group:port`` to join, ``udp://@port`` to listen on (GD/J 082-2018 table G.1).
STREAM = 61


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """辅助数据: of any kind, known here or not."""

    kind: int
    data: bytes

    @classmethod
    def stream(cls, url: str) -> Self:
        """Make the auxiliary that names where the sound comes from."""
        return cls(STREAM, url.encode("ascii"))

    @property
    def text(self) -> str:
        """The content as text (an URL, for a stream)."""
        return text_of(self.data)


@dataclass(frozen=True, slots=True)
class StartBroadcast:
    """开始播发, 0x01 (table D.5): times in Unix seconds; volume 0-100 %, 255 keeps what is set."""

    ebm_id: WireEbmId
    ebm_class: int
    severity: int
    event: str
    volume: int
    start: int
    end: int
    aux: tuple[Auxiliary, ...] = ()


@dataclass(frozen=True, slots=True)
class StopBroadcast:
    """停止播发, 0x02 (table D.6)."""

    ebm_id: WireEbmId


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """终端心跳, 0x10 (tables D.7 and E.6): state 1 idle, 2 working, 3 faulty; first 1 after power-up, 2 otherwise."""

    state: int
    first: int
    physical: bytes


@dataclass(frozen=True, slots=True)
class StatusQuery:
    """终端状态查询, 0x11 (table D.8): tags of table E.5 that are asked for."""

    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ParameterSetting:
    """终端参数设置, 0x12 (table D.9)."""

    params: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class CertificateAuthorisation:
    """应急广播证书授权协议, 0x17 (table D.11): lists and certificates as bytes, to be read with ``certificates``."""

    lists: tuple[bytes, ...]
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class GeneralAnswer:
    """一般应答 (table D.10): result of table D.12 and a description."""

    result: int
    description: bytes = b""

    @property
    def text(self) -> str:
        """The description for people."""
        return text_of(self.description)


@dataclass(frozen=True, slots=True)
class UnknownBody:
    """Content of a service type that has no table here; kept as it came."""

    raw: bytes


AUXILIARY = record(Auxiliary, kind=U8, data=sized(U16))

START = record(
    StartBroadcast,
    ebm_id=EBM_ID,
    ebm_class=U8,
    severity=U8,
    event=EVENT,
    volume=U8,
    start=UNIX_TIME,
    end=UNIX_TIME,
    aux=counted(U8, AUXILIARY.con),
)
STOP = record(StopBroadcast, ebm_id=EBM_ID)
HEARTBEAT = record(Heartbeat, state=U8, first=U8, physical=sized(U8))
QUERY = record(StatusQuery, tags=counted(U8, U8))
SETTING = record(ParameterSetting, params=parameters(SETTABLE))
CERTIFICATES = record(CertificateAuthorisation, lists=counted(U8, sized(U16)), certificates=counted(U8, sized(U8)))
ANSWER = record(GeneralAnswer, result=U8, description=sized(U16))

#: Content of a request by its service type.
REQUESTS: dict[int, Layout[Any]] = {
    ServiceType.START: START,
    ServiceType.STOP: STOP,
    ServiceType.HEARTBEAT: HEARTBEAT,
    ServiceType.QUERY: QUERY,
    ServiceType.SET: SETTING,
    ServiceType.CERTIFICATES: CERTIFICATES,
}
