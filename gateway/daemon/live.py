"""Live input from the settings: sources, alarms for what is wrong with them, the end of a message that has none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Final

from gateway.dispatch.alarms import AlarmLevel, Alarms
from gateway.programmes.live_cut import LiveTools
from gateway.programmes.live_options import LiveEvent, LiveOptions, PullSource, PushSource, RtpSource, Source
from gateway.programmes.live_room import LiveRoom
from gateway.programmes.options import SoundOptions
from gateway.programmes.recorder import Shelf
from gateway.programmes.toolbox import Toolbox
from gateway.settings.live import LivePull, LiveRtp, LiveSection
from gateway.settings.live import LiveSource as Setting

#: Recordings, below the data folder.
FOLDER: Final = "live"
_DAY: Final = 86_400.0


def make_live_room(
    section: LiveSection,
    sound: SoundOptions,
    toolbox: Toolbox,
    folder: Path,
    alarms: Alarms,
    on_over: Callable[[str, str, str], None],
) -> LiveRoom:
    """The live room; ``on_over`` is told that nothing more is to come for a message, and why."""
    options = LiveOptions(**{each.name: getattr(section, each.name) for each in fields(LiveOptions)})

    def told(event: LiveEvent) -> None:
        if event.active:
            text = f"{event.zh} {event.en}"
            alarms.raise_(event.kind.value, event.subject, text, AlarmLevel.CRITICAL)
        else:
            alarms.clear(event.kind.value, event.subject)

    shelf = Shelf(folder / FOLDER, options.record_bytes, options.record_days * _DAY)
    tools = LiveTools(toolbox, options, sound, shelf, time.monotonic, told, on_over)
    return LiveRoom({name: _source(one) for name, one in section.sources.items()}, tools)


def _source(one: Setting) -> Source:
    if isinstance(one, LiveRtp):
        return RtpSource(one.port, frozenset(one.hosts), one.host, one.title)
    if isinstance(one, LivePull):
        return PullSource(one.url, one.media_type, one.title)
    return PushSource(one.title)
