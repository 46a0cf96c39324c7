"""Which RDS packets a broadcast message needs: type 11 for emergencies, 14 for drills, 22 for daily broadcasts.

A daily broadcast never goes out as type 11 (GD/J 085-2018 tables 2, 12, 15 and 18). What the tables have no place for,
or have another value for, is told in notices and never dropped in silence.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.events import EventType
from gateway.domain.message import VOLUME_KEEP, EbmClass
from gateway.domain.warning import Notice, Severity
from gateway.errors import InvalidValueError
from gateway.protocols import rds
from gateway.protocols.fields import WireEbmId
from gateway.protocols.rds_bodies import (
    NO_FREQUENCY,
    Action,
    DailyCommand,
    DrillCommand,
    DrillOperation,
    EmergencyCommand,
    Retune,
    TextTransfer,
)
from gateway.protocols.rds_text import Charset, encode_text

#: 文本内容类型 (table 16) by class: emergency, daily, test.
_TEXT_TYPES = {EbmClass.EMERGENCY: 1, EbmClass.DAILY: 2}
_TEXT_OF_A_DRILL = 3


@dataclass(frozen=True, slots=True)
class RdsBroadcast:
    """What a message says to FM receivers.

    ``frequency`` is where they shall tune, in MHz with two decimals ("98.50"); None leaves them where they are.
    ``stored_audio`` makes a drill play what the terminal holds, instead of the programme of the present frequency.
    """

    ebm_id: EbmId
    ebm_class: EbmClass
    severity: Severity
    event: EventType
    codes: tuple[ResourceCode, ...]
    frequency: str | None = None
    volume: int = VOLUME_KEEP
    text: str = ""
    stored_audio: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """Unsigned packets in the order in which they go out, and what the publisher or operator must know."""

    packets: tuple[rds.RdsPacket, ...]
    notices: tuple[Notice, ...] = ()


def start_packets(broadcast: RdsBroadcast) -> Rendered:
    """Render the start of a broadcast, then its text where it has one; codes are split, never left out.

    Raises InvalidValueError naming the value that the tables forbid.
    """
    _check(broadcast)
    bodies: list[rds.Body] = [_start_body(broadcast)]
    notices = _losses(broadcast)
    if broadcast.text:
        body, told = _text_body(broadcast)
        bodies.append(body)
        notices += told
    return Rendered(_packets(broadcast.codes, bodies), tuple(notices))


def stop_packets(broadcast: RdsBroadcast) -> Rendered:
    """Render the stop of a broadcast: the packet type of its start, with the action to stop."""
    _check(broadcast)
    ebm_id = WireEbmId.of(broadcast.ebm_id)
    body: rds.Body
    if broadcast.ebm_class.is_drill:
        body = DrillCommand(broadcast.ebm_class, DrillOperation.STOP, ebm_id)
    elif broadcast.ebm_class is EbmClass.DAILY:
        body = DailyCommand(Action.STOP, Retune.NO, ebm_id, NO_FREQUENCY, VOLUME_KEEP)
    else:
        severity = broadcast.severity.on_device
        body = EmergencyCommand(Action.STOP, Retune.NO, severity, broadcast.event, ebm_id, NO_FREQUENCY)
    return Rendered(_packets(broadcast.codes, [body]))


def _check(broadcast: RdsBroadcast) -> None:
    if not broadcast.codes:
        raise InvalidValueError("codes", 0, "must be at least 1 (085 table 1)")
    volume, frequency = broadcast.volume, broadcast.frequency
    if volume != VOLUME_KEEP and not 0 <= volume <= 100:
        raise InvalidValueError("volume", volume, "must be 0-100 percent or 255 (085 table 18)")
    if frequency is None:
        return
    whole, point, part = frequency.partition(".")
    digits = whole + part
    if not (digits.isascii() and digits.isdecimal() and 1 <= len(whole) <= 4 and bool(point) == bool(part)):
        raise InvalidValueError("frequency", frequency, "must be MHz of at most four digits and two decimals")
    if len(part) > 2 or not int(digits):
        raise InvalidValueError("frequency", frequency, "must be above 0 with at most two decimals (085 table 12)")


def _start_body(broadcast: RdsBroadcast) -> rds.Body:
    ebm_id = WireEbmId.of(broadcast.ebm_id)
    if broadcast.ebm_class.is_drill:
        stored = broadcast.stored_audio
        operation = DrillOperation.STORED_AUDIO if stored else DrillOperation.CURRENT_PROGRAMME
        return DrillCommand(broadcast.ebm_class, operation, ebm_id)
    retune = Retune.NO if broadcast.frequency is None else Retune.YES
    mhz = broadcast.frequency or NO_FREQUENCY
    if broadcast.ebm_class is EbmClass.DAILY:
        return DailyCommand(Action.START, retune, ebm_id, mhz, broadcast.volume)
    return EmergencyCommand(Action.START, retune, broadcast.severity.on_device, broadcast.event, ebm_id, mhz)


def _losses(broadcast: RdsBroadcast) -> list[Notice]:
    """Tell what the packet type of this class cannot say."""
    told: list[Notice] = []
    emergency, drill = broadcast.ebm_class is EbmClass.EMERGENCY, broadcast.ebm_class.is_drill
    if emergency and broadcast.severity is Severity.UNKNOWN:
        text = "事件级别缺省，RDS 按 4 级（一般）播发 / severity 0 does not exist in RDS and is sent as 4"
        told.append(Notice("rds_severity_4", text))
    if broadcast.volume != VOLUME_KEEP and broadcast.ebm_class is not EbmClass.DAILY:
        kind = "14" if drill else "11"
        text = f"RDS {kind} 型指令不含音量，终端按自身设置 / RDS type {kind} has no volume; terminals keep their own"
        told.append(Notice("rds_no_volume", text))
    if drill and broadcast.frequency is not None:
        text = f"RDS 演练指令不能切换频点 {broadcast.frequency} MHz / RDS type 14 cannot tune receivers"
        told.append(Notice("rds_no_frequency", text))
    return told


def _text_body(broadcast: RdsBroadcast) -> tuple[TextTransfer, list[Notice]]:
    text = encode_text(broadcast.text)
    told: list[Notice] = []
    if text.charset is not Charset.GB2312:
        named = "".join(text.forced_by)
        words = f"文本含 GB 2312 以外的字符“{named}”，改用 GB 18030 / characters outside GB 2312: sent in GB 18030"
        told.append(Notice("rds_charset", words))
    if text.cut:
        words = f"RDS 文本限 255 字节，末尾 {text.cut} 字未发 / text cut at 255 bytes, {text.cut} characters left out"
        told.append(Notice("rds_text_cut", words))
    text_type = _TEXT_TYPES.get(broadcast.ebm_class, _TEXT_OF_A_DRILL)
    return TextTransfer(text_type, text.charset, WireEbmId.of(broadcast.ebm_id), text.raw), told


def _packets(codes: tuple[ResourceCode, ...], bodies: list[rds.Body]) -> tuple[rds.RdsPacket, ...]:
    return tuple(rds.command(part, body) for body in bodies for part in rds.split_codes(codes, body))
