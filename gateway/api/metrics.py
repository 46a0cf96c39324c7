"""Metrics 指标 for Prometheus: plain counters of the rooms, read when somebody asks and never before."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from gateway.api.routes import Call
from gateway.api.services import Services
from gateway.dispatch.state import WIRE_BUCKETS

MEDIA_TYPE = "text/plain"


async def get_metrics(call: Call) -> web.Response:
    """GET /metrics."""
    registry = CollectorRegistry()
    registry.register(RoomsCollector(call.rooms.services, call.rooms.watch.listeners))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _counter(name: str, words: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"ebgw_{name}", words, value=value)


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ebgw_{name}", words, value=value)


class RoomsCollector(Collector):
    """Turns counters into metric families."""

    def __init__(self, services: Services, listeners: int) -> None:
        self._services = services
        self._listeners = listeners

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield from self._dispatch()
        yield from self._links()
        yield from self._store()

    def _dispatch(self) -> Iterator[Metric]:
        state = self._services.dispatch.state
        counts = state.counters
        yield _counter("warnings", "Warnings taken in, repeats not counted", counts.warnings)
        yield _counter("messages", "Messages made", counts.messages)
        yield _counter("orders", "Orders made, each with one signature", counts.orders)
        yield _counter("attempts", "Frames handed to links", counts.frames_sent)
        yield _counter("attempts_repeated", "Same bytes again after silence or a hurt frame", counts.repeats)
        yield _counter("sessions_renewed", "Starts and stops signed anew for a terminal", counts.renewals)
        yield _counter("deliveries_given_up", "Terminals left until they connect again", counts.given_up)
        yield _counter("answers_unknown_session", "Answers to nothing we asked", counts.answers_unknown_session)
        answers = CounterMetricFamily(
            "ebgw_answers", "General answers by result code, GD/J 089-2018 table D.12", labels=["result"]
        )
        for result, count in tuple(counts.answers_by_result.items()):
            answers.add_metric([str(result)], count)
        yield answers
        reports = CounterMetricFamily("ebgw_reports", "Reports of appendix E by what they say", labels=["kind"])
        for kind, count in tuple(counts.reports_by_kind.items()):
            reports.add_metric([kind], count)
        yield reports
        wire = HistogramMetricFamily(
            "ebgw_accept_to_wire_seconds", "From a whole request to the last frame written, for each broadcast"
        )
        bounds = [*(str(float(bound)) for bound in WIRE_BUCKETS), "+Inf"]
        sums, total = [], 0
        for count in counts.wire_counts:
            total += count
            sums.append(total)
        wire.add_metric([], list(zip(bounds, sums, strict=True)), counts.wire_seconds)
        yield wire
        messages = GaugeMetricFamily("ebgw_messages_live", "Messages in memory by state", labels=["state"])
        by_state: dict[str, int] = {}
        for live in tuple(state.messages.values()):
            by_state[live.state.value] = by_state.get(live.state.value, 0) + 1
        for word, count in by_state.items():
            messages.add_metric([word], count)
        yield messages
        alarms = GaugeMetricFamily("ebgw_alarms_open", "Open alarms by level", labels=["level"])
        levels: dict[str, int] = {"notice": 0, "warning": 0, "critical": 0}
        for alarm in state.alarms.open:
            levels[alarm.level.value] += 1
        for word, count in levels.items():
            alarms.add_metric([word], count)
        yield alarms
        yield _counter("signatures", "SM2 signatures made", self._services.signatures_made())

    def _links(self) -> Iterator[Metric]:
        hub = self._services.hub
        counts = hub.counters
        yield _gauge("terminals_registered", "Terminals of the registry", len(self._services.dispatch.state.registry))
        yield _gauge("terminals_online", "Terminals bound to a connection", len(hub.current))
        yield _gauge("connections_open", "Open connections of terminals, bound or not", len(hub.connections))
        yield _counter("connections", "Connections ever made", counts.connections)
        yield _counter("frames_in", "Whole frames read", counts.frames_in)
        yield _counter("heartbeats", "Heartbeats of appendix D", counts.heartbeats)
        yield _counter("bytes_skipped", "Bytes that belonged to no frame", counts.bytes_skipped)
        yield _counter(
            "slow_peers_dropped", "Connections dropped because they did not drain", counts.slow_peers_dropped
        )
        yield _counter("silent_peers_dropped", "Connections dropped without heartbeats", counts.silent_peers_dropped)
        faults = CounterMetricFamily("ebgw_frame_faults", "Frames refused, by reason", labels=["reason"])
        for reason, count in tuple(counts.faults.items()):
            faults.add_metric([reason], count)
        yield faults
        yield _gauge("event_listeners", "Open streams of events", self._listeners)

    def _store(self) -> Iterator[Metric]:
        store = self._services.store
        rows, receipts = store.pending
        yield _gauge("store_healthy", "1 while commits succeed", float(store.healthy))
        yield _gauge("store_rows_waiting", "Rows of calls that wait for their commit", rows)
        yield _gauge("store_receipts_waiting", "Receipts that wait for their commit", receipts)
        yield _gauge("store_receipts_packed", "Receipts that are committed and not yet rows", store.packed)
        yield _counter("store_commits", "Commits", store.commits)
        yield _counter("store_receipts_refused", "Receipts that the schema refused", store.refused_receipts)
