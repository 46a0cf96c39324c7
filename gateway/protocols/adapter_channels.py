"""Channels of an adapter: answers 0x13 and 0x14 (GD/J 089-2018 tables A.28, A.29)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import construct

from gateway.errors import InvalidValueError
from gateway.protocols.fields import CODE, EBM_ID, U8, U16, WireCode, WireEbmId, counted, record, sized, text_of
from gateway.protocols.parameters import FREQ_BCD

#: output_channel_state 占用, the only one in which a message is named; 1 idle, 3 faulty.
TAKEN = 2


class ChannelType(IntEnum):
    """out_channel_type; of 4, and of any other, the table describes nothing more."""

    FM = 1
    CABLE = 2
    TERRESTRIAL = 3
    IP = 4


def _require_message(state: int, ebm_id: WireEbmId | None) -> None:
    if (state == TAKEN) is (ebm_id is None):
        raise InvalidValueError("ebm_id", ebm_id, "must be named in state 2, and in no other (table A.28)")


@dataclass(frozen=True, slots=True)
class FmChannel:
    """A frequency, MHz as six digits; state 1 idle, 2 taken by ``ebm_id``, 3 faulty."""

    mhz: str
    state: int
    ebm_id: WireEbmId | None = None

    def __post_init__(self) -> None:
        _require_message(self.state, self.ebm_id)


@dataclass(frozen=True, slots=True)
class ElementaryStream:
    """Type and PID of a stream of the programme."""

    stream_type: int
    pid: int


@dataclass(frozen=True, slots=True)
class TsChannel:
    """详情频道 of a cable or terrestrial transport stream; states as in FM."""

    original_network_id: int
    transport_stream_id: int
    program_number: int
    pcr_pid: int
    streams: tuple[ElementaryStream, ...]
    state: int
    ebm_id: WireEbmId | None = None

    def __post_init__(self) -> None:
        _require_message(self.state, self.ebm_id)


@dataclass(frozen=True, slots=True)
class OutputChannel:
    """One output; ``channels`` is empty where its type has none in the table."""

    id: int
    type: int
    channels: tuple[FmChannel, ...] | tuple[TsChannel, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputChannels:
    """查询输出通道回复, 0x13 (table A.28)."""

    front_code: WireCode
    outputs: tuple[OutputChannel, ...]


@dataclass(frozen=True, slots=True)
class InputChannel:
    """One input; those of one group exclude each other; state 1 idle, 2 taken, 3 faulty."""

    id: int
    name: bytes
    group: int
    state: int

    @property
    def text(self) -> str:
        """The name for people."""
        return text_of(self.name)


@dataclass(frozen=True, slots=True)
class InputChannels:
    """查询输入通道回复, 0x14 (table A.29)."""

    front_code: WireCode
    inputs: tuple[InputChannel, ...]


_MESSAGE = construct.If(construct.this.state == TAKEN, EBM_ID)
_FM = record(FmChannel, mhz=FREQ_BCD, state=U8, ebm_id=_MESSAGE)
_STREAM = record(ElementaryStream, stream_type=U8, pid=U16)
_TS = record(
    TsChannel,
    original_network_id=U16,
    transport_stream_id=U16,
    program_number=U16,
    pcr_pid=U16,
    streams=counted(U8, _STREAM.con),
    state=U8,
    ebm_id=_MESSAGE,
)
_OUTPUT = record(
    OutputChannel,
    id=U8,
    type=U8,
    channels=construct.Switch(
        construct.this.type,
        {
            ChannelType.FM: counted(U8, _FM.con),
            ChannelType.CABLE: counted(U8, _TS.con),
            ChannelType.TERRESTRIAL: counted(U8, _TS.con),
        },
        default=construct.Computed(()),
    ),
)
_INPUT = record(InputChannel, id=U8, name=sized(U16), group=U8, state=U8)

OUTPUTS = record(OutputChannels, front_code=CODE, outputs=counted(U8, _OUTPUT.con))
INPUTS = record(InputChannels, front_code=CODE, inputs=counted(U8, _INPUT.con))
