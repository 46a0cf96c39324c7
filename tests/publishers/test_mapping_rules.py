"""The page of the mapping lists the rules that are at work, and each warning keeps what they made of it."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.domain.message import AirTime
from gateway.domain.warning import Severity, Warning
from gateway.publishers.mapping import assess
from gateway.publishers.mapping_rules import PAGE, RULES, written
from gateway.publishers.parse import parse_body
from gateway.publishers.profile import Limits, Profile
from gateway.publishers.reference import load_gazetteer, load_outlines
from tests.api.apikit import CAP, cap

AIR = AirTime({Severity.RED: 900, Severity.ORANGE: 900, Severity.YELLOW: 600, Severity.BLUE: 600})


def test_the_page_lists_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page, "python -m gateway.publishers.mapping_rules"
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_every_rule_but_those_of_other_areas_decides_on_an_alert() -> None:
    warning = parse_body(cap("M-1"), CAP, Profile.STRICT, Limits())
    assert isinstance(warning, Warning)
    gazetteer = load_gazetteer()
    found = assess(warning, datetime.now(UTC), gazetteer, load_outlines(gazetteer), AIR)
    assert found.facts is not None
    decided = {one.rule: one for one in found.decisions}
    assert {rule.id for rule in RULES} - decided.keys() == {"M15", "M16"}
    assert (decided["M01"].given, decided["M01"].result) == ("Actual", "4")
    assert decided["M14"].result == "350524000000"
    assert decided["M08"].result == found.facts.end.isoformat()
