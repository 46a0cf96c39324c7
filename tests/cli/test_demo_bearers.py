"""``ebgw demo --bearers all`` as a newcomer runs it, small; and what it judges by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from gateway.cli import demo_broker
from gateway.cli.demo_broker import kinds_here
from gateway.cli.demo_cut import Cut, failover
from gateway.cli.demo_evidence import Truth, by_bearer, contradictions, has_best
from gateway.cli.demo_folder import registry_rows
from gateway.cli.demo_town import BEARERS, COUNTIES, CUT_BUS, ON_A_BUS, BearersType, assigned
from gateway.domain.receiver import RouteKind
from gateway.errors import EnvironmentLackingError
from gateway.publishers.reference import load_gazetteer
from tests.cli.running import ebgw
from tests.devices.bearers import mosquitto_program

BUS = f"serial:{CUT_BUS}"
EBM = "3" * 35


@pytest.mark.timeout(120)
def test_one_warning_over_every_bearer_with_a_bus_cut_on_the_way(tmp_path: Path) -> None:
    mosquitto_program()
    done = ebgw("demo", "--terminals", 60, "--bearers", "all", "--json", "--keep", cwd=tmp_path, seconds=110)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["outcome"], result["contradictions"]) == ("complete", [])
    bearers, cut = result["bearers"], result["cut"]
    assert list(bearers) == [kind.value for kind in BEARERS]
    for name, each in bearers.items():
        classes = each["proven"] + each["claimed"] + each["sent"] + each["unreached"]
        assert classes == each["terminals"] == each["reachable"] == each["with_best"] > 0, name
        assert each["first_frame_ms"] >= 0, name
        assert each["accept_to_wire_ms"] >= 0, name
        assert each["failed_over"] == 0 or name == "serial"
    for kind in ("proven", "claimed", "sent"):
        whole = sum(each[kind] for each in bearers.values())
        assert whole == result["terminals"][kind] == result["coverage"]["reached"][kind]["terminals"]
    for name, kind in (("ip", "proven"), ("mqtt", "proven"), ("udp", "proven"), ("adapter", "claimed"), ("rds", "sent"),
                       ("ts", "sent")):  # fmt: skip
        assert bearers[name][kind] == bearers[name]["terminals"], name
    moved = sum(each["terminals"] for each in cut["moved"].values())
    assert cut["route"] == BUS
    assert cut["answered_before"] >= 1
    assert moved == bearers["serial"]["failed_over"] >= 1
    assert cut["answered_before"] + moved == cut["terminals"]
    assert all(each["with_best"] == each["terminals"] for each in cut["moved"].values())
    journals = _journals(Path(result["data_dir"]))
    rows = (Path(result["data_dir"]) / "registry.csv").read_text(encoding="utf-8").splitlines()[1:]
    on_bus = {row.split(",")[0] for row in rows if f",{BUS};" in row}
    assert len(journals[f"journal-serial-{CUT_BUS}"]["answered"] & on_bus) >= cut["answered_before"]
    # Who answered on the bus that was cut could not be asked; those of the other one were, and said that they play.
    assert bearers["serial"]["unreached"] == cut["answered_before"]
    assert len(journals["journal-serial-huian-bus2"]["query_received"]) == bearers["serial"]["terminals"] - len(on_bus)
    # Those who went to their own connections played there, and nobody of the bus was there before.
    assert len(journals["journal"]["playing"] & on_bus) == cut["moved"].get("ip", {"terminals": 0})["terminals"]
    assert bearers["mqtt"]["proven"] == len(journals["journal-mqtt-nanan"]["playing"])
    assert bearers["adapter"]["claimed"] == len(journals["journal-adapter-anxi"]["playing"])
    assert bearers["ts"]["sent"] == len(journals["journal-ts-yongchun"]["start_received"])
    for words in ("按承载", "断路", "转报", "huian-bus1", "unplugged", "best evidence"):
        assert words in done.stderr, words


def _journals(folder: Path) -> dict[str, dict[str, set[str]]]:
    """Who did what, by journal and event."""
    found: dict[str, dict[str, set[str]]] = {}
    for path in folder.glob("journal*.jsonl"):
        events = found.setdefault(path.stem, {})
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            events.setdefault(entry["event"], set()).add(entry["terminal"])
    return found


def test_each_county_has_its_bearer_and_the_rest_have_ip() -> None:
    rows = assigned(registry_rows(load_gazetteer(), 4021), tuple(BEARERS))
    assert len(rows) == 4021
    kinds: dict[str, set[str]] = {}
    for row in rows:
        kinds.setdefault(row["area"][:6], set()).add(row["routes"].split(";")[0].partition(":")[0])
    for kind, county in COUNTIES.items():
        assert kind.value in kinds[county]
    assert all(kinds[county] == {"ip"} for county in kinds if county not in COUNTIES.values())
    on_bus = [row["routes"] for row in rows if row["routes"].startswith(f"{BUS};")]
    assert len(on_bus) == ON_A_BUS
    assert {routes.partition(";")[2] for routes in on_bus} == {"ip", "rds:dehua"}
    assert {row["routes"] for row in rows if row["area"].startswith("350524")} == {"adapter:anxi", "adapter:anxi;ip"}


def test_bearers_that_are_not_wanted_fall_to_ip_or_are_left_out() -> None:
    everyone = registry_rows(load_gazetteer(), 400)
    with_ip = assigned(everyone, (RouteKind.IP, RouteKind.TS))
    assert {row["routes"] for row in with_ip} == {"ip", "ts:yongchun"}
    assert len(with_ip) == 400
    alone = assigned(everyone, (RouteKind.SERIAL,))
    assert {row["routes"] for row in alone} == {BUS, "serial:huian-bus2"}
    assert assigned(everyone, (RouteKind.IP,)) == everyone


def test_a_list_of_bearers_is_read_in_the_order_of_the_tables() -> None:
    kind = BearersType()
    assert kind.convert("all", None, None) == tuple(BEARERS)
    assert kind.convert("ts, ip", None, None) == (RouteKind.IP, RouteKind.TS)
    with pytest.raises(click.BadParameter, match="satellite"):
        kind.convert("ip,satellite", None, None)


def test_without_a_broker_mqtt_is_left_out_of_all_and_missed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_broker, "programs", lambda: None)
    assert kinds_here(tuple(BEARERS)) == tuple(kind for kind in BEARERS if kind is not RouteKind.MQTT)
    assert kinds_here((RouteKind.IP, RouteKind.UDP)) == (RouteKind.IP, RouteKind.UDP)
    with pytest.raises(EnvironmentLackingError, match="apt-get install mosquitto"):
        kinds_here((RouteKind.IP, RouteKind.MQTT))


def delivery(code: str, *routes: str, reached: str | None, rung: str, **times: str) -> dict[str, Any]:
    return {
        "terminal": code,
        "route": routes[-1] if routes else None,
        "starts": [{"at": f"2026-11-26T00:00:0{n}Z", "route": route} for n, route in enumerate(routes, 1)],
        "reached": reached,
        "rung": rung,
        "times": {"planned": "2026-11-26T00:00:00Z", "acknowledged": None, "ended": None, **times},
    }


@pytest.mark.parametrize(
    ("found", "best"),
    [
        (delivery("1", "ip", reached="proven", rung="played"), True),
        (delivery("1", "ip", reached="proven", rung="playing"), False),
        (delivery("1", "mqtt:nanan", reached="claimed", rung="played"), False),
        (delivery("1", "adapter:anxi", reached="claimed", rung="playing"), False),
        (delivery("1", "adapter:anxi", reached="claimed", rung="playing", ended="2026-11-26T00:00:04Z"), True),
        (delivery("1", "serial:b", reached=None, rung="sent"), False),
        (delivery("1", "serial:b", reached=None, rung="acknowledged", acknowledged="2026-11-26T00:00:01Z"), False),
        (delivery("1", "serial:b", reached="proven", rung="playing"), True),
        (delivery("1", BUS, reached=None, rung="acknowledged", acknowledged="2026-11-26T00:00:01Z"), True),
        (delivery("1", BUS, reached=None, rung="sent"), False),
        (delivery("1", "rds:dehua", reached="sent", rung="sent"), True),
        (delivery("1", reached=None, rung="planned"), False),
    ],
)
def test_the_best_evidence_depends_on_the_route(found: dict[str, Any], best: bool) -> None:
    assert has_best(found, cut=BUS) is best


def entry(terminal: str, event: str, ebm_id: str | None = EBM, at: float = 1.0) -> str:
    return json.dumps({"terminal": terminal, "event": event, "ebm_id": ebm_id, "t": at})


def test_what_no_terminal_did_contradicts_the_gateway() -> None:
    journal = "\n".join(
        [entry("1", "start_received"), entry("1", "answered"), entry("1", "playing"), entry("2", "playing", "other"),
         entry("3", "playing"), entry("3", "playing")]
    )  # fmt: skip
    truths = {"ip": Truth.of(journal, EBM), "adapter:anxi": Truth.of(entry("4", "start_received"), EBM)}
    acknowledged = {"acknowledged": "2026-11-26T00:00:01Z"}
    told = [
        delivery("1", "ip", reached="proven", rung="played", **acknowledged),
        delivery("2", "ip", reached="proven", rung="played", **acknowledged),
        delivery("3", "ip", reached="proven", rung="played"),
        delivery("4", "adapter:anxi", reached=None, rung="acknowledged", **acknowledged),
        delivery("5", "rds:dehua", reached="sent", rung="sent"),
    ]
    assert [(each["terminal"], each["rule"]) for each in contradictions(told, truths)] == [
        ("2", "proven_and_never_played"),
        ("2", "answered_and_never_answered"),
        ("3", "played_twice"),
    ]


def test_figures_count_each_terminal_with_its_first_route() -> None:
    planned = 1795651200.0  # 2026-11-26T00:00:00Z
    told = [
        delivery("1", BUS, reached=None, rung="acknowledged", acknowledged="2026-11-26T00:00:02Z"),
        delivery("2", BUS, "ip", reached="proven", rung="played"),
        delivery("3", BUS, reached=None, rung="sent"),
        delivery("4", "ip", reached="proven", rung="played"),
    ]
    first = {"1": BUS, "2": BUS, "3": BUS, "4": "ip"}
    truths = {BUS: Truth.of(entry("1", "start_received", at=planned + 0.25), EBM), "ip": Truth.of("", EBM)}
    figures = by_bearer(told, first, {"1", "2", "3", "4"}, truths, BUS)
    assert list(figures) == ["ip", "serial"]
    bus = figures["serial"]
    assert (bus["terminals"], bus["proven"], bus["unreached"], bus["answered"]) == (3, 1, 2, 1)
    assert (bus["failed_over"], bus["with_best"], bus["first_frame_ms"]) == (1, 2, 250)
    assert bus["served_by"] == {"ip": 1, BUS: 2}
    cut = failover(Cut(BUS, planned + 1.5, "unplugged", frozenset("1")), told, first)
    assert (cut["at_ms"], cut["terminals"], cut["answered_before"], cut["not_served"]) == (1500, 3, 1, 1)
    assert cut["moved"] == {"ip": {"terminals": 1, "with_best": 1, "first_start_ms": 500, "last_start_ms": 500}}
