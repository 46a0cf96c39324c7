"""Planner 资源调度: the scheme of a message from the plans of the settings (GD/J 088-2018 6.2.6 b)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.dispatch.registry import Registry
from gateway.dispatch.submission import Facts, Submission
from gateway.domain.approval import ApprovalRules, Ruling, Weighed
from gateway.domain.message import EbmClass, Manner
from gateway.domain.plans import Case, Plan, Scheme, is_planned, matching
from gateway.domain.quiet import QuietHours

#: Why a message waits whose areas were not wholly understood.
AREAS = "areas"


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans and rules as they stand in the settings."""

    plans: tuple[Plan, ...] = ()
    rules: ApprovalRules = field(default_factory=ApprovalRules)
    quiet: QuietHours | None = None

    def scheme(self, case: Case, ebm_class: EbmClass, weighed: Weighed) -> Scheme:
        """The scheme of a message, without the count of its terminals; pure."""
        if not is_planned(ebm_class):
            return Scheme(ruling=Ruling(weighed.key_asks, ("key",) if weighed.key_asks else ()))
        found = matching(self.plans, case)
        first = found[0] if found else None
        ruling = self.rules.rule(weighed, first.approval if first else None, first.approval_role if first else "")
        return replace(Scheme.of(found), ruling=ruling)


def is_prepared(facts: Facts) -> bool:
    """Whether it is a warning of a publisher, and not live input, the end of one, or somebody else's stream."""
    return facts.manner in (Manner.WARNING, Manner.RECORDING)


def scheme_for(planner: Planner, submission: Submission, facts: Facts, people: int) -> Scheme:
    """The scheme of what was handed in. Nobody waits for live input, an all-clear, or a superior's message."""
    warning = submission.warning
    case = Case(facts.event, facts.severity, facts.areas, warning.status, submission.publisher)
    weighed = Weighed(
        submission.publisher, facts.severity, warning.status, people, len(facts.areas), submission.approval
    )
    scheme = planner.scheme(case, facts.ebm_class, weighed)
    if submission.areas_open:
        return replace(scheme, ruling=settled_by_person(scheme.ruling))
    if submission.approval or (facts.given is None and is_prepared(facts)):
        return scheme
    return replace(scheme, ruling=Ruling())


def settled_by_person(ruling: Ruling) -> Ruling:
    """It waits, whatever the rules say of level I or a plan: nobody but a person knows which areas are meant."""
    reasons = ruling.reasons if ruling.needed else ()
    return Ruling(True, (*reasons, AREAS), ruling.role)


def called(scheme: Scheme, registry: Registry, terminals: Iterable[int]) -> tuple[Scheme, list[int]]:
    """The scheme with its terminals counted by first route, and those that it calls."""
    # The registry holds equal routes as one object: thousands of terminals are a look each at what was found for it.
    firsts: dict[int, str] = {}
    carriers: dict[str, int] = {}
    inside: list[int] = []
    left_out = 0
    for terminal in terminals:
        entry = registry.get(terminal)
        own = () if entry is None else entry.terminal.routes
        first = firsts.get(id(own))
        if first is None:
            order = scheme.route_order(own)
            first = firsts[id(own)] = str(order[0]) if order else ""
        if first:
            carriers[first] = carriers.get(first, 0) + 1
            inside.append(terminal)
        else:
            left_out += 1
    return replace(scheme, carriers=dict(sorted(carriers.items())), left_out=left_out), inside


def reasons_in_words(reasons: Sequence[str]) -> str:
    """Why a message waits, for people."""
    return "、".join(_REASONS.get(reason, reason) for reason in reasons)


_REASONS = {
    "key": "发布者须审核 publisher's key",
    "level_one": "Ⅰ级自动 level I is automatic",
    "plan": "预案 plan",
    "publisher": "发布者 publisher",
    "severity": "级别 severity",
    "status": "状态 status",
    "people": "人口 people",
    "divisions": "区划数 divisions",
    AREAS: "区域待确认 areas to be settled",
}
