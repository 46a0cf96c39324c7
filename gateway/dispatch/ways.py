"""Ways 路由选择: which route a message takes to each terminal that has another than its own connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from gateway.dispatch.registry import Registry
from gateway.domain.plans import Scheme
from gateway.domain.receiver import IP_ROUTE, Route

#: Whether a route could carry something to this terminal now.
Usable = Callable[[int, Route], bool]


class Ways:
    """The routes of one message's terminals, by number; terminals that have their own connection alone are not here.

    A delivery is on one route at a time. A route that failed is not tried again until ``again`` says that it may be.
    """

    __slots__ = ("_failed", "_handed", "_now", "_routes", "_used")

    def __init__(self, routes: Mapping[int, tuple[Route, ...]] | None = None) -> None:
        self._routes = dict(routes or {})
        self._now: dict[int, Route] = {}
        self._failed: dict[int, set[Route]] = {}
        self._handed: set[int] = set()
        self._used: dict[int, set[Route]] = {}

    @classmethod
    def of(cls, registry: Registry, terminals: Iterable[int], scheme: Scheme | None = None) -> Ways:
        """The ways that the registry knows for these terminals, in the order that their scheme wants."""
        entries = (registry.get(terminal) for terminal in terminals)
        if scheme is None or not scheme.routes:
            return cls({e.id: e.terminal.routes for e in entries if e is not None and e.terminal.routes != (IP_ROUTE,)})
        ordered = ((e.id, scheme.route_order(e.terminal.routes)) for e in entries if e is not None)
        return cls({terminal: routes for terminal, routes in ordered if routes != (IP_ROUTE,)})

    def widen(self, other: Ways) -> None:
        """Take in the ways of terminals that came later."""
        self._routes.update(other._routes)

    def __bool__(self) -> bool:
        return bool(self._routes)

    def __contains__(self, terminal: int) -> bool:
        return terminal in self._routes

    def __iter__(self) -> Iterator[int]:
        return iter(self._routes)

    def now(self, terminal: int) -> Route | None:
        """The route that a terminal's delivery is on, None while there is none."""
        return self._now.get(terminal)

    def on_ip(self, terminal: int) -> bool:
        """Whether a start goes to it over its own connection."""
        return terminal not in self._routes or self._now.get(terminal) == IP_ROUTE

    def choose(self, terminal: int, usable: Usable) -> Route | None:
        """Put a delivery that is on no route on the first one that can carry it and has not failed."""
        failed = self._failed.get(terminal, ())
        for route in self._routes[terminal]:
            if route not in failed and usable(terminal, route):
                self.put(terminal, route)
                return route
        return None

    def put(self, terminal: int, route: Route, *, handed: bool = False) -> None:
        """Put a delivery on a route; ``handed``: its bearer has the start already."""
        self._now[terminal] = route
        if route != IP_ROUTE:
            self._used.setdefault(terminal, set()).add(route)
        if handed:
            self._handed.add(terminal)
        else:
            self._handed.discard(terminal)

    def fail(self, terminal: int, route: Route) -> bool:
        """Take a delivery off the route that it is on; False where it is on another one by now."""
        if self._now.get(terminal) != route:
            return False
        self._failed.setdefault(terminal, set()).add(route)
        del self._now[terminal]
        self._handed.discard(terminal)
        return True

    def again(self, terminal: int, route: Route) -> None:
        """A route has come back: it may be tried once more."""
        self._failed.get(terminal, set()).discard(route)

    def anew(self, terminal: int) -> None:
        """Every route may be tried once more."""
        self._failed.pop(terminal, None)

    def adrift(self) -> list[int]:
        """Terminals whose delivery is on no route."""
        return [terminal for terminal in self._routes if terminal not in self._now]

    def waiting(self) -> list[int]:
        """Terminals on a route of a bearer that has not been handed their start."""
        now, handed = self._now, self._handed
        return [t for t in self._routes if t not in handed and now.get(t, IP_ROUTE) != IP_ROUTE]

    def hand(self, terminals: Iterable[int]) -> None:
        """Their start is with the bearer."""
        self._handed.update(terminals)

    def on(self, route: Route) -> list[int]:
        """Terminals whose delivery is on ``route``."""
        return [terminal for terminal, now in self._now.items() if now == route]

    def used(self, terminal: int) -> frozenset[Route]:
        """Every route of a bearer that may have brought it the start: a stop must take all of them."""
        return frozenset(self._used.get(terminal, ()))

    def may_have_used_all(self, terminal: int) -> None:
        """After a crash: nobody knows which routes were taken, so any may have been."""
        if terminal in self._routes:
            self._used[terminal] = {route for route in self._routes[terminal] if route != IP_ROUTE}
