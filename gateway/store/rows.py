"""Rows as the rest of the gateway hands them over and gets them back.

Each class is one statement: most insert, some update or upsert, as their first line says. Fields are named as the
columns. Times are Unix seconds; ``terminals`` are packed ids (``gateway.store.packing``); JSON fields take and give
plain values of JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.domain.orders import Attempt, Order, Receipt

#: A value of JSON; lists and objects come back as list and dict.
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, slots=True)
class WarningRow:
    """Insert a warning 应急信息. ``sent`` is RFC 3339 text; (sender, identifier, sent) is unique."""

    id: str
    sender: str
    identifier: str
    sent: str
    publisher: str
    received_at: float
    media_type: str
    body: bytes
    content: str
    kind: str
    status: str
    ebm_id: str | None = None
    notices: Json = ()
    references: Json = ()
    area_text: Json = None
    mapping: Json = None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """Insert a message 应急广播消息. ``state`` is a ``domain.message.MessageState`` value; volume in percent or 255.

    ``targets`` holds the counts {areas, terminals, population}; ``terminals`` the packed ids planned.
    """

    ebm_id: str
    warning_id: str
    state: str
    state_at: float
    ebm_class: int
    severity: int
    severity_received: int
    event: str
    volume: int
    start_at: float
    end_at: float
    programme_url: str
    areas: tuple[str, ...]
    headline: str
    text: str
    targets: Mapping[str, int]
    terminals: bytes
    accepted_at: float
    platform_level: int
    state_reason: str = ""
    actor: str = ""
    activated_at: float | None = None
    ended_at: float | None = None
    supersedes: str | None = None
    language: str = "zh-CN"
    manner: str = "warning"
    recording: str | None = None
    #: what ``domain.plans.Scheme.facts`` gave; None before there were plans
    scheme: Json = None


@dataclass(frozen=True, slots=True)
class MessageStateRow:
    """Update a message's state; ``activated_at`` and ``ended_at`` keep what they were where None."""

    ebm_id: str
    state: str
    state_at: float
    state_reason: str = ""
    actor: str = ""
    activated_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class MessagePlanRow:
    """Update what a message is planned to reach: it was widened."""

    ebm_id: str
    targets: Mapping[str, int]
    terminals: bytes
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageAreasRow:
    """Update whom a message is for, and with it its scheme, before its first start."""

    ebm_id: str
    targets: Mapping[str, int]
    terminals: bytes
    areas: tuple[str, ...]
    volume: int
    end_at: float
    scheme: Json


@dataclass(frozen=True, slots=True)
class MessageTimesRow:
    """Update when a message is on air: it was approved after its start."""

    ebm_id: str
    start_at: float
    end_at: float


@dataclass(frozen=True, slots=True)
class TerminalRow:
    """Upsert a terminal 终端 by its code. ``id`` is the store's: given at first insert, never used again."""

    code: str
    physical_address: str
    name: str
    area: str
    profile: str
    routes: tuple[str, ...]
    lat: float | None = None
    lon: float | None = None
    radius_m: float = 0.0
    in_service: bool = True
    deleted: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True)
class StrangerRow:
    """Upsert somebody not in the registry: ``count`` is added, ``first_seen`` stays."""

    source: str
    physical_address: str
    peer: str
    reason: str
    first_seen: float
    last_seen: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class KeyRow:
    """Insert a key of a publisher or operator; only its hash is kept. ``id`` is the store's."""

    name: str
    hash: str
    kind: str
    rights: Json
    created_at: float
    revoked_at: float | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class KeyRevokedRow:
    """Update a key: it is no longer valid."""

    name: str
    revoked_at: float


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """Upsert the open alarm of (kind, subject): text, level and ``last_at`` are renewed, ``count`` is added."""

    kind: str
    subject: str
    text: str
    level: str
    raised_at: float
    last_at: float
    count: int = 1
    cleared_at: float | None = None
    acknowledged_by: str | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class AlarmClearedRow:
    """Update the open alarm of (kind, subject), if there is one: its cause is gone."""

    kind: str
    subject: str
    cleared_at: float


@dataclass(frozen=True, slots=True)
class AlarmAcknowledgedRow:
    """Update an alarm: ``acknowledged_by`` has seen it."""

    id: int
    acknowledged_by: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Insert what somebody did. ``id`` is the store's."""

    at: float
    actor: str
    action: str
    subject: str
    detail: Json = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class StateRow:
    """Upsert a small piece of state that outlives the process (replay guard, signer)."""

    name: str
    value: Json


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """Upsert a programme 节目 of the library by its id; ``kind`` tells what ``source`` is, ``owner`` is a platform."""

    id: str
    title: str
    kind: str
    source: str
    owner: str
    shared: bool
    changed_at: float
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """Upsert a schedule 日常播出计划 by its id; ``plan`` holds what ``domain.schedule.Schedule`` is made of."""

    id: str
    programme: str
    plan: Json
    changed_at: float
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """Upsert what a date (YYYY-MM-DD) is: holiday or workday; ``kind`` empty: a day like any other."""

    day: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class ReceivedPackageRow:
    """Insert an EBD package 业务数据包 of a peer with what it was answered (GD/J 083-2018 table 35); never changed."""

    source: str
    ebd_id: str
    peer: str
    host: str
    kind: str
    received_at: float
    result: int
    words: str
    business: bytes
    signature: bytes | None = None
    ebm_id: str | None = None
    related: str | None = None


@dataclass(frozen=True, slots=True)
class SentPackageRow:
    """Insert an EBD package 业务数据包 of ours; it waits until a ``PackageFateRow`` says otherwise.

    ``id`` is the store's; ``until``: Unix seconds after which it need not arrive, None for always; ``told``: the
    BrdStateCode in it.
    """

    peer: str
    source: str
    ebd_id: str
    kind: str
    topic: str
    made_at: float
    package: bytes
    until: float | None = None
    ebm_id: str | None = None
    related: str | None = None
    told: int | None = None
    state: str = "waiting"
    tries: int = 0
    result: int | None = None
    words: str = ""
    done_at: float | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class PackageFateRow:
    """Update a package of ours: delivered, refused or given up, and what its peer said; ``emptied`` drops its bytes."""

    source: str
    ebd_id: str
    state: str
    tries: int
    words: str
    done_at: float
    result: int | None = None
    emptied: bool = False


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Upsert a person 人员 by name; ``position`` is a ``domain.people.Position``, ``password`` an argon2id hash."""

    name: str
    position: str
    areas: Sequence[str]
    password: str
    totp: str
    disabled: bool
    changed_at: float


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Upsert a session of the console by the SHA-256 of its token; open while ``ended_at`` is None."""

    token: str
    person: str
    peer: str
    begun_at: float
    seen_at: float
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class CoverageDayRow:
    """Upsert the standing coverage of a division on a day of Beijing (YYYY-MM-DD); see ``coverage.trend``."""

    area: str
    day: str
    as_of: float
    facts: Json


#: Everything that ``Store.write`` and ``Store.submit`` take.
Row: TypeAlias = (
    WarningRow
    | MessageRow
    | MessageStateRow
    | MessagePlanRow
    | MessageAreasRow
    | MessageTimesRow
    | Order
    | Attempt
    | Receipt
    | TerminalRow
    | StrangerRow
    | KeyRow
    | KeyRevokedRow
    | CoverageDayRow
    | PersonRow
    | SessionRow
    | AlarmRow
    | AlarmClearedRow
    | AlarmAcknowledgedRow
    | AuditRow
    | StateRow
    | ProgrammeRow
    | ScheduleRow
    | CalendarRow
    | ReceivedPackageRow
    | SentPackageRow
    | PackageFateRow
)

#: Committed before everything else that waits: what a publisher or a frame is held up by.
URGENT: frozenset[type] = frozenset(
    {WarningRow, MessageRow, MessageStateRow, MessagePlanRow, MessageAreasRow, MessageTimesRow, Order}
)
