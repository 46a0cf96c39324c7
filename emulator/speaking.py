"""Frames that a terminal sends 说: answers and heartbeats of appendix D, reports of appendix E (GD/J 089-2018).

Packed by hand, because a broadcast makes four thousand answers at once; the tests hold every frame against the
declared layouts of ``gateway.protocols``.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from gateway.protocols.checksum import seal
from gateway.protocols.ip_bodies import PacketType, ServiceType

#: Tables D.2 and D.3: mark, version, session, packet type, sign flag, length, source, 1, target, service type, size.
_D: Final = Struct(">HHIBBH12sH12sBH")
#: Tables E.2 and E.3: the same without a sign flag.
_E: Final = Struct(">HHIBH12sH12sBH")
_CRC: Final = 4
_ANSWER: Final = Struct(">BH")
_TASK: Final = Struct(">BB18sI")
_TIMES: Final = Struct(">IIBI")
_MARK: Final = 0xFEFD
_VERSION: Final = 0x0100
#: 数字签名信息长度 0: what stands where a signature would be.
_UNSIGNED: Final = b"\0\0"


def _frame_d(
    session: int, packet_type: PacketType, source: bytes, target: bytes, service: int, content: bytes
) -> bytes:
    size = _D.size + len(content) + len(_UNSIGNED) + _CRC
    head = _D.pack(
        _MARK, _VERSION, session, packet_type, 0, size, source, 1, target, service, len(content)
    )  # fmt: skip
    return seal(head + content + _UNSIGNED)


def answer(session: int, source: bytes, target: bytes, service: int, result: int, text: str = "") -> bytes:
    """General answer 一般应答 (table D.10): session and service type are those of the request."""
    description = text.encode()
    content = _ANSWER.pack(result, len(description)) + description
    return _frame_d(session, PacketType.ANSWER, source, target, service, content)


def heartbeat(session: int, source: bytes, target: bytes, state: int, first: int, physical: bytes) -> bytes:
    """Heartbeat 终端心跳 (table D.7): state 1 idle, 2 working, 3 faulty; first 1 after power-up, else 2."""
    content = bytes((state, first, len(physical))) + physical
    return _frame_d(session, PacketType.REQUEST, source, target, ServiceType.HEARTBEAT, content)


def report(
    session: int,
    source: bytes,
    target: bytes,
    service: int,
    content: bytes,
    packet_type: PacketType = PacketType.REQUEST,
) -> bytes:
    """Return data (table E.2): packet type 1 unasked, 2 on a query, then with the query's session."""
    size = _E.size + len(content) + _CRC
    head = _E.pack(_MARK, _VERSION, session, packet_type, size, source, 1, target, service, len(content))
    return seal(head + content)


def task_switch(*, begins: bool, daily: bool, ebm: bytes, at: int) -> bytes:
    """Content of a task switch 任务切换 (table E.8); ``at`` in Unix seconds."""
    return _TASK.pack(1 if begins else 2, 2 if daily else 1, ebm, at)


def result(*, ebm: bytes, success: bool, text: str, start: int, end: int, at: int) -> bytes:
    """Content of a broadcast result 上报播发结果 (table E.9): here 1 is success; times in Unix seconds."""
    description = text.encode()
    done = 1 if success else 0
    return ebm + _ANSWER.pack(done, len(description)) + description + _TIMES.pack(start, end, done, at)
