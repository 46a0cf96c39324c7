"""The drafts of appendix D that are still in the field: codes of 9 bytes, EBM ids of 15 (no standard's text has them).

For reading and rebuilding only; the gateway sends the national form. Packets are those of ``ip``, with shorter codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import construct

from gateway.protocols import ip
from gateway.protocols.envelope import require_whole
from gateway.protocols.fields import (
    EVENT,
    REST,
    U8,
    U16,
    UNIX_TIME,
    Layout,
    counted,
    record,
    sized,
    wire_code,
    wire_ebm_id,
)
from gateway.protocols.ip_bodies import (
    AUXILIARY,
    HEARTBEAT,
    QUERY,
    SETTING,
    Auxiliary,
    GeneralAnswer,
    Heartbeat,
    PacketType,
    ParameterSetting,
    ServiceType,
    StartBroadcast,
    StatusQuery,
    StopBroadcast,
)

_EBM_ID = wire_ebm_id(15)
#: 辅助数据类型 of sound in the drafts.
AUDIO = 2


@dataclass(frozen=True, slots=True)
class LegacyAnswer(GeneralAnswer):
    """General answer; the captured one to 0x30 carries the server's time as description and four bytes more."""

    extra: bytes = b""


@dataclass(frozen=True, slots=True)
class LegacyAudio:
    """Content of an audio auxiliary: protocol 1 RTSP, 4 HTTP; codec 1 mp3, 2 mp4; nine reserved bytes."""

    protocol: int
    codec: int
    pid: int
    reserved: bytes
    url: bytes


LEGACY_AUDIO = record(LegacyAudio, protocol=U8, codec=U8, pid=U16, reserved=construct.Bytes(9), url=REST)

_START = record(
    StartBroadcast,
    ebm_id=_EBM_ID,
    ebm_class=U8,
    severity=U8,
    event=EVENT,
    volume=U8,
    start=UNIX_TIME,
    end=UNIX_TIME,
    aux=counted(U8, AUXILIARY.con),
)
_STOP = record(StopBroadcast, ebm_id=_EBM_ID)
_ANSWER = record(LegacyAnswer, result=U8, description=sized(U16), extra=REST)
_REQUESTS: dict[int, Layout[Any]] = {
    ServiceType.START: _START,
    ServiceType.STOP: _STOP,
    ServiceType.HEARTBEAT: HEARTBEAT,
    ServiceType.QUERY: QUERY,
    ServiceType.SET: SETTING,
}


def _reader(packet_type: int, service_type: int, content: bytes) -> ip.Reader:
    return _ANSWER if packet_type == PacketType.ANSWER else _REQUESTS.get(service_type)


DRAFT = ip.Dialect(
    message=ip.message_layout(wire_code(9)),
    reader=_reader,
    writers={
        StartBroadcast: _START,
        StopBroadcast: _STOP,
        Heartbeat: HEARTBEAT,
        StatusQuery: QUERY,
        ParameterSetting: SETTING,
        LegacyAnswer: _ANSWER,
    },
)


def parse(frame: bytes) -> ip.IpPacket:
    """Read one whole frame with 9-byte codes; raise IncompleteFrame, ChecksumMismatch or MalformedFrame."""
    require_whole(frame, ip.LENGTH_AT)
    return ip.parse_unchecked(frame, DRAFT)


def build(packet: ip.IpPacket) -> bytes:
    """Write ``packet`` again as it was read."""
    return ip.build(packet, DRAFT)


def audio_of(auxiliary: Auxiliary) -> LegacyAudio | None:
    """Read an audio auxiliary, or return None where it is something else."""
    return LEGACY_AUDIO.fits(auxiliary.data) if auxiliary.kind == AUDIO else None
