"""Approval 审核播发: which messages wait for a second person, whom they wait for, and why (GD/J 088-2018 6.2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from gateway.domain.warning import Severity, Status


class Role(StrEnum):
    """Who a person is, the lowest first."""

    OPERATOR = "operator"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    @property
    def rank(self) -> int:
        """Higher may more."""
        return list(Role).index(self)


class Refused(StrEnum):
    """Why somebody may not approve a message."""

    #: it is his own: a second person must look
    OWN = "own_message"
    ROLE = "role"
    #: the finished programme was not heard
    UNHEARD = "unheard"

    @property
    def words(self) -> str:
        """For people."""
        return {
            "own_message": "须由发布者以外的第二人审核 a second person must approve what one has published",
            "role": "角色不足 the role does not suffice",
            "unheard": "须先试听节目 the programme must be heard first",
        }[self.value]


class Asks(StrEnum):
    """What a plan says of approval."""

    AUTOMATIC = "automatic"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a message waits, and the reasons by code; ``role`` is the lowest that may approve it, empty for any."""

    needed: bool = False
    reasons: tuple[str, ...] = ()
    role: str = ""

    def facts(self) -> dict[str, Any]:
        """As plain values of JSON."""
        return {"needed": self.needed, "reasons": list(self.reasons), "role": self.role}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """What ``facts`` gave."""
        return cls(facts["needed"], tuple(facts["reasons"]), facts["role"])


def refusal(ruling: Ruling, role: Role, *, own: bool, heard: bool = True) -> Refused | None:
    """Why a person may not approve, None where he may. A role that nobody knows asks for the highest."""
    if own:
        return Refused.OWN
    wanted = Role(ruling.role) if ruling.role in set(Role) else Role.ADMINISTRATOR if ruling.role else Role.OPERATOR
    if role.rank < wanted.rank:
        return Refused.ROLE
    return None if heard else Refused.UNHEARD


@dataclass(frozen=True, slots=True)
class Weighed:
    """What approval is decided by. ``key_asks``: the publisher's key has it that a person must look."""

    publisher: str
    severity: Severity
    status: Status
    people: int
    divisions: int
    key_asks: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Rules of the gateway for messages of which no plan says otherwise; 0 is no limit.

    ``red_automatic``: level I 特别重大 that is actual goes on air at once, whatever rule but the key's own says.
    """

    red_automatic: bool = True
    publishers: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    statuses: tuple[Status, ...] = ()
    people: int = 0
    divisions: int = 0
    role: str = ""

    def rule(self, weighed: Weighed, plan: Asks | None = None, plan_role: str = "") -> Ruling:
        """Decide. In this order: the key, level I, the plan, then publisher, severity, status and size of area."""
        role = plan_role or self.role
        if weighed.key_asks:
            return Ruling(True, ("key",), role)
        if self.red_automatic and weighed.severity is Severity.RED and weighed.status is Status.ACTUAL:
            return Ruling(False, ("level_one",))
        if plan is Asks.AUTOMATIC:
            return Ruling(False, ("plan",))
        reasons = ["plan"] if plan is Asks.SECOND else []
        if weighed.publisher in self.publishers:
            reasons.append("publisher")
        if weighed.severity in self.severities:
            reasons.append("severity")
        if weighed.status in self.statuses:
            reasons.append("status")
        if 0 < self.people < weighed.people:
            reasons.append("people")
        if 0 < self.divisions < weighed.divisions:
            reasons.append("divisions")
        return Ruling(True, tuple(reasons), role) if reasons else Ruling()


@dataclass(frozen=True, slots=True)
class Escalation:
    """What becomes of a message that nobody decides about.

    ``steps``: seconds after which it is told again, each time to the next role; one of a severity in ``automatic``
    goes on air by itself ``after`` so many; others wait for a person.
    """

    steps: tuple[float, ...] = ()
    automatic: frozenset[Severity] = frozenset()
    after: float = 600.0
