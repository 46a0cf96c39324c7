"""日常广播节目传输表 0xFA: daily programmes on a transport stream (GD/J 089-2018 tables C.1-C.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.errors import InvalidValueError
from gateway.protocols.fields import EBM_ID, U8, U16, Layout, WireCode, WireEbmId, record, sized
from gateway.protocols.ts_commands import Command, command, commands
from gateway.protocols.ts_fields import CODES, Bits, packed
from gateway.protocols.ts_time import WALL_CLOCK, WallClock

PLAY, STOP, AMPLIFIER, TEXT = range(1, 5)


@dataclass(frozen=True, slots=True)
class PlayProgramme:
    """节目切播 (table C.3): volume 0-100 %, 255 keeps what is set; stream type usually 3 (MPEG audio)."""

    ebm_id: WireEbmId
    network_id: int
    ts_id: int
    service_id: int
    pcr_pid: int
    stream_type: int
    pid: int
    priority: int
    volume: int
    end: WallClock
    codes: tuple[WireCode, ...]
    pcr_reserved: int = 7
    pid_reserved: int = 7


@dataclass(frozen=True, slots=True)
class StopProgramme:
    """节目停播 (table C.4)."""

    ebm_id: WireEbmId
    network_id: int
    ts_id: int
    service_id: int
    pcr_pid: int
    pid: int
    codes: tuple[WireCode, ...]
    pcr_reserved: int = 7
    pid_reserved: int = 7


@dataclass(frozen=True, slots=True)
class AmplifierSwitch:
    """终端功放开关 (table C.5): 1 off, 2 on."""

    switch: int
    codes: tuple[WireCode, ...]


@dataclass(frozen=True, slots=True)
class BroadcastText:
    """应急广播文本内容 (table C.6): text_type 1 emergency, 2 daily, 3 test; text as bytes in ``charset``."""

    text_type: int
    charset: int
    ebm_id: WireEbmId
    codes: tuple[WireCode, ...]
    text: bytes


@dataclass(frozen=True, slots=True)
class DailyTable:
    """日常广播节目传输表."""

    commands: tuple[Command, ...] = ()


#: Content of a command by its tag.
DAILY_COMMANDS: dict[int, Layout[Any]] = {
    PLAY: packed(
        PlayProgramme,
        ebm_id=EBM_ID,
        network_id=U16,
        ts_id=U16,
        service_id=U16,
        pcr_word=Bits(pcr_reserved=3, pcr_pid=13),
        stream_type=U8,
        pid_word=Bits(pid_reserved=3, pid=13),
        priority=U8,
        volume=U8,
        end=WALL_CLOCK.con,
        codes=CODES,
    ),
    STOP: packed(
        StopProgramme,
        ebm_id=EBM_ID,
        network_id=U16,
        ts_id=U16,
        service_id=U16,
        pcr_word=Bits(pcr_reserved=3, pcr_pid=13),
        pid_word=Bits(pid_reserved=3, pid=13),
        codes=CODES,
    ),
    AMPLIFIER: record(AmplifierSwitch, switch=U8, codes=CODES),
    TEXT: packed(
        BroadcastText,
        kind=Bits(text_type=4, charset=4),
        ebm_id=EBM_ID,
        codes=CODES,
        text=sized(U16),
    ),
}
_TAGS: dict[type, int] = {PlayProgramme: PLAY, StopProgramme: STOP, AmplifierSwitch: AMPLIFIER, BroadcastText: TEXT}
DAILY_COMMAND = command(DAILY_COMMANDS)
DAILY = record(DailyTable, commands=commands(DAILY_COMMAND))


def daily(*values: object) -> DailyTable:
    """Make a table of these contents, each under its tag."""
    for value in values:
        if type(value) not in _TAGS:
            raise InvalidValueError("command", type(value).__name__, "is no command of GD/J 089-2018 tables C.3-C.6")
    return DailyTable(tuple(Command(_TAGS[type(value)], value) for value in values))
