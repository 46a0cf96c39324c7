"""What an adapter tells of its work: records 0x15, tasks 0x18, 0x19, heartbeat 0x20 (GD/J 089-2018 A.30, A.33-A.35)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import construct

from gateway.errors import InvalidValueError
from gateway.protocols.adapter_address import LOGICAL_SIZE
from gateway.protocols.fields import (
    CODE,
    EBM_ID,
    EVENT,
    SIZED_CODE,
    U8,
    U32,
    Layout,
    WireCode,
    WireEbmId,
    adapt,
    count_of,
    counted,
    record,
    sized,
    wire_codes,
)

T = TypeVar("T")

#: program_resource 电话 and 短信, which come with a telephone number.
TELEPHONE_RESOURCES = (3, 4)


def _require_telephone(resource: int, telephone: bytes | None) -> None:
    by_telephone = resource in TELEPHONE_RESOURCES
    if (by_telephone and telephone is None) or (not by_telephone and telephone):
        raise InvalidValueError("telephone", telephone, "belongs to resources 3 and 4 (tables A.30, A.33)")


@dataclass(frozen=True, slots=True)
class Output:
    """Type and number of an output channel."""

    type: int
    id: int


@dataclass(frozen=True, slots=True)
class AdapterRecord:
    """One record of table A.30: state 0-5, times in seconds of the adapter's time base.

    ``telephone`` is None where the frame has no such field, and empty where it has an empty one.
    """

    ebm_id: WireEbmId
    state: int
    resource: int
    ebm_class: int
    severity: int
    event: str
    start: int
    end: int
    volume: int
    input_channel: int
    outputs: tuple[Output, ...]
    telephone: bytes | None
    codes: tuple[WireCode, ...]
    code_size: int = LOGICAL_SIZE

    def __post_init__(self) -> None:
        _require_telephone(self.resource, self.telephone)


@dataclass(frozen=True, slots=True)
class AdapterRecords:
    """查询播发记录回复, 0x15 (table A.30)."""

    front_code: WireCode
    records: tuple[AdapterRecord, ...]

    def __post_init__(self) -> None:
        if len({one.telephone is None for one in self.records if one.resource not in TELEPHONE_RESOURCES}) > 1:
            raise InvalidValueError("telephone", "some", "is an empty field in all records or in none")


@dataclass(frozen=True, slots=True)
class TaskStart:
    """任务开始上报, 0x18 (table A.33): resource 1 platform, 2 input, 3 telephone, 4 short message, 5 other networks."""

    front_code: WireCode
    ebm_id: WireEbmId
    resource: int
    ebm_class: int
    severity: int
    event: str
    input_channel: int
    outputs: tuple[Output, ...]
    telephone: bytes | None
    volume: int
    codes: tuple[WireCode, ...]
    code_size: int = LOGICAL_SIZE

    def __post_init__(self) -> None:
        _require_telephone(self.resource, self.telephone)


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """任务结束上报, 0x19 (table A.34)."""

    front_code: WireCode
    ebm_id: WireEbmId


@dataclass(frozen=True, slots=True)
class AdapterHeartbeat:
    """心跳, 0x20 (table A.35): state 1 idle, 2 working, 3 faulty; time in seconds of the adapter's time base."""

    front_code: WireCode
    state: int
    connection_time: int


_OUTPUTS = counted(U8, record(Output, type=U8, id=U8).con)
_COVERED: dict[str, Any] = {
    "resource_code_number": count_of("codes"),
    "code_size": U8,
    "codes": wire_codes("resource_code_number", "code_size"),
}


def _telephone(always: bool) -> Any:
    """Declare the number: only for resources 3 and 4, as the tables' condition says, or always, as the note of A.33."""
    other = adapt(construct.Const(0, U8), lambda _: b"", lambda _: 0) if always else construct.Pass
    return construct.IfThenElse(lambda ctx: ctx.resource in TELEPHONE_RESOURCES, sized(U8), other)


def _records(always: bool) -> Layout[AdapterRecords]:
    one = record(
        AdapterRecord,
        ebm_id=EBM_ID,
        state=U8,
        resource=U8,
        ebm_class=U8,
        severity=U8,
        event=EVENT,
        start=U32,
        end=U32,
        volume=U8,
        input_channel=U8,
        outputs=_OUTPUTS,
        telephone=_telephone(always),
        **_COVERED,
    )
    return record(AdapterRecords, front_code=CODE, records=counted(U32, one.con))


def _task_start(always: bool) -> Layout[TaskStart]:
    return record(
        TaskStart,
        front_code=CODE,
        ebm_id=EBM_ID,
        resource=U8,
        ebm_class=U8,
        severity=U8,
        event=EVENT,
        input_channel=U8,
        outputs=_OUTPUTS,
        telephone=_telephone(always),
        volume=U8,
        **_COVERED,
    )


@dataclass(frozen=True, slots=True)
class Telephoned(Generic[T]):
    """A content in both readings of its telephone number: none for other resources, or one of no digits."""

    as_condition: Layout[T]
    as_note: Layout[T]
    parts: Callable[[T], Iterable[AdapterRecord | TaskStart]]

    def reading(self, content: bytes) -> Layout[T]:
        """Choose the reading in which ``content`` fits and its codes are codes; the condition before the note."""
        values = [(layout, layout.fits(content)) for layout in (self.as_condition, self.as_note)]
        fitting = [(layout, value) for layout, value in values if value is not None]
        for layout, value in fitting:
            if all(part.code_size == LOGICAL_SIZE for part in self.parts(value)):
                return layout
        return fitting[0][0] if fitting else self.as_condition

    def writing(self, body: T) -> Layout[T]:
        """Choose the reading that ``body`` was made in."""
        empty = any(part.telephone == b"" and part.resource not in TELEPHONE_RESOURCES for part in self.parts(body))
        return self.as_note if empty else self.as_condition


RECORDS = Telephoned(_records(always=False), _records(always=True), lambda body: body.records)
TASK_START = Telephoned(_task_start(always=False), _task_start(always=True), lambda body: (body,))
TASK_END = record(TaskEnd, front_code=CODE, ebm_id=EBM_ID)
HEARTBEAT = record(AdapterHeartbeat, front_code=SIZED_CODE, state=U8, connection_time=U32)
