"""Sound 声音 from the settings: programmes at addresses of their own, or none."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Final

from gateway.daemon.live import make_live_room
from gateway.dispatch.service import Dispatch
from gateway.dispatch.sound import NoSound
from gateway.dispatch.sounding import Form, Sounding, SoundPlan
from gateway.errors import NotFoundError, SettingsError, StateConflictError
from gateway.programmes.options import SoundOptions
from gateway.programmes.toolbox import Toolbox
from gateway.settings import Settings
from gateway.settings.library import LibrarySource
from gateway.settings.sound import SoundSection
from gateway.upstream.shared_library import Source

#: Who ends a live message that has no source any more, in the audit log.
LIVE_ACTOR: Final = "直播 live input"


def sound_options(section: SoundSection) -> SoundOptions:
    """How programmes are made, as the settings say."""
    return SoundOptions(**{each.name: getattr(section, each.name) for each in fields(SoundOptions)})


def recordings_folder(data_dir: Path) -> Path:
    """Where recorded files of the library lie."""
    return data_dir / "recordings"


def make_sound(settings: Settings, options: SoundOptions, toolbox: Toolbox, dispatch: Dispatch) -> Sounding | NoSound:
    """The room of sound; ``NoSound`` where it is switched off. Errors: SettingsError for a voice that is none."""
    section, state, data_dir = settings.sound, dispatch.state, settings.gateway.data_dir
    if not section.enabled:
        return NoSound()

    def over(ebm_id: str, zh: str, en: str) -> None:
        dispatch.sender.spawn(_end(dispatch, ebm_id, f"{zh} {en}"))

    plan = SoundPlan(
        form=Form(section.form),
        addresses=section.addresses,
        spare=section.spare,
        recordings=recordings_folder(data_dir),
        pull_base=section.pull_base,
        unicast_limit=section.unicast_limit,
        pull_listeners=section.pull_listeners,
        tail=section.tail_seconds,
        multicast_interface=section.multicast_interface,
    )
    live = make_live_room(settings.live, options, toolbox, data_dir, state.alarms, over)
    return Sounding(state, plan, options, data_dir / "sound", toolbox, live)


async def _end(dispatch: Dispatch, ebm_id: str, reason: str) -> None:
    """A live message has no source any more; a person may have ended it meanwhile."""
    with suppress(StateConflictError, NotFoundError):
        await dispatch.cancel(ebm_id, LIVE_ACTOR, reason)


def library_sources(settings: Mapping[str, LibrarySource]) -> list[Source]:
    """Libraries of other platforms. Errors: SettingsError for a key file that cannot be read."""
    found = []
    for name, each in settings.items():
        try:
            key = each.key_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError((f"library.{name}.key_file", f"cannot be read: {error}")) from error
        found.append(Source(name, each.url, key, each.every_seconds, each.patience_seconds))
    return found
