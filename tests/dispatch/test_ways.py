"""Which route a delivery is on: the first that can carry and has not failed, one at a time."""

from __future__ import annotations

from gateway.dispatch.registry import Entry, Registry
from gateway.dispatch.ways import Ways
from gateway.domain.receiver import IP_ROUTE, Route, RouteKind
from tests.gatewaykit import terminal

BUS, HILL = Route(RouteKind.SERIAL, "bus"), Route(RouteKind.RDS, "hill")


def everything(_terminal: int, _route: Route) -> bool:
    return True


def test_terminals_with_their_own_connection_alone_are_left_to_it() -> None:
    plain = terminal("350524100001")
    ways = Ways.of(Registry([Entry(1, plain)]), [1, 2])
    assert not ways and 1 not in ways
    assert ways.on_ip(1)


def test_the_first_usable_route_in_the_order_of_the_registry() -> None:
    ways = Ways({1: (IP_ROUTE, BUS, HILL)})
    assert ways.choose(1, lambda _, route: route != IP_ROUTE) == BUS
    assert ways.now(1) == BUS and not ways.on_ip(1)
    assert ways.waiting() == [1]
    ways.hand([1])
    assert ways.waiting() == [] and ways.on(BUS) == [1]


def test_a_route_that_failed_gives_way_and_is_not_taken_again_until_it_may() -> None:
    ways = Ways({1: (BUS, HILL)})
    assert ways.choose(1, everything) == BUS
    assert ways.fail(1, BUS)
    assert ways.adrift() == [1]
    assert ways.choose(1, everything) == HILL
    assert ways.fail(1, HILL)
    assert ways.choose(1, everything) is None
    ways.again(1, BUS)
    assert ways.choose(1, everything) == BUS


def test_a_failure_of_a_route_that_was_left_already_changes_nothing() -> None:
    ways = Ways({1: (BUS, HILL)})
    ways.choose(1, everything)
    ways.fail(1, BUS)
    ways.choose(1, everything)
    assert not ways.fail(1, BUS)
    assert ways.now(1) == HILL


def test_a_stop_takes_every_bearer_that_was_used_and_never_the_own_connection() -> None:
    ways = Ways({1: (IP_ROUTE, BUS, HILL)})
    for _ in range(3):
        route = ways.choose(1, everything)
        assert route is not None
        ways.fail(1, route)
    assert ways.used(1) == {BUS, HILL}
    ways = Ways({1: (IP_ROUTE, BUS, HILL)})
    assert ways.used(1) == frozenset()
    ways.may_have_used_all(1)
    assert ways.used(1) == {BUS, HILL}
