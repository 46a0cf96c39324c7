"""What the gateway tells of itself as an adapter 适配器查询: channels, records, faults (GD/J 089-2018 A.28-A.31)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.dispatch.alarms import AlarmLevel
from gateway.dispatch.live import LiveMessage
from gateway.dispatch.service import Dispatch
from gateway.domain.message import EbmClass, MessageState
from gateway.domain.targets import TargetForm, target_codes
from gateway.errors import InvalidValueError
from gateway.protocols.adapter_address import MAX_COUNT
from gateway.protocols.adapter_answers import FaultDetail
from gateway.protocols.adapter_channels import ChannelType, InputChannel, InputChannels, OutputChannel, OutputChannels
from gateway.protocols.adapter_commands import (
    ANY_EBM_ID,
    FaultQuery,
    InputChannelQuery,
    OutputChannelQuery,
    RecordQuery,
)
from gateway.protocols.adapter_reports import AdapterRecord, AdapterRecords, Output
from gateway.protocols.fields import WireCode, WireEbmId
from gateway.protocols.time_base import TimeBase, to_wire

#: program_resource 平台 (table A.33).
BY_PLATFORM: Final = 1
#: The one output: terminals by IP and what else the gateway drives.
OUTPUT: Final = Output(ChannelType.IP, 1)
#: task_state of table A.30.
_TASK_STATES: Final = {
    MessageState.AWAITING_APPROVAL: 0,
    MessageState.ACCEPTED: 1,
    MessageState.ACTIVE: 2,
    MessageState.ENDED: 3,
    MessageState.EXPIRED: 4,
}
_CANCELLED: Final = 5
#: 故障类型 其他.
_OTHER_FAULT: Final = 9
_IDLE, _TAKEN = 1, 2


def codes_of(dispatch: Dispatch, live: LiveMessage) -> tuple[WireCode, ...]:
    """Whom a message concerns, as codes: its divisions, and its terminals elsewhere one by one."""
    registry, areas = dispatch.state.registry, live.message.areas
    inside = {entry.id for entry in registry.in_areas(areas)}
    divisions = tuple(WireCode.of(c) for area in areas for c in target_codes(area, TargetForm.STD))
    entries = (registry.get(terminal) for terminal in live.terminals if terminal not in inside)
    return (*divisions, *(WireCode.of(entry.terminal.code) for entry in entries if entry is not None))


class Told:
    """Answers 0x0E, 0x0F, 0x10 and 0x11 from what the gateway knows."""

    def __init__(self, dispatch: Dispatch, front: WireCode, base: TimeBase) -> None:
        self._dispatch = dispatch
        self._front = front
        self._base = base

    def outputs(self, query: OutputChannelQuery) -> OutputChannels:
        """0x13: one output of kind IP, of which the table describes no more."""
        meant = query.channel in (0, OUTPUT.id)
        return OutputChannels(self._front, (OutputChannel(OUTPUT.id, OUTPUT.type),) if meant else ())

    def inputs(self, query: InputChannelQuery) -> InputChannels:
        """0x14: one input, the platform."""
        state = _TAKEN if self._dispatch.state.in_force() else _IDLE
        meant = query.channel in (0, 1) and query.state in (0, state)
        return InputChannels(self._front, (InputChannel(1, "平台".encode(), 1, state),) if meant else ())

    def fault(self, _query: FaultQuery) -> FaultDetail:
        """0x16: other faults while a critical alarm is open, with its words."""
        worst = [alarm for alarm in self._dispatch.state.alarms.open if alarm.level is AlarmLevel.CRITICAL]
        if not worst:
            return FaultDetail(self._front, 0)
        return FaultDetail(self._front, _OTHER_FAULT, f"{worst[0].kind} {worst[0].text}".encode()[:1000])

    def records(self, query: RecordQuery) -> AdapterRecords:
        """0x15: messages still in memory whose air time touches the period asked for."""
        return AdapterRecords(self._front, tuple(self._records(query)))

    def _records(self, query: RecordQuery) -> Iterator[AdapterRecord]:
        for live in list(self._dispatch.state.messages.values()):
            message = live.message
            daily = message.ebm_class is EbmClass.DAILY
            try:
                start, end = (to_wire(int(t.timestamp()), self._base) for t in (message.start, message.end))
            except InvalidValueError:
                continue
            wanted = query.ebm_id in (ANY_EBM_ID, WireEbmId.of(message.ebm_id))
            if not wanted or start > query.end or end < query.start or query.task_type == (2 if daily else 1):
                continue
            yield AdapterRecord(
                WireEbmId.of(message.ebm_id),
                _TASK_STATES.get(live.state, _CANCELLED),
                BY_PLATFORM,
                int(message.ebm_class),
                int(message.severity.on_device),
                str(message.event),
                start,
                end,
                message.volume,
                1,
                (OUTPUT,),
                None,
                codes_of(self._dispatch, live)[:MAX_COUNT],
            )
