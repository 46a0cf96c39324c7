"""Hand-made reading of the frames that come by the thousand, held equal to the declared layouts by property tests.

Each reader takes a whole frame and returns None for anything that is not exactly its case: then ``ip.parse`` or
``feedback.parse`` decides, and names the error if there is one. Codes are the raw 12 bytes, to be keys of look-ups.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from gateway.protocols.checksum import checks, seal
from gateway.protocols.envelope import CRC_SIZE, MAGIC, VERSION
from gateway.protocols.ip_bodies import PacketType, ServiceType
from gateway.protocols.signature import BLOCK_SIZE, UnsignedForm

_MARK = int.from_bytes(MAGIC, "big")
#: Tables D.2 and D.3 for one target, to the end of the content's length.
_IP = Struct(">HHIBBH12sH12sBH")
_ANSWER = Struct(">HHIBBH12sH12sBHBH")
_IP_CONTENT_AT = _IP.size
_ANSWER_SMALLEST = _ANSWER.size + CRC_SIZE
_read_answer = _ANSWER.unpack_from
#: Makes a named tuple without its constructor's handling of keywords, a quarter of the whole reading.
_answer = tuple.__new__
#: Tables E.2 and E.3 likewise.
_FEEDBACK = Struct(">HHIBH12sH12sBH")
_FEEDBACK_CONTENT_AT = _FEEDBACK.size
_TASK = Struct(">BB18sI")
_RESULT_TAIL = Struct(">IIBI")
_ZERO_LENGTH = b"\0\0"
_ZERO_BLOCK = BLOCK_SIZE.to_bytes(2, "big") + bytes(BLOCK_SIZE)
_ANSWER_TYPE = int(PacketType.ANSWER)
_HEARTBEAT = int(ServiceType.HEARTBEAT)
_TASK_TYPE, _RESULT_TYPE = int(ServiceType.TASK), int(ServiceType.RESULT)
_TRAILERS = {UnsignedForm.NOTHING: b"", UnsignedForm.ZERO_LENGTH: _ZERO_LENGTH, UnsignedForm.ZERO_BLOCK: _ZERO_BLOCK}


class FastAnswer(NamedTuple):
    """Unsigned general answer with one target (table D.10)."""

    session: int
    service_type: int
    source: bytes
    result: int


class FastHeartbeat(NamedTuple):
    """Heartbeat with one target: tables D.7 (unsigned) and E.6."""

    session: int
    source: bytes
    target: bytes
    state: int
    first: int
    physical: bytes


class FastTask(NamedTuple):
    """Task switch with one target (table E.8)."""

    session: int
    source: bytes
    switch: int
    task_type: int
    ebm_id: bytes
    time: int


class FastResult(NamedTuple):
    """Broadcast result with one target (table E.9)."""

    session: int
    source: bytes
    ebm_id: bytes
    result: int
    description: bytes
    start: int
    end: int
    times: int
    report_time: int


def _unsigned(frame: bytes, content_end: int) -> bool:
    """Whether nothing but an unsigned form of table D.4 stands between content and CRC."""
    rest = len(frame) - CRC_SIZE - content_end
    if rest == 2:
        return frame[content_end : content_end + 2] == _ZERO_LENGTH
    return rest == 0 or (rest == len(_ZERO_BLOCK) and frame[content_end:-CRC_SIZE] == _ZERO_BLOCK)


def answer(frame: bytes) -> FastAnswer | None:
    """Read an unsigned general answer of appendix D.

    Written out in one piece: this is the frame that comes by the thousand within a tenth of a second.
    """
    size = len(frame)
    if size < _ANSWER_SMALLEST:
        return None
    mark, _, session, packet_type, flag, total, source, count, _, service_type, content, result, text = _read_answer(
        frame
    )
    if mark != _MARK or packet_type != _ANSWER_TYPE or flag or total != size or count != 1 or content != text + 3:
        return None
    end = _IP_CONTENT_AT + content
    if frame[end:-4] != _ZERO_LENGTH and not _unsigned(frame, end):
        return None
    if not checks(frame):
        return None
    return _answer(FastAnswer, (session, service_type, source, result))


def heartbeat(frame: bytes) -> FastHeartbeat | None:
    """Read an unsigned heartbeat of appendix D."""
    if len(frame) < _IP_CONTENT_AT + 3 + CRC_SIZE:
        return None
    mark, _, session, packet_type, flag, total, source, count, target, service_type, size = _IP.unpack_from(frame)
    if mark != _MARK or service_type != _HEARTBEAT or packet_type == _ANSWER_TYPE or flag or total != len(frame):
        return None
    at = _IP_CONTENT_AT
    if count != 1 or size != frame[at + 2] + 3 or not _unsigned(frame, at + size) or not checks(frame):
        return None
    return FastHeartbeat(session, source, target, frame[at], frame[at + 1], frame[at + 3 : at + size])


def feedback_heartbeat(frame: bytes) -> FastHeartbeat | None:
    """Read a heartbeat of appendix E."""
    at = _FEEDBACK_CONTENT_AT
    if len(frame) < at + 3 + CRC_SIZE:
        return None
    mark, _, session, _, total, source, count, target, service_type, size = _FEEDBACK.unpack_from(frame)
    if mark != _MARK or service_type != _HEARTBEAT or total != len(frame) or count != 1 or size != frame[at + 2] + 3:
        return None
    if total != at + size + CRC_SIZE or not checks(frame):
        return None
    return FastHeartbeat(session, source, target, frame[at], frame[at + 1], frame[at + 3 : at + size])


def task(frame: bytes) -> FastTask | None:
    """Read a task switch of appendix E."""
    at = _FEEDBACK_CONTENT_AT
    if len(frame) != at + _TASK.size + CRC_SIZE:
        return None
    mark, _, session, _, total, source, count, _, service_type, size = _FEEDBACK.unpack_from(frame)
    if mark != _MARK or service_type != _TASK_TYPE or total != len(frame) or count != 1 or size != _TASK.size:
        return None
    if not checks(frame):
        return None
    return FastTask(session, source, *_TASK.unpack_from(frame, at))


def result(frame: bytes) -> FastResult | None:
    """Read a broadcast result of appendix E."""
    at = _FEEDBACK_CONTENT_AT
    if len(frame) < at + 21 + _RESULT_TAIL.size + CRC_SIZE:
        return None
    mark, _, session, _, total, source, count, _, service_type, size = _FEEDBACK.unpack_from(frame)
    if mark != _MARK or service_type != _RESULT_TYPE or total != len(frame) or count != 1:
        return None
    tail_at = at + 21 + (frame[at + 19] << 8 | frame[at + 20])
    end = tail_at + _RESULT_TAIL.size
    if end != at + size or total != end + CRC_SIZE or not checks(frame):
        return None
    tail = _RESULT_TAIL.unpack_from(frame, tail_at)
    return FastResult(session, source, frame[at : at + 18], frame[at + 18], frame[at + 21 : tail_at], *tail)


def build_answer(
    session: int,
    service_type: int,
    source: bytes,
    target: bytes,
    code: int,
    text: bytes = b"",
    form: UnsignedForm = UnsignedForm.ZERO_LENGTH,
) -> bytes:
    """Write a general answer (table D.10) from ``source`` to ``target``, both as the 12 bytes of the wire."""
    trailer = _TRAILERS[form]
    total = _ANSWER.size + len(text) + len(trailer) + CRC_SIZE
    head = _ANSWER.pack(
        _MARK, VERSION, session, _ANSWER_TYPE, 0, total, source, 1, target, service_type, len(text) + 3, code, len(text)
    )
    return seal(head + text + trailer)
