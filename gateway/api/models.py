"""Bodies of the API: what integrators may rely on. Times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Item = TypeVar("Item", bound=BaseModel)

Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


def instant(seconds: float | None) -> datetime | None:
    """Unix seconds as an aware time, to the millisecond."""
    return None if seconds is None else datetime.fromtimestamp(round(seconds, 3), UTC)


def moment(seconds: float) -> datetime:
    """The same for a time that is always there."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)


class Reply(BaseModel):
    """Base of what we answer."""

    model_config = ConfigDict(frozen=True)


class Request(BaseModel):
    """Base of what we take: unknown fields are refused, lest a misspelt one be lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Query(Request):
    """Base of query parameters."""


class PageQuery(Query):
    """Paging of every list."""

    limit: int = Field(default=100, ge=1, le=1000, description="每页条数 items on a page")
    cursor: str | None = Field(default=None, max_length=2000, description="上一页的 next / ``next`` of the page before")


class Page(Reply, Generic[Item]):
    """A page of a list; ``next`` is the cursor of the rest, null at the end."""

    items: list[Item]
    next: str | None


class ProblemItem(Reply):
    """One broken rule: where, which, in words."""

    path: str
    code: str
    message: str


class Problem(Reply):
    """Every refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemItem]


class TargetsBody(Reply):
    """What a warning is meant for: divisions, terminals in service, people."""

    areas: int
    terminals: int
    population: int


class NoticeBody(Reply):
    """Something the publisher should know though the warning was taken."""

    code: str
    message: str


class AcceptanceBody(Reply):
    """Answer to a warning: durable when it is heard."""

    warning_id: str
    message_id: str | None = Field(description="应急广播消息编码 EBM id, 35 digits")
    state: str | None = Field(description="state of the message")
    targets: TargetsBody
    notices: list[NoticeBody]
    links: dict[str, str]


class BundleItem(Reply):
    """Answer to one warning of a bundle: ``status`` as if it had come alone, with that answer or that refusal."""

    path: str = Field(description="where it stood, such as alerts/alert[2]")
    identifier: str
    status: int
    acceptance: AcceptanceBody | None
    problem: Problem | None


class BundleBody(Reply):
    """Answer to a bundle: every warning in it, in its order. ``known``: the same came before."""

    wrapper: str = Field(description="alerts, edxl or atom")
    taken: int
    known: int
    refused: int
    items: list[BundleItem]


class WarningItem(Reply):
    """A warning and its message, in short."""

    warning_id: str
    message_id: str | None
    state: str | None
    kind: str
    status: str
    sender: str
    identifier: str
    sent: str
    publisher: str
    received_at: AwareDatetime
    headline: str
    severity: int | None = Field(description="事件级别 1 red to 4 blue, 0 unknown")
    event: str | None
    ebm_class: int | None = Field(serialization_alias="class", description="广播类型, GD/J 089-2018 table D.5")
    start: AwareDatetime | None
    end: AwareDatetime | None
    targets: TargetsBody
    links: dict[str, str]


class AreaName(Reply):
    """A division."""

    code: str
    name: str


class SpanBody(Reply):
    """Characters ``start`` to ``end`` of a description: what they mean, or why a person must decide."""

    start: int
    end: int
    words: str
    rule: str | None = Field(description="why they mean these divisions; rules in docs/areas.md")
    doubt: str | None = Field(description="why they are left to a person; null where they are resolved")
    because: str = Field(description="the doubt in words")
    areas: list[AreaName] = Field(description="divisions meant, or those that may be")


class AreaTextBody(Reply):
    """How an area of words alone 文字区域 was read."""

    text: str
    spans: list[SpanBody]


class DecisionBody(Reply):
    """One rule at work."""

    rule: str
    given: str
    result: str


class WarningDetail(WarningItem):
    """A warning and its message, with all we keep of them."""

    media_type: str
    references: list[str]
    notices: list[NoticeBody]
    areas: list[AreaName]
    mapping: list[DecisionBody] = Field(description="映射过程 which rule made what of it: docs/mapping.md")
    area_text: list[AreaTextBody] = Field(description="文字区域的解析 how areas of words alone were read")
    text: str
    severity_received: int | None
    volume: int | None
    programme_url: str | None
    state_at: AwareDatetime | None
    state_reason: str
    actor: str
    accepted_at: AwareDatetime | None
    activated_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    supersedes: str | None
    scheme: SchemeBody | None


class RulingBody(Reply):
    """Whether a person must approve, why, and the lowest role that may."""

    needed: bool
    reasons: list[str] = Field(description="key, level_one, plan, publisher, severity, status, people, divisions")
    role: str
    words: str


class SchemeBody(Reply):
    """调度方案: what a message is broadcast with; null: as the settings have it."""

    plan: str = Field(description="预案名称 name of the plan, empty where none holds")
    title: str
    others: list[str] = Field(default=[], description="同样适用而较不具体的预案 plans that fit less closely")
    routes: list[str] = Field(default=[], description="链路先后 routes in order of preference")
    only_routes: bool = False
    volume: int | None = None
    repeats: int | None = None
    air_seconds: int | None = None
    siren: str | None = None
    approval: RulingBody
    carriers: dict[str, int] = Field(default={}, description="首选链路的终端数 terminals by their first route")
    left_out: int = Field(default=0, description="预案链路到不了的终端 terminals that have none of its routes")
    valid_until: str | None = Field(
        default=None, description="待审核至何时为止 until when it may wait for an approval; RFC 3339"
    )
    quiet: str = Field(default="", description="安静时段的处理 what quiet hours did")


class ReasonBody(Request):
    """Why, for the record."""

    reason: Reason = ""


class ApproveBody(ReasonBody):
    """Approval; ``override``: an administrator approves alone, with a reason."""

    override: bool = Field(default=False, description="管理员越权审核，须说明理由 alone, with a reason")


class AreasBody(Request):
    """Which divisions a waiting message is for."""

    areas: Annotated[list[str], Field(min_length=1, max_length=1000)] = Field(description="12-digit division codes")
    reason: Reason = ""


class StopBody(Request):
    """Everything in these divisions falls silent."""

    areas: Annotated[list[str], Field(min_length=1, max_length=1000)] = Field(description="12-digit division codes")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class StoppedMessage(Reply):
    """A message and how many of its terminals are concerned."""

    message_id: str
    terminals: int


class StopReply(Reply):
    """What falls silent."""

    messages: list[StoppedMessage]
    terminals: int


class TimesBody(Reply):
    """When each rung was first seen."""

    planned: AwareDatetime
    sent: AwareDatetime | None
    acknowledged: AwareDatetime | None
    playing: AwareDatetime | None
    played: AwareDatetime | None
    ended: AwareDatetime | None


class ResultBody(Reply):
    """Result code of GD/J 089-2018 table D.12 in words."""

    code: int
    words: str


class EvidenceBody(Reply):
    """One receipt: who said what, when, how surely, and the raw frame."""

    at: AwareDatetime
    kind: str
    protocol: str
    service_type: int
    session: int | None
    attempt: int
    code: int
    standing: Literal["sent", "claimed", "proven"]
    authenticity: str
    late: bool
    peer: str
    raw: str = Field(description="the frame, hexadecimal")


class StartBody(Reply):
    """A start's bytes were handed to a link; a further route in the list is a failover."""

    at: AwareDatetime
    route: str
    session: int


class DeliveryBody(Reply):
    """投递: one message at one terminal."""

    terminal: str
    name: str
    area: str
    area_name: str
    rung: str
    outcome: str
    reached: Literal["sent", "claimed", "proven"] | None
    route: str | None
    attempts: int = Field(description="times its start was handed to a link")
    starts: list[StartBody] = Field(description="each of these times, in order")
    sessions: list[int]
    times: TimesBody
    result: ResultBody | None = Field(description="the last answer to its start")
    authenticity: str
    stop: str = Field(description="rung of its stop: none, planned, sent, acknowledged")
    stop_sessions: list[int]
    late: bool
    connected: bool = Field(description="whether it has a connection now")
    evidence: list[EvidenceBody]


class AlarmBody(Reply):
    """An alarm 告警."""

    number: int = Field(description="编号，用于确认 for its acknowledgement")
    kind: str
    subject: str
    text: str
    level: str
    raised_at: AwareDatetime
    last_at: AwareDatetime
    count: int
    cleared_at: AwareDatetime | None
    acknowledged_by: str | None


class StrangerBody(Reply):
    """A device that tried to register and is not in the registry, or not so."""

    source: str
    physical_address: str
    peer: str
    reason: str
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    count: int


class CheckBody(Reply):
    """One thing that serving depends on."""

    name: str
    ok: bool
    words: str


class HealthBody(Reply):
    """Alive."""

    status: Literal["ok"]
    version: str


class ReadyBody(Reply):
    """Able to serve; ``checks`` may hold what is doubtful without forbidding it."""

    ready: bool
    checks: list[CheckBody]
