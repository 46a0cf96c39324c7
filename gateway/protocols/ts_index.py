"""应急广播索引表 0xFD: which messages are on the air, where and until when (GD/J 086-2018 and 087-2018 table 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import construct

from gateway.protocols.fields import EBM_ID, EVENT, U8, U16, Layout, WireCode, WireEbmId, adapt, counted, record, sized
from gateway.protocols.ts_descriptors import DESCRIPTORS, NO_DESCRIPTORS, Descriptors
from gateway.protocols.ts_fields import CODES, NO_PCR, TABLE_PID, Bits, packed
from gateway.protocols.ts_time import MJD_TIME, MjdTime

#: stream_type of MPEG-1 audio (GB/T 17975.1-2010 table 37).
MPEG1_AUDIO = 0x03
#: stream_type of an element that is the content table (GD/J 087-2018 6.2).
CONTENT_STREAM = 0x05


@dataclass(frozen=True, slots=True)
class Stream:
    """流信息: one elementary stream of the details channel."""

    stream_type: int
    pid: int
    descriptors: Descriptors = NO_DESCRIPTORS
    pid_reserved: int = 7

    @classmethod
    def content(cls) -> Self:
        """Make the element that is the content table itself (GD/J 087-2018 6.2)."""
        return cls(CONTENT_STREAM, TABLE_PID)


@dataclass(frozen=True, slots=True)
class DetailsChannel:
    """指定频道: the programme that carries the message."""

    network_id: int
    ts_id: int
    programme: int
    pcr_pid: int = NO_PCR
    descriptors: Descriptors = NO_DESCRIPTORS
    streams: tuple[Stream, ...] = ()
    pcr_reserved: int = 7


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """应急广播消息索引: class 1-4 (5 and above are reserved), severity 1-4; ``codes`` are whom it addresses."""

    ebm_id: WireEbmId
    original_network_id: int
    start: MjdTime
    end: MjdTime
    event: str
    ebm_class: int
    severity: int
    codes: tuple[WireCode, ...]
    details: DetailsChannel | None = None
    reserved: int = 0x7F


@dataclass(frozen=True, slots=True)
class IndexTable:
    """应急广播索引表; without messages it tells receivers to stop."""

    messages: tuple[IndexEntry, ...] = ()


STREAM = packed(Stream, stream_type=U8, pid_word=Bits(pid_reserved=3, pid=13), descriptors=DESCRIPTORS)
_STREAMS = adapt(construct.GreedyRange(STREAM.con), tuple, list)
DETAILS = packed(
    DetailsChannel,
    network_id=U16,
    ts_id=U16,
    programme=U16,
    pcr_word=Bits(pcr_reserved=3, pcr_pid=13),
    descriptors=DESCRIPTORS,
    streams=sized(U16, _STREAMS),
)
_ENTRY = construct.Struct(
    "ebm_id" / EBM_ID,
    "original_network_id" / U16,
    "start" / MJD_TIME,
    "end" / MJD_TIME,
    "event" / EVENT,
    "kind" / Bits(ebm_class=4, severity=4).con,
    "codes" / CODES,
    "flag" / Bits(reserved=7, details=1).con,
    "details" / construct.If(construct.this.flag.details, DETAILS.con),
)


def _read(obj: Any) -> IndexEntry:
    return IndexEntry(
        ebm_id=obj.ebm_id,
        original_network_id=obj.original_network_id,
        start=obj.start,
        end=obj.end,
        event=obj.event,
        ebm_class=obj.kind.ebm_class,
        severity=obj.kind.severity,
        codes=obj.codes,
        details=obj.details,
        reserved=obj.flag.reserved,
    )


def _write(entry: IndexEntry) -> dict[str, object]:
    return {
        "ebm_id": entry.ebm_id,
        "original_network_id": entry.original_network_id,
        "start": entry.start,
        "end": entry.end,
        "event": entry.event,
        "kind": {"ebm_class": entry.ebm_class, "severity": entry.severity},
        "codes": entry.codes,
        "flag": {"reserved": entry.reserved, "details": int(entry.details is not None)},
        "details": entry.details,
    }


ENTRY: Layout[IndexEntry] = Layout("IndexEntry", sized(U16, adapt(_ENTRY, _read, _write)))
INDEX = record(IndexTable, messages=counted(U8, ENTRY.con))
