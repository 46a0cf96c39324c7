"""What the gateway says of each bearer, held against what the emulated terminals really did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.cli.demo_town import BEARERS
from gateway.domain.receiver import RouteKind

#: The best that can be known of a start on each bearer: who speaks for itself is proven, an adapter's word is a claim,
#: and a one-way link says nothing.
BEST: Final[Mapping[RouteKind, str]] = {
    RouteKind.IP: "proven",
    RouteKind.ADAPTER: "claimed",
    RouteKind.SERIAL: "proven",
    RouteKind.RDS: "sent",
    RouteKind.TS: "sent",
    RouteKind.MQTT: "proven",
    RouteKind.UDP: "proven",
}
_CLASSES: Final = ("proven", "claimed", "sent")


@dataclass(slots=True)
class Truth:
    """One message in the journals of the emulators of one link."""

    heard: dict[str, float] = field(default_factory=dict)
    played: Counter[str] = field(default_factory=Counter)
    answered: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, journal: str, ebm_id: str) -> Truth:
        """Read JSON Lines."""
        found = cls()
        for line in journal.splitlines():
            entry = json.loads(line)
            if entry["ebm_id"] != ebm_id:
                continue
            terminal, event = entry["terminal"], entry["event"]
            if event == "start_received":
                found.heard.setdefault(terminal, entry["t"])
            elif event == "playing":
                found.played[terminal] += 1
            elif event == "answered":
                found.answered.add(terminal)
        return found


def kind_of(route: str) -> RouteKind:
    """Kind of a route as the registry writes it."""
    return RouteKind(route.partition(":")[0])


def routes_taken(delivery: Mapping[str, Any]) -> list[str]:
    """Routes over which a start left, in order, each once."""
    return list(dict.fromkeys(start["route"] for start in delivery["starts"]))


def has_best(delivery: Mapping[str, Any], cut: str = "") -> bool:
    """Whether more cannot be known of this delivery on the route that it is on; ``cut`` is a route that was cut.

    On a bus a terminal says that it plays when asked, and never that it has played. Who had answered on a bus that was
    then cut can be asked no more.
    """
    route, reached = delivery["route"], delivery["reached"]
    if route is None:
        return False
    if route == cut:
        return delivery["times"]["acknowledged"] is not None
    match BEST[kind_of(route)]:
        case "proven":
            enough = delivery["rung"] == "played" or kind_of(route) is RouteKind.SERIAL
            return bool(reached == "proven" and enough)
        case "claimed":
            return reached in ("proven", "claimed") and delivery["times"]["ended"] is not None
        case _:
            return reached is not None


def seconds_after(moment: str, since: float) -> float:
    """From ``since`` (Unix seconds) to an RFC 3339 time."""
    return round(datetime.fromisoformat(moment).timestamp() - since, 3)


def contradictions(deliveries: Iterable[Mapping[str, Any]], truths: Mapping[str, Truth]) -> list[dict[str, str]]:
    """Where the gateway says more than a terminal did, or a terminal played a message twice on one way."""
    found: list[dict[str, str]] = []
    for delivery in deliveries:
        code = delivery["terminal"]
        taken = [(route, truths[route]) for route in routes_taken(delivery) if route in truths]
        played = [truth.played[code] for _, truth in taken]
        if delivery["reached"] in ("proven", "claimed") and not any(played):
            found.append({"terminal": code, "rule": f"{delivery['reached']}_and_never_played"})
        if delivery["times"]["acknowledged"] is not None and not any(_answered(code, *each) for each in taken):
            found.append({"terminal": code, "rule": "answered_and_never_answered"})
        if any(count > 1 for count in played):
            found.append({"terminal": code, "rule": "played_twice"})
    return found


def _answered(code: str, route: str, truth: Truth) -> bool:
    """An adapter answers for what is behind it, as soon as that has heard."""
    return code in (truth.heard if kind_of(route) is RouteKind.ADAPTER else truth.answered)


def by_bearer(
    deliveries: Sequence[Mapping[str, Any]],
    first_routes: Mapping[str, str],
    reachable: Collection[str],
    truths: Mapping[str, Truth],
    cut: str = "",
) -> dict[str, dict[str, Any]]:
    """Figures of each bearer, by the first route of each terminal: so every terminal counts once."""
    found: dict[str, dict[str, Any]] = {}
    for kind in BEARERS:
        own = [each for each in deliveries if kind_of(first_routes[each["terminal"]]) is kind]
        if own:
            found[kind.value] = _figures(kind, own, first_routes, reachable, truths, cut)
    return found


def _figures(
    kind: RouteKind,
    own: Sequence[Mapping[str, Any]],
    first_routes: Mapping[str, str],
    reachable: Collection[str],
    truths: Mapping[str, Truth],
    cut: str,
) -> dict[str, Any]:
    classes = Counter(delivery["reached"] for delivery in own)
    codes = {delivery["terminal"] for delivery in own}
    accepted = datetime.fromisoformat(own[0]["times"]["planned"]).timestamp()
    wires = [
        seconds_after(delivery["starts"][0]["at"], accepted)
        for delivery in own
        if delivery["starts"] and kind_of(delivery["starts"][0]["route"]) is kind
    ]
    here = [truth for route, truth in truths.items() if kind_of(route) is kind]
    heard = [at for truth in here for code, at in truth.heard.items() if code in codes]
    served = Counter(delivery["route"] for delivery in own if delivery["route"] is not None)
    return {
        "links": sorted({first_routes[code] for code in codes}),
        "best": BEST[kind],
        "terminals": len(own),
        "reachable": len(codes & set(reachable)),
        **{name: classes[name] for name in _CLASSES},
        "unreached": classes[None],
        "answered": sum(delivery["times"]["acknowledged"] is not None for delivery in own),
        "with_best": sum(has_best(delivery, cut) for delivery in own),
        "failed_over": sum(delivery["route"] not in (None, first_routes[delivery["terminal"]]) for delivery in own),
        "served_by": dict(sorted(served.items())),
        "accept_to_wire_ms": round(max(wires) * 1000) if wires else None,
        "first_frame_ms": round((min(heard) - accepted) * 1000) if heard else None,
        "played_in_truth": sum(any(truth.played[code] for truth in truths.values()) for code in codes),
    }
