"""Contents 数据包内容 of RDS packets (GD/J 085-2018 tables 3-20): settings 0-8, emergency 11-15, daily 21-24.

Reserved bits are ones (3.3.4) where we write, and kept as they came where we read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Self

import construct

from gateway.domain.zone import BEIJING
from gateway.protocols.certificates import AUTHORISATION_LIST, AuthorisationList
from gateway.protocols.fields import (
    CODE,
    EBM_ID,
    EVENT,
    REST,
    U8,
    U16,
    U32,
    Layout,
    WireCode,
    WireEbmId,
    adapt,
    bit_record,
    counted,
    record,
    sized,
)
from gateway.protocols.parameters import FREQ_BCD, POINT, FrequencyPoint

#: 频点信息 where nothing is to be tuned (tables 12 and 18).
NO_FREQUENCY = "0.00"


class RdsType(IntEnum):
    """数据包类型 (table 2)."""

    SCAN_LIST = 0
    RESOURCE_CODE = 1
    MAINTAIN_MODE = 2
    CLOCK = 3
    RETURN_ADDRESS = 4
    RETURN_PERIOD = 5
    AUTHORISATION = 6
    CERTIFICATES = 7
    QUERY = 8
    EMERGENCY = 11
    RESET = 12
    FACTORY_RESET = 13
    DRILL = 14
    TEXT = 15
    MAINTAIN = 21
    DAILY = 22
    DAILY_VOLUME = 23
    AMPLIFIER = 24
    RESERVED = 31


class Action(IntEnum):
    """开停播类型 of tables 12 and 18; 0 is not used, 3 reserved."""

    START = 1
    STOP = 2


class Retune(IntEnum):
    """是否切换频点 of tables 12 and 18 and 是否更改默认频点 of table 13; 0 is not used, 3 reserved."""

    YES = 1
    NO = 2


class DrillOperation(IntEnum):
    """应急演练操作指令 (table 15); 0 is not used."""

    STORED_AUDIO = 1
    CURRENT_PROGRAMME = 2
    REPORT_STATE = 3
    STOP = 4


@dataclass(frozen=True, slots=True)
class ScanList:
    """设置扫描频点列表, type 0 (table 3): index 1 is where the scan begins, a smaller priority number goes first."""

    points: tuple[FrequencyPoint, ...]


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """设置设备资源编码, type 1 (table 4): the device with this physical address takes this code."""

    physical: bytes
    code: WireCode


@dataclass(frozen=True, slots=True)
class MaintainMode:
    """设置采用/禁用维持指令, type 2 (table 5): enabled 1, a start plays for one period (s) unless it is maintained."""

    enabled: int
    period_s: int


@dataclass(frozen=True, slots=True)
class Clock:
    """系统时间校时, type 3 (table 6): calendar fields; the table names no zone, Beijing time is our reading."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int

    @classmethod
    def of(cls, seconds: int) -> Self:
        """Make the clock of Unix ``seconds``."""
        at = datetime.fromtimestamp(seconds, BEIJING)
        return cls(at.year, at.month, at.day, at.hour, at.minute, at.second)

    @property
    def seconds(self) -> int | None:
        """Unix seconds, or None where the fields are no date."""
        try:
            at = datetime(self.year, self.month, self.day, self.hour, self.minute, self.second, tzinfo=BEIJING)
        except ValueError:
            return None
        return int(at.timestamp())


@dataclass(frozen=True, slots=True)
class ReturnRoute:
    """设置回传参数, type 4 (table 7): kind 1 telephone digits, 2 IPv4 and port (6 bytes), 3 ``domain:port``."""

    kind: int
    address: bytes

    @property
    def text(self) -> str | None:
        """The address as text, or None where its bytes are no address of its kind."""
        if self.kind == 2 and len(self.address) == 6:
            return f"{'.'.join(map(str, self.address[:4]))}:{int.from_bytes(self.address[4:], 'big')}"
        printable = self.address.isascii() and self.address.decode("ascii", "replace").isprintable()
        return self.address.decode("ascii") if self.kind in (1, 3) and printable else None


@dataclass(frozen=True, slots=True)
class ReturnPeriod:
    """设置回传周期, type 5 (table 8): seconds, not 0."""

    period_s: int


@dataclass(frozen=True, slots=True)
class AuthorisationUpdate:
    """应急广播证书授权列表更新, type 6 (table 9): the list of 081 6.5, or the bytes of what is no such list.

    Table 9 refers to 081 6.2.1, which is the signature block; the clause that defines the list is 6.5.
    """

    content: AuthorisationList | bytes


@dataclass(frozen=True, slots=True)
class CertificateUpdate:
    """数字证书更新, type 7 (table 10): certificates as bytes, to be read with ``certificates``.

    ``one_length``: the length stands once before all of them, as table 10 can be read too; we write it before each.
    """

    certificates: tuple[bytes, ...]
    one_length: bool = False


@dataclass(frozen=True, slots=True)
class StateQuery:
    """状态/参数查询, type 8 (table 11): tags of GD/J 089-2018 table E.5."""

    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EmergencyCommand:
    """应急开播/停播, type 11 (table 12): action, retune, severity 1-4, event, id, MHz (0.00 where nothing is tuned)."""

    action: int
    retune: int
    severity: int
    event: str
    ebm_id: WireEbmId
    mhz: str


@dataclass(frozen=True, slots=True)
class Reset:
    """设备复位, type 12 (table 13): command 1 resets; change 1 makes ``mhz`` the default frequency, 2 does not."""

    command: int
    change: int
    mhz: str
    reserved: int = 0xF


@dataclass(frozen=True, slots=True)
class FactoryReset:
    """恢复出厂设置, type 13 (table 14): command 1."""

    command: int
    reserved: int = 0x3F


@dataclass(frozen=True, slots=True)
class DrillCommand:
    """应急演练, type 14 (table 15): drill 1 system, 2 simulated, 3 real; what to do; id of the drill."""

    drill: int
    operation: int
    ebm_id: WireEbmId


@dataclass(frozen=True, slots=True)
class TextTransfer:
    """文本内容传输, type 15 (table 16): text type 1 emergency, 2 daily, 3 test; charset; at most 255 bytes of text."""

    text_type: int
    charset: int
    ebm_id: WireEbmId
    text: bytes


@dataclass(frozen=True, slots=True)
class Maintain:
    """维持指令, type 21 (table 17): a number that counts 0-255 in a circle."""

    number: int
    reserved: int = 0xFF


@dataclass(frozen=True, slots=True)
class DailyCommand:
    """日常开播/停播, type 22 (table 18): action, retune, id, MHz (0.00 where nothing is tuned), volume."""

    action: int
    retune: int
    ebm_id: WireEbmId
    mhz: str
    volume: int


@dataclass(frozen=True, slots=True)
class DailyVolume:
    """日常广播默认音量, type 23 (table 19)."""

    volume: int
    reserved: int = 0xFF


@dataclass(frozen=True, slots=True)
class AmplifierSwitch:
    """终端功放开关, type 24 (table 20): 1 off, 2 on."""

    state: int


_BITS2 = construct.BitsInteger(2)
_BITS4 = construct.BitsInteger(4)
_MHZ_IN_BITS = construct.Bytewise(FREQ_BCD)
#: 35 digits that begin in the middle of a byte: table 18 has no reserved nibble before them.
_ID_IN_BITS = adapt(
    construct.BitsInteger(140), lambda number: WireEbmId.of(f"{number:035X}"), lambda ebm: int(ebm.text, 16)
)


def _in_form(value: CertificateUpdate, one_length: bool) -> list[bytes]:
    """Return the certificates where they are to be written in this form; refusing makes Select take the other."""
    if value.one_length != one_length:
        raise ValueError("is of the other form")
    return list(value.certificates)


_EACH_LENGTH = adapt(
    construct.FocusedSeq("items", "items" / construct.PrefixedArray(U8, sized(U8)), construct.Terminated),
    lambda items: CertificateUpdate(tuple(items)),
    lambda value: _in_form(value, one_length=False),
)
_ONE_LENGTH = adapt(
    construct.Struct(
        "count" / construct.Rebuild(U8, lambda this: len(this["items"])),
        "length" / construct.Rebuild(U8, lambda this: len(this["items"][0]) if this["items"] else 0),
        "items" / construct.Array(construct.this.count, construct.Bytes(construct.this.length)),
        construct.Terminated,
    ),
    lambda obj: CertificateUpdate(tuple(obj["items"]), one_length=True),
    lambda value: {"items": _in_form(value, one_length=True)},
)


def _authorisation(raw: bytes) -> AuthorisationUpdate:
    parsed = AUTHORISATION_LIST.fits(raw)
    return AuthorisationUpdate(raw if parsed is None else parsed)


def _authorisation_bytes(value: AuthorisationUpdate) -> bytes:
    content = value.content
    return content if isinstance(content, bytes) else AUTHORISATION_LIST.build(content)


_TEXT = construct.Struct(
    "kinds" / construct.BitStruct("text_type" / _BITS4, "charset" / _BITS4), "ebm_id" / EBM_ID, "text" / sized(U8)
)

#: Content by packet type (tables 3-20).
CONTENTS: dict[int, Layout[Any]] = {
    RdsType.SCAN_LIST: record(ScanList, points=counted(U8, POINT.con)),
    RdsType.RESOURCE_CODE: record(DeviceCode, physical=sized(U8), code=CODE),
    RdsType.MAINTAIN_MODE: record(MaintainMode, enabled=U8, period_s=U16),
    RdsType.CLOCK: record(Clock, year=U16, month=U8, day=U8, hour=U8, minute=U8, second=U8),
    RdsType.RETURN_ADDRESS: record(ReturnRoute, kind=U8, address=sized(U8)),
    RdsType.RETURN_PERIOD: record(ReturnPeriod, period_s=U32),
    RdsType.AUTHORISATION: Layout("AuthorisationUpdate", adapt(REST, _authorisation, _authorisation_bytes)),
    RdsType.CERTIFICATES: Layout("CertificateUpdate", construct.Select(_EACH_LENGTH, _ONE_LENGTH)),
    RdsType.QUERY: record(StateQuery, tags=counted(U8, U8)),
    RdsType.EMERGENCY: bit_record(
        EmergencyCommand,
        action=_BITS2,
        retune=_BITS2,
        severity=_BITS4,
        event=construct.Bytewise(EVENT),
        ebm_id=construct.Bytewise(EBM_ID),
        mhz=_MHZ_IN_BITS,
    ),
    RdsType.RESET: bit_record(Reset, command=_BITS2, change=_BITS2, reserved=_BITS4, mhz=_MHZ_IN_BITS),
    RdsType.FACTORY_RESET: bit_record(FactoryReset, command=_BITS2, reserved=construct.BitsInteger(6)),
    RdsType.DRILL: bit_record(DrillCommand, drill=_BITS4, operation=_BITS4, ebm_id=construct.Bytewise(EBM_ID)),
    RdsType.TEXT: Layout(
        "TextTransfer",
        adapt(
            _TEXT,
            lambda obj: TextTransfer(obj.kinds.text_type, obj.kinds.charset, obj.ebm_id, obj.text),
            lambda value: {
                "kinds": {"text_type": value.text_type, "charset": value.charset},
                "ebm_id": value.ebm_id,
                "text": value.text,
            },
        ),
    ),
    RdsType.MAINTAIN: record(Maintain, number=U8, reserved=U8),
    RdsType.DAILY: bit_record(
        DailyCommand, action=_BITS2, retune=_BITS2, ebm_id=_ID_IN_BITS, mhz=_MHZ_IN_BITS, volume=construct.Octet
    ),
    RdsType.DAILY_VOLUME: record(DailyVolume, volume=U8, reserved=U8),
    RdsType.AMPLIFIER: record(AmplifierSwitch, state=U8),
}

#: Which type carries which content.
TYPES: dict[type, int] = {
    ScanList: RdsType.SCAN_LIST,
    DeviceCode: RdsType.RESOURCE_CODE,
    MaintainMode: RdsType.MAINTAIN_MODE,
    Clock: RdsType.CLOCK,
    ReturnRoute: RdsType.RETURN_ADDRESS,
    ReturnPeriod: RdsType.RETURN_PERIOD,
    AuthorisationUpdate: RdsType.AUTHORISATION,
    CertificateUpdate: RdsType.CERTIFICATES,
    StateQuery: RdsType.QUERY,
    EmergencyCommand: RdsType.EMERGENCY,
    Reset: RdsType.RESET,
    FactoryReset: RdsType.FACTORY_RESET,
    DrillCommand: RdsType.DRILL,
    TextTransfer: RdsType.TEXT,
    Maintain: RdsType.MAINTAIN,
    DailyCommand: RdsType.DAILY,
    DailyVolume: RdsType.DAILY_VOLUME,
    AmplifierSwitch: RdsType.AMPLIFIER,
}
