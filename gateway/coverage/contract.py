"""Bodies of the coverage calls of the HTTP interface (design.md 5): what integrators may rely on.

The models make the OpenAPI description; ``to_contract`` and ``to_standing_contract`` fill them. People are whole,
shares 0..1 with four decimals, times RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.coverage.model import AreaCoverage, CoverageSnapshot
from gateway.coverage.standing import StandingCoverage
from gateway.domain.areas import PopulationSource


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True, extra="forbid")


class TargetBody(_Body):
    """What was asked for, villages without a terminal included."""

    population: int = Field(ge=0, description="people, residents")
    villages: int = Field(ge=0)
    terminals: int = Field(ge=0, description="terminals in service when the message was planned")


class FigureBody(_Body):
    """One class of evidence."""

    population: int = Field(ge=0, description="people, rounded once")
    share: float = Field(ge=0, le=1, description="of the target's people, four decimals")
    villages: int = Field(ge=0, description="villages whose best class this is")
    terminals: int = Field(ge=0)


class ReachedBody(_Body):
    """Three disjoint classes of terminals that play or played."""

    proven: FigureBody = Field(description="the terminal's own word, from a source bound to it")
    claimed: FigureBody = Field(description="the word of an adapter or platform, or of a source not bound")
    sent: FigureBody = Field(description="bytes handed to a one-way link and nothing more")


class AreaBody(_Body):
    """One county."""

    code: str = Field(pattern=r"^\d{12}$")
    name: str
    target: TargetBody
    reached: ReachedBody
    answered: FigureBody
    states: dict[str, int] = Field(description="terminals by rung")
    unreached: int = Field(ge=0, description="terminals in none of the three classes")


class PointBody(_Body):
    """Whole people at one instant."""

    t: AwareDatetime
    proven: int = Field(ge=0)
    claimed: int = Field(ge=0)
    sent: int = Field(ge=0)
    answered: int = Field(ge=0)


class CoverageBody(_Body):
    """Answer of GET /api/v1/warnings/{id}/coverage."""

    as_of: AwareDatetime
    rule: Literal["fraction", "any"]
    target: TargetBody
    reached: ReachedBody
    answered: FigureBody = Field(description="terminals that answered at all; beside the classes, never inside")
    states: dict[str, int] = Field(description="terminals by rung")
    outcomes: dict[str, int] = Field(description="terminals by how their last attempt stands")
    areas: list[AreaBody] = Field(description="by county")
    population_source: str = Field(description="name and date of the people figures")
    estimate: bool = Field(description="the people figures are an estimate and must be shown as one 演示估算")
    timeline: list[PointBody] = Field(max_length=500)


class RatioBody(_Body):
    """A ratio with its rule, so that it can be checked."""

    rule: str
    formula: str = Field(
        description="P people; N registered, O online terminals of a village, D proven in a drill, R with a way back"
    )
    unit: Literal["people", "villages"]
    numerator: int = Field(ge=0)
    denominator: int = Field(ge=0)
    share: float = Field(ge=0, le=1, description="four decimals")


class AreaStandingBody(_Body):
    """One division: terminals registered and online, and whom they serve."""

    code: str = Field(pattern=r"^\d{12}$")
    name: str
    population: int = Field(ge=0)
    villages: int = Field(ge=0)
    registered: int = Field(ge=0)
    online: int = Field(ge=0)
    planned: RatioBody
    strict: RatioBody
    live: RatioBody
    live_strict: RatioBody
    drilled: RatioBody = Field(
        description="上次演练证实: a terminal was proven to play in the last drill that was for it"
    )
    returning: RatioBody = Field(description="有回传终端的村: a terminal that can answer, GD/J 089-2018 appendix B")
    village_standard: RatioBody = Field(description="行政村达标率: two terminals or more")
    village_live: RatioBody
    key_villages: RatioBody | None
    key_villages_strict: RatioBody | None


class StandingBody(_Body):
    """Answer of GET /api/v1/coverage?area=."""

    as_of: AwareDatetime
    area: AreaStandingBody
    areas: list[AreaStandingBody] = Field(description="the divisions directly below")
    drilled_at: AwareDatetime | None = Field(description="最近一次演练 the newest drill that counts; null: none")
    population_source: str
    estimate: bool


def to_contract(snapshot: CoverageSnapshot) -> CoverageBody:
    """The answer of the coverage call."""
    return CoverageBody(
        as_of=_instant(snapshot.as_of),
        rule=snapshot.rule.value,
        target=TargetBody.model_validate(snapshot.target),
        reached=ReachedBody.model_validate(snapshot.reached),
        answered=FigureBody.model_validate(snapshot.answered),
        states={rung.label: count for rung, count in snapshot.states.items()},
        outcomes={outcome.value: count for outcome, count in snapshot.outcomes.items()},
        areas=[_area(area) for area in snapshot.areas],
        population_source=source_label(snapshot.source),
        estimate=snapshot.source.estimate,
        timeline=[
            PointBody(t=_instant(p.t), proven=p.proven, claimed=p.claimed, sent=p.sent, answered=p.answered)
            for p in snapshot.timeline
        ],
    )


def to_standing_contract(standing: StandingCoverage) -> StandingBody:
    """The answer of the standing coverage call."""
    return StandingBody(
        as_of=_instant(standing.as_of),
        area=AreaStandingBody.model_validate(standing.area),
        areas=[AreaStandingBody.model_validate(area) for area in standing.areas],
        drilled_at=None if standing.drilled_at is None else _instant(standing.drilled_at),
        population_source=source_label(standing.source),
        estimate=standing.source.estimate,
    )


def source_label(source: PopulationSource) -> str:
    """Name and date of the people figures, on one line."""
    return f"{source.name} ({source.date})" if source.date else source.name


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def _area(area: AreaCoverage) -> AreaBody:
    return AreaBody(
        code=str(area.code),
        name=area.name,
        target=TargetBody.model_validate(area.target),
        reached=ReachedBody.model_validate(area.reached),
        answered=FigureBody.model_validate(area.answered),
        states={rung.label: count for rung, count in area.states.items()},
        unreached=area.unreached,
    )
