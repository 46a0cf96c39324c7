"""Daily broadcasts in the words of the domain, rendered to the commands of table 0xFA (GD/J 089-2018 C.3-C.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from gateway.domain.codes import EbmId, ResourceCode
from gateway.domain.message import VOLUME_KEEP
from gateway.domain.warning import Notice
from gateway.errors import InvalidValueError
from gateway.protocols import ts_text
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.ts_daily import (
    AmplifierSwitch,
    BroadcastText,
    DailyTable,
    PlayProgramme,
    StopProgramme,
    daily,
)
from gateway.protocols.ts_fields import NO_PCR
from gateway.protocols.ts_index import MPEG1_AUDIO
from gateway.protocols.ts_time import WallClock


class TextType(IntEnum):
    """text_type (table C.6)."""

    EMERGENCY = 1
    DAILY = 2
    TEST = 3


@dataclass(frozen=True, slots=True)
class Programme:
    """Where a daily programme is found: network, transport stream and service, PID of its sound."""

    network_id: int
    ts_id: int
    service_id: int
    pid: int
    pcr_pid: int = NO_PCR
    stream_type: int = MPEG1_AUDIO


@dataclass(frozen=True, slots=True)
class DailyPlay:
    """Play ``programme`` until ``end`` (aware); volume 0-100 % or 255 to keep what is set."""

    ebm_id: EbmId
    programme: Programme
    end: datetime
    codes: tuple[ResourceCode, ...]
    volume: int = VOLUME_KEEP
    priority: int = 0

    def __post_init__(self) -> None:
        if self.volume != VOLUME_KEEP and not 0 <= self.volume <= 100:
            raise InvalidValueError("volume", self.volume, "must be 0-100 percent or 255 (GD/J 089-2018 table C.3)")
        if self.end.tzinfo is None:
            raise InvalidValueError("end", self.end, "must carry a time zone")


@dataclass(frozen=True, slots=True)
class DailyStop:
    """Stop ``programme``."""

    ebm_id: EbmId
    programme: Programme
    codes: tuple[ResourceCode, ...]


@dataclass(frozen=True, slots=True)
class DailyAmplifier:
    """Switch the amplifiers on or off."""

    on: bool
    codes: tuple[ResourceCode, ...]


@dataclass(frozen=True, slots=True)
class DailyWords:
    """Show ``text``."""

    ebm_id: EbmId
    text: str
    codes: tuple[ResourceCode, ...]
    text_type: TextType = TextType.DAILY


DailyOrder = DailyPlay | DailyStop | DailyAmplifier | DailyWords


def render_daily(orders: Sequence[DailyOrder]) -> tuple[DailyTable, tuple[Notice, ...]]:
    """Render daily orders to table 0xFA, in order, and what the sender should know; EndTime is Beijing time."""
    commands: list[object] = []
    notices: list[Notice] = []
    for order in orders:
        if not order.codes:
            raise InvalidValueError("codes", order.codes, "must name at least one receiver or group")
        if isinstance(order, DailyWords):
            encoded = ts_text.encode(order.text)
            if encoded.notice is not None:
                notices.append(encoded.notice)
            ebm_id, codes = WireEbmId.of(order.ebm_id), _codes(order)
            commands.append(BroadcastText(order.text_type, encoded.charset, ebm_id, codes, encoded.texts[0]))
        else:
            commands.append(_command(order))
    return daily(*commands), tuple(notices)


def _codes(order: DailyOrder) -> tuple[WireCode, ...]:
    return tuple(map(WireCode.of, order.codes))


def _command(order: DailyPlay | DailyStop | DailyAmplifier) -> object:
    if isinstance(order, DailyAmplifier):
        return AmplifierSwitch(2 if order.on else 1, _codes(order))
    where = order.programme
    if isinstance(order, DailyStop):
        return StopProgramme(
            ebm_id=WireEbmId.of(order.ebm_id),
            network_id=where.network_id,
            ts_id=where.ts_id,
            service_id=where.service_id,
            pcr_pid=where.pcr_pid,
            pid=where.pid,
            codes=_codes(order),
        )
    return PlayProgramme(
        ebm_id=WireEbmId.of(order.ebm_id),
        network_id=where.network_id,
        ts_id=where.ts_id,
        service_id=where.service_id,
        pcr_pid=where.pcr_pid,
        stream_type=where.stream_type,
        pid=where.pid,
        priority=order.priority,
        volume=order.volume,
        end=WallClock.of(int(order.end.timestamp())),
        codes=_codes(order),
    )
