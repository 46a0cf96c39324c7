"""Figures for monitors: right in form, and they move."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.apikit import Api
from tests.gatewaykit import BareTerminal, terminal, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def samples(api: Api) -> Samples:
    answer = await api.get("/metrics", None)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    found: Samples = {}
    for family in text_string_to_metric_families(answer.raw.decode()):
        assert family.documentation
        for sample in family.samples:
            assert sample.name.startswith("ebgw_")
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


async def test_a_broadcast_moves_the_figures(api: Api) -> None:
    of = terminal("350524100001")
    await api.register(of)
    before = await samples(api)
    assert before["ebgw_terminals_registered", ()] == 1
    assert before["ebgw_accept_to_wire_seconds_count", ()] == 0
    link = await BareTerminal.connect(api.gateway.ports.terminals, of)
    link.answer_with = 31
    await api.warn()
    answers = api.gateway.dispatch.state.counters.answers_by_result
    await until(lambda: answers.get(31) and api.gateway.dispatch.state.counters.accept_to_wire)
    after = await samples(api)

    def grew(name: str, *labels: tuple[str, str]) -> float:
        return after[name, labels] - before.get((name, labels), 0.0)

    assert grew("ebgw_warnings_total") == 1
    assert grew("ebgw_messages_total") == 1
    assert grew("ebgw_orders_total") == 1
    assert grew("ebgw_signatures_total") == 1
    assert grew("ebgw_attempts_total") == 1
    assert grew("ebgw_terminals_online") == 1
    assert grew("ebgw_answers_total", ("result", "31")) == 1
    assert grew("ebgw_accept_to_wire_seconds_count") == 1
    assert after["ebgw_messages_live", (("state", "active"),)] == 1
    assert after["ebgw_store_healthy", ()] == 1
    await link.close()


async def test_the_histogram_is_cumulative_and_ends_at_its_count(api: Api) -> None:
    counters = api.gateway.dispatch.state.counters
    for seconds in (0.004, 0.02, 0.3, 99.0):
        counters.on_wire(seconds)
    found = await samples(api)
    buckets = [value for (name, _), value in found.items() if name == "ebgw_accept_to_wire_seconds_bucket"]
    assert buckets == sorted(buckets)
    assert buckets[-1] == found["ebgw_accept_to_wire_seconds_count", ()]
    assert found["ebgw_accept_to_wire_seconds_sum", ()] >= 99.3
    assert buckets[-1] - buckets[-2] == 1


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
async def test_the_board_and_the_rules_name_metrics_that_are_served(api: Api, name: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "monitoring" / name).read_text(encoding="utf-8")
    asked = set(re.findall(r"\bebgw_[a-z_]+", text))
    served = set()
    for family in text_string_to_metric_families((await api.get("/metrics", None)).raw.decode()):
        more = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        served |= {f"{family.name}{ending}" for ending in more}
    assert len(asked) > 5 and asked <= served, asked - served
    if name.endswith("json"):
        board = json.loads(text)
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]) == 8
