"""Answers of the coverage calls, back as the values that the tables take."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from gateway.coverage.contract import (
    AreaBody,
    AreaStandingBody,
    CoverageBody,
    FigureBody,
    RatioBody,
    ReachedBody,
    StandingBody,
    TargetBody,
)
from gateway.coverage.figures import Figure, Reached, Rule, Target
from gateway.coverage.model import AreaCoverage, CoverageSnapshot, TimelinePoint
from gateway.coverage.standing import AreaStanding, Ratio, StandingCoverage
from gateway.domain.areas import PopulationSource
from gateway.domain.codes import AreaCode
from gateway.domain.ladder import Outcome, Rung
from gateway.errors import EnvironmentLackingError

_RUNGS = {rung.label: rung for rung in Rung}


def snapshot_of(answer: Any) -> CoverageSnapshot:
    """The answer of GET /api/v1/warnings/{id}/coverage; raise EnvironmentLackingError when it is of another version."""
    try:
        body = CoverageBody.model_validate(answer)
    except ValidationError as error:
        raise _other_version(error) from error
    return CoverageSnapshot(
        as_of=body.as_of.timestamp(),
        rule=Rule(body.rule),
        target=_target(body.target),
        reached=_reached(body.reached),
        answered=_figure(body.answered),
        states={_RUNGS[name]: count for name, count in body.states.items()},
        outcomes={Outcome(name): count for name, count in body.outcomes.items()},
        areas=tuple(map(_area, body.areas)),
        source=PopulationSource(body.population_source, "", body.estimate),
        timeline=tuple(
            TimelinePoint(point.t.timestamp(), point.proven, point.claimed, point.sent, point.answered)
            for point in body.timeline
        ),
    )


def standing_of(answer: Any) -> StandingCoverage:
    """The answer of GET /api/v1/coverage; raise EnvironmentLackingError when it is of another version."""
    try:
        body = StandingBody.model_validate(answer)
    except ValidationError as error:
        raise _other_version(error) from error
    return StandingCoverage(
        as_of=body.as_of.timestamp(),
        area=_standing(body.area),
        areas=tuple(map(_standing, body.areas)),
        source=PopulationSource(body.population_source, "", body.estimate),
        drilled_at=None if body.drilled_at is None else body.drilled_at.timestamp(),
    )


def _other_version(error: ValidationError) -> EnvironmentLackingError:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return EnvironmentLackingError(f"网关版本不符 / the gateway speaks another version: {where}: {first['msg']}")


def _target(body: TargetBody) -> Target:
    return Target(body.population, body.villages, body.terminals)


def _figure(body: FigureBody) -> Figure:
    return Figure(body.population, body.share, body.villages, body.terminals)


def _reached(body: ReachedBody) -> Reached:
    return Reached(_figure(body.proven), _figure(body.claimed), _figure(body.sent))


def _area(body: AreaBody) -> AreaCoverage:
    return AreaCoverage(
        code=AreaCode(body.code),
        name=body.name,
        target=_target(body.target),
        reached=_reached(body.reached),
        answered=_figure(body.answered),
        states={_RUNGS[name]: count for name, count in body.states.items()},
        unreached=body.unreached,
    )


def _ratio(body: RatioBody) -> Ratio:
    return Ratio(body.rule, body.formula, body.unit, body.numerator, body.denominator, body.share)


def _standing(body: AreaStandingBody) -> AreaStanding:
    return AreaStanding(
        code=AreaCode(body.code),
        name=body.name,
        population=body.population,
        villages=body.villages,
        registered=body.registered,
        online=body.online,
        planned=_ratio(body.planned),
        strict=_ratio(body.strict),
        live=_ratio(body.live),
        live_strict=_ratio(body.live_strict),
        drilled=_ratio(body.drilled),
        returning=_ratio(body.returning),
        village_standard=_ratio(body.village_standard),
        village_live=_ratio(body.village_live),
        key_villages=_ratio(body.key_villages) if body.key_villages else None,
        key_villages_strict=_ratio(body.key_villages_strict) if body.key_villages_strict else None,
    )
