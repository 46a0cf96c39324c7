"""Plans 调度预案 and approval 审核 of the settings: ``[plans.NAME]`` and ``[approval]``, see docs/plans.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.domain.approval import ApprovalRules, Asks, Escalation
from gateway.domain.codes import AreaCode
from gateway.domain.hours import EVERY_DAY, Hours
from gateway.domain.plans import Plan, Siren
from gateway.domain.quiet import QuietHours, QuietMode
from gateway.domain.warning import Severity, Status
from gateway.errors import InvalidValueError
from gateway.settings.base import Area, Seconds, Section

PlanName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
EventPattern = Annotated[str, Field(pattern=r"^([0-9A-Z]{5}|[0-9A-Z]{0,4}\*)$")]
RoutePattern = Annotated[
    str, Field(pattern=r"^(ip|(adapter|serial|rds|ts|mqtt|udp|platform)(:[a-z0-9][a-z0-9_.-]{0,31})?)$")
]
SeverityName = Literal["red", "orange", "yellow", "blue", "unknown"]
StatusName = Literal["Actual", "Exercise", "Test"]
RoleName = Annotated[str, StringConstraints(pattern=r"^[^\s,]{0,32}$")]


def _severities(names: Iterable[SeverityName]) -> tuple[Severity, ...]:
    return tuple(Severity[name.upper()] for name in names)


class PlanSection(Section):
    """One plan. What is left out holds always, or stays as it was."""

    title: Annotated[str, Field(max_length=100)] = ""
    events: tuple[EventPattern, ...] = ()
    severities: tuple[SeverityName, ...] = ()
    areas: tuple[Area, ...] = ()
    statuses: tuple[StatusName, ...] = ()
    publishers: tuple[str, ...] = ()
    routes: tuple[RoutePattern, ...] = ()
    only_routes: bool = False
    volume: Annotated[int, Field(ge=0, le=100)] | None = None
    repeats: Annotated[int, Field(ge=1, le=20)] | None = None
    air_seconds: Annotated[int, Field(ge=10, le=86400)] | None = None
    siren: Siren | None = None
    approval: Asks | None = None
    approval_role: RoleName = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.only_routes and not self.routes:
            raise ValueError("only_routes: needs routes")
        return self

    def plan(self, name: str) -> Plan:
        """The same for dispatch."""
        return Plan(
            name=name,
            title=self.title,
            events=self.events,
            severities=_severities(self.severities),
            areas=tuple(map(AreaCode, self.areas)),
            statuses=tuple(map(Status, self.statuses)),
            publishers=self.publishers,
            routes=self.routes,
            only_routes=self.only_routes,
            volume=self.volume,
            repeats=self.repeats,
            air_seconds=self.air_seconds,
            siren=self.siren,
            approval=self.approval,
            approval_role=self.approval_role,
        )


class ApprovalSection(Section):
    """Which messages wait for a second person, where no plan says otherwise."""

    red_automatic: bool = True
    publishers: list[str] = Field(default_factory=list)
    severities: list[SeverityName] = Field(default_factory=list)
    statuses: list[StatusName] = Field(default_factory=list)
    people: Annotated[int, Field(ge=0)] = 0
    divisions: Annotated[int, Field(ge=0)] = 0
    role: RoleName = ""
    #: whether whoever published a message may not approve it
    second_person: bool = True
    #: whether the finished programme must have been heard by whoever approves
    listen: bool = False
    #: seconds after which a waiting message is told again, each time to the next role
    escalate_seconds: Annotated[tuple[Seconds, ...], Field(max_length=8)] = (60.0, 180.0, 600.0)
    #: severities of which one goes on air by itself after so many seconds; others wait for a person
    automatic: tuple[SeverityName, ...] = ()
    automatic_seconds: Seconds = 600.0

    def escalation(self) -> Escalation:
        """What becomes of messages that nobody decides about."""
        steps = tuple(sorted(self.escalate_seconds))
        return Escalation(steps, frozenset(_severities(self.automatic)), self.automatic_seconds)

    def rules(self) -> ApprovalRules:
        """The same for dispatch."""
        return ApprovalRules(
            red_automatic=self.red_automatic,
            publishers=tuple(self.publishers),
            severities=_severities(self.severities),
            statuses=tuple(map(Status, self.statuses)),
            people=self.people,
            divisions=self.divisions,
            role=self.role,
        )


class QuietSection(Section):
    """Quiet hours 安静时段 for low levels; none set: no quiet hours."""

    hours: Annotated[list[str], Field(max_length=8)] = Field(default_factory=list)
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = EVERY_DAY
    severities: tuple[Literal["yellow", "blue", "unknown"], ...] = ("blue",)
    mode: QuietMode = QuietMode.HOLD
    volume: Annotated[int, Field(ge=0, le=100)] = 30

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            Hours.parse(self.hours, self.weekdays)
        except InvalidValueError as error:
            raise ValueError(str(error)) from error
        return self

    def rule(self) -> QuietHours | None:
        """The same for dispatch; None where there are none."""
        if not self.hours:
            return None
        hours = Hours.parse(self.hours, self.weekdays)
        return QuietHours(hours, frozenset(_severities(self.severities)), self.mode, self.volume)
