"""Aims 播发对象: whom a message for some divisions concerns, worked out once and kept until the registry changes.

An earthquake warning has no time to look at thousands of terminals: its areas are worked out before it comes.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.dispatch.plan import Group, group
from gateway.dispatch.registry import Registry
from gateway.domain.areas import Gazetteer
from gateway.domain.codes import AreaCode
from gateway.domain.receiver import IP_ROUTE, Profile, Route

#: Sets of divisions that are kept; a county's warnings name a few again and again.
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Aim:
    """Terminals in service in some divisions: their numbers, their routes where these are more than a connection of
    their own, terminals by first route, people, and all of them grouped as frames want them.
    """

    terminals: array[int]
    routes: Mapping[int, tuple[Route, ...]]
    carriers: Mapping[str, int]
    population: int
    groups: tuple[Group, ...]


class Aims:
    """Aims by divisions."""

    def __init__(self, registry: Registry, profiles: Mapping[str, Profile], gazetteer: Gazetteer) -> None:
        self._registry = registry
        self._profiles = profiles
        self._gazetteer = gazetteer
        self._version = -1
        self._found: OrderedDict[tuple[AreaCode, ...], Aim] = OrderedDict()

    def of(self, areas: Sequence[AreaCode]) -> Aim:
        """The aim of a message for these divisions; quick where they came before."""
        if self._version != self._registry.version:
            self._found.clear()
            self._version = self._registry.version
        key = tuple(areas)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._make(key)
            if len(self._found) > _KEPT:
                self._found.popitem(last=False)
        else:
            self._found.move_to_end(key)
        return found

    def warm(self, sets: Iterable[Sequence[AreaCode]]) -> None:
        """Work these out now."""
        for areas in sets:
            self.of(areas)

    def _make(self, areas: tuple[AreaCode, ...]) -> Aim:
        entries = self._registry.in_areas(areas)
        carriers: dict[str, int] = {}
        routes: dict[int, tuple[Route, ...]] = {}
        names: dict[int, str] = {}
        for entry in entries:
            own = entry.terminal.routes
            name = names.get(id(own))
            if name is None:
                name = names[id(own)] = str(own[0]) if own else ""
            if name:
                carriers[name] = carriers.get(name, 0) + 1
            if own != (IP_ROUTE,):
                routes[entry.id] = own
        return Aim(
            array("I", (entry.id for entry in entries)),
            routes,
            dict(sorted(carriers.items())),
            sum(self._gazetteer.population(area) for area in areas),
            tuple(group(entries, areas, self._profiles)),
        )


def among(groups: Iterable[Group], wanted: Mapping[int, object]) -> list[Group]:
    """The same groups with those terminals alone that are in ``wanted``."""
    found = []
    for one in groups:
        inside = tuple([terminal for terminal in one.terminals if terminal in wanted])
        if inside:
            found.append(Group(one.profile, one.targets, inside))
    return found
