"""Contents of return data 数据回传: query answers, faults, tasks, results, records (GD/J 089-2018 E.4-E.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import construct

from gateway.errors import InvalidValueError
from gateway.protocols.fields import (
    EBM_ID,
    EVENT,
    SIZED_CODE,
    U8,
    U16,
    UNIX_TIME,
    Layout,
    WireCode,
    WireEbmId,
    count_of,
    counted,
    record,
    sized,
    text_of,
    wire_codes,
)
from gateway.protocols.ip_bodies import HEARTBEAT, ServiceType
from gateway.protocols.parameters import REPORTED, WORK_STATE, Parameter, parameters

#: Octets of 故障描述 in table E.7.
FAULT_TEXT_SIZE = 255
#: 任务类型 whose record carries a telephone number (table E.10).
TELEPHONE_TASKS = (3, 4)


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """查询指令应答, 0x11 (table E.4): result of table D.12 (or 60), description, parameters of table E.5."""

    result: int
    description: bytes
    params: tuple[Parameter, ...]

    @property
    def text(self) -> str:
        """The description for people."""
        return text_of(self.description)

    @property
    def work_state(self) -> int | None:
        """工作状态 (tag 6 of table E.5): 1 idle, 2 working, 3 faulty; None where it is not said."""
        values = (param.value for param in self.params if param.tag == WORK_STATE)
        return next((value for value in values if isinstance(value, int)), None)


@dataclass(frozen=True, slots=True)
class FaultReport:
    """故障与恢复, 0x13 (table E.7): flag 1 fault, 2 gone; ``description`` is 255 bytes, in the drafts none."""

    flag: int
    fault_type: int
    description: bytes
    time: int

    @classmethod
    def of(cls, flag: int, fault_type: int, text: str, time: int) -> Self:
        """Make a report with ``text`` in GBK, padded with zeros."""
        raw = text.encode("gbk", errors="replace")
        if len(raw) > FAULT_TEXT_SIZE:
            raise InvalidValueError("fault description", text, "must not exceed 255 bytes of GBK (table E.7)")
        return cls(flag, fault_type, raw.ljust(FAULT_TEXT_SIZE, b"\0"), time)

    @property
    def text(self) -> str:
        """The description for people."""
        return text_of(self.description)


@dataclass(frozen=True, slots=True)
class TaskSwitch:
    """任务切换, 0x14 (table E.8): switch 1 begins, 2 ends; task type 1 emergency, 2 daily, 3 telephone, ..."""

    switch: int
    task_type: int
    ebm_id: WireEbmId
    time: int


@dataclass(frozen=True, slots=True)
class BroadcastResult:
    """上报播发结果, 0x15 (table E.9): here 0 means failure and 1 success, unlike everywhere else."""

    ebm_id: WireEbmId
    result: int
    description: bytes
    start: int
    end: int
    times: int
    report_time: int

    @property
    def text(self) -> str:
        """The description for people."""
        return text_of(self.description)


@dataclass(frozen=True, slots=True)
class BroadcastRecord:
    """One record of table E.10; ``telephone`` is None where the frame has no such field."""

    channel: int
    state: int
    ebm_id: WireEbmId
    task_type: int
    ebm_class: int
    severity: int
    event: str
    start: int
    end: int
    telephone: bytes | None
    volume: int
    codes: tuple[WireCode, ...]
    code_size: int = 12


@dataclass(frozen=True, slots=True)
class RecordReport:
    """播发记录上报, 0x16 (table E.10). Times may count Beijing time: a setting of the peer, not of the layout."""

    front_code: WireCode
    records: tuple[BroadcastRecord, ...]


QUERY_ANSWER = record(QueryAnswer, result=U8, description=sized(U16), params=parameters(REPORTED))
TASK = record(TaskSwitch, switch=U8, task_type=U8, ebm_id=EBM_ID, time=UNIX_TIME)
RESULT = record(
    BroadcastResult,
    ebm_id=EBM_ID,
    result=U8,
    description=sized(U16),
    start=UNIX_TIME,
    end=UNIX_TIME,
    times=U8,
    report_time=UNIX_TIME,
)


def _fault(text_size: int) -> Any:
    return record(FaultReport, flag=U8, fault_type=U8, description=construct.Bytes(text_size), time=UNIX_TIME).con


#: An early implementation leaves the description out.
FAULT: Layout[FaultReport] = Layout("FaultReport", construct.Select(_fault(FAULT_TEXT_SIZE), _fault(0)))

_RECORD = record(
    BroadcastRecord,
    channel=U16,
    state=U8,
    ebm_id=EBM_ID,
    task_type=U8,
    ebm_class=U8,
    severity=U8,
    event=EVENT,
    start=UNIX_TIME,
    end=UNIX_TIME,
    # table E.10 says both "only for 3 and 4" and "else 0"; captured records have no such field
    telephone=construct.If(lambda ctx: ctx.task_type in TELEPHONE_TASKS, sized(U8)),
    volume=U8,
    code_number=count_of("codes"),
    code_size=U8,
    codes=wire_codes("code_number", "code_size"),
)

RECORDS = record(
    RecordReport,
    front_code=SIZED_CODE,
    records=counted(U8, _RECORD.con),
)

#: Content by service type.
REPORTS: dict[int, Layout[Any]] = {
    ServiceType.HEARTBEAT: HEARTBEAT,
    ServiceType.QUERY: QUERY_ANSWER,
    ServiceType.FAULT: FAULT,
    ServiceType.TASK: TASK,
    ServiceType.RESULT: RESULT,
    ServiceType.RECORDS: RECORDS,
}
