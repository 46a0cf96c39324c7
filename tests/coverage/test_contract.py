"""Bodies of the coverage calls: the shape that integrators rely on."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError
from pydantic.json_schema import models_json_schema

from gateway.coverage.contract import (
    CoverageBody,
    FigureBody,
    StandingBody,
    source_label,
    to_contract,
    to_standing_contract,
)
from gateway.coverage.figures import Rule
from gateway.coverage.model import MessageCoverage
from gateway.coverage.standing import standing
from gateway.domain.areas import PopulationSource
from gateway.domain.ladder import Evidence, EvidenceKind, Standing
from tests.coverage.town import CITY, Town

TOWN = Town((900, 400, 500), (3, 1, 0))
PLANNED_AT = 1_785_000_000.0


def _model() -> MessageCoverage:
    gazetteer = TOWN.gazetteer
    model = MessageCoverage(gazetteer.villages_in([CITY]), TOWN.terminals, gazetteer, planned_at=PLANNED_AT)
    model.apply(1, Evidence(EvidenceKind.PLAYING, PLANNED_AT + 1.2345, 1))
    model.apply(2, Evidence(EvidenceKind.PLAYING, PLANNED_AT + 1.5, 1, Standing.CLAIMED))
    model.apply(4, Evidence(EvidenceKind.SENT, PLANNED_AT + 2, 1, Standing.SENT))
    return model


def test_the_coverage_body_word_for_word() -> None:
    body = json.loads(to_contract(_model().snapshot(PLANNED_AT + 60)).model_dump_json())
    assert list(body) == [
        "as_of",
        "rule",
        "target",
        "reached",
        "answered",
        "states",
        "outcomes",
        "areas",
        "population_source",
        "estimate",
        "timeline",
    ]
    assert body["as_of"] == "2026-07-25T17:21:00Z"
    assert body["rule"] == "fraction"
    assert body["target"] == {"population": 1800, "villages": 3, "terminals": 4}
    assert body["reached"] == {
        "proven": {"population": 300, "share": 0.1667, "villages": 1, "terminals": 1},
        "claimed": {"population": 300, "share": 0.1667, "villages": 0, "terminals": 1},
        "sent": {"population": 400, "share": 0.2222, "villages": 1, "terminals": 1},
    }
    assert body["answered"] == {"population": 600, "share": 0.3333, "villages": 1, "terminals": 2}
    assert body["states"] == {"planned": 1, "sent": 1, "acknowledged": 0, "playing": 2, "played": 0}
    assert body["outcomes"]["open"] == 4
    assert len(body["outcomes"]) == 8
    assert body["population_source"] == "census split evenly (2020-11-01)"
    assert body["estimate"] is True
    assert body["timeline"] == [
        {"t": "2026-07-25T17:20:00Z", "proven": 0, "claimed": 0, "sent": 0, "answered": 0},
        {"t": "2026-07-25T17:20:01.234000Z", "proven": 300, "claimed": 0, "sent": 0, "answered": 300},
        {"t": "2026-07-25T17:20:01.500000Z", "proven": 300, "claimed": 300, "sent": 0, "answered": 600},
        {"t": "2026-07-25T17:20:02Z", "proven": 300, "claimed": 300, "sent": 400, "answered": 600},
    ]


def test_each_county_has_its_own_figures() -> None:
    body = json.loads(to_contract(_model().snapshot(PLANNED_AT + 60, Rule.ANY)).model_dump_json())
    assert body["rule"] == "any"
    first, second = body["areas"]
    assert (first["code"], first["name"], first["unreached"]) == ("350502000000", "鲤城区", 1)
    assert first["target"] == {"population": 1400, "villages": 2, "terminals": 3}
    assert first["reached"]["proven"] == {"population": 900, "share": 0.6429, "villages": 1, "terminals": 1}
    assert second["states"] == {"planned": 0, "sent": 1, "acknowledged": 0, "playing": 0, "played": 0}


def test_a_body_is_read_back_as_itself_and_refuses_what_it_does_not_know() -> None:
    body = to_contract(_model().snapshot(PLANNED_AT + 60))
    assert CoverageBody.model_validate_json(body.model_dump_json()) == body
    with pytest.raises(ValidationError, match="share"):
        FigureBody(population=1, share=1.2, villages=0, terminals=0)
    with pytest.raises(ValidationError, match="extra"):
        FigureBody.model_validate({"population": 1, "share": 0, "villages": 0, "terminals": 0, "people": 1})


def test_the_models_describe_themselves_for_openapi() -> None:
    _, schema = models_json_schema([(CoverageBody, "serialization"), (StandingBody, "serialization")])
    coverage = schema["$defs"]["CoverageBody"]
    assert set(coverage["required"]) == set(CoverageBody.model_fields)
    assert coverage["properties"]["rule"]["enum"] == ["fraction", "any"]
    assert coverage["properties"]["timeline"]["maxItems"] == 500


def test_the_standing_body_carries_rule_numerator_and_denominator() -> None:
    result = standing(TOWN.gazetteer, CITY, [(area, True) for area in TOWN.terminals.values()], as_of=PLANNED_AT)
    body = json.loads(to_standing_contract(result).model_dump_json())
    assert list(body) == ["as_of", "area", "areas", "drilled_at", "population_source", "estimate"]
    assert body["area"]["planned"] == {
        "rule": "planned",
        "formula": "Σ P·[N ≥ 1] / Σ P",
        "unit": "people",
        "numerator": 1300,
        "denominator": 1800,
        "share": 0.7222,
    }
    assert body["area"]["key_villages"] is None
    assert [area["name"] for area in body["areas"]] == ["鲤城区", "安溪县"]
    assert body["estimate"] is True


def test_a_source_without_a_date_is_named_alone() -> None:
    assert source_label(PopulationSource("census", "", estimate=False)) == "census"
