"""Plans 调度预案 and schemes 调度方案: how a message is broadcast by event, severity and area (GD/J 088-2018 6.2.6).

A plan is what the county has decided beforehand; a scheme is what follows from it for one message. Choosing is a pure
function, so that what is shown before the approval is what is done after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from gateway.domain.approval import Asks, Ruling
from gateway.domain.codes import AreaCode
from gateway.domain.message import VOLUME_KEEP, EbmClass
from gateway.domain.receiver import Route
from gateway.domain.warning import Severity, Status
from gateway.errors import InvalidValueError


class Siren(StrEnum):
    """What sounds before the words 警报音: the packaged signals, or none; a plan without one leaves it to severity."""

    NONE = "none"
    SIREN = "siren"
    TWO_TONE = "two_tone"
    CHIME = "chime"
    SOFT_CHIME = "soft_chime"


@dataclass(frozen=True, slots=True)
class Case:
    """What a plan is chosen by. ``areas`` are the divisions that the message is for."""

    event: str
    severity: Severity
    areas: tuple[AreaCode, ...]
    status: Status = Status.ACTUAL
    publisher: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan 预案. The first five fields say when it holds, empty meaning always; None leaves a matter as it was.

    ``events``: codes, or groups that end in ``*``. ``routes``: ``kind`` or ``kind:link``, in order of preference; with
    ``only_routes`` no other is used. ``volume`` in percent, or 255; ``air_seconds`` on air at most; ``repeats`` of the
    words between two signals.
    """

    name: str
    title: str = ""
    events: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    areas: tuple[AreaCode, ...] = ()
    statuses: tuple[Status, ...] = ()
    publishers: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    only_routes: bool = False
    volume: int | None = None
    repeats: int | None = None
    air_seconds: int | None = None
    siren: Siren | None = None
    approval: Asks | None = None
    approval_role: str = ""

    def __post_init__(self) -> None:
        if self.volume is not None and self.volume != VOLUME_KEEP and not 0 <= self.volume <= 100:
            raise InvalidValueError("volume", self.volume, "must be 0-100 percent or 255")
        if self.only_routes and not self.routes:
            raise InvalidValueError("only_routes", True, "needs routes")

    def fit(self, case: Case) -> tuple[int, ...] | None:
        """How closely it fits, larger is closer; None where it does not hold.

        In this order: event, area, severity, publisher, status. A division that holds every area of the message counts
        by its level, an exact event above a group, a longer group above a shorter, few severities above many.
        """
        event = _event_fit(self.events, case.event)
        area = _area_fit(self.areas, case.areas)
        if event is None or area is None:
            return None
        named = (
            (self.severities, case.severity),
            (self.publishers, case.publisher),
            (self.statuses, case.status),
        )
        if any(wanted and has not in wanted for wanted, has in named):
            return None
        severity = 1 + len(Severity) - len(set(self.severities)) if self.severities else 0
        return (event, area, severity, int(bool(self.publishers)), int(bool(self.statuses)))


def _event_fit(patterns: tuple[str, ...], event: str) -> int | None:
    """Twice the characters that are named, and one more where nothing is left open."""
    if not patterns:
        return 0
    fits = [
        2 * len(p) + 1 if not p.endswith("*") else 2 * len(p) - 2
        for p in patterns
        if p == event or (p.endswith("*") and event.startswith(p[:-1]))
    ]
    return max(fits, default=None)


def _area_fit(plan: tuple[AreaCode, ...], areas: tuple[AreaCode, ...]) -> int | None:
    """Level of the widest division of the plan that was needed to hold every area."""
    if not plan:
        return 0
    held = [max((int(own.level) for own in plan if own.covers(area)), default=0) for area in areas]
    return min(held) if held and all(held) else None


def matching(plans: Iterable[Plan], case: Case) -> list[Plan]:
    """Plans that hold, the closest first; of two that fit equally the one whose name sorts first."""
    fits = [(plan, fit) for plan in plans if (fit := plan.fit(case)) is not None]
    return [plan for plan, _ in sorted(fits, key=lambda pair: ([-n for n in pair[1]], pair[0].name))]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme 调度方案: what one message is broadcast with. ``plan`` empty: the gateway's own settings alone.

    ``others`` are plans that hold too and fit less closely. ``carriers`` counts terminals by their first route,
    ``left_out`` those that have none of the routes which the plan allows.
    """

    plan: str = ""
    title: str = ""
    others: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    only_routes: bool = False
    volume: int | None = None
    repeats: int | None = None
    air_seconds: int | None = None
    siren: Siren | None = None
    ruling: Ruling = field(default_factory=Ruling)
    carriers: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0
    #: what quiet hours did, in words
    quiet: str = ""
    #: until when it may wait for an approval, and no later on air; None for one from before this was kept
    valid_until: datetime | None = None

    @classmethod
    def of(cls, plans: Sequence[Plan]) -> Self:
        """From plans that hold, the closest first; nothing is taken from the others."""
        if not plans:
            return cls()
        plan = plans[0]
        return cls(
            plan=plan.name,
            title=plan.title,
            others=tuple(other.name for other in plans[1:]),
            routes=plan.routes,
            only_routes=plan.only_routes,
            volume=plan.volume,
            repeats=plan.repeats,
            air_seconds=plan.air_seconds,
            siren=plan.siren,
        )

    @property
    def steers_routes(self) -> bool:
        """Whether it has a say in routes."""
        return bool(self.routes)

    def route_order(self, own: tuple[Route, ...]) -> tuple[Route, ...]:
        """The routes of a terminal as this scheme wants them: its own first, then the rest unless it forbids them."""
        if not self.routes:
            return own
        wanted = dict.fromkeys(route for want in self.routes for route in own if want in (route.kind.value, str(route)))
        return tuple(wanted) if self.only_routes else (*wanted, *(route for route in own if route not in wanted))

    def facts(self) -> dict[str, Any]:
        """As plain values of JSON, for the store and for people."""
        return {
            "plan": self.plan,
            "title": self.title,
            "others": list(self.others),
            "routes": list(self.routes),
            "only_routes": self.only_routes,
            "volume": self.volume,
            "repeats": self.repeats,
            "air_seconds": self.air_seconds,
            "siren": None if self.siren is None else self.siren.value,
            "approval": self.ruling.facts(),
            "carriers": dict(self.carriers),
            "left_out": self.left_out,
            "quiet": self.quiet,
            "valid_until": None if self.valid_until is None else self.valid_until.isoformat(),
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any] | None) -> Self:
        """What ``facts`` gave; the empty scheme for a message from before there were any."""
        if not facts:
            return cls()
        return cls(
            plan=facts["plan"],
            title=facts["title"],
            others=tuple(facts["others"]),
            routes=tuple(facts["routes"]),
            only_routes=facts["only_routes"],
            volume=facts["volume"],
            repeats=facts["repeats"],
            air_seconds=facts["air_seconds"],
            siren=None if facts["siren"] is None else Siren(facts["siren"]),
            ruling=Ruling.from_facts(facts["approval"]),
            carriers=facts["carriers"],
            left_out=facts["left_out"],
            quiet=facts.get("quiet", ""),
            valid_until=datetime.fromisoformat(until) if (until := facts.get("valid_until")) else None,
        )


def is_planned(ebm_class: EbmClass) -> bool:
    """Whether plans speak of such messages: daily broadcasts have schedules instead."""
    return ebm_class is not EbmClass.DAILY
