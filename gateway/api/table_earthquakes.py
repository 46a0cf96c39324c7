"""The call about earthquake warnings 地震预警, a part of the table of calls."""

from __future__ import annotations

from typing import Final

from gateway.api import earthquakes
from gateway.api.routes import JSON, Body, Reply, Route
from gateway.publishers.quake_form import QuakeReport

_SAMPLE: Final = """\
{"event_id": "FJ20261127093012", "report": 1, "sent": "2026-11-27T09:30:16+08:00",
 "origin": "2026-11-27T09:30:12+08:00", "lat": 25.06, "lon": 118.19,
 "depth_km": 12, "magnitude": 5.8, "where": "福建安溪"}"""

EARTHQUAKES: Final = (
    Route(
        "POST",
        "/api/v1/earthquakes",
        earthquakes.post_earthquake,
        "地震预警一报，或撤销 one report of an earthquake warning, or its cancel",
        (
            Reply(202, "已播发 on disk, and on air", earthquakes.QuakeAnswer),
            Reply(
                200, "同一报，或已有更新的一报 the same report came before, or a newer one did", earthquakes.QuakeAnswer
            ),
        ),
        takes=(Body(JSON, QuakeReport, "一报 a report", _SAMPLE),),
        problems=(400, 404, 409, 413, 415, 422),
        words="密钥须有权限 (keys publisher add --earthquake)；不审核、不经预案，先于一切。同一事件的新一报取代前一报。"
        " Needs a key with that right; waits for nobody and goes before everything. A further report of the same event"
        " takes the place of the one before. docs/earthquake.md.",
    ),
)
