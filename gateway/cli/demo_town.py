"""The demo's town with every bearer: which county hears over what, and which terminals have a second way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import click

from gateway.domain.receiver import RouteKind

#: Bearers that the demo knows, in the order of its tables, with their names for people.
BEARERS: Final[Mapping[RouteKind, str]] = {
    RouteKind.IP: "IP 终端 IP",
    RouteKind.ADAPTER: "适配器 adapter",
    RouteKind.SERIAL: "串行总线 RS-485",
    RouteKind.RDS: "调频 RDS",
    RouteKind.TS: "有线电视 TS",
    RouteKind.MQTT: "消息代理 MQTT",
    RouteKind.UDP: "数据报 UDP",
}
#: Links of each kind, and the county (six digits) whose terminals are on them; all other counties have IP.
LINKS: Final[Mapping[RouteKind, tuple[str, ...]]] = {
    RouteKind.IP: (),
    RouteKind.ADAPTER: ("anxi",),
    RouteKind.SERIAL: ("huian-bus1", "huian-bus2"),
    RouteKind.RDS: ("dehua",),
    RouteKind.TS: ("yongchun",),
    RouteKind.MQTT: ("nanan",),
    RouteKind.UDP: ("quangang",),
}
COUNTIES: Final[Mapping[RouteKind, str]] = {
    RouteKind.ADAPTER: "350524",
    RouteKind.SERIAL: "350521",
    RouteKind.RDS: "350526",
    RouteKind.TS: "350525",
    RouteKind.MQTT: "350583",
    RouteKind.UDP: "350505",
}
#: Bit rates of the buses: one terminal answers after the other, so a few take some seconds.
BAUDS: Final[Mapping[str, int]] = {"huian-bus1": 4800, "huian-bus2": 9600}
ON_A_BUS: Final = 12
#: The bus that is cut, a slow one; its terminals have a second way.
CUT_BUS: Final = "huian-bus1"


class BearersType(click.ParamType["tuple[RouteKind, ...]"]):
    """A list of bearers with commas between them, or ``all``."""

    name = "BEARERS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[RouteKind, ...]:
        """Read it, in the order of the tables."""
        if isinstance(value, tuple):
            return value
        names = {part.strip() for part in str(value).split(",")}
        if names == {"all"}:
            return tuple(BEARERS)
        unknown = names - {kind.value for kind in BEARERS}
        if unknown:
            known = ", ".join(kind.value for kind in BEARERS)
            self.fail(f"{', '.join(sorted(unknown))}: 只能是 must be all, or some of {known}", param, ctx)
        return tuple(kind for kind in BEARERS if kind.value in names)


def assigned(rows: Iterable[dict[str, str]], kinds: Collection[RouteKind]) -> list[dict[str, str]]:
    """Rows of the registry with their routes, in order of preference; kinds that are not wanted fall to IP.

    Without IP only terminals of the other bearers are left.
    """
    seconds = [route for route in (_second(kind, kinds) for kind in (RouteKind.IP, RouteKind.RDS)) if route]
    counted = dict.fromkeys(RouteKind, 0)
    by_county = {county: kind for kind, county in COUNTIES.items() if kind in kinds}
    rest = RouteKind.IP.value if RouteKind.IP in kinds else ""
    found: list[dict[str, str]] = []
    for row in rows:
        kind = by_county.get(row["area"][:6], RouteKind.IP)
        number = counted[kind]
        counted[kind] += 1
        routes = _routes(kind, number, seconds) or rest
        if routes:
            found.append({**row, "routes": routes})
    return found


def _second(kind: RouteKind, kinds: Collection[RouteKind]) -> str:
    if kind not in kinds:
        return ""
    return f"{kind.value}:{LINKS[kind][0]}" if LINKS[kind] else kind.value


def _routes(kind: RouteKind, number: int, seconds: Sequence[str]) -> str:
    """Routes of the terminal with this number among those of its kind; empty where none of that kind has room."""
    links = LINKS[kind]
    if not links:
        return ""
    if kind is RouteKind.SERIAL:
        # Two of three on the first bus, which is cut, until both are full.
        turn, place = divmod(number, 3)
        link, place = (links[1], turn) if place == 2 else (links[0], 2 * turn + place)
        if place >= ON_A_BUS:
            return ""
        second = seconds[place % len(seconds)] if seconds and link == CUT_BUS else ""
    else:
        # Every other terminal behind the adapter has its own connection too.
        link, second = links[0], seconds[0] if kind is RouteKind.ADAPTER and number % 2 and seconds else ""
        second = second if second == RouteKind.IP.value else ""
    first = f"{kind.value}:{link}"
    return f"{first};{second}" if second else first
