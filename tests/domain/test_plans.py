"""Plans: which one holds, what follows from it, and that a scheme survives the store."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.approval import ApprovalRules, Asks, Ruling, Weighed
from gateway.domain.codes import AreaCode
from gateway.domain.plans import Case, Plan, Scheme, Siren, matching
from gateway.domain.receiver import IP_ROUTE, Route, RouteKind
from gateway.domain.warning import Severity, Status
from gateway.errors import InvalidValueError

CITY, COUNTY, TOWN = map(AreaCode, ("350500000000", "350524000000", "350524100000"))
OTHER = AreaCode("350521000000")
BUS, BUS2, HILL = Route(RouteKind.SERIAL, "bus"), Route(RouteKind.SERIAL, "bus2"), Route(RouteKind.RDS, "hill")
RAIN = Case("11B03", Severity.ORANGE, (TOWN,), Status.ACTUAL, "weather")


def names(*plans: Plan, case: Case = RAIN) -> list[str]:
    return [plan.name for plan in matching(plans, case)]


def test_the_closest_wins_by_event_then_area_then_severity_then_publisher_then_status() -> None:
    ladder = [
        Plan("everything"),
        Plan("status", statuses=(Status.ACTUAL,)),
        Plan("publisher", publishers=("weather",)),
        Plan("two-severities", severities=(Severity.ORANGE, Severity.RED)),
        Plan("one-severity", severities=(Severity.ORANGE,)),
        Plan("city", areas=(CITY,)),
        Plan("county", areas=(COUNTY,)),
        Plan("any-event", events=("*",), areas=(TOWN,)),
        Plan("group", events=("11*",)),
        Plan("longer-group", events=("11B*",)),
        Plan("longest-group", events=("11B0*",)),
        Plan("exact", events=("11B03",)),
    ]
    assert names(*ladder) == [plan.name for plan in reversed(ladder)]


def test_two_that_fit_alike_are_told_apart_by_name_whatever_their_order() -> None:
    a, b = Plan("a", events=("11B03", "11B01")), Plan("b", events=("11B03",))
    assert names(a, b) == names(b, a) == ["a", "b"]


@pytest.mark.parametrize(
    "plan",
    [
        Plan("x", events=("11B01", "11A*")),
        Plan("x", severities=(Severity.RED,)),
        Plan("x", statuses=(Status.TEST,)),
        Plan("x", publishers=("water",)),
        Plan("x", areas=(OTHER,)),
        Plan("x", areas=(AreaCode("350524100001"),)),
    ],
)
def test_what_does_not_hold_is_not_chosen(plan: Plan) -> None:
    assert names(plan) == []


def test_a_plan_holds_where_its_divisions_hold_every_area_and_counts_by_the_widest_that_it_needed() -> None:
    both = Case("11B03", Severity.ORANGE, (TOWN, OTHER))
    assert names(Plan("county", areas=(COUNTY,)), case=both) == []
    mixed = Plan("a-mixed", areas=(CITY, TOWN))
    assert names(mixed, Plan("counties", areas=(COUNTY, OTHER)), case=both) == ["counties", "a-mixed"]
    assert names(mixed, Plan("counties", areas=(COUNTY, OTHER))) == ["a-mixed", "counties"]


def test_routes_are_put_in_order_and_left_out_only_where_the_plan_says_so() -> None:
    own = (HILL, BUS, IP_ROUTE, BUS2)
    ordered = Scheme(routes=("serial:bus2", "ip", "serial"))
    assert ordered.route_order(own) == (BUS2, IP_ROUTE, BUS, HILL)
    only = Scheme(routes=("ip", "ts"), only_routes=True)
    assert only.route_order(own) == (IP_ROUTE,)
    assert only.route_order((BUS, HILL)) == ()
    assert Scheme().route_order(own) == own


def test_a_plan_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="volume"):
        Plan("x", volume=101)
    with pytest.raises(InvalidValueError, match="only_routes"):
        Plan("x", only_routes=True)


schemes = st.builds(
    Scheme,
    plan=st.text(max_size=8),
    title=st.text(max_size=8),
    others=st.lists(st.text(max_size=4), max_size=2).map(tuple),
    routes=st.lists(st.sampled_from(["ip", "serial:bus", "rds"]), max_size=3).map(tuple),
    only_routes=st.booleans(),
    volume=st.none() | st.integers(0, 100),
    repeats=st.none() | st.integers(1, 20),
    air_seconds=st.none() | st.integers(10, 86400),
    siren=st.none() | st.sampled_from(Siren),
    ruling=st.builds(Ruling, st.booleans(), st.lists(st.text(max_size=4), max_size=2).map(tuple), st.text(max_size=4)),
    carriers=st.dictionaries(st.sampled_from(["ip", "rds:hill"]), st.integers(0, 9)),
    left_out=st.integers(0, 9),
)


@given(schemes)
def test_a_scheme_comes_back_from_the_store_as_it_was(scheme: Scheme) -> None:
    assert Scheme.from_facts(json.loads(json.dumps(scheme.facts()))) == scheme


def test_a_message_from_before_there_were_plans_has_the_empty_scheme() -> None:
    assert Scheme.from_facts(None) == Scheme()


# -- approval


def weighed(**fields: object) -> Weighed:
    base = {
        "publisher": "weather", "severity": Severity.ORANGE, "status": Status.ACTUAL, "people": 1000, "divisions": 2,
    }  # fmt: skip
    return Weighed(**{**base, **fields})  # type: ignore[arg-type]


def test_nothing_asks_for_a_person_unless_a_rule_does() -> None:
    assert ApprovalRules().rule(weighed()) == Ruling()


def test_level_one_is_automatic_over_every_rule_but_the_key() -> None:
    strict = ApprovalRules(severities=tuple(Severity), people=1, role="leader")
    red = weighed(severity=Severity.RED)
    assert strict.rule(red, Asks.SECOND) == Ruling(False, ("level_one",))
    assert strict.rule(weighed(severity=Severity.RED, key_asks=True)) == Ruling(True, ("key",), "leader")
    drill = strict.rule(weighed(severity=Severity.RED, status=Status.EXERCISE))
    assert drill.needed and "level_one" not in drill.reasons
    assert ApprovalRules(red_automatic=False, severities=(Severity.RED,)).rule(red).needed


def test_a_plan_may_lift_every_rule_but_the_key_or_ask_by_itself() -> None:
    rules = ApprovalRules(publishers=("weather",), divisions=1)
    assert rules.rule(weighed(), Asks.AUTOMATIC) == Ruling(False, ("plan",))
    assert rules.rule(weighed(key_asks=True), Asks.AUTOMATIC).needed
    assert ApprovalRules(role="duty").rule(weighed(), Asks.SECOND, "leader") == Ruling(True, ("plan",), "leader")


def test_every_reason_is_named() -> None:
    rules = ApprovalRules(
        publishers=("weather",), severities=(Severity.ORANGE,), statuses=(Status.ACTUAL,), people=999, divisions=1
    )
    assert rules.rule(weighed()).reasons == ("publisher", "severity", "status", "people", "divisions")
    assert not ApprovalRules(people=1000, divisions=2).rule(weighed()).needed
