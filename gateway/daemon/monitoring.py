"""Monitoring from the settings: alarms for what is wrong with a stream, and a record of what was measured."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

import structlog

from gateway.dispatch.alarms import Alarms
from gateway.errors import GatewayError
from gateway.programmes.monitor import MonitorFigures, MonitorTools
from gateway.programmes.monitor_options import MonitorEvent, MonitorOptions
from gateway.programmes.monitors import Monitors
from gateway.programmes.recorder import Shelf
from gateway.programmes.toolbox import Toolbox
from gateway.settings.monitor import MonitorSection
from gateway.store import Store
from gateway.store.rows import AuditRow, Json

log = structlog.get_logger(__name__)

#: Recordings, below the data folder.
FOLDER: Final = "monitor"
_DAY: Final = 86_400.0


def _noted(kept: asyncio.Future[None]) -> None:
    if not kept.cancelled() and (error := kept.exception()) is not None:
        log.warning("figures of a stream not kept", error=str(error))


def make_monitors(section: MonitorSection, folder: Path, toolbox: Toolbox, alarms: Alarms, store: Store) -> Monitors:
    """Monitoring that raises alarms, and keeps the last figures of each stream with the audit records."""
    options = MonitorOptions(**section.model_dump())

    def told(event: MonitorEvent) -> None:
        if event.active:
            alarms.raise_(event.kind.value, event.subject, f"{event.zh} {event.en}")
        else:
            alarms.clear(event.kind.value, event.subject)

    def closed(figures: MonitorFigures) -> None:
        loudness = None if figures.level is None else figures.level.integrated
        detail: dict[str, Json] = {
            "monitor": figures.id,
            "packets": figures.packets,
            "lost": figures.lost,
            "jitter_ms": round(figures.jitter * 1000, 1),
            "sound_seconds": round(figures.sound, 3),
            "integrated_lufs": loudness,
        }
        row = AuditRow(time.time(), f"adapter:{figures.link}", "monitored", figures.ebm_id, detail)
        try:
            store.submit(row).add_done_callback(_noted)
        except GatewayError as error:
            log.warning("figures of a stream not kept", monitor=figures.id, error=str(error))

    shelf = Shelf(folder / FOLDER, options.record_bytes, options.record_days * _DAY)
    return Monitors(MonitorTools(toolbox, options, shelf, time.time, time.monotonic, told), closed)
